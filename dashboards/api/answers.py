"""Answers that are made at once, and when they need not be sent again."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta

import msgspec
from fastapi import Request, Response

from dashboards.api.forms import JSON

# What was known then stays what was known then, but for an import that is dated back.
LASTING = timedelta(days=1)
# The same address answers another user otherwise.
VARY = "Accept, Authorization, Cookie"


def as_json(value: object) -> Response:
    """Dictionaries, lists, texts, numbers, instants."""
    return Response(msgspec.json.encode(value), media_type=JSON)


def tagged(request: Request, body: bytes, headers: Mapping[str, str], *, lasting: bool) -> Response:
    """JSON with an ETag, or 304 where the client has the same. `lasting`: it need not ask again for a day.

    The tag is made of the answer itself. Late data may change any period, however long it has been closed, so a tag of
    less than the rows would need each table to say when any of them changed. Making a page is quicker than sending it.
    """
    tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    all_headers = {**headers, "ETag": tag, "Cache-Control": caching(lasting=lasting), "Vary": VARY}
    if is_known(request, tag):
        return Response(status_code=304, headers=all_headers)
    return Response(body, media_type=JSON, headers=all_headers)


def caching(*, lasting: bool) -> str:
    """The header Cache-Control. Nobody keeps an answer for others: who asks decides what is in it."""
    return f"private, max-age={LASTING.total_seconds():.0f}, immutable" if lasting else "private, no-cache"


def is_known(request: Request, tag: str) -> bool:
    """Whether the client has what a tag stands for (If-None-Match, compared weakly)."""
    given = request.headers.get("if-none-match", "")
    known = {one.strip().removeprefix("W/") for one in given.split(",")}
    return "*" in known or tag.removeprefix("W/") in known
