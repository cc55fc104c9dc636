"""The live state in Redis: one hash a node kind, and a channel that says what changed. A cache: the tables rule."""

import json
from collections.abc import Mapping

import msgspec
import redis.asyncio as redis
from redis import Redis
from redis.exceptions import RedisError

from connectors.membership import ABOVE

# Reconnecting is the caller's matter: a Redis that is away must not hold up a batch.
_TIMEOUT_S = 2.0
_KINDS = ("unit", *(column.removesuffix("_id") for column in ABOVE))

_encode = msgspec.json.Encoder().encode


def state_key(space: str, kind: str) -> str:
    """The hash of a kind of node: field = code of the node, value = JSON."""
    return f"{space}:now:{kind}"


def changes_channel(space: str) -> str:
    """The channel on which `{"now": …, "changed": {kind: [codes]}}` is published."""
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
            changed = {kind: sorted(nodes) for kind, nodes in states.items()}
            pipe.publish(changes_channel(self._space), json.dumps({"now": now, "changed": changed}))
            await pipe.execute()

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()


def delete_states(address: str, space: str) -> None:
    """Forget the live state of a space; a Redis that is away has none."""
    try:
        with Redis.from_url(address, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S) as client:
            keys = list(client.scan_iter(match=f"{space}:now:*"))
            if keys:
                client.delete(*keys)
    except RedisError:
        return
