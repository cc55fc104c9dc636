"""Asks everybody who comes who they are, before anything else does: whatever is not named public is closed."""

import math
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboards.api import page
from dashboards.api.access import login
from dashboards.api.access.audit import Audit, entry
from dashboards.api.access.issuer import AwayError, Issuer
from dashboards.api.access.limits import Rate
from dashboards.api.access.login import Login
from dashboards.api.access.tokens import TokenError, claims_of
from dashboards.api.access.user import ANYONE, ClaimsError, User, user_of
from dashboards.api.context import PREFIX
from dashboards.api.problems import ProblemError, document
from schemas.settings import Settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# What strangers get; the front page is another one for them.
FRONT = "/"
PUBLIC = frozenset({f"{PREFIX}/health", f"{PREFIX}/public/profile", FRONT, *login.PATHS, *page.PUBLIC})
AGAIN_S = 10
NOTED_S, MOST_NOTED = 60.0, 10_000
_ASKING = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Puts the user into the state of each request: `request.state.user`, None for a stranger."""

    def __init__(
        self, app: ASGIApp, settings: Settings, issuer: Issuer | None, login: Login | None, audit: Audit
    ) -> None:  # fmt: skip
        """`issuer`, `login`: None where nobody is asked."""
        self._app, self._settings, self._issuer, self._login, self._audit = app, settings, issuer, login, audit
        self._rate = Rate(settings.requests_per_minute)
        self._noted: dict[tuple[str, str], float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            self._check_place(request)
            request.state.user = await self._counted(request)
        except ProblemError as error:
            await document(error.status, error.detail, error.headers)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check_place(self, request: Request) -> None:
        """A page of another place in the same browser must neither read nor order."""
        host = request.headers.get("host", "")
        if self._issuer is None and _name_of(host) not in LOOPBACK:
            raise ProblemError(421, f"this is served to this machine only, not as {host!r}")
        if request.method in _ASKING:
            return
        origin, own = request.headers.get("origin"), {host, urlsplit(self._settings.public_url).netloc} - {""}
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin" or (
            origin is not None and urlsplit(origin).netloc not in own
        ):
            raise ProblemError(403, "orders are taken from the page of this server only, not from another one's")

    async def _counted(self, request: Request) -> User | None:
        """Who asks; where people are asked, one more of their requests."""
        if self._issuer is None:
            return ANYONE
        address = f"address {request.client.host if request.client else ''}"
        try:
            user = await self._user(request)
        except Exception:
            self._rate.count(address)
            raise
        self._rate.count(f"user {user.subject}" if user else address)
        return user

    async def _user(self, request: Request) -> User | None:
        if self._issuer is None or self._login is None:
            return ANYONE
        path = request.url.path
        try:
            return None if _is_public(path) and path != FRONT else await self._known(request, self._issuer, self._login)
        except ProblemError:
            if path == FRONT:
                return None
            raise

    async def _known(self, request: Request, issuer: Issuer, login: Login) -> User:
        """Who brings a token, or is logged in. Raises ProblemError."""
        try:
            if "authorization" not in request.headers:
                if (user := await login.user(request)) is not None:
                    return user
                raise unknown("this needs a token of the issuer, as Authorization: Bearer …, or to log in at /login")
            kind, _, token = request.headers["authorization"].partition(" ")
            if kind.lower() != "bearer" or not token.strip():
                raise unknown("this needs a token of the issuer, as Authorization: Bearer …")
            claims = await claims_of(token.strip(), issuer, self._settings.oidc_audience)
            try:
                return user_of(claims, self._settings)
            except ClaimsError as error:
                await self._note(request, claims, str(error))
                raise
        except TokenError as error:
            if error.claims is not None:
                await self._note(request, error.claims, str(error))
            raise unknown(str(error), error="invalid_token") from None
        except ClaimsError as error:
            raise ProblemError(403, str(error), {"WWW-Authenticate": challenge("insufficient_scope")}) from None
        except AwayError as error:
            raise ProblemError(503, str(error), {"Retry-After": str(AGAIN_S)}) from None
        except RedisError:
            why = "Redis is away, and with it who is logged in; a token is still good"
            raise ProblemError(503, why, {"Retry-After": str(AGAIN_S)}) from None

    async def _note(self, request: Request, claims: Mapping[str, Any], why: str) -> None:
        """That a token was refused which the issuer has signed; of others nobody knows whose they are.

        A program that goes on asking with one is written down once in a while.
        """
        name, subject = str(claims.get("preferred_username", "")), str(claims.get("sub", ""))
        now = time.monotonic()
        if now - self._noted.get((subject, why), -math.inf) < NOTED_S:
            return
        if len(self._noted) >= MOST_NOTED:
            self._noted.clear()
        self._noted[subject, why] = now
        place = f"{request.method} {request.scope['path']}"
        await self._audit.noted(entry(request, name, subject, "token", place, "refused", why=why))


def _is_public(path: str) -> bool:
    return path in PUBLIC or page.is_link(path)


def _name_of(host: str) -> str | None:
    """Of a header Host, by our own reading: Starlette takes one that it does not like for this server's address."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def challenge(error: str = "", why: str = "") -> str:
    """The header WWW-Authenticate (RFC 6750)."""
    said = {"realm": "tengerim", "error": error, "error_description": why}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in said.items() if value)


def unknown(why: str, error: str = "") -> ProblemError:
    """Nobody knows who asks."""
    return ProblemError(401, why, {"WWW-Authenticate": challenge(error, why if error else "")})
