"""What went wrong, as problem documents (RFC 9457): every answer that is not 2xx or 304."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from connectors.archive import ArchiveError
from connectors.database import DatabaseError
from connectors.kafka import KafkaError
from schemas.period import PeriodError

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
RETRY_S = 5


class ProblemError(Exception):
    """Ends a request with a problem document; `detail` says what to do."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        """`status`: of HTTP."""
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})


def document(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: object) -> JSONResponse:
    """The answer."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, dict(headers or {}), MEDIA_TYPE)


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: Annotated[str, Field(description="What is wrong, and what to do.")]
    errors: Annotated[list[dict[str, str]], Field(description="Of what makes no sense: where, and what.")] = []


# What any address may answer.
_ALWAYS = {
    401: "Nobody knows who asks.",
    403: "Who asks may not; it says what is missing.",
    404: "There is no such thing.",
    421: "This machine is not asked by such a name.",
    422: "What was asked makes no sense.",
    429: "Too much at a time; Retry-After says when to ask again.",
    500: "Our fault; the log says more.",
    503: "The database, the broker, the issuer or room for one more is missing; ask again.",
}


def describe(app: FastAPI) -> None:
    """Say in the OpenAPI document of `app` what errors look like."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = made()
            schemas = found.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = Problem.model_json_schema()
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            for operations in found["paths"].values():
                for operation in operations.values():
                    if "requestBody" in operation:
                        operation["responses"]["400"] = {"description": "The body is not JSON."}
                    _add_problems(operation["responses"])
        return made()

    app.openapi = openapi  # type: ignore[method-assign]


def _add_problems(responses: dict[str, Any]) -> None:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, description in _ALWAYS.items():
        known = responses.get(str(status), {})
        if status == 422 or "content" not in known:
            responses[str(status)] = {"description": description, "content": content}
    for refused in ("400", "406"):
        if refused in responses:
            responses[refused]["content"] = content


def install(app: FastAPI) -> None:
    """Let every error of `app` come out as one."""
    describe(app)

    @app.exception_handler(ProblemError)
    async def problem(_: Request, error: ProblemError) -> JSONResponse:
        return document(error.status, error.detail, error.headers)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        words = {404: f"there is nothing at {request.url.path}", 405: f"{request.method} is not for this address"}
        return document(error.status_code, words.get(error.status_code, str(error.detail)), error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        found = [{"at": ".".join(map(str, one["loc"])), "says": one["msg"]} for one in error.errors()]
        return document(422, "; ".join(f"{one['at']}: {one['says']}" for one in found), errors=found)

    @app.exception_handler(PeriodError)
    @app.exception_handler(ArchiveError)
    async def unreadable(_: Request, error: Exception) -> JSONResponse:
        return document(422, str(error))

    @app.exception_handler(DatabaseError)
    @app.exception_handler(KafkaError)
    @app.exception_handler(psycopg.OperationalError)
    async def away(_: Request, error: Exception) -> JSONResponse:
        detail = str(error).splitlines()[0] if str(error) else "the database does not answer"
        return document(503, detail, {"Retry-After": str(RETRY_S)})

    @app.exception_handler(psycopg.errors.UndefinedTable)
    @app.exception_handler(psycopg.errors.UndefinedFunction)
    async def unmade(_: Request, error: Exception) -> JSONResponse:
        detail = "the space has no archive yet; it is made by `tengerim worker` or the first import"
        return document(503, detail, {"Retry-After": str(RETRY_S)})

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("a request failed", path=request.url.path, error=repr(error), exc_info=error)
        return document(500, "something is wrong here; the log of `tengerim serve` says what")
