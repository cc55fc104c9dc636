"""What an address asks of who comes: a role, and whose data they see.

An address that does not ask whose data somebody sees (`Own`) is closed to the users of an entity, so that one which
forgets to tells them nothing.
"""

from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.responses import JSONResponse

from connectors.archive import NotOwnError
from connectors.scope import Scope
from dashboards.api.access.audit import Audit, entry
from dashboards.api.access.guard import challenge, unknown
from dashboards.api.access.user import Role, User
from dashboards.api.problems import ProblemError, document


# Coroutines, for what is not one is called in a thread.
async def who(request: Request) -> User:
    """Who comes. Raises ProblemError for a stranger, whom no address that asks for this is open to."""
    user: User | None = request.state.user
    if user is None:
        raise unknown("this needs a token of the issuer")
    return user


Who = Annotated[User, Depends(who)]


async def whose(user: Who) -> Scope:
    """Whose data they see."""
    return user.scope


Own = Annotated[Scope, Depends(whose)]


async def fence(request: Request) -> None:
    """Keep the users of an entity away from what is not theirs; for every address but the public ones."""
    user: User | None = request.state.user
    if user is not None and user.entity is not None and not _asks_whose(request.scope["route"].dependant):
        raise LackingError(f"this is not for users of one entity, and {user.name} is one of {user.entity}")


def check_role(user: User, least: Role, what: str) -> None:
    """Raise ProblemError where a user may not do `what`."""
    if user.role < least:
        raise LackingError(f"{what} takes the role {least.word}; {user.name} is {user.role.word}")


class LackingError(ProblemError):
    """Somebody is known, and may not; it is written down."""

    def __init__(self, why: str) -> None:
        """`why`: says what is missing."""
        super().__init__(403, why, {"WWW-Authenticate": challenge("insufficient_scope")})


def install(app: FastAPI, audit: Audit) -> None:
    """Let what is refused to somebody be written down."""

    @app.exception_handler(LackingError)
    async def lacking(request: Request, error: LackingError) -> JSONResponse:
        user: User = request.state.user
        place = f"{request.method} {request.scope['path']}"
        await audit.noted(entry(request, user.name, user.subject, "access", place, "refused", why=error.detail))
        return document(error.status, error.detail, error.headers)

    @app.exception_handler(NotOwnError)
    async def not_own(request: Request, error: NotOwnError) -> JSONResponse:
        return await lacking(request, LackingError(str(error)))


def _asks_whose(dependant: Dependant) -> bool:
    return dependant.call is whose or any(map(_asks_whose, dependant.dependencies))
