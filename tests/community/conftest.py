"""A TimescaleDB of the Community edition: PostgreSQL in WebAssembly, run by Node.js, in memory."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from connectors.database import connect

HERE = Path(__file__).parent
BUILT = HERE.parent.parent / "build" / "community"
FILES = ("package.json", "package-lock.json", ".npmrc", "server.mjs")


@pytest.fixture(scope="session")
def installed() -> Path:
    """The folder of the server with its packages, installed once for each lock."""
    if missing := [tool for tool in ("node", "npm") if shutil.which(tool) is None]:
        pytest.skip(f"{' and '.join(missing)} missing: install nodejs and npm (apt-get install nodejs npm)")
    lock, stamp = (HERE / "package-lock.json").read_text(), BUILT / "node_modules" / ".tengerim"
    BUILT.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(HERE / name, BUILT / name)
    if not stamp.is_file() or stamp.read_text() != lock:
        npm = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=BUILT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if npm.returncode:
            pytest.fail(f"npm could not install the packages of tests/community:\n{npm.stderr}")
        stamp.write_text(lock)
    return BUILT


@pytest.fixture(scope="session")
def community(installed: Path) -> Iterator[psycopg.Connection]:
    """The one connection that such a server can have. It knows no COPY."""
    with subprocess.Popen(
        ["node", "server.mjs"], cwd=installed, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            port = server.stdout.readline().strip()
            address = f"postgresql://postgres:postgres@127.0.0.1:{port}/postgres?sslmode=disable&gssencmode=disable"
            with closing(connect(address)) as connection:
                connection.prepare_threshold = None
                yield connection
        finally:
            server.stdin.close()
