"""Who asks: a name, a role, and perhaps an entity, as the claims of a token have them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from connectors.scope import ALL, Scope
from schemas.command import Order
from schemas.settings import Settings


class Role(IntEnum):
    """Each may do what those before it may."""

    VIEWER = 1
    OPERATOR = 2
    ENGINEER = 3
    ADMIN = 4

    @property
    def word(self) -> str:
        """As tokens have it."""
        return self.name.lower()


# Who may give an order: everyday ones, and those that take an alarm away from everybody.
GIVEN_BY: Mapping[Order, Role] = {
    "acknowledge": Role.OPERATOR, "reset": Role.OPERATOR, "shelve": Role.OPERATOR, "unshelve": Role.OPERATOR,
    "comment": Role.OPERATOR, "suppress": Role.ENGINEER, "unsuppress": Role.ENGINEER, "remove": Role.ENGINEER,
    "return": Role.ENGINEER,
}  # fmt: skip


class ClaimsError(Exception):
    """The claims give no access; the text says what is missing."""


@dataclass(frozen=True)
class User:
    """`subject`: what the issuer knows them by. `entity`: whose data they see; None: all. `until`: epoch seconds."""

    name: str
    subject: str
    role: Role
    entity: str | None = None
    until: float = math.inf

    @property
    def scope(self) -> Scope:
        """Whose data they see."""
        return ALL if self.entity is None else Scope(self.entity)


_ABSENT = object()
# Where nobody is asked.
ANYONE = User("", "", Role.ADMIN)


def user_of(claims: Mapping[str, Any], settings: Settings) -> User:
    """The user of a token that has been checked. Raises ClaimsError."""
    found = _at(claims, settings.oidc_roles_claim)
    words = {found} if isinstance(found, str) else set(filter(_is_text, found)) if isinstance(found, list) else set()
    roles = [role for role in Role if role.word in words]
    if not roles:
        raise ClaimsError(
            f"the token has none of the roles {', '.join(role.word for role in Role)} in {settings.oidc_roles_claim}"
        )
    subject = str(claims["sub"])
    name = claims.get("preferred_username")
    return User(
        name=str(name) if _is_text(name) else subject, subject=subject, role=max(roles),
        entity=_entity(_at(claims, settings.oidc_entity_claim), settings.oidc_entity_claim),
        until=float(claims["exp"]),
    )  # fmt: skip


def _entity(claim: object, name: str) -> str | None:
    """A claim that is there but says nothing must not open everything."""
    if claim is _ABSENT:
        return None
    codes = claim if isinstance(claim, list) else [claim]
    if len(codes) != 1 or not _is_text(codes[0]):
        raise ClaimsError(f"the token's {name} is not the code of one entity")
    return str(codes[0])


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """The claim at a path, or _ABSENT, as `realm_access.roles`; a claim of just that name comes first."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name, _ABSENT) if isinstance(found, dict) else _ABSENT
    return found


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""
