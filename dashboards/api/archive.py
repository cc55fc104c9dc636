"""The archive over HTTP: every public view, of a period, as known now or at an instant, page by page or whole."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import Annotated, ClassVar

import psycopg
from fastapi import APIRouter, Response
from psycopg import sql
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from connectors import archive
from connectors.archive import EVER, Period, Selection
from connectors.node_plan import read_node_plan
from connectors.scope import Scope
from dashboards.api import pages
from dashboards.api.access.asked import Own, check_role
from dashboards.api.access.audit import entry
from dashboards.api.access.limits import Bound
from dashboards.api.access.user import Role
from dashboards.api.answers import VARY, as_json, caching
from dashboards.api.context import PREFIX, Context
from dashboards.api.files import stream
from dashboards.api.forms import form_of
from dashboards.api.limits import with_limits
from dashboards.api.openapi import Answer, rows_of
from dashboards.api.periods import MOST_OF_ALL, MOST_OF_ONE, has_passed, period_in, period_of
from dashboards.api.problems import ProblemError
from dashboards.api.questions import (
    Action,
    Actor,
    Asked,
    Channel,
    Dctu,
    Emc,
    Entity,
    Facility,
    Kind,
    Node,
    Object,
    OfKind,
    OfNode,
    OfPeriod,
    OfRule,
    OfType,
    Region,
    Rows,
    Step,
    Unit,
    Zone,
)  # fmt: skip
from schemas.period import parse_instant

# Each holds a connection; pages have the others.
MOST_FILES, FILES_OF_ONE = 6, 3
Limit = Annotated[int | None, Field(description="How far from it an alarm begins; null: no rule looks at it.")]


class Planned(BaseModel):
    """An hour of a node's plan, in Wh; null: none of that kind is planned."""

    ts: Annotated[datetime, Field(description="Start of the hour.")]
    gen_plan_wh: int | None
    cons_plan_wh: int | None
    exch_plan_wh: int | None
    schedule_version: int
    gen_limit_wh: Limit
    cons_limit_wh: Limit
    imbalance_limit_wh: Limit


class Plan(Answer):
    """The plan of a node in a period, by the schedule in force."""

    EXAMPLE: ClassVar = {
        "begin": "2026-01-19T19:00:00Z",
        "end": "2026-01-20T19:00:00Z",
        "data": [
            {
                "ts": "2026-01-20T06:00:00Z", "gen_plan_wh": 3_485_000_000, "cons_plan_wh": None, "exch_plan_wh": None,
                "schedule_version": 1, "gen_limit_wh": 174_250_000, "cons_limit_wh": None, "imbalance_limit_wh": None,
            }
        ],
    }  # fmt: skip

    begin: datetime
    end: datetime
    data: list[Planned]


