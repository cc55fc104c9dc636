"""The control-room page: files as they are, and what a browser may do with them."""

import pathlib
from typing import Annotated

from fastapi import FastAPI, Path, Request
from fastapi.responses import FileResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE = pathlib.Path(__file__).parents[1] / "page"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# What the public page is made of: its own address, and every file that it asks for.
PUBLIC_FILES = (
    "public.js", "public.css", "style.css", "icon.svg", "day.js", "dom.js", "figures.js", "looks.js", "words.js",
    "vendor/uPlot.js", "vendor/uPlot.css",
)  # fmt: skip
PUBLIC = frozenset({"/public", *(f"/{name}" for name in PUBLIC_FILES)})
# Where the links of notifications begin; behind one is the front page, for whoever it is.
LINKS = "/alarms/"
# Another one for whoever logs in.
_FRONT_HEADERS = {"Cache-Control": "no-cache", "Vary": "Cookie"}


def is_link(path: str) -> bool:
    """Whether a path is one that notifications link to."""
    number = path.removeprefix(LINKS)
    return path.startswith(LINKS) and number.isascii() and number.isdecimal()


class Guarded:
    """Adds HEADERS to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        """Around an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)


def install(app: FastAPI) -> None:
    """Serve the page at `/`, to strangers the public one, which is always at `/public`; comes after everything else."""
    app.add_middleware(Guarded)

    @app.get("/", include_in_schema=False)
    async def front(request: Request) -> FileResponse:
        return FileResponse(PAGE / ("index.html" if request.state.user else "public.html"), headers=_FRONT_HEADERS)

    @app.get(LINKS + "{number}", include_in_schema=False)
    async def alarm(number: Annotated[int, Path(ge=1)]) -> RedirectResponse:
        """Where notifications lead."""
        return RedirectResponse(f"/?alarm={number}", 303)

    @app.get("/public", include_in_schema=False)
    async def public() -> FileResponse:
        return FileResponse(PAGE / "public.html", headers={"Cache-Control": "no-cache"})

    app.mount("/", StaticFiles(directory=PAGE, html=True))
