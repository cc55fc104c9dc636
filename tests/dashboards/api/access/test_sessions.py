"""Tests of dashboards.api.access.sessions, with the real Redis."""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from dashboards.api.access.sessions import Session, Sessions
from dashboards.api.access.user import Role
from infra.stack.stack import Addresses

pytestmark = pytest.mark.stack


@pytest_asyncio.fixture
async def sessions(stack: Addresses, space: str) -> AsyncIterator[Sessions]:
    made = Sessions(stack.redis, space)
    yield made
    await made.close()


def session(name: str) -> Session:
    soon = time.time() + 60
    return Session(name=name, subject="1", role=Role.VIEWER, entity=None, until=soon, ends=soon)


async def test_a_session_is_found_by_its_number_until_it_ends(sessions: Sessions) -> None:
    number = await sessions.begin(session("vera"))
    found = await sessions.find(number)
    assert found is not None
    assert found.name == "vera"
    assert await sessions.end(number) == found
    assert await sessions.find(number) is None


async def test_what_is_renewed_takes_the_place_of_what_was(sessions: Sessions) -> None:
    number = await sessions.begin(session("vera"))
    assert await sessions.renew(number, session("Vera"))
    found = await sessions.end(number)
    assert found is not None
    assert found.name == "Vera"


async def test_who_has_logged_out_while_it_is_renewed_stays_out(sessions: Sessions) -> None:
    number = await sessions.begin(session("vera"))
    await sessions.end(number)
    assert not await sessions.renew(number, session("vera"))
    assert await sessions.find(number) is None
