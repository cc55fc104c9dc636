"""Who is logged in on a page: sessions in Redis, known to a browser by a random number in a cookie."""

import hashlib
import secrets
import time
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import redis.asyncio as redis
from pydantic import BaseModel, Field

from dashboards.api.access.user import Role, User

# However often it is renewed: a long shift.
LONGEST_S = 12 * 3600
_TIMEOUT_S = 2.0


class Session(BaseModel):
    """What the issuer gave. Instants are epoch seconds; the tokens are empty where it gave none."""

    name: str
    subject: str
    role: Role
    entity: str | None
    until: float
    ends: Annotated[float, Field(description="When it cannot be renewed any more.")]
    refresh_token: str = ""
    id_token: str = ""

    @property
    def user(self) -> User:
        """Whose it is."""
        return User(self.name, self.subject, self.role, self.entity, self.until)


class Sessions:
    """Everything raises RedisError where Redis is away."""

    def __init__(self, address: str, space: str) -> None:
        """Connect lazily."""
        self._space = space
        self._client = redis.Redis.from_url(
            address, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, decode_responses=True
        )

    async def begin(self, session: Session) -> str:
        """The number by which it is found."""
        number = secrets.token_urlsafe(32)
        await self._set(number, session)
        return number

    async def find(self, number: str) -> Session | None:
        """The session of a number; None: there is none, or no longer."""
        text = await self._client.get(self._key(number))
        return None if text is None else Session.model_validate_json(text)

    async def renew(self, number: str, session: Session) -> bool:
        """In place of what is there; False where it has ended meanwhile."""
        return await self._set(number, session, only_in_place=True)

    async def _set(self, number: str, session: Session, *, only_in_place: bool = False) -> bool:
        left_s = max(1, round(session.ends - time.time()))
        return bool(await self._client.set(self._key(number), session.model_dump_json(), ex=left_s, xx=only_in_place))

    async def end(self, number: str) -> Session | None:
        """Forget it; gives what it was."""
        text = await self._client.getdel(self._key(number))
        return None if text is None else Session.model_validate_json(text)

    def renewing(self, number: str) -> AbstractAsyncContextManager[object]:
        """One at a time: a refresh token may be good for one use."""
        return self._client.lock(f"{self._key(number)}:renewing", timeout=20, blocking_timeout=10)

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    def _key(self, number: str) -> str:
        """Whoever reads Redis shall not be able to go on with somebody's session."""
        return f"{self._space}:session:{hashlib.sha256(number.encode()).hexdigest()}"
