"""A real Keycloak, and a server that asks it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.stack import stack as local
from schemas.settings import Settings
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
