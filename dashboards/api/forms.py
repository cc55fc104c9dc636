"""The forms in which rows of the archive are handed out: by `?format=` or by the header Accept."""

from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from typing import Literal, NamedTuple

import psycopg
from anyio import CancelScope
from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from connectors import archive
from connectors.archive import Column, Selection
from connectors.archive_files import arrow_of, csv_of, parquet_of
from dashboards.api.problems import ProblemError

Form = Literal["json", "csv", "parquet", "arrow"]
_PIECE = 64 * 1024


class _Whole(NamedTuple):
    """A form that is handed out whole, however long it is."""

    media_type: str
    ending: str
    write: Callable[[Iterable[bytes], list[Column]], Iterator[bytes]]


JSON = "application/json"
WHOLE: Mapping[str, _Whole] = {
    "csv": _Whole("text/csv; charset=utf-8; header=present", "csv", csv_of),
    "parquet": _Whole("application/vnd.apache.parquet", "parquet", parquet_of),
    "arrow": _Whole("application/vnd.apache.arrow.stream", "arrows", arrow_of),
}
MEDIA_TYPES = {JSON: "json", **{form.media_type.partition(";")[0]: name for name, form in WHOLE.items()}}


def form_of(request: Request, asked: Form | None) -> Form:
    """The form that a request asks for, JSON where it does not say. Raises ProblemError."""
    if asked is not None:
        return asked
    accepted: list[tuple[float, str]] = []
    for part in request.headers.get("accept", "*/*").split(","):
        media, *parameters = (word.strip() for word in part.split(";"))
        weight = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        accepted.append((float(weight) if weight.replace(".", "", 1).isdigit() else 0.0, media.lower()))
    for share, media in sorted(accepted, key=lambda one: -one[0]):
        if share and media in MEDIA_TYPES:
            return MEDIA_TYPES[media]  # type: ignore[return-value]
        if share and media in ("*/*", "application/*", "text/html"):
            return "json"
        if share and media == "text/*":
            return "csv"
    raise ProblemError(406, f"what can be had is {', '.join(MEDIA_TYPES)}")


def stream(
    connection: psycopg.Connection, selection: Selection, form: Form, headers: Mapping[str, str], name: str,
    stack: ExitStack,
) -> StreamingResponse:  # fmt: skip
    """All rows of a selection as a file called `name`, in pieces: nobody holds more than one.

    `stack`: what is open until the last piece.
    """
    of = WHOLE[form]
    try:
        columns = archive.columns_of(connection, selection.view)
        lines = stack.enter_context(closing(archive.lines(connection, selection)))
        pieces = _joined(of.write(lines, columns))
        # An error comes before the first piece, or the answer is cut.
        first = next(pieces, b"")
    except BaseException:
        stack.close()
        raise
    disposition = f'attachment; filename="{name}.{of.ending}"'
    return StreamingResponse(
        _handed_out(first, pieces, stack),
        media_type=of.media_type,
        headers={**headers, "Content-Disposition": disposition},
    )


async def _handed_out(first: bytes, pieces: Generator[bytes], stack: ExitStack) -> AsyncIterator[bytes]:
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


def _joined(lines: Iterable[bytes]) -> Generator[bytes]:
    held = bytearray()
    for line in lines:
        held += line
        if len(held) >= _PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
