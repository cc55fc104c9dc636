"""Alarms over HTTP, to be looked at: what stands, one alarm, its journal, and how much is asked of people."""

from contextlib import closing
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from alerts.master import shipped
from connectors.alarm_lists import Wanted, journal_of, list_alarms
from dashboards.api.access.asked import Own
from dashboards.api.answers import as_json
from dashboards.api.context import Context
from dashboards.api.periods import DESCRIPTION, EXAMPLES, MOST_OF_ALL, period_of
from dashboards.api.problems import ProblemError
from schemas.alarm import AlarmType, Priority, State
from streams.kpis import as_document, read_kpis
from streams.rules_file import RulesFile

# Of one alarm's journal, the newest.
MOST_ENTRIES = 500


def router(context: Context) -> APIRouter:
    """The addresses of alarms."""
    routes = APIRouter(tags=["alarms"])
    readers = context.readers

    @routes.get("/alarms", summary="Alarms, those that ask for somebody first")
    def alarms(
        scope: Own,
        type: Annotated[AlarmType | None, Query()] = None,  # noqa: A002
        priority: Annotated[Priority | None, Query()] = None,
        state: Annotated[State | None, Query()] = None,
        zone: Annotated[str | None, Query(max_length=64)] = None,
        normal: Annotated[bool, Query(description="Also those that are normal.")] = False,
    ) -> Response:
        wanted = Wanted(type=type, priority=priority, state=state, zone=zone, normal=normal, scope=scope)
        with readers.reading() as connection:
            return as_json({"data": list_alarms(connection, wanted)})

    rules = RulesFile(context.settings.alarm_rules)
    master = rules.changed() or shipped()

    @routes.get("/alarms/kpi", summary="How much was asked of operators, against the targets of the standards")
    def alarm_kpi(
        scope: Own,
        period: Annotated[
            str, Query(max_length=100, description=DESCRIPTION, examples=["2026-01", *EXAMPLES])
        ] = "P30D",
    ) -> Response:
        nonlocal master
        master = rules.changed() or master
        with readers.asking() as connection:
            begin, end = period_of(connection, period, MOST_OF_ALL)
            found = read_kpis(connection, begin, end, master.positions, scope)
        return as_json(as_document(found, begin, end))

    @routes.get("/alarms/{alarm_id}", summary="One alarm, with its journal, the newest last")
    def alarm(scope: Own, alarm_id: Annotated[int, Path(ge=1, lt=2**31)]) -> Response:
        with readers.reading() as connection:
            wanted = Wanted(alarm_id=alarm_id, normal=True, scope=scope)
            found = list_alarms(connection, wanted)
            if not found:
                raise ProblemError(404, f"there is no alarm {alarm_id}")
            with closing(journal_of(connection, wanted, newest=MOST_ENTRIES)) as journal:
                return as_json({**found[0], "journal": list(journal)})

    return routes
