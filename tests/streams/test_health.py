"""Tests of streams.health."""

import time
from pathlib import Path

import psycopg
import pytest

from connectors.database import connect_async
from connectors.offsets import Place
from infra.stack.stack import Addresses
from schemas.topics import topics_of
from streams import owner
from streams.health import USUAL_S, Health
from streams.notifying import Notifier
from streams.owner import Owner
from streams.places import Message
from streams.rules_file import RulesFile

NOW_S = 1_772_452_800.0


class Idle(Owner):
    """Owns a partition and does nothing."""

    def __init__(self, url: str = "") -> None:
        super().__init__("alarm", topics_of("test").events, self._opened)
        self._url = url

    async def attempt(self, connection: psycopg.AsyncConnection, messages: list[Message]) -> None:
        raise AssertionError

    def forget(self) -> None:
        pass

    async def _opened(self) -> psycopg.AsyncConnection:
        return await connect_async(self._url)


class Clock:
    now = NOW_S


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(time, "time", lambda: found.now)
    return found


def watching(*, wall: bool = True, watched_s: float | None = NOW_S, rules: str = "") -> Health:
    idle = Idle()
    idle.places.places[0] = Place(0, 1, None if watched_s is None else round(watched_s * 1e6))
    found = Health(wall, Notifier("http://127.0.0.1:9"), RulesFile(rules))
    found.watch(idle)
    return found


def seconds(found: Health) -> dict[str, int]:
    return {part: ailment.seconds for part, ailment in found.ailing().items()}


def test_where_all_is_well_every_part_says_so(clock: Clock) -> None:
    assert seconds(watching()) == {"alertmanager": 0, "rules": 0, "database": 0, "clock": 0}


def test_a_time_that_stands_still_ails_by_how_far_it_is_behind(clock: Clock) -> None:
    found = watching()
    clock.now = NOW_S + USUAL_S
    assert seconds(found)["clock"] == 0
    clock.now = NOW_S + USUAL_S + 1
    assert found.ailing()["clock"].seconds == USUAL_S + 1
    assert "clock" in found.ailing()["clock"].says


def test_a_time_that_goes_on_is_well_again(clock: Clock) -> None:
    found = watching()
    clock.now = NOW_S + 200
    assert seconds(found)["clock"] == 200
    clock.now = NOW_S - 3600
    assert seconds(found)["clock"] == 0


@pytest.mark.parametrize("watched_s", [None, NOW_S - 86_400])
def test_what_passed_before_the_worker_began_is_not_counted(clock: Clock, watched_s: float | None) -> None:
    found = watching(watched_s=watched_s)
    assert seconds(found)["clock"] == 0
    clock.now = NOW_S + 100
    assert seconds(found)["clock"] == 100


def test_a_time_that_is_no_wall_clocks_is_not_compared_with_one(clock: Clock) -> None:
    found = watching(wall=False)
    clock.now = NOW_S + 10_000
    assert "clock" not in seconds(found)


def test_who_owns_nothing_judges_no_clock(clock: Clock) -> None:
    found = Health(True, Notifier("http://127.0.0.1:9"), RulesFile(""))
    found.watch(Idle())
    clock.now = NOW_S + 10_000
    assert set(found.ailing()) == {"alertmanager", "rules", "database"}


def test_wrong_rules_ail_with_what_is_wrong(clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text("- no rules")
    rules = RulesFile(str(tmp_path / "rules.yml"))
    rules.changed()
    found = Health(True, Notifier("http://127.0.0.1:9"), rules)
    assert "not a master alarm database" in found.ailing()["rules"].says


@pytest.mark.stack
async def test_an_outage_of_the_database_is_told_of_once_when_it_is_over(
    clock: Clock, stack: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(owner, "RETRY_S", (0.0,))
    found, idle = Health(True, Notifier("http://127.0.0.1:9"), RulesFile("")), Idle(stack.database)
    found.watch(idle)
    failures = 3

    async def work(connection: psycopg.AsyncConnection) -> None:
        nonlocal now, failures
        if failures:
            failures -= 1
            now += 70
            raise psycopg.OperationalError("the database is away")

    monkeypatch.setattr(idle, "upkeep", work)
    await idle.tend()
    # From the first failure to the success.
    assert found.ailing()["database"].seconds == 140
    assert found.ailing()["database"].seconds == 0
    await idle.close()
