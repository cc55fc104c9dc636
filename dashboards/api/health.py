"""Whether this process lives, and whether it can answer: for whoever runs it."""

from typing import ClassVar

from fastapi import APIRouter, Response

from dashboards.api.context import Context
from dashboards.api.openapi import Answer


class Health(Answer):
    """Alive is whoever answers; ready, who has the archive. Redis is only quicker."""

    EXAMPLE: ClassVar = {"database": True, "redis": True}

    database: bool
    redis: bool


def router(context: Context) -> APIRouter:
    """The addresses of health."""
    routes = APIRouter(tags=["health"])

    @routes.get("/health", summary="Whether the process lives")
    async def health() -> Health:
        return Health(database=context.hub.database, redis=context.hub.redis)

    @routes.get("/ready", summary="Whether it can answer", responses={503: {"model": Health}})
    async def ready(response: Response) -> Health:
        response.status_code = 200 if context.hub.database else 503
        return Health(database=context.hub.database, redis=context.hub.redis)

    return routes
