"""The stack as one: up, down, status, wipe; and, for tests, the outage of a single server."""

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from infra.stack import ports
from infra.stack.error import StackError as StackError
from infra.stack.part import Part, UnhealthyError
from infra.stack.root import LINKS, remove
from infra.stack.state import KINDS, NAMES, NEEDED, NOWHERE, State, read, write
from infra.stack.state import Addresses as Addresses
from infra.stack.tansu import Tansu

Say = Callable[[str], None]

# All that is made in a home: what takes long to get, and the rest.
PROGRAMS = frozenset({"root", "root.new", "kafka", "tansu", "tansu.new"})
WORKINGS = frozenset({*LINKS, "conf", "data", "demo", "logs", "run", "targets", "lock", "stack.json", "stack.json.new"})


@dataclass(frozen=True)
class PartStatus:
    """One line of the status."""

    name: str
    title: str
    version: str
    address: str  # without password
    state: Literal["runs", "given", "stopped", "silent", "absent"]
    detail: str = ""
    optional: bool = False


def up(home: Path, given: Addresses, say: Say) -> Addresses:
    """Bring up every part that is not given elsewhere, check all; where they are. Raises StackError."""
    home = home.absolute()
    for name in NAMES:
        if address := getattr(given, name):
            _check_given(name, address)
    with _locked(home, say):
        return _up(home, given, say)


def _up(home: Path, given: Addresses, say: Say) -> Addresses:
    before = read(home)
    wanted = [name for name in NAMES if not getattr(given, name) and before.part(name).is_there()]
    alive = {name for name in wanted if before.part(name).process.pid() is not None}
    if "kafka" in alive:
        alive.add("kafka_controller")
    chosen = ports.choose(before.ports, frozenset(alive))
    planned = State(home, chosen, given)
    addresses = replace(given, **{name: planned.part(name).address for name in wanted})
    state = replace(planned, addresses=addresses)
    for folder in (home, home / "data", home / "conf", home / "targets"):
        folder.mkdir(exist_ok=True)
        # The servers' own user must get through, whatever the umask.
        folder.chmod(0o755)
    with ThreadPoolExecutor() as pool:
        others = pool.submit(_install, [state.part(name) for name in wanted if name in NEEDED and name != "kafka"], say)
        if "kafka" in wanted:
            state = replace(state, stand_in=_install_broker(state, say))
        others.result()
        write(state)
        for started in [pool.submit(state.part(name).start, say) for name in wanted if name in NEEDED]:
            started.result()
    for name in wanted:
        if name not in NEEDED and not _started(state.part(name), say):
            addresses = replace(addresses, **{name: ""})
            write(replace(state, addresses=addresses))
    return addresses


def _started(part: Part, say: Say) -> bool:
    """Install and start a part that nothing depends on; whether it serves."""
    try:
        part.install(say)
        part.start(say)
    except StackError as error:
        say(f"{part.name}: everything else works without it. {error}")
        return False
    return True


def _install(parts: Sequence[Part], say: Say) -> None:
    for part in parts:
        part.install(say)


def _install_broker(state: State, say: Say) -> bool:
    """Install Kafka, or the stand-in where it cannot be had; whether it is the stand-in."""
    try:
        state.part("kafka").install(say)
    except StackError as error:
        say(f"kafka: {error}")
        try:
            Tansu(state.home, state.ports).install(say)
        except StackError as second:
            raise StackError(f"{error}\nNor is there a stand-in for Kafka: {second}") from error
        return True
    return False


def running(home: Path) -> Addresses | None:
    """The addresses of the stack that was brought up in `home`; None where none was, or it was taken down."""
    addresses = read(home).addresses
    return addresses if addresses != NOWHERE else None


def broker_is_kafka(home: Path) -> bool:
    """Whether the stack's broker is Kafka itself, not the stand-in that forgets everything when it stops."""
    return not read(home).stand_in


def down(home: Path, say: Say) -> None:
    """Stop every part that runs from `home`; its data stays."""
    with _locked(home, say):
        _down(home, say)


