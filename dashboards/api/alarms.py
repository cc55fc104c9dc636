"""Alarms over HTTP, to be looked at: what stands, one alarm, its journal, and how much is asked of people."""

from contextlib import closing
from datetime import datetime
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from alerts.master import Words
from connectors.alarm_lists import Wanted, journal_of, list_alarms
from dashboards.api.access.asked import Own
from dashboards.api.answers import as_json
from dashboards.api.context import Context
from dashboards.api.openapi import ROWS, Answer
from dashboards.api.periods import MOST_OF_ALL, period_of
from dashboards.api.problems import ProblemError
from dashboards.api.questions import OfPeriod, OfType, Zone
from schemas.alarm import AlarmType, Priority, State
from streams.kpis import as_document, read_kpis

# Of one alarm's journal, the newest.
MOST_ENTRIES = 500
# What of its rule an operator is told.
_TOLD = {"title", "cause", "consequence", "response", "respond_within_min"}
ALARM: dict[str, Any] = {
    "alarm_id": 7, "priority": "high", "state": "UNACK", "type": "TRIP", "object_kind": "facility", "object": "GRES1",
    "raised_at": "2026-01-20T06:46:00Z", "since": "2026-01-20T06:30:00Z", "value": -1_762_436_756,
    "limit_value": 200_000_000, "unit": "W", "interval_start": "2026-01-20T06:30:00Z", "condition": True,
    "acked_at": None, "acked_by": None, "escalated": False, "shelved_until": None, "suppressed_by": None,
    "out_of_service": None, "completeness": 1, "schedule_version": 1, "detail": {},
    "changed_at": "2026-01-20T06:46:00Z",
}  # fmt: skip


class Alarm(BaseModel):
    """One alarm. Values are in `unit`: W, Wh, s, or a count."""

    alarm_id: int
    priority: Priority
    state: Annotated[State, Field(description="Of ISA-18.2: UNACK, ACKED, RTNUN, LUNACK, LACK, SHLVD, DSUPR, OOSRV.")]
    type: AlarmType
    object_kind: str
    object: str
    raised_at: Annotated[datetime | None, Field(description="When it called; null: it was suppressed from the start.")]
    since: Annotated[datetime | None, Field(description="Since when the condition stands.")]
    value: int | None
    limit_value: int | None
    unit: str
    interval_start: datetime | None
    condition: Annotated[bool, Field(description="Whether it is true now.")]
    acked_at: datetime | None
    acked_by: str | None
    escalated: Annotated[bool, Field(description="Whether nobody has responded in time.")]
    shelved_until: datetime | None
    suppressed_by: str | None
    out_of_service: str | None
    completeness: float | None
    schedule_version: int | None
    detail: Annotated[dict[str, Any], Field(description="What else is known, by type.")]
    changed_at: datetime


class Alarms(Answer):
    """Those that ask for somebody first, then by priority, the newest first."""

    EXAMPLE: ClassVar = {"data": [ALARM]}

    data: list[Alarm]


class Advice(BaseModel):
    """What the master alarm database says of a type."""

    title: Words
    cause: str
    consequence: str
    response: Annotated[Words, Field(description="What to do.")]
    respond_within_min: int


class AlarmWithJournal(Alarm, Answer):
    """One alarm, and what happened to it."""

    EXAMPLE: ClassVar = {
        **ALARM,
        "rule": {
            "title": {"kk": "Қуаттың кенет жоғалуы", "ru": "Внезапная потеря мощности", "en": "Sudden loss of power"},
            "cause": "A unit tripped.",
            "consequence": "The zone is short of power.",
            "response": {"kk": "…", "ru": "…", "en": "Call the station; bring in the emergency reserve."},
            "respond_within_min": 5,
        },
        "journal": [ROWS["alarm_event"]],
    }

    rule: Advice
    journal: Annotated[list[Any], Field(json_schema_extra={"items": {"$ref": "#/components/schemas/AlarmEvent"}})]


class Figure(BaseModel):
    """One figure. `met`: null where there is no target."""

    value: float
    unit: str
    target: str
    met: bool | None


class Caller(BaseModel):
    """An alarm that calls often. `share`: of all calls, 0 to 1."""

    alarm: str
    calls: int
    share: float


class Kpis(Answer):
    """How much was asked of operators, against the targets of ISA-18.2, IEC 62682 and EEMUA 191."""

    EXAMPLE: ClassVar = {
        "from": "2025-12-31T19:00:00+00:00",
        "to": "2026-01-31T19:00:00+00:00",
        "figures": {"most_per_10_min": {"value": 4, "unit": "by position", "target": "at most 10", "met": True}},
        "top": [{"alarm": "TRIP facility/GRES1", "calls": 1, "share": 0.08}],
    }

    begin: Annotated[datetime, Field(alias="from")]
    to: datetime
    figures: dict[str, Figure]
    top: list[Caller]


def router(context: Context) -> APIRouter:
    """The addresses of alarms."""
    routes = APIRouter(tags=["alarms"])
    readers = context.readers

    @routes.get("/alarms", summary="Alarms, those that ask for somebody first", responses={200: {"model": Alarms}})
    def alarms(
        scope: Own,
        type: OfType = None,  # noqa: A002
        priority: Annotated[Priority | None, Query(description="Only of this priority.", examples=["high"])] = None,
        state: Annotated[State | None, Query(description="Only in this state.", examples=["UNACK"])] = None,
        zone: Zone = None,
        normal: Annotated[bool, Query(description="Also those that are normal.", examples=[True])] = False,
    ) -> Response:
        wanted = Wanted(type=type, priority=priority, state=state, zone=zone, normal=normal, scope=scope)
        with readers.reading() as connection:
            return as_json({"data": list_alarms(connection, wanted)})

    @routes.get(
        "/alarms/kpi",
        summary="How much was asked of operators, against the targets of the standards",
        responses={200: {"model": Kpis}},
    )
    def alarm_kpi(
        scope: Own,
        period: OfPeriod = "P30D",
    ) -> Response:
        with readers.asking() as connection:
            begin, end = period_of(connection, period, MOST_OF_ALL)
            found = read_kpis(connection, begin, end, context.rules.master().positions, scope)
        return as_json(as_document(found, begin, end))

    @routes.get(
        "/alarms/{alarm_id}",
        summary="One alarm, what to do about it, and its journal, the newest last",
        responses={200: {"model": AlarmWithJournal}},
    )
    def alarm(
        scope: Own, alarm_id: Annotated[int, Path(ge=1, lt=2**31, description="Its number.", examples=[7])]
    ) -> Response:
        with readers.reading() as connection:
            wanted = Wanted(alarm_id=alarm_id, normal=True, scope=scope)
            found = list_alarms(connection, wanted)
            if not found:
                raise ProblemError(404, f"there is no alarm {alarm_id}")
            with closing(journal_of(connection, wanted, newest=MOST_ENTRIES)) as journal:
                rule = context.rules.master().rule(AlarmType(found[0]["type"])).model_dump(include=_TOLD)
                return as_json({**found[0], "rule": rule, "journal": list(journal)})

    return routes
