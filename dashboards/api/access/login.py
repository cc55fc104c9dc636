"""Logging in on the page: the authorization code flow with PKCE (RFC 7636), and a session in Redis.

A browser cannot send a token with its own requests, so the server holds it and gives the browser a cookie.
"""

import time
import warnings
from collections.abc import Mapping
from typing import Any

import httpx
import structlog
from authlib.deprecate import AuthlibDeprecationWarning
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from joserfc.errors import JoseError
from redis.exceptions import RedisError

from dashboards.api.access.audit import Audit, entry
from dashboards.api.access.issuer import AwayError, Issuer
from dashboards.api.access.sessions import LONGEST_S, Session, Sessions
from dashboards.api.access.tokens import ALGORITHMS, TokenError, claims_of
from dashboards.api.access.user import ClaimsError, User, user_of
from schemas.settings import Settings

with warnings.catch_warnings():
    # It would rather be used with httpx2.
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import AsyncOAuth2Client
    from authlib.integrations.starlette_client import OAuthError, StarletteIntegration, StarletteOAuth2App

log = structlog.get_logger()

PATHS = frozenset({"/login", "/login/callback", "/logout"})
# A token is renewed so long before its end.
BEFORE_S = 10


class Login:
    """Sends people to the issuer and takes them back."""

    def __init__(self, settings: Settings, issuer: Issuer, audit: Audit) -> None:
        """`settings`: with an issuer."""
        self._settings, self._issuer, self._audit = settings, issuer, audit
        self.sessions = Sessions(settings.redis, settings.space)
        # Ports share their cookies.
        self.cookie = f"tengerim_{settings.space}"
        secret = settings.oidc_client_secret
        self._client_of = {"client_id": settings.oidc_client_id, "client_secret": secret or None}
        self._method = {"token_endpoint_auth_method": "client_secret_basic" if secret else "none"}

    async def close(self) -> None:
        """Close the connections."""
        await self.sessions.close()

    async def user(self, request: Request) -> User | None:
        """Who is logged in; None: nobody. Raises AwayError and RedisError where that cannot be told."""
        number = request.cookies.get(self.cookie)
        session = await self.sessions.find(number) if number else None
        if number is None or session is None:
            return None
        if session.until - time.time() < BEFORE_S:
            session = await self._renewed(number)
        return None if session is None else session.user

    async def _renewed(self, number: str) -> Session | None:
        async with self.sessions.renewing(number):
            session = await self.sessions.find(number)
            if session is None or session.until - time.time() >= BEFORE_S:
                return session
            if session.refresh_token and session.ends > time.time():
                metadata = await self._issuer.metadata()
                try:
                    async with AsyncOAuth2Client(**self._client_of, **self._method) as client:
                        tokens = await client.refresh_token(
                            metadata["token_endpoint"], refresh_token=session.refresh_token
                        )
                    renewed = await self._session({"id_token": session.id_token, **tokens}, session.ends)
                    return renewed if await self.sessions.renew(number, renewed) else None
                except (OAuthError, TokenError, ClaimsError) as error:
                    log.info("a session ends", user=session.name, why=str(error))
                except (httpx.HTTPError, KeyError, ValueError) as error:
                    raise AwayError(f"the issuer {self._issuer.url} does not renew a token: {error!r}") from None
            await self.sessions.end(number)
            return None

    async def _session(self, tokens: Mapping[str, Any], ends: float) -> Session:
        """Of what the issuer gave: people are who the access token says, as for everybody who brings one."""
        claims = await claims_of(str(tokens["access_token"]), self._issuer, self._settings.oidc_audience)
        user = user_of(claims, self._settings)
        refresh_token = str(tokens.get("refresh_token") or "")
        lasts_s = tokens.get("refresh_expires_in") if refresh_token else None
        ends = min(ends, time.time() + float(lasts_s)) if lasts_s else ends
        return Session(
            name=user.name, subject=user.subject, role=user.role, entity=user.entity, until=user.until,
            ends=ends if refresh_token else user.until, refresh_token=refresh_token,
            id_token=str(tokens.get("id_token") or ""),
        )  # fmt: skip

    def router(self) -> APIRouter:
        """`/login`, where the issuer sends people back to, and `/logout`."""
        routes = APIRouter(include_in_schema=False)

        @routes.get("/login")
        async def login(request: Request) -> Response:
            try:
                client = await self._client()
                # Where somebody came from by a notification's link.
                request.session["alarm"] = request.query_params.get("alarm", "")[:10]
                redirect: Response = await client.authorize_redirect(request, f"{self._base(request)}login/callback")
                return redirect
            # An issuer without an authorization endpoint is a RuntimeError of Authlib.
            except (AwayError, httpx.HTTPError, RuntimeError) as error:
                return self._failed(request, "away", error)

        @routes.get("/login/callback")
        async def callback(request: Request) -> Response:
            try:
                client = await self._client()
                session = await self._session(await client.authorize_access_token(request), time.time() + LONGEST_S)
                number = await self.sessions.begin(session)
            except (AwayError, RedisError, httpx.HTTPError) as error:
                return self._failed(request, "away", error)
            except (OAuthError, JoseError, TokenError, ClaimsError, KeyError, ValueError) as error:
                return self._failed(request, "refused", error)
            await self._audit.noted(entry(request, session.name, session.subject, "login", "", "done"))
            alarm = request.session.pop("alarm", "")
            home = (
                f"{self._base(request)}?alarm={alarm}" if alarm.isascii() and alarm.isdigit() else self._base(request)
            )
            answer = RedirectResponse(home, 303)
            answer.set_cookie(
                self.cookie, number, max_age=LONGEST_S, httponly=True, samesite="lax",
                secure=self._base(request).startswith("https:"),
            )  # fmt: skip
            return answer

        @routes.get("/logout")
        async def logout(request: Request) -> Response:
            number, home = request.cookies.get(self.cookie), f"{self._base(request)}public"
            answer: Response = RedirectResponse(home, 303)
            if request.headers.get("sec-fetch-site") == "cross-site":
                return answer
            try:
                session = await self.sessions.end(number) if number else None
                if session is not None:
                    await self._audit.noted(entry(request, session.name, session.subject, "logout", "", "done"))
                if session is not None and session.id_token:
                    answer = await (await self._client()).logout_redirect(
                        request, home, session.id_token, client_id=self._settings.oidc_client_id
                    )
            except (AwayError, RedisError, RuntimeError) as error:
                log.warning("logged out here only", error=str(error))
            answer.delete_cookie(self.cookie)
            return answer

        return routes

    async def _client(self) -> StarletteOAuth2App:
        """Authlib's, which makes and checks state, nonce, PKCE and ID token. Raises AwayError."""
        client = StarletteOAuth2App(
            StarletteIntegration("oidc"), "oidc", **self._client_of,
            client_kwargs={"scope": "openid", "code_challenge_method": "S256", **self._method},
        )  # fmt: skip
        client.server_metadata = {
            **await self._issuer.metadata(), "_loaded_at": time.time(),
            "id_token_signing_alg_values_supported": sorted(ALGORITHMS),
        }  # fmt: skip
        return client

    def _base(self, request: Request) -> str:
        """Where people reach this server, with a slash at the end."""
        return (self._settings.public_url or str(request.base_url)).rstrip("/") + "/"

    def _failed(self, request: Request, how: str, error: Exception) -> Response:
        log.warning("nobody was logged in", error=str(error) or repr(error))
        return RedirectResponse(f"{self._base(request)}public?login={how}", 303)
