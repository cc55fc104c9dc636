"""The forms in which rows of the archive are handed out: by `?format=` or by the header Accept."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from fastapi import Request

from connectors.archive import Column
from connectors.archive_files import arrow_of, csv_of, parquet_of
from dashboards.api.problems import ProblemError

Form = Literal["json", "csv", "parquet", "arrow"]


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
        accepted.append((float(weight) if weight.replace(".", "", 1).isdecimal() else 0.0, media.lower()))
    for share, media in sorted(accepted, key=lambda one: -one[0]):
        if share and media in MEDIA_TYPES:
            return MEDIA_TYPES[media]  # type: ignore[return-value]
        if share and media in ("*/*", "application/*", "text/html"):
            return "json"
        if share and media == "text/*":
            return "csv"
    raise ProblemError(406, f"what can be had is {', '.join(MEDIA_TYPES)}")
