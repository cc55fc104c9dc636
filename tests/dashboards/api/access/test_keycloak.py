"""Tests of access against a real Keycloak: whom it knows is let in, and nobody else."""

from collections.abc import Iterator

import httpx
import pytest

from schemas.settings import Settings
from tests.dashboards.api.access.keycloak import Keycloak
from tests.dashboards.api.access.realms import STRANGE
from tests.dashboards.serving import serving

pytestmark = [pytest.mark.stack, pytest.mark.slow]
NOW = "/api/v1/now?kind=system"


@pytest.fixture(scope="module")
def asked(served: Settings, keycloak: Keycloak) -> Iterator[httpx.Client]:
    """Asks a server that asks Keycloak."""
    settings = served.model_copy(update={"oidc_issuer": keycloak.issuer})
    with serving(settings) as address, httpx.Client(base_url=address, timeout=20) as made:
        yield made


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_of_keycloak_lets_in(asked: httpx.Client, keycloak: Keycloak) -> None:
    answer = asked.get(NOW, headers=bearer(keycloak.token("vera")))
    assert (answer.status_code, set(answer.json()["nodes"])) == (200, {"system"})


@pytest.mark.parametrize(
    ("token", "status", "says"),
    [
        (lambda keycloak: keycloak.token("vera", realm="another"), 401, "no such key"),
        (lambda keycloak: keycloak.token("vera", client=STRANGE), 401, "not for tengerim (aud)"),
        (lambda keycloak: keycloak.id_token("vera"), 401, "(aud)"),
        (lambda keycloak: keycloak.token("vera")[:-8] + "AAAAAAAA", 401, "signature"),
        (lambda keycloak: keycloak.token("nobody"), 403, "none of the roles viewer, operator, engineer, admin"),
        (lambda keycloak: keycloak.machine_token(), 403, "none of the roles"),
    ],
    ids=["another-issuer", "another-audience", "id-token", "tampered", "no-role", "machine-without-role"],
)
def test_any_other_is_refused(asked: httpx.Client, keycloak: Keycloak, token: str, status: int, says: str) -> None:
    answer = asked.get(NOW, headers=bearer(token(keycloak)))  # type: ignore[operator]
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert says in answer.json()["detail"]
    assert answer.headers["www-authenticate"].startswith("Bearer ")
