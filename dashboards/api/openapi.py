"""The OpenAPI document: what the routes say of themselves, and the rows of views as the database describes them."""

from collections.abc import Set
from typing import Any, ClassVar

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel

from connectors import catalogue
from connectors.catalogue import Described
from connectors.database import DatabaseError
from connectors.readers import Readers
from dashboards.api.context import PREFIX
from dashboards.api.forms import JSON, MEDIA_TYPES

DESCRIPTION = (
    "Energy is in whole watt-hours, instants are UTC in ISO 8601; a period or an instant without an offset is local "
    "time (Asia/Almaty). Rows are those of the public views of the archive."
)
NOT_MODIFIED = {"description": "The client has it already (If-None-Match)."}

_TYPES: dict[str, dict[str, str]] = {
    "text": {"type": "string"}, "smallint": {"type": "integer"}, "integer": {"type": "integer"},
    "bigint": {"type": "integer"}, "double precision": {"type": "number"}, "boolean": {"type": "boolean"},
    "uuid": {"type": "string", "format": "uuid"}, "date": {"type": "string", "format": "date"},
    "timestamp with time zone": {"type": "string", "format": "date-time"}, "interval": {"type": "integer"}, "jsonb": {},
}  # fmt: skip

_BALANCE = {
    "node_kind": "facility", "node": "GRES1", "ts": "2026-01-20T06:30:00Z", "gen_plan_wh": 871_250_000,
    "gen_fact_wh": 430_640_811, "cons_plan_wh": None, "cons_fact_wh": None, "exch_plan_wh": None, "exch_fact_wh": None,
    "imbalance_wh": 440_609_189, "completeness": 1, "closed": True, "schedule_version": 1,
}  # fmt: skip
# A row of each view that has an address.
ROWS: dict[str, dict[str, object]] = {
    "node": {
        "node_kind": "facility", "node": "GRES1", "name": "Ekibastuz GRES-1", "unit_kind": None, "fuel": None,
        "capacity_w": None, "facility": "GRES1", "entity": "GRES1", "provider": "GRES1", "zone": "NORTH",
        "region": "PAVLODAR", "branch": "MES-NORTH", "hub": "EKIBASTUZ", "lat": 51.89, "lon": 75.37,
        "registered_at": "2026-01-19T19:00:00Z",
    },
    "balance_15m": _BALANCE,
    "balance_1h": _BALANCE | {"ts": "2026-01-20T06:00:00Z", "gen_plan_wh": 3_485_000_000},
    "reading": {
        "emc": "GRES1-B1", "code": "02", "ts": "2026-01-20T06:30:00Z", "wh": 105_250_000, "quality": 4, "revision": 0,
        "received_at": "2026-01-20T06:46:00Z",
    },
    "revision": {
        "emc": "GRES1-B1", "code": "02", "ts": "2026-01-20T06:30:00Z", "wh": 105_000_000, "quality": 4, "rank": 0,
        "sent_at": "2026-01-20T06:45:34Z", "seq": 2_211_069, "received_at": "2026-01-20T06:46:00Z",
    },
    "gap": {
        "dctu": "GRES1-D1", "first_start": "2026-01-20T10:00:00Z", "last_end": "2026-01-20T10:45:00Z", "channels": 8,
        "opened_at": "2026-01-20T10:20:00Z", "healed_at": "2026-01-20T11:33:00Z", "late_by": 4_680, "declared": False,
    },
    "completeness": {
        "dctu": "GRES1-D1", "day": "2026-01-20", "expected": 1_152, "on_time": 1_120, "late": 24, "missing": 8,
    },
    "schedule": {
        "unit": "GRES1-G", "hour": "2026-01-20T06:00:00Z", "version": 1, "wh": 3_485_000_000,
        "received_at": "2026-01-19T18:59:00Z", "in_force": True,
    },
    "quarantine": {
        "quarantine_id": 1, "received_at": "2026-01-20T06:46:00Z", "rule": "NEGATIVE", "detail": "-12 Wh",
        "dctu": "GRES1-D1", "channel": "GRES1-B1/02", "start": "2026-01-20T06:30:00Z", "wh": "-12", "status": "0",
        "sent_at": "2026-01-20T06:45:34Z", "seq": 2_211_069, "replayed_at": None,
    },
    "audit": {
        "audit_id": 40, "at": "2026-01-20T06:47:12.25Z", "actor": "Айгерім", "subject": "8f2c", "address": "10.0.0.7",
        "action": "acknowledge", "target": "alarm 7", "outcome": "given", "detail": {"reason": ""},
    },
    "alarm_event": {
        "at": "2026-01-20T06:46:00Z", "event_id": 12, "alarm_id": 7, "type": "TRIP",
        "object_kind": "facility", "object": "GRES1", "event": "raise",
        "state_before": "NORM", "state": "UNACK", "annunciated": True, "priority": "high", "value": -1_762_436_756,
        "limit_value": 200_000_000, "unit": "W", "interval_start": "2026-01-20T06:30:00Z", "completeness": 1,
        "schedule_version": 1, "rules": "6bd0ab21244b", "actor": None, "reason": None, "command_id": None, "detail": {},
        "recorded_at": "2026-01-20T06:46:01.5Z",
    },
}  # fmt: skip