def router(context: Context) -> APIRouter:
    """The addresses of the archive."""
    routes = APIRouter(tags=["archive"], default_response_class=Response)
    readers, grace = context.readers, context.settings.grace
    files = Bound("files on their way", MOST_FILES, FILES_OF_ONE)

    def answer(
        asked: Asked,
        view: str,
        equal: Mapping[str, str | None],
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
            if form != "json":
                files.check(asked.user)
                stack.enter_context(files.counted(asked.user))
            # A page is one question.
            connection = stack.enter_context(readers.asking() if form == "json" else readers.reading())
            most = MOST_OF_ONE if one else MOST_OF_ALL
            period = Period(*period_of(connection, asked.period, most)) if timed else EVER
            selection = Selection(view, period, known_at, chosen, grace, after, asked.scope)
            archive.check(connection, selection)
            lasting = known_at is not None and has_passed(connection, known_at)
            if form == "json":
                rows = list(archive.objects(connection, selection, asked.limit + 1))
                if not rows:
                    there(connection)
                return pages.page(asked.request, selection, rows, asked.limit, lasting=lasting)
            there(connection)
            name = "-".join([view, *chosen.values(), *([asked.period] if asked.period else [])])
            if asked.user.subject:
                user, file = asked.user, f"{name}.{form}"
                context.audit.note(entry(asked.request, user.name, user.subject, "export", file, "done"))
            headers = {"Cache-Control": caching(lasting=lasting), "Vary": VARY}
            return stream(connection, selection, form, headers, _as_file(name), stack.pop_all())

    @routes.get("/nodes", summary="Nodes by their newest master data", responses=rows_of("node"))
    def nodes(
        asked: Rows, kind: OfKind = None, zone: Zone = None, region: Region = None,
        entity: Entity = None,
        facility: Facility = None, node: OfNode = None,
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

    @routes.get(
        "/nodes/{kind}/{node:path}/balances",
        summary="Plan against fact of one node",
        responses=rows_of("balance_15m", "balance_1h"),
    )
    async def balances_of(asked: Rows, kind: Kind, node: Node, step: Step = "15m") -> Response:
        view, equal = f"balance_{step}", {"node_kind": kind, "node": node}
        # What pages ask for all the time: a period that is known, as known now. Under load threads would wait in turn.
        usual = asked.as_of is None and asked.cursor is None
        ends = asked.period is not None and not asked.period.startswith("P")
        if usual and ends and form_of(asked.request, asked.format) == "json":
            selection = Selection(view, Period(*period_in(asked.period)), equal=equal, scope=asked.scope)
            async with context.quick.asking() as connection:
                rows = await archive.objects_at_once(connection, selection, asked.limit + 1)
            if rows:
                return pages.page(asked.request, selection, rows, asked.limit, lasting=False)
        there = node_there(asked.scope, kind, node)
        return await run_in_threadpool(answer, asked, view, equal, one=True, there=there)

    @routes.get(
        "/nodes/{kind}/{node:path}/plan",
        summary="The plan of one node by the hour, ahead as well, with its limits",
        responses={200: {"model": Plan}},
    )
    def plan(
        scope: Own, kind: Kind, node: Node,
        period: OfPeriod
    ) -> Response:  # fmt: skip
        with readers.asking() as connection:
            begin, end = period_of(connection, period)
            data = read_node_plan(connection, scope, kind, node, begin, end)
            if not data:
                node_there(scope, kind, node)(connection)
            data = with_limits(connection, context.rules.master(), kind, node, data)
        return as_json({"begin": begin, "end": end, "data": data})

    @routes.get(
        "/balances",
        summary="Plan against fact of all nodes, or of a kind",
        responses=rows_of("balance_15m", "balance_1h"),
    )
    def balances(asked: Rows, kind: OfKind = None, step: Step = "15m") -> Response:
        return answer(asked, f"balance_{step}", {"node_kind": kind})

    @routes.get("/readings", summary="Readings in force", responses=rows_of("reading"))
    def readings(asked: Rows, emc: Emc = None, code: Channel = None) -> Response:
        return answer(asked, "reading", {"emc": emc, "code": code}, one=emc is not None)

    @routes.get("/revisions", summary="Versions of readings that are not in force", responses=rows_of("revision"))
    def revisions(asked: Rows, emc: Emc = None, code: Channel = None) -> Response:
        return answer(asked, "revision", {"emc": emc, "code": code}, one=emc is not None)

    @routes.get("/gaps", summary="Who was silent, and when it healed", responses=rows_of("gap"))
    def gaps(asked: Rows, dctu: Dctu = None) -> Response:
        return answer(asked, "gap", {"dctu": dctu}, one=dctu is not None)

    @routes.get(
        "/completeness",
        summary="Cells of a DCTU and operating day: on time, late, missing",
        responses=rows_of("completeness"),
    )
    def completeness(asked: Rows, dctu: Dctu = None) -> Response:
        return answer(asked, "completeness", {"dctu": dctu}, one=dctu is not None)

    @routes.get("/schedules", summary="The daily schedule in all its versions", responses=rows_of("schedule"))
    def schedules(asked: Rows, unit: Unit = None) -> Response:
        return answer(asked, "schedule", {"unit": unit}, one=unit is not None)

    @routes.get("/quarantine", summary="What was refused, and why", responses=rows_of("quarantine"))
    def quarantine(asked: Rows, dctu: Dctu = None, rule: OfRule = None) -> Response:
        return answer(asked, "quarantine", {"dctu": dctu, "rule": rule})

    @routes.get("/alarm-events", summary="The journal of alarms", responses=rows_of("alarm_event"))
    def alarm_events(asked: Rows, type: OfType = None, object: Object = None) -> Response:  # noqa: A002
        return answer(asked, "alarm_event", {"type": type, "object": object})

    @routes.get("/audit", summary="Who did what over HTTP, from where; for administrators", responses=rows_of("audit"))
    def audit(asked: Rows, actor: Actor = None, action: Action = None) -> Response:
        check_role(asked.user, Role.ADMIN, "the audit")
        return answer(asked, "audit", {"actor": actor, "action": action})

    return routes


def _as_file(name: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in name)
