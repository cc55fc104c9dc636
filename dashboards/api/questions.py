"""What questions about the archive may say, by the name of each parameter."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Path, Query, Request

from alerts.master import NodeKind
from connectors.scope import Scope
from dashboards.api import pages
from dashboards.api.access.asked import Own, Who
from dashboards.api.access.user import User
from dashboards.api.forms import Form
from dashboards.api.periods import DESCRIPTION, EXAMPLES
from dashboards.api.problems import ProblemError
from schemas.alarm import AlarmType
from schemas.rules import Rule


def _of(what: str, example: str) -> Any:
    return Query(max_length=200, description=f"Only of this {what}.", examples=[example])


Zone = Annotated[str | None, _of("zone", "NORTH")]
Region = Annotated[str | None, _of("region", "PAVLODAR")]
Entity = Annotated[str | None, _of("market entity", "GRES1")]
Facility = Annotated[str | None, _of("facility", "GRES1")]
Emc = Annotated[str | None, _of("metering complex", "GRES1-B1")]
Channel = Annotated[str | None, _of("channel: 01 A+, 02 A−, 03 R+, 04 R−", "02")]
Dctu = Annotated[str | None, _of("data collection and transmission unit", "GRES1-D1")]
Unit = Annotated[str | None, _of("unit", "GRES1-G")]
OfNode = Annotated[str | None, _of("node", "NORTH")]
Actor = Annotated[str | None, _of("user", "Айгерім")]
Action = Annotated[str | None, _of("action: an order, or login, logout, export, token, access", "acknowledge")]
Object = Annotated[str | None, _of("object of alarms, by its code", "GRES1")]
OfKind = Annotated[NodeKind | None, Query(description="Only nodes of this kind.", examples=["zone"])]
OfType = Annotated[AlarmType | None, Query(description="Only alarms of this type.", examples=["TRIP"])]
OfRule = Annotated[Rule | None, Query(description="Only what was refused by this rule.", examples=["NEGATIVE"])]
OfPeriod = Annotated[str, Query(max_length=100, description=DESCRIPTION, examples=EXAMPLES)]
Step = Annotated[Literal["15m", "1h"], Query(description="Intervals of 15 minutes, or hours.", examples=["1h"])]
Kind = Annotated[NodeKind, Path(description="Kind of the node.", examples=["facility"])]
Node = Annotated[str, Path(max_length=200, description="Code of the node within its kind.", examples=["GRES1"])]

_AsOf = Query(max_length=50, description="Answer with what was known at this instant.", examples=["2026-01-20T12:00Z"])
_Limit = Query(ge=1, le=pages.MOST, description="Rows of a page, of JSON.", examples=[100])
_Cursor = Query(
    max_length=1000,
    description="`next` of the page before.",
    examples=[pages.encode(("2026-01-20T06:30:00Z", "E1", "01"))],
)
_Format = Query(description="The form, instead of the header Accept.", examples=["csv"])


# A coroutine, for what is not one is called in a thread.
async def refuse_nul(request: Request) -> None:
    """Raise ProblemError where a text of the address holds a NUL, which no text of the archive can."""
    for name, value in (*request.path_params.items(), *request.query_params.multi_items()):
        if "\0" in value:
            raise ProblemError(422, f"{name}: a text must not hold a NUL (%00)")


@dataclass(frozen=True)
class Asked:
    """What every question about rows may say. `scope`: whose rows they may see."""

    request: Request
    user: User
    scope: Scope
    period: str | None
    as_of: str | None
    limit: int
    cursor: str | None
    format: Form | None


# A coroutine, for what is not one is called in a thread.
async def _asked(
    request: Request,
    user: Who,
    scope: Own,
    period: Annotated[str | None, Query(max_length=100, description=DESCRIPTION, examples=EXAMPLES)] = None,
    as_of: Annotated[str | None, _AsOf] = None,
    limit: Annotated[int, _Limit] = pages.USUAL,
    cursor: Annotated[str | None, _Cursor] = None,
    format: Annotated[Form | None, _Format] = None,  # noqa: A002
) -> Asked:
    return Asked(request, user, scope, period, as_of, limit, cursor, format)


Rows = Annotated[Asked, Depends(_asked)]