class Answer(BaseModel):
    """What an address answers with, and an example of it."""

    EXAMPLE: ClassVar[dict[str, Any]]


def rows_of(*views: str) -> dict[int | str, dict[str, Any]]:
    """The answers of an address that gives rows of a view, or of one of several."""
    pages = [{"$ref": f"#/components/schemas/{_name(view)}Page"} for view in views]
    content: dict[str, dict[str, Any]] = {media: {} for media in MEDIA_TYPES}
    content[JSON] = {"schema": pages[0] if len(pages) == 1 else {"anyOf": pages}}
    content["text/csv"] = {"example": ",".join(ROWS[views[0]]) + "\n…"}
    return {
        200: {"description": "JSON: a page. The others: all of it, streamed.", "content": content},
        304: NOT_MODIFIED,
        406: {"description": "There is no such form."},
    }


def install(app: FastAPI, readers: Readers, open_to_all: Set[str] | None) -> None:
    """Serve the document. `open_to_all`: the paths for which nobody is asked who they are; None: all are."""
    of_routes = app.openapi
    whole: dict[str, Any] = {}

    @app.get(PREFIX, include_in_schema=False)
    def begin() -> RedirectResponse:
        return RedirectResponse(f"{PREFIX}/openapi.json")

    @app.get(f"{PREFIX}/openapi.json", include_in_schema=False)
    def openapi() -> Response:
        if not whole:
            found = of_routes()
            schemas = found["components"]["schemas"]
            for model in Answer.__subclasses__():
                # FastAPI leaves out what is null.
                schemas[model.__name__]["example"] = model.EXAMPLE
            whole.update({**found, "components": {**found["components"], "schemas": schemas | _schemas(readers)}})
            if open_to_all is not None:
                _lock(whole, open_to_all)
        return JSONResponse(whole)


def _lock(document: dict[str, Any], open_to_all: Set[str]) -> None:
    """Say where a token is needed."""
    document["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Of the OIDC issuer."}
    }
    document["security"] = [{"token": []}]
    for path in document["paths"].keys() & open_to_all:
        for operation in document["paths"][path].values():
            operation["security"] = []


def _schemas(readers: Readers) -> dict[str, Any]:
    """Of the views' rows, and of pages of them."""
    with readers.asking() as connection:
        described = {view.name.removeprefix("v_"): view for view in catalogue.views(connection)}
    if not ROWS.keys() <= described.keys():
        raise DatabaseError("the space has no archive yet; a worker or the first import makes it")
    schemas: dict[str, Any] = {}
    for view, row in ROWS.items():
        name, (_, meaning, columns) = _name(view), described[view]
        schemas[name] = {
            "type": "object", "description": meaning, "example": row, "additionalProperties": False,
            "required": [column.name for column in columns],
            "properties": {column.name: _schema(column) for column in columns},
        }  # fmt: skip
        schemas[f"{name}Page"] = {
            "type": "object", "required": ["data", "next"], "example": {"data": [row], "next": None},
            "properties": {
                "data": {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}},
                "next": {"type": ["string", "null"], "description": "Cursor of the next page; null: this is the last."},
            },
        }  # fmt: skip
    return schemas


def _schema(column: Described) -> dict[str, Any]:
    known = _TYPES[column.type]
    meaning = f"{column.meaning} Seconds." if column.type == "interval" else column.meaning
    return {**known, **({"type": [known["type"], "null"]} if known else {}), "description": meaning}


def _name(view: str) -> str:
    """As schemas are called: BalanceOf15m."""
    return "".join(word.capitalize() for word in view.split("_"))
