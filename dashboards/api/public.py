"""What everybody may see: the load of the system, plan and fact of an operating day."""

import hashlib
from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from connectors.load_profile import read_load_profile
from dashboards.api.answers import is_known
from dashboards.api.context import Context
from dashboards.api.forms import JSON
from dashboards.api.problems import ProblemError

# Whoever keeps copies may hand one out for so long.
FRESH_S = 30
_STORED: dict[int | str, dict[str, Any]] = {304: {"description": "What you have is what there is."}}


def router(context: Context) -> APIRouter:
    """Its address, which asks nobody who they are."""
    routes = APIRouter(prefix="/public", tags=["public"])

    @routes.get("/profile", summary="The load of the system, plan and fact of an operating day", responses=_STORED)
    def profile(
        request: Request,
        day: Annotated[date | None, Query(description="Local date, up to today; without it, today.")] = None,
    ) -> Response:
        with context.readers.asking() as connection:
            found = read_load_profile(connection, day)
        if found is None:
            raise ProblemError(404, "there is no load profile of that day")
        body = msgspec.json.encode({**found, "login": bool(context.settings.oidc_issuer)})
        tag = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
        headers = {"ETag": tag, "Cache-Control": f"public, max-age={FRESH_S}"}
        if is_known(request, tag):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=JSON, headers=headers)

    return routes
