"""The realms of the tests: the one that is shipped with people and clients in it, and one of somebody else."""

import json
from pathlib import Path
from typing import Any

import infra

SHIPPED = Path(infra.__file__).parent / "keycloak" / "realm.json"
PASSWORD = "correct horse battery staple"
# Who is in it: name, roles, entity.
PEOPLE = {
    "vera": (["viewer"], None),
    "oleg": (["operator"], None),
    "erlan": (["engineer"], None),
    "aigerim": (["admin"], None),
    "kaisar": (["viewer"], "K"),
    "nobody": ([], None),
}
# Scripts get tokens by these: a client of the tests, one whose tokens are for somebody else, one whose end at once.
CLIENT, STRANGE, SHORT = "tests", "strange", "short"
PAGE_TOKEN_S = 14
SECRET = "a secret of the tests"


def realms() -> dict[str, dict[str, Any]]:
    """By their names."""
    ours: dict[str, Any] = json.loads(SHIPPED.read_text(encoding="utf-8"))
    ours["users"] = [_user(name, roles, entity) for name, (roles, entity) in PEOPLE.items()]
    ours["clients"] += [_client(CLIENT), _strange(), _client(SHORT, lifespan=1)]
    # Renewed again and again while a test looks.
    ours["clients"][0]["attributes"]["access.token.lifespan"] = str(PAGE_TOKEN_S)
    ours["clients"][0]["redirectUris"] = ["http://127.0.0.1:*", "http://127.0.0.1/*"]
    theirs = {**ours, "realm": "another", "clients": [_client(CLIENT)]}
    return {"tengerim": ours, "another": theirs}


def _user(name: str, roles: list[str], entity: str | None) -> dict[str, Any]:
    return {
        "username": name, "enabled": True, "emailVerified": True, "email": f"{name}@example.kz",
        "firstName": name.title(), "lastName": "Test", "realmRoles": roles,
        "attributes": {} if entity is None else {"entity": [entity]},
        "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
    }  # fmt: skip


def _client(name: str, lifespan: int | None = None) -> dict[str, Any]:
    return {
        "clientId": name, "secret": SECRET, "publicClient": False, "standardFlowEnabled": False,
        "directAccessGrantsEnabled": True, "serviceAccountsEnabled": True, "fullScopeAllowed": True,
        "defaultClientScopes": ["tengerim"],
        "attributes": {} if lifespan is None else {"access.token.lifespan": str(lifespan)},
    }  # fmt: skip


def _strange() -> dict[str, Any]:
    """Tokens of the same people, for another service."""
    mappers = {"oidc-audience-mapper": {"included.custom.audience": "elsewhere"}, "oidc-sub-mapper": {}}
    return {
        **_client(STRANGE), "defaultClientScopes": [],
        "protocolMappers": [
            {"name": kind, "protocol": "openid-connect", "protocolMapper": kind,
             "config": {"access.token.claim": "true", **config}}
            for kind, config in mappers.items()
        ],
    }  # fmt: skip
