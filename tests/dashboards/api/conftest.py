"""A server that asks who people are, and a small issuer that it believes."""

from collections.abc import Iterator

import httpx
import pytest

from schemas.settings import Settings
from tests.dashboards.api.access.issuing import Issuer, issuing
from tests.dashboards.serving import serving


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """One for all tests of a file."""
    with issuing() as found:
        yield found


@pytest.fixture(scope="module")
def asked_at(served: Settings, issuer: Issuer) -> Iterator[str]:
    """Where a server is that asks the issuer."""
    with serving(served.model_copy(update={"oidc_issuer": issuer.url})) as address:
        yield address


@pytest.fixture(scope="module")
def asked(asked_at: str) -> Iterator[httpx.Client]:
    """Asks it, as a stranger."""
    with httpx.Client(base_url=asked_at, timeout=20) as made:
        yield made
