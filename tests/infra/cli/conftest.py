"""A control room for the tests of `tengerim alarms`."""

from collections.abc import Iterator

import pytest

from infra.stack.stack import Addresses
from tests.infra.cli.room import Room, new_space, room_of


@pytest.fixture(scope="module")
def own_space(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A space for all tests of this file: making one takes long."""
    with new_space(stack, tmp_path_factory.mktemp("fleet")) as space:
        yield space


@pytest.fixture
def room(stack: Addresses, own_space: str, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.setenv("TENGERIM_SPACE", own_space)
    return room_of(stack, own_space)
