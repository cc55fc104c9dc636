"""Rows of the archive as a file: handed out in pieces while it is made, however long it is and however slowly it is
taken; nobody holds more than a piece.
"""

from collections.abc import AsyncGenerator, Generator, Iterable, Mapping
from contextlib import ExitStack, aclosing, closing

import psycopg
import structlog
from anyio import CancelScope, move_on_after
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Send

from connectors import archive
from connectors.archive import Selection
from connectors.readers import in_time
from dashboards.api.forms import WHOLE, Form

log = structlog.get_logger()

PIECE = 64 * 1024
# A client that takes nothing for so long has gone: others wait for its place.
TAKEN_S = 60.0


class File(StreamingResponse):
    """One that is cut where its client takes nothing of it any more."""

    def __init__(self, pieces: AsyncGenerator[bytes], media_type: str, headers: Mapping[str, str]) -> None:
        """`pieces` are closed in the end, whatever it is."""
        super().__init__(pieces, media_type=media_type, headers=headers)
        self._pieces = pieces

    async def stream_response(self, send: Send) -> None:
        """Hand it out."""
        async with aclosing(self._pieces) as pieces:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for piece in pieces:
                with move_on_after(TAKEN_S) as waiting:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                if waiting.cancelled_caught:
                    log.warning("a file was not taken to its end", file=self.headers["content-disposition"])
                    return
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def stream(
    connection: psycopg.Connection, selection: Selection, form: Form, headers: Mapping[str, str], name: str,
    stack: ExitStack,
) -> File:  # fmt: skip
    """All rows of a selection as a file called `name`. `stack`: what is open until the last piece."""
    of = WHOLE[form]
    try:
        columns = archive.columns_of(connection, selection.view)
        # Each piece has its time, not all of them together.
        connection.execute("set local statement_timeout = 0")
        lines = stack.enter_context(closing(archive.lines(connection, selection)))
        pieces = _timed(connection, _joined(of.write(lines, columns)))
        # An error comes before the first piece, or the answer is cut.
        first = next(pieces, b"")
    except BaseException:
        stack.close()
        raise
    disposition = f'attachment; filename="{name}.{of.ending}"'
    return File(_handed_out(first, pieces, stack), of.media_type, {**headers, "Content-Disposition": disposition})


async def _handed_out(first: bytes, pieces: Generator[bytes], stack: ExitStack) -> AsyncGenerator[bytes]:
    try:
        yield first
        while piece := await run_in_threadpool(next, pieces, b""):
            yield piece
    finally:
        # Also where the reader has gone away.
        with CancelScope(shield=True):
            await run_in_threadpool(_close, pieces, stack)


def _close(pieces: Generator[bytes], stack: ExitStack) -> None:
    pieces.close()
    stack.close()


def _timed(connection: psycopg.Connection, pieces: Generator[bytes]) -> Generator[bytes]:
    with closing(pieces):
        while True:
            with in_time(connection):
                piece = next(pieces, b"")
            if not piece:
                return
            yield piece


def _joined(lines: Iterable[bytes]) -> Generator[bytes]:
    held = bytearray()
    for line in lines:
        held += line
        if len(held) >= PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
