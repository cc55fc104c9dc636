"""What everybody may see: the load of the system, plan and fact of an operating day."""

import hashlib
from datetime import date, datetime
from typing import Annotated, ClassVar

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from connectors.load_profile import read_load_profile
from dashboards.api.answers import is_known
from dashboards.api.context import Context
from dashboards.api.forms import JSON
from dashboards.api.openapi import NOT_MODIFIED, Answer
from dashboards.api.problems import ProblemError

# Whoever keeps copies may hand one out for so long.
FRESH_S = 30


class Load(BaseModel):
    """An interval that is closed."""

    ts: Annotated[datetime, Field(description="Its start.")]
    cons_plan_wh: int | None
    cons_fact_wh: int | None
    closed: bool


class PlannedLoad(BaseModel):
    """An hour of the plan."""

    ts: Annotated[datetime, Field(description="Its start.")]
    cons_plan_wh: int | None


class Profile(Answer):
    """The load of the system on an operating day."""

    EXAMPLE: ClassVar = {
        "day": "2026-01-20", "begin": "2026-01-19T19:00:00Z", "end": "2026-01-20T19:00:00Z",
        "data": [{
            "ts": "2026-01-20T06:30:00Z", "cons_plan_wh": 3_871_250_000, "cons_fact_wh": 3_868_640_811, "closed": True,
        }],
        "plan": [{"ts": "2026-01-20T06:00:00Z", "cons_plan_wh": 15_485_000_000}],
        "login": False,
    }  # fmt: skip

    day: date
    begin: datetime
    end: datetime
    data: list[Load]
    plan: list[PlannedLoad]
    login: Annotated[bool, Field(description="Whether there is more for those who log in.")]


def router(context: Context) -> APIRouter:
    """Its address, which asks nobody who they are."""
    routes = APIRouter(prefix="/public", tags=["public"])

    @routes.get(
        "/profile",
        summary="The load of the system, plan and fact of an operating day",
        responses={200: {"model": Profile}, 304: NOT_MODIFIED},
    )
    def profile(
        request: Request,
        day: Annotated[
            date | None, Query(description="Local date, up to today; without it, today.", examples=["2026-01-20"])
        ] = None,
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
