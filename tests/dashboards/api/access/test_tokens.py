"""Tests of dashboards.api.access.tokens and guard: which tokens let in, on a server that asks for them."""

import base64
import json
import time
from typing import Any

import httpx
import pytest
from joserfc.jwk import Key, RSAKey

from dashboards.api.access.tokens import ALGORITHMS
from tests.dashboards.api.access.issuing import Issuer, encoded, new_key, resigned

pytestmark = pytest.mark.stack
NOW = "/api/v1/now?kind=system"


def moved(claims: dict[str, Any]) -> dict[str, Any]:
    """Claims whose instants are seconds from now."""
    now = int(time.time())
    return {name: now + value if isinstance(value, int) else value for name, value in claims.items()}


def ask(client: httpx.Client, token: str) -> httpx.Response:
    return client.get(NOW, headers={"Authorization": f"Bearer {token}"})


def test_a_good_token_lets_in(asked: httpx.Client, issuer: Issuer) -> None:
    answer = ask(asked, issuer.token())
    assert (answer.status_code, set(answer.json()["nodes"])) == (200, {"system"})


@pytest.fixture(autouse=True, scope="module")
def keys(issuer: Issuer) -> dict[str, Key]:
    """One for each algorithm, by its name."""
    found = {name: new_key(name, name) for name in ALGORITHMS}
    issuer.keys += found.values()
    return found


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_every_algorithm_that_is_allowed_is_understood(
    asked: httpx.Client, issuer: Issuer, keys: dict[str, Key], algorithm: str
) -> None:
    assert ask(asked, issuer.token(keys[algorithm])).status_code == 200


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"iss": "https://elsewhere"}, "not by http://127.0.0.1"),
        ({"iss": None}, "does not say iss"),
        ({"aud": "account"}, "not for tengerim (aud)"),
        ({"aud": ["account", "other"]}, "not for tengerim (aud)"),
        ({"aud": None}, "does not say aud"),
        ({"exp": -60}, "has expired"),
        ({"exp": None}, "does not say exp"),
        ({"exp": "later"}, "wrong in exp"),
        ({"nbf": 300}, "not valid now, or wrong in nbf"),
        ({"iat": 300}, "not valid now, or wrong in iat"),
        ({"sub": None}, "does not say sub"),
        ({"typ": "ID"}, "is not an access token"),
        ({"typ": "Refresh"}, "is not an access token"),
    ],
)
def test_a_wrong_claim_is_refused_and_named(
    asked: httpx.Client, issuer: Issuer, claims: dict[str, Any], says: str
) -> None:
    answer = ask(asked, issuer.token(**moved(claims)))
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert says in answer.json()["detail"]
    assert answer.headers["www-authenticate"].startswith('Bearer realm="tengerim", error="invalid_token", error_desc')


@pytest.mark.parametrize("claims", [{"aud": ["account", "tengerim"]}, {"exp": -5}, {"nbf": None}])
def test_what_is_right_enough_lets_in(asked: httpx.Client, issuer: Issuer, claims: dict[str, Any]) -> None:
    assert ask(asked, issuer.token(**moved(claims))).status_code == 200


def forged(issuer: Issuer, how: str) -> str:
    token, key = issuer.token(), issuer.keys[0]
    assert isinstance(key, RSAKey)
    header, claims, signature = token.split(".")
    admin = {**json.loads(base64.urlsafe_b64decode(claims + "==")), "realm_access": {"roles": ["admin"]}}
    match how:
        case "HS256 by the public key":
            return resigned(token, {"alg": "HS256", "kid": key.kid}, key.as_pem(private=False))
        case "no algorithm":
            return resigned(token, {"alg": "none", "kid": key.kid}, None)
        case "no algorithm, written otherwise":
            return resigned(token, {"alg": "nOnE", "kid": key.kid}, None)
        case "other claims":
            return f"{header}.{encoded(admin)}.{signature}"
        case "another key of the same name":
            return issuer.token(new_key("RS256", str(key.kid)))
        case "another algorithm than the key's":
            return issuer.token(RSAKey.import_key({**key.as_dict(private=True), "alg": "PS256"}))
        case "a key of its own within":
            own = new_key("RS256", "own")
            return issuer.token(own, {"jwk": own.as_dict(private=False)})
        case "no name of a key":
            return resigned(token, {"alg": "RS256"}, b"")
        case "a token of another kind":
            return issuer.token(header={"typ": "logout+jwt"})
        case "a header that must be understood":
            return issuer.token(header={"crit": ["unknown"], "unknown": "1"})
        case "a header of another type":
            return f"{encoded({'alg': 'RS256', 'kid': key.kid, 'crit': 1})}.{claims}.{signature}"
        case "cut":
            return token[: len(token) // 2]
    return how


@pytest.mark.parametrize(
    "how",
    [
        "HS256 by the public key", "no algorithm", "no algorithm, written otherwise", "other claims",
        "another key of the same name", "another algorithm than the key's", "a key of its own within",
        "no name of a key", "a token of another kind", "a header that must be understood",
        "a header of another type", "cut", "x", "a.b.c", "...",
    ],
)  # fmt: skip
def test_a_forged_token_is_refused(asked: httpx.Client, issuer: Issuer, how: str) -> None:
    answer = ask(asked, forged(issuer, how))
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json"), answer.text


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic dmVyYTp4"}, {"Authorization": "Bearer"}])
def test_without_a_token_it_says_that_one_is_needed(asked: httpx.Client, header: dict[str, str]) -> None:
    answer = asked.get(NOW, headers=header)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="tengerim"')
    assert "this needs a token" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"realm_access": {"roles": ["offline_access"]}}, "none of the roles viewer, operator, engineer, admin"),
        ({"realm_access": None}, "none of the roles"),
        ({"realm_access": "admin"}, "none of the roles"),
        ({"realm_access": {"roles": {"admin": 1}}}, "none of the roles"),
        ({"entity": ""}, "entity is not the code of one entity"),
        ({"entity": []}, "entity is not the code of one entity"),
        ({"entity": ["K", "L"]}, "entity is not the code of one entity"),
        ({"entity": 7}, "entity is not the code of one entity"),
    ],
)
def test_who_is_known_but_may_nothing_is_told_what_is_missing(
    asked: httpx.Client, issuer: Issuer, claims: dict[str, Any], says: str
) -> None:
    answer = ask(asked, issuer.token(**claims))
    assert (answer.status_code, says in answer.json()["detail"]) == (403, True)
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
