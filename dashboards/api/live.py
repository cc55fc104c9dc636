"""The live state over HTTP: as it is now, and the news of it as server-sent events."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from alerts.master import NodeKind
from connectors.silent import list_silent
from dashboards.api.answers import as_json
from dashboards.api.context import Context
from dashboards.api.forms import JSON
from dashboards.api.hub import END

# What of a silent device is shown, and for how long after it healed.
STRIP, JUST_HEALED = timedelta(hours=12), timedelta(hours=2)


def router(context: Context) -> APIRouter:
    """The addresses of the live state."""
    routes = APIRouter(tags=["live"])
    hub = context.hub

    @routes.get("/now", summary="Nodes now: the newest closed interval, and the running hour")
    async def now(request: Request, kind: Annotated[list[NodeKind], Query(description="Kinds of nodes.")]) -> Response:
        body = hub.document(kind)
        tag = f'W/"{hub.tag}:{",".join(sorted(set(kind)))}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=JSON, headers=headers)

    @routes.get("/silent", summary="Devices with a gap that is open, or has just healed")
    def silent() -> Response:
        with context.readers.reading() as connection:
            return as_json({"data": list_silent(connection, STRIP, JUST_HEALED)})

    @routes.get("/changes", summary="What changes, as it happens", response_class=StreamingResponse)
    async def changes(
        last_event_id: Annotated[str | None, Header(max_length=50, description="Go on after this one.")] = None,
    ) -> StreamingResponse:
        """Events: `changes` (of nodes, by kind), `alarms` (version), `status` (of the sources), `reset` (read anew)."""
        queue = hub.listen(last_event_id)

        async def events() -> AsyncIterator[bytes]:
            try:
                while True:
                    pieces = [await queue.get()]
                    while not queue.empty():
                        pieces.append(queue.get_nowait())
                    if END in pieces:
                        return
                    yield b"".join(pieces)
            finally:
                hub.leave(queue)

        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events(), media_type="text/event-stream", headers=headers)

    return routes
