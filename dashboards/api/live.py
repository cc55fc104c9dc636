"""The live state over HTTP: as it is now, and the news of it as server-sent events."""

import hashlib
import time
from asyncio import timeout
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from math import isinf
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from alerts.master import NodeKind
from connectors.database import DatabaseError
from connectors.scope import ALL, Scope, objects_of
from connectors.silent import list_silent
from dashboards.api.access.asked import Own, Who
from dashboards.api.access.limits import Bound
from dashboards.api.answers import as_json, is_known
from dashboards.api.context import Context
from dashboards.api.forms import JSON
from dashboards.api.hub import END, Changes
from dashboards.api.openapi import NOT_MODIFIED, Answer

# What of a silent device is shown, and for how long after it healed.
STRIP, JUST_HEALED = timedelta(hours=12), timedelta(hours=2)

# Windows of a control room, and whoever else follows.
MOST_LISTENERS, LISTENERS_OF_ONE = 1_000, 20
# After so long it is looked up again what is an entity's: imports change it.
OWN_S = 60.0


class Nodes(Answer):
    """Nodes by kind and code. A state has what docs/messages says of the hashes in Redis, and of v_node_now."""

    EXAMPLE: ClassVar = {"id": "1768891560123-0", "nodes": {"zone": {"NORTH": {"now": "2026-01-20T06:46:00+00:00"}}}}

    id: Annotated[str, Field(description="Where the news of it go on: the Last-Event-ID to listen with.")]
    nodes: dict[str, dict[str, dict[str, Any]]]


class Silent(BaseModel):
    """A device with a gap. `on_time`, `present`: per cent of each interval from `starts_at` on; null: none expected."""

    dctu: str
    facility: str | None
    facility_name: str | None
    entity: str | None
    zone: str | None
    since: Annotated[datetime, Field(description="Start of its first interval with anything missing.")]
    until: datetime
    channels: Annotated[int, Field(description="The most that were missing in any one interval.")]
    declared: Annotated[bool, Field(description="Whether the device itself said that it has no value.")]
    healed_at: datetime | None
    starts_at: datetime | None
    on_time: list[int | None] | None
    present: list[int | None] | None


class AllSilent(Answer):
    """The longest silence first."""

    EXAMPLE: ClassVar = {
        "data": [
            {
                "dctu": "GRES1-D1", "facility": "GRES1", "facility_name": "Ekibastuz GRES-1", "entity": "GRES1",
                "zone": "NORTH", "since": "2026-01-20T10:00:00Z", "until": "2026-01-20T10:45:00Z", "channels": 8,
                "declared": False, "healed_at": None, "starts_at": "2026-01-20T10:15:00Z", "on_time": [100, 0],
                "present": [100, 20],
            }
        ]
    }  # fmt: skip

    data: list[Silent]


_NEWS = {
    "description": "Events, without end; the id of one is the Last-Event-ID to go on after it.",
    "content": {
        "text/event-stream": {
            "schema": {"type": "string"},
            "example": 'event: changes\ndata: {"changed":{"unit":["GRES1-G"]}}\nid: 1768891560123-0\n\n',
        }
    },
}


def router(context: Context) -> APIRouter:
    """The addresses of the live state."""
    routes = APIRouter(tags=["live"])
    hub, listeners = context.hub, Bound("listeners", MOST_LISTENERS, LISTENERS_OF_ONE)

    def read_own(scope: Scope) -> dict[str, frozenset[str]] | None:
        with context.readers.asking() as connection:
            return objects_of(connection, scope)

    async def own(scope: Scope) -> dict[str, frozenset[str]] | None:
        return None if scope == ALL else await run_in_threadpool(read_own, scope)

    @routes.get(
        "/now",
        summary="Nodes now: the newest closed interval, and the running hour",
        responses={200: {"model": Nodes}, 304: NOT_MODIFIED},
    )
    async def now(
        request: Request,
        scope: Own,
        kind: Annotated[list[NodeKind], Query(description="Kinds of nodes.", examples=[["zone", "system"]])],
    ) -> Response:
        mine = await own(scope)
        body = hub.document(kind, mine)
        tag = f'W/"{hub.tag}:{"+".join(sorted(set(kind)))}:{_tag_of(mine)}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if is_known(request, tag):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=JSON, headers=headers)

    @routes.get(
        "/silent", summary="Devices with a gap that is open, or has just healed", responses={200: {"model": AllSilent}}
    )
    def silent(scope: Own) -> Response:
        with context.readers.reading() as connection:
            return as_json({"data": list_silent(connection, scope, STRIP, JUST_HEALED)})

    @routes.get(
        "/changes", summary="What changes, as it happens", response_class=StreamingResponse, responses={200: _NEWS}
    )
    async def changes(
        user: Who,
        scope: Own,
        last_event_id: Annotated[
            str | None, Header(max_length=50, description="Go on after this one.", examples=["1768891560123-0"])
        ] = None,
    ) -> StreamingResponse:
        """Events: `changes` (of nodes, by kind), `alarms` (version), `status` (of the sources), `reset` (read anew)."""
        mine = await own(scope)
        listeners.check(user)

        async def events() -> AsyncIterator[bytes]:
            of, read_at = mine, time.monotonic()
            # From here on, for a client may be gone before it is asked for the first.
            with listeners.counted(user), hub.listening(last_event_id) as queue:
                # Nobody hears longer than they are known: who still is comes again.
                while (left_s := user.until - time.time()) > 0:
                    try:
                        async with timeout(None if isinf(left_s) else left_s):
                            pieces = [await queue.get()]
                    except TimeoutError:
                        return
                    while not queue.empty():
                        pieces.append(queue.get_nowait())
                    if END in pieces:
                        return
                    if of is not None:
                        if time.monotonic() - read_at > OWN_S:
                            read_at = time.monotonic()
                            # While the database is away nothing becomes anybody else's.
                            with suppress(DatabaseError):
                                of = await own(scope) or {}
                        pieces = [piece.only(of) if isinstance(piece, Changes) else piece for piece in pieces]
                    yield b"".join(pieces)

        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events(), media_type="text/event-stream", headers=headers)

    return routes


def _tag_of(own: dict[str, frozenset[str]] | None) -> str:
    """What stands for whose nodes are shown: it changes with the master data."""
    named = "" if own is None else repr(sorted((kind, sorted(codes)) for kind, codes in own.items()))
    return hashlib.blake2b(named.encode(), digest_size=8).hexdigest()
