"""Tests of dashboards.api.access.issuer: keys are asked for once, again when they must be, and never in haste."""

from collections.abc import Iterator

import pytest

from dashboards.api.access import issuer as module
from dashboards.api.access.issuer import AwayError, Issuer
from tests.dashboards.api.access import issuing


@pytest.fixture
def server() -> Iterator[issuing.Issuer]:
    with issuing.issuing() as found:
        yield found


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as the test wants it."""
    found = [1000.0]
    monkeypatch.setattr("dashboards.api.access.issuer.time.monotonic", lambda: found[0])
    return found


async def test_keys_are_asked_for_once(server: issuing.Issuer, now: list[float]) -> None:
    issuer = Issuer(server.url)
    for _ in range(5):
        assert await issuer.key("first") is not None
    assert server.asked == {"openid-configuration": 1, "keys": 1}
    await issuer.close()


async def test_a_new_key_is_found_but_not_in_haste(server: issuing.Issuer, now: list[float]) -> None:
    issuer = Issuer(server.url)
    assert await issuer.key("first") is not None
    server.keys.append(issuing.new_key("ES256", "second"))
    assert await issuer.key("second") is None
    assert server.asked["keys"] == 1
    now[0] += module.AGAIN_S + 1
    assert await issuer.key("second") is not None
    for _ in range(20):
        assert await issuer.key("guessed") is None
    assert server.asked["keys"] == 2
    await issuer.close()


async def test_a_key_that_is_withdrawn_is_forgotten(server: issuing.Issuer, now: list[float]) -> None:
    issuer = Issuer(server.url)
    assert await issuer.key("first") is not None
    server.keys = [issuing.new_key("ES256", "second")]
    now[0] += module.FRESH_S + 1
    assert await issuer.key("first") is None
    await issuer.close()


async def test_while_it_is_away_known_keys_are_good_for_a_while(server: issuing.Issuer, now: list[float]) -> None:
    issuer = Issuer(server.url)
    assert await issuer.key("first") is not None
    server.away = True
    now[0] += module.FRESH_S + 1
    assert await issuer.key("first") is not None
    with pytest.raises(AwayError):
        await issuer.key("second")
    now[0] += module.KEPT_S
    with pytest.raises(AwayError, match=f"{server.url} does not answer"):
        await issuer.key("first")
    await issuer.close()


async def test_one_that_calls_itself_otherwise_is_not_believed(server: issuing.Issuer, now: list[float]) -> None:
    server.calls_itself = "http://127.0.0.1/another"
    issuer = Issuer(server.url)
    with pytest.raises(AwayError):
        await issuer.key("first")
    await issuer.close()


async def test_one_that_is_away_is_not_asked_in_haste(server: issuing.Issuer, now: list[float]) -> None:
    server.away, issuer = True, Issuer(server.url)
    for _ in range(5):
        with pytest.raises(AwayError):
            await issuer.metadata()
    assert server.asked == {"openid-configuration": 1}
    server.away = False
    now[0] += module.AGAIN_S + 1
    assert await issuer.key("first") is not None
    await issuer.close()


async def test_keys_for_other_purposes_and_of_unknown_kinds_are_none(server: issuing.Issuer, now: list[float]) -> None:
    first = server.keys[0].as_dict(private=False)
    found = module._keys_of(
        {
            "keys": [
                {**first, "kid": "enc", "use": "enc"}, {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
                {"kty": "new", "kid": "new"}, {"kty": "RSA", "kid": "broken"}, {**first, "kid": "good"}, "none",
            ]
        }
    )  # fmt: skip
    assert set(found) == {"good"}


@pytest.mark.parametrize("listed", [None, 7, "keys", {}], ids=repr)
def test_of_keys_that_are_no_list_there_is_none(listed: object) -> None:
    assert module._keys_of({"keys": listed}) == {}
