"""A space with something in every view, served, and a browser to look at it."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from connectors.database import connect, create_database, drop_database, space_url
from connectors.live import delete_states
from connectors.migrations import migrate
from infra.stack.stack import Addresses
from schemas.settings import Settings
from tests.connectors.filled import fill_every_view
from tests.dashboards.serving import serving


@pytest.fixture(scope="module")
def served(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The settings of a space for all tests of a file, which only read."""
    space = f"t{secrets.token_hex(6)}"
    url = space_url(stack.database, space)
    create_database(url)
    try:
        with closing(connect(url)) as connection:
            migrate(connection)
            fill_every_view(connection, tmp_path_factory.mktemp("filled"))
        yield Settings(database=stack.database, redis=stack.redis, kafka=stack.kafka, space=space)
    finally:
        drop_database(url)
        delete_states(stack.redis, space)


@pytest.fixture(scope="module")
def address(served: Settings) -> Iterator[str]:
    """Where it is served."""
    with serving(served) as found:
        yield found


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx.Client]:
    """Asks it."""
    with httpx.Client(base_url=address, timeout=20) as made:
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser: Debian's. While it runs there is an event loop, so no test of the file may be async."""
    program = shutil.which("chromium")
    assert program is not None, "there is no chromium; `infra/setup.sh test` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    """An empty page of a control room's screen, in English; at the end nothing must have gone wrong in it."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="en-GB")
    context.add_init_script(
        "localStorage.setItem('tengerim.language', localStorage.getItem('tengerim.language') ?? 'en')"
    )
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    context.close()
    assert wrong == []
