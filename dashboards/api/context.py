"""What requests share."""

from dataclasses import dataclass

from connectors.readers import QuickReaders, Readers
from dashboards.api.access.audit import Audit
from dashboards.api.hub import Hub
from dashboards.api.rules import Rules
from schemas.settings import Settings

PREFIX = "/api/v1"


@dataclass(frozen=True)
class Context:
    """Settings, and ways to where the data are."""

    settings: Settings
    readers: Readers
    quick: QuickReaders
    hub: Hub
    audit: Audit
    rules: Rules
