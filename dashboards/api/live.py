"""The live state over HTTP: as it is now, and the news of it as server-sent events."""

import time
from asyncio import timeout
from collections.abc import AsyncIterator
from datetime import timedelta
from math import isinf
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from alerts.master import NodeKind
from connectors.scope import ALL, Scope, objects_of
from connectors.silent import list_silent
from dashboards.api.access.asked import Own, Who
from dashboards.api.answers import as_json
from dashboards.api.context import Context
from dashboards.api.forms import JSON
from dashboards.api.hub import END, Changes

# What of a silent device is shown, and for how long after it healed.
STRIP, JUST_HEALED = timedelta(hours=12), timedelta(hours=2)


def router(context: Context) -> APIRouter:
    """The addresses of the live state."""
    routes = APIRouter(tags=["live"])
    hub = context.hub

    def read_own(scope: Scope) -> dict[str, frozenset[str]] | None:
        with context.readers.asking() as connection:
            return objects_of(connection, scope)

    async def own(scope: Scope) -> dict[str, frozenset[str]] | None:
        return None if scope == ALL else await run_in_threadpool(read_own, scope)

    @routes.get("/now", summary="Nodes now: the newest closed interval, and the running hour")
    async def now(
        request: Request, scope: Own, kind: Annotated[list[NodeKind], Query(description="Kinds of nodes.")]
    ) -> Response:
        body = hub.document(kind, await own(scope))
        tag = f'W/"{hub.tag}:{",".join(sorted(set(kind)))}:{quote(scope.entity or "")}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=JSON, headers=headers)

    @routes.get("/silent", summary="Devices with a gap that is open, or has just healed")
    def silent(scope: Own) -> Response:
        with context.readers.reading() as connection:
            return as_json({"data": list_silent(connection, scope, STRIP, JUST_HEALED)})

    @routes.get("/changes", summary="What changes, as it happens", response_class=StreamingResponse)
    async def changes(
        user: Who,
        scope: Own,
        last_event_id: Annotated[str | None, Header(max_length=50, description="Go on after this one.")] = None,
    ) -> StreamingResponse:
        """Events: `changes` (of nodes, by kind), `alarms` (version), `status` (of the sources), `reset` (read anew)."""
        mine = await own(scope)
        queue = hub.listen(last_event_id)

        async def events() -> AsyncIterator[bytes]:
            try:
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
                    if mine is not None:
                        pieces = [piece.only(mine) if isinstance(piece, Changes) else piece for piece in pieces]
                    yield b"".join(pieces)
            finally:
                hub.leave(queue)

        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events(), media_type="text/event-stream", headers=headers)

    return routes
