"""The archive, the live state and the control-room page over HTTP."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from connectors.database import space_url
from connectors.live import LiveReader
from connectors.readers import QuickReaders, Readers
from dashboards.api import alarms, archive, health, live, openapi, orders, page, problems, public
from dashboards.api.access import asked, me
from dashboards.api.access.audit import Audit
from dashboards.api.access.guard import PUBLIC, Guard
from dashboards.api.access.issuer import Issuer
from dashboards.api.access.login import Login
from dashboards.api.context import PREFIX, Context
from dashboards.api.hub import Hub
from dashboards.api.questions import refuse_nul
from dashboards.api.rules import Rules
from schemas.settings import Settings


def make_app(settings: Settings) -> FastAPI:
    """The application of one space; without an issuer in the settings, for this machine only and open to all on it."""
    url = space_url(settings.database, settings.space)
    reader = LiveReader(settings.redis, settings.space)
    context = Context(
        settings, Readers(url), QuickReaders(url), Hub(reader, url), Audit(url), Rules(settings.alarm_rules)
    )
    issuer = Issuer(settings.oidc_issuer) if settings.oidc_issuer else None
    login = Login(settings, issuer, context.audit) if issuer is not None else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        context.readers.open()
        await context.quick.open()
        running = asyncio.create_task(context.hub.run())
        yield
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await reader.close()
        if issuer is not None and login is not None:
            await login.close()
            await issuer.close()
        await context.quick.close()
        context.readers.close()

    app = FastAPI(
        title="Tengerim", version="1", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None,
        summary="Plan against fact of a power system, as it happens and as it was.", description=openapi.DESCRIPTION,
    )  # fmt: skip
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    if login is not None:
        # Between going to the issuer and coming back; a server that starts anew in between has people begin anew.
        app.add_middleware(
            SessionMiddleware, secret_key=secrets.token_hex(32), session_cookie="tengerim_login", max_age=600,
            path="/login", https_only=settings.public_url.startswith("https:"),
        )  # fmt: skip
        app.include_router(login.router())
    app.add_middleware(Guard, settings=settings, issuer=issuer, login=login, audit=context.audit)
    problems.install(app)
    asked.install(app, context.audit)
    for part in (archive, live, alarms, orders, me, public, health):
        app.include_router(
            part.router(context), prefix=PREFIX, dependencies=[Depends(asked.fence), Depends(refuse_nul)]
        )
    openapi.install(app, context.readers, None if issuer is None else PUBLIC)
    page.install(app)
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxies)
    app.state.hub = context.hub
    return app
