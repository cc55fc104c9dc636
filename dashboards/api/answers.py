"""Answers that are made at once: values as JSON."""

import msgspec
from fastapi import Response

from dashboards.api.forms import JSON


def as_json(value: object) -> Response:
    """Dictionaries, lists, texts, numbers, instants."""
    return Response(msgspec.json.encode(value), media_type=JSON)
