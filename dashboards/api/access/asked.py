"""What an address asks of who comes: a role, and whose data they see.

An address that does not ask whose data somebody sees (`Own`) is closed to the users of an entity, so that one which
forgets to tells them nothing.
"""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant

from connectors.scope import Scope
from dashboards.api.access.guard import challenge
from dashboards.api.access.user import Role, User
from dashboards.api.problems import ProblemError


# Coroutines, for what is not one is called in a thread.
async def who(request: Request) -> User:
    """Who comes."""
    user: User = request.state.user
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
        raise lacking(f"this is not for users of one entity, and {user.name} is one of {user.entity}")


def check_role(user: User, least: Role, what: str) -> None:
    """Raise ProblemError where a user may not do `what`."""
    if user.role < least:
        raise lacking(f"{what} takes the role {least.word}; {user.name} is {user.role.word}")


def lacking(why: str) -> ProblemError:
    """Somebody is known, and may not."""
    return ProblemError(403, why, {"WWW-Authenticate": challenge("insufficient_scope")})


def _asks_whose(dependant: Dependant) -> bool:
    return dependant.call is whose or any(map(_asks_whose, dependant.dependencies))
