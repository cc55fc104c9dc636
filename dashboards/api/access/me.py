"""Who the server takes one for."""

from typing import ClassVar

from fastapi import APIRouter
from pydantic import Field

from dashboards.api.access.asked import Own, Who
from dashboards.api.access.user import GIVEN_BY
from dashboards.api.context import Context
from dashboards.api.openapi import Answer
from schemas.command import Order


class Me(Answer):
    """Who asks, and what they may do."""

    EXAMPLE: ClassVar = {
        "asked": True, "name": "Айгерім", "role": "operator", "entity": None, "orders": ["acknowledge", "comment"],
    }  # fmt: skip

    asked: bool = Field(description="Whether anybody is asked who they are.")
    name: str = Field(description="Empty: nobody is asked.")
    role: str
    entity: str | None = Field(description="Whose data alone they see; null: all.")
    orders: list[Order] = Field(description="What they may order.")


def router(context: Context) -> APIRouter:
    """Its address."""
    routes = APIRouter(tags=["access"])

    @routes.get("/me", summary="Who asks, and what they may do")
    async def me(user: Who, scope: Own) -> Me:
        orders = [] if scope.entity else [order for order, least in GIVEN_BY.items() if user.role >= least]
        return Me(
            asked=bool(context.settings.oidc_issuer), name=user.name, role=user.role.word, entity=scope.entity,
            orders=orders,
        )  # fmt: skip

    return routes
