"""Pages of rows as JSON: `{"data": […], "next": cursor}`. A cursor is the last row's place in the order of its view."""

import base64
import binascii
import json
from urllib.parse import quote, urlencode

from fastapi import Request, Response

from connectors.archive import VIEWS, Selection
from dashboards.api.answers import tagged
from dashboards.api.problems import ProblemError

MOST = 10_000
USUAL = 1_000


def encode(place: tuple[str, ...]) -> str:
    """A cursor of a place."""
    return base64.urlsafe_b64encode(json.dumps(place, ensure_ascii=False).encode()).decode().rstrip("=")


def decode(cursor: str, view: str) -> tuple[str, ...]:
    """The place of a cursor. Raises ProblemError."""
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        place = None
    right = isinstance(place, list) and all(isinstance(word, str) for word in place)
    if not right or len(place) != len(VIEWS[view].order):
        raise ProblemError(422, "cursor: take it from `next` of the page before, or leave it out")
    return tuple(place)


def page(request: Request, selection: Selection, rows: list[str], limit: int, *, lasting: bool) -> Response:
    """The first `limit` of some rows, and where there are more, a link to them. `lasting`: they stay what they are."""
    cursor = None
    if len(rows) > limit:
        rows = rows[:limit]
        last = json.loads(rows[-1])
        cursor = encode(tuple(str(last[column]) for column in VIEWS[selection.view].order))
    headers = {}
    if cursor is not None:
        asked = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        path, query = quote(request.scope["path"]), urlencode([*asked, ("cursor", cursor)])
        headers["Link"] = f'<{path}?{query}>; rel="next"'
    body = f'{{"data":[{",".join(rows)}],"next":{json.dumps(cursor)}}}'
    return tagged(request, body.encode(), headers, lasting=lasting)
