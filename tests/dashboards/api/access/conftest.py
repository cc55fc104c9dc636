"""Issuers: a real Keycloak."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.stack import stack as local
from tests.dashboards.api.access.keycloak import Keycloak, running


@pytest.fixture(scope="module")
def keycloak(home: Path, say: local.Say, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    """One for all tests of a file."""
    with running(home, say, tmp_path_factory.mktemp("keycloak")) as found:
        yield found
