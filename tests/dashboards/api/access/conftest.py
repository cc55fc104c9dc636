"""Issuers: a real Keycloak, and a small one of the tests with a server that asks it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.stack import stack as local
from schemas.settings import Settings
from tests.dashboards.api.access.issuing import Issuer, issuing
from tests.dashboards.api.access.keycloak import Keycloak, running
from tests.dashboards.serving import serving


@pytest.fixture(scope="module")
def keycloak(home: Path, say: local.Say, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    """One for all tests of a file."""
    with running(home, say, tmp_path_factory.mktemp("keycloak")) as found:
        yield found


@pytest.fixture(scope="module")
def place(served: Settings, keycloak: Keycloak) -> Iterator[str]:
    """Where a server is that asks Keycloak."""
    with serving(served.model_copy(update={"oidc_issuer": keycloak.issuer})) as address:
        yield address


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """One for all tests of a file."""
    with issuing() as found:
        yield found


@pytest.fixture(scope="module")
def asked(served: Settings, issuer: Issuer) -> Iterator[httpx.Client]:
    """Asks a server that asks the issuer, as a stranger."""
    with (
        serving(served.model_copy(update={"oidc_issuer": issuer.url})) as address,
        httpx.Client(base_url=address, timeout=20) as made,
    ):
        yield made
