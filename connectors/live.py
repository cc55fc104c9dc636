"""The live state in Redis: one hash a node kind, and a stream that says what changed. A cache: the tables rule."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import redis.asyncio as redis
from redis import Redis
from redis.exceptions import RedisError

from connectors.membership import ABOVE
from schemas.live import StatesChanged

# Reconnecting is the caller's matter: a Redis that is away must not hold up a batch.
_TIMEOUT_S = 2.0
# So long a reader waits for news at a time.
WAIT_S = 2.0
_KINDS = ("unit", *(column.removesuffix("_id") for column in ABOVE))

# Entries of the stream: hours of a control room's changes.
KEPT = 10_000

_encode = msgspec.json.Encoder().encode


def state_key(space: str, kind: str) -> str:
    """The hash of a kind of node: field = code of the node, value = JSON."""
    return f"{space}:now:{kind}"


def changes_stream(space: str) -> str:
    """The stream of what changed, in the field `change` of each entry: JSON, as `StatesChanged`."""
    return f"{space}:changes"


class LiveState:
    """Writes the live state of one space."""

    def __init__(self, address: str, space: str) -> None:
        """Connect lazily."""
        self._space = space
        self._client = redis.Redis.from_url(
            address, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, decode_responses=True
        )

    async def publish(
        self, now: str, states: Mapping[str, Mapping[str, Mapping[str, object]]], *, whole: bool = False
    ) -> None:
        """Set the states of nodes by kind and code and say so. `whole` replaces all hashes. Raises RedisError."""
        async with self._client.pipeline(transaction=True) as pipe:
            if whole:
                pipe.delete(*(state_key(self._space, kind) for kind in _KINDS))
            for kind, nodes in states.items():
                if nodes:
                    key = state_key(self._space, kind)
                    pipe.hset(key, mapping={code: _encode(state) for code, state in nodes.items()})
            changed = {} if whole else {kind: sorted(nodes) for kind, nodes in states.items()}
            change = json.dumps({"now": now, "changed": changed, "whole": whole}, ensure_ascii=False)
            pipe.xadd(changes_stream(self._space), {"change": change}, maxlen=KEPT)
            await pipe.execute()

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()


class Changed(NamedTuple):
    """An entry of the stream: its id, and what it says."""

    id: str
    change: StatesChanged


class LiveReader:
    """Reads the live state of one space. Everything raises RedisError where Redis is away."""

    def __init__(self, address: str, space: str) -> None:
        """Connect lazily."""
        self._space, self._stream = space, changes_stream(space)
        self._client = redis.Redis.from_url(
            address, socket_timeout=_TIMEOUT_S + WAIT_S, socket_connect_timeout=_TIMEOUT_S, decode_responses=True
        )

    async def history(self, most: int) -> list[Changed]:
        """The last entries, oldest first."""
        found: Any = await self._client.xrevrange(self._stream, count=most)
        return [_entry(*row) for row in reversed(found)]

    async def states(self, changed: Mapping[str, Sequence[str]] | None = None) -> dict[str, dict[str, str]]:
        """States as JSON by kind and code: of these nodes, or (None) of all."""
        async with self._client.pipeline(transaction=True) as pipe:
            kinds = [kind for kind in _KINDS if changed is None or changed.get(kind)]
            for kind in kinds:
                if changed is None:
                    pipe.hgetall(state_key(self._space, kind))
                else:
                    pipe.hmget(state_key(self._space, kind), changed[kind])
            answers: Any = await pipe.execute()
        if changed is None:
            return dict(zip(kinds, answers, strict=True))
        return {
            kind: {code: state for code, state in zip(changed[kind], answer, strict=True) if state is not None}
            for kind, answer in zip(kinds, answers, strict=True)
        }

    async def wait(self, after: str) -> list[Changed]:
        """The entries after one, in order; waits for a while where there are none yet."""
        found: Any = await self._client.xread({self._stream: after}, block=round(WAIT_S * 1000))
        return [_entry(*row) for _, rows in found for row in rows]

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()


def _entry(id_: str, fields: Mapping[str, str]) -> Changed:
    return Changed(id_, StatesChanged.model_validate_json(fields["change"]))


def delete_states(address: str, space: str) -> None:
    """Forget the live state of a space; a Redis that is away has none."""
    try:
        with Redis.from_url(address, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S) as client:
            client.delete(changes_stream(space), *client.scan_iter(match=f"{space}:now:*"))
    except RedisError:
        return