def _down(home: Path, say: Say) -> None:
    state = read(home)
    parts = [state.part(name) for name in NAMES]
    with ThreadPoolExecutor() as pool:
        for part, stopped in zip(parts, pool.map(lambda part: part.stop(), parts), strict=True):
            if stopped:
                say(f"{part.name}: stopped")
    write(replace(state, addresses=NOWHERE))


def wipe(home: Path, say: Say, *, everything: bool = False) -> None:
    """Stop the stack and remove its data; with `everything` also the programs, so that nothing of it is left."""
    with _locked(home, say):
        _down(home, say)
        for name in (WORKINGS | PROGRAMS if everything else WORKINGS) - {"lock", "stack.json"}:
            remove(home / name)
        if everything:
            # By the lock a home is known as one: it goes last.
            for name in ("stack.json", "lock"):
                remove(home / name)
    say(f"removed {'everything' if everything else 'the data'} in {home}")


def status(home: Path, given: Addresses) -> list[PartStatus]:
    """What runs, and where. Never raises."""
    state = read(home)
    return [_status(state.part(name), getattr(given, name)) for name in NAMES]


def _status(part: Part, given: str) -> PartStatus:
    if not given and part.process.pid() is None:
        if not part.is_there():
            return PartStatus(part.name, part.title, "", "", "absent", optional=part.optional)
        return PartStatus(part.name, part.title, part.version, part.address, "stopped", optional=part.optional)
    address = given or part.address
    try:
        version = part.probe(address) or ("" if given else part.version)
    except UnhealthyError as error:
        return PartStatus(part.name, part.title, part.version, _public(address), "silent", str(error), part.optional)
    state: Literal["given", "runs"] = "given" if given else "runs"
    return PartStatus(part.name, part.title, version, _public(address), state, optional=part.optional)


def start(home: Path, name: str, say: Say) -> None:
    """Start one part of a stack that is up."""
    _ours(home, name).start(say)


def stop(home: Path, name: str) -> None:
    """Stop one part in order, the others stay."""
    _ours(home, name).stop()


def kill(home: Path, name: str) -> None:
    """Stop one part as a power cut would."""
    _ours(home, name).kill()


def restart(home: Path, name: str, say: Say) -> None:
    """Stop one part in order and start it again at the same address."""
    part = _ours(home, name)
    part.stop()
    part.start(say)


def lose_log(home: Path, say: Say) -> None:
    """Make Kafka forget every topic and record, as a broker does that lost its disk."""
    broker = _ours(home, "kafka")
    broker.kill()
    remove(broker.data)
    broker.start(say)


def _ours(home: Path, name: str) -> Part:
    state = read(home)
    if state.addresses == NOWHERE:
        raise StackError(f"The stack in {home} is not up: run `tengerim up`.")
    part = state.part(name)
    if part.address != getattr(state.addresses, name):
        raise StackError(f"{part.title} was given from elsewhere; it is not ours to stop or start.")
    return part


def _check_given(name: str, address: str) -> None:
    kind = KINDS[name]
    try:
        kind.probe(address)
    except UnhealthyError as error:
        raise StackError(
            f"{kind.title} at {_public(address)} (setting TENGERIM_{name.upper()}) does not serve: {error}. Start it "
            "there, or empty the setting and Tengerim starts its own."
        ) from error


def _public(address: str) -> str:
    return re.sub(r"(?<=:)[^:/@]+(?=@)", "***", address)


@contextlib.contextmanager
def _locked(home: Path, say: Say) -> Iterator[None]:
    """One at a time changes the stack; the next waits."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        strange = {entry.name for entry in home.iterdir()} - WORKINGS
        if strange and not (home / "lock").exists():
            raise StackError(
                f"{home} is no folder of a stack (it holds {min(strange)}): set TENGERIM_HOME to an empty or new one."
            )
        lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StackError(
            f"{home} cannot be used for the stack ({error.strerror}): set TENGERIM_HOME to a folder of yours."
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting: another tengerim is changing the stack")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
