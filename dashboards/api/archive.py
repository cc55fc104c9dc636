"""The archive over HTTP: every public view, of a period, as known now or at an instant, page by page or whole."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import psycopg
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from psycopg import sql

from alerts.master import NodeKind
from connectors import archive
from connectors.archive import EVER, Period, Selection
from connectors.node_plan import read_node_plan
from connectors.scope import Scope
from dashboards.api import pages
from dashboards.api.access.asked import Own, Who, check_role
from dashboards.api.access.audit import entry
from dashboards.api.access.user import Role, User
from dashboards.api.answers import VARY, as_json, caching
from dashboards.api.context import PREFIX, Context
from dashboards.api.forms import MEDIA_TYPES, Form, form_of, stream
from dashboards.api.periods import DESCRIPTION, EXAMPLES, MOST_OF_ALL, MOST_OF_ONE, now, period_of
from dashboards.api.problems import ProblemError
from schemas.period import parse_instant

Step = Annotated[Literal["15m", "1h"], Query(description="Intervals of 15 minutes, or hours.")]
_Code = Annotated[str | None, Query(max_length=200)]
Kind = Annotated[NodeKind, Path(description="Kind of the node.")]
Node = Annotated[str, Path(max_length=200, description="Code of the node within its kind.", examples=["GRES1"])]


@dataclass(frozen=True)
class Asked:
    """What every question about rows may say."""

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
    as_of: Annotated[
        str | None, Query(max_length=50, description="Answer with what was known at this instant.", examples=[None])
    ] = None,
    limit: Annotated[int, Query(ge=1, le=pages.MOST, description="Rows of a page, of JSON.")] = pages.USUAL,
    cursor: Annotated[str | None, Query(max_length=1000, description="`next` of the page before.")] = None,
    format: Annotated[Form | None, Query(description="Instead of the header Accept.")] = None,  # noqa: A002
) -> Asked:
    return Asked(request, user, scope, period, as_of, limit, cursor, format)


Rows = Annotated[Asked, Depends(_asked)]
_ROWS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "JSON: a page. The others: all of it, streamed.",
        "content": {media: {} for media in MEDIA_TYPES},
    },
    406: {"description": "There is no such form."},
}


def router(context: Context) -> APIRouter:
    """The addresses of the archive."""
    routes = APIRouter(tags=["archive"], responses=_ROWS, default_response_class=Response)
    readers, grace = context.readers, context.settings.grace

    def answer(
        asked: Asked,
        view: str,
        equal: dict[str, str | None],
        *,
        timed: bool = True,
        one: bool = False,
        there: Callable[[psycopg.Connection], None] = lambda connection: None,
    ) -> Response:
        """`there`: raises ProblemError where what is asked for is none, which is looked at where it has no rows."""
        form = form_of(asked.request, asked.format)
        known_at = None if asked.as_of is None else parse_instant(asked.as_of)
        after = None if asked.cursor is None else pages.decode(asked.cursor, view)
        chosen = {column: value for column, value in equal.items() if value is not None}
        with ExitStack() as stack:
            # A page is one question.
            connection = stack.enter_context(readers.asking() if form == "json" else readers.reading())
            most = MOST_OF_ONE if one else MOST_OF_ALL
            period = Period(*period_of(connection, asked.period, most)) if timed else EVER
            selection = Selection(view, period, known_at, chosen, grace, after, asked.scope)
            archive.check(connection, selection)
            # What came until then has come from every partition.
            lasting = known_at is not None and known_at < now(connection)
            if form == "json":
                page = pages.page(asked.request, connection, selection, asked.limit, lasting=lasting)
                if not page.rows:
                    there(connection)
                return page.answer
            there(connection)
            name = "-".join([view, *chosen.values(), *([asked.period] if asked.period else [])])
            if asked.user.subject:
                user, file = asked.user, f"{name}.{form}"
                context.audit.note(entry(asked.request, user.name, user.subject, "export", file, "done"))
            headers = {"Cache-Control": caching(lasting=lasting), "Vary": VARY}
            return stream(connection, selection, form, headers, _as_file(name), stack.pop_all())

    @routes.get("/nodes", summary="Nodes by their newest master data")
    def nodes(
        asked: Rows, kind: Annotated[NodeKind | None, Query()] = None, zone: _Code = None, region: _Code = None,
        entity: _Code = None, facility: _Code = None, node: _Code = None,
    ) -> Response:  # fmt: skip
        equal: dict[str, str | None] = {"node_kind": kind, "node": node}
        equal |= {"zone": zone, "region": region, "entity": entity, "facility": facility}
        return answer(asked, "node", equal, timed=False)

    def node_there(scope: Scope, kind: str, node: str) -> Callable[[psycopg.Connection], None]:
        def check(connection: psycopg.Connection) -> None:
            query = sql.SQL("select 1 from node where kind = %s and node = %s and {}")
            row = connection.execute(query.format(scope.clause("kind", "node")), [kind, node]).fetchone()
            if row is None:
                raise ProblemError(404, f"there is no {kind} {node!r}; {PREFIX}/nodes?kind={kind} has all of them")

        return check

    @routes.get("/nodes/{kind}/{node}/balances", summary="Plan against fact of one node")
    def balances_of(asked: Rows, kind: Kind, node: Node, step: Step = "15m") -> Response:
        equal: dict[str, str | None] = {"node_kind": kind, "node": node}
        return answer(asked, f"balance_{step}", equal, one=True, there=node_there(asked.scope, kind, node))

    @routes.get("/nodes/{kind}/{node}/plan", summary="The plan of one node by the hour, ahead as well")
    def plan(
        scope: Own, kind: Kind, node: Node,
        period: Annotated[str, Query(max_length=100, description=DESCRIPTION, examples=EXAMPLES)],
    ) -> Response:  # fmt: skip
        with readers.asking() as connection:
            begin, end = period_of(connection, period)
            data = read_node_plan(connection, scope, kind, node, begin, end)
            if not data:
                node_there(scope, kind, node)(connection)
        return as_json({"begin": begin, "end": end, "data": data})

    @routes.get("/balances", summary="Plan against fact of all nodes, or of a kind")
    def balances(asked: Rows, kind: Annotated[NodeKind | None, Query()] = None, step: Step = "15m") -> Response:
        return answer(asked, f"balance_{step}", {"node_kind": kind})

    @routes.get("/readings", summary="Readings in force")
    def readings(asked: Rows, emc: _Code = None, code: _Code = None) -> Response:
        return answer(asked, "reading", {"emc": emc, "code": code}, one=emc is not None)

    @routes.get("/revisions", summary="Versions of readings that are not in force")
    def revisions(asked: Rows, emc: _Code = None, code: _Code = None) -> Response:
        return answer(asked, "revision", {"emc": emc, "code": code}, one=emc is not None)

    @routes.get("/gaps", summary="Who was silent, and when it healed")
    def gaps(asked: Rows, dctu: _Code = None) -> Response:
        return answer(asked, "gap", {"dctu": dctu}, one=dctu is not None)

    @routes.get("/completeness", summary="Cells of a DCTU and operating day: on time, late, missing")
    def completeness(asked: Rows, dctu: _Code = None) -> Response:
        return answer(asked, "completeness", {"dctu": dctu}, one=dctu is not None)

    @routes.get("/schedules", summary="The daily schedule in all its versions")
    def schedules(asked: Rows, unit: _Code = None) -> Response:
        return answer(asked, "schedule", {"unit": unit}, one=unit is not None)

    @routes.get("/quarantine", summary="What was refused, and why")
    def quarantine(asked: Rows, dctu: _Code = None, rule: _Code = None) -> Response:
        return answer(asked, "quarantine", {"dctu": dctu, "rule": rule})

    @routes.get("/alarm-events", summary="The journal of alarms")
    def alarm_events(asked: Rows, type: _Code = None, object: _Code = None) -> Response:  # noqa: A002
        return answer(asked, "alarm_event", {"type": type, "object": object})

    @routes.get("/audit", summary="Who did what over HTTP, from where; for administrators")
    def audit(asked: Rows, actor: _Code = None, action: _Code = None) -> Response:
        check_role(asked.user, Role.ADMIN, "the audit")
        return answer(asked, "audit", {"actor": actor, "action": action})

    return routes


def _as_file(name: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in name)
