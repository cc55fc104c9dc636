"""A real Keycloak for the tests: brought by Maven and prepared once, then started within seconds for each file."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from joserfc.jwk import RSAKey
from playwright.sync_api import Page

from infra.stack import maven
from infra.stack.kafka import java
from infra.stack.part import Say
from tests.dashboards.api.access.realms import CLIENT, PASSWORD, SECRET, realms
from tests.dashboards.serving import free_port

POM = Path(__file__).with_name("pom.xml")
START_S = 120
LONG_MS = 20_000
# Little is computed here, so the quick compiler is the quicker one.
_JAVA = {"JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1"}


@dataclass(frozen=True)
class Keycloak:
    """One that runs."""

    address: str

    @property
    def issuer(self) -> str:
        return f"{self.address}/realms/tengerim"

    def token(self, user: str, client: str = CLIENT, realm: str = "tengerim") -> str:
        """An access token, by the password."""
        return self._ask(realm, client, grant_type="password", username=user, password=PASSWORD, scope="openid")[
            "access_token"
        ]

    def id_token(self, user: str) -> str:
        """What says who logged in, and is no access token."""
        return self._ask("tengerim", CLIENT, grant_type="password", username=user, password=PASSWORD, scope="openid")[
            "id_token"
        ]

    def refresh_token(self, user: str) -> str:
        """What only Keycloak itself takes."""
        return self._ask("tengerim", CLIENT, grant_type="password", username=user, password=PASSWORD)["refresh_token"]

    def signing_key(self) -> RSAKey:
        """The public key of its access tokens."""
        keys = httpx.get(f"{self.issuer}/protocol/openid-connect/certs", timeout=30).json()["keys"]
        return RSAKey.import_key(next(key for key in keys if key["alg"] == "RS256"))

    def machine_token(self) -> str:
        """Of a client itself, which has no role."""
        return self._ask("tengerim", CLIENT, grant_type="client_credentials")["access_token"]

    def _ask(self, realm: str, client: str, **form: str) -> dict[str, str]:
        answer = httpx.post(
            f"{self.address}/realms/{realm}/protocol/openid-connect/token",
            data={"client_id": client, "client_secret": SECRET, **form}, timeout=30,
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        found: dict[str, str] = answer.json()
        return found


def log_in(tab: Page, place: str, user: str, password: str = PASSWORD) -> None:
    """By the login form, from the public page."""
    tab.goto(place)
    tab.get_by_role("link", name="Log in").click(timeout=LONG_MS)
    tab.locator("#username").fill(user, timeout=LONG_MS)
    tab.locator("#password").fill(password)
    tab.locator("#kc-login").click()


@contextmanager
def prepared(home: Path, say: Say) -> Iterator[Path]:
    """Its folder, with the realms in its database, nobody else's while the block lasts.

    Another version or realm has another folder, and takes the place of this one.
    """
    texts = {name: json.dumps(realm, ensure_ascii=False) for name, realm in realms().items()}
    digest = hashlib.sha256(b"".join([POM.read_bytes(), *(text.encode() for text in texts.values())])).hexdigest()
    ready = home / "keycloak" / digest[:12]
    home.mkdir(parents=True, exist_ok=True)
    with (home / "keycloak.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.is_dir():
            _prepare(ready, texts, say)
        yield ready


def _prepare(ready: Path, texts: dict[str, str], say: Say) -> None:
    say("keycloak: fetching it with Maven and filling its database (once, about a minute)")
    shutil.rmtree(ready.parent, ignore_errors=True)
    fresh = ready.with_suffix(".new")
    maven.bring(POM, "Keycloak", fresh)
    (archive,) = fresh.glob("*.zip")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(fresh)
    archive.unlink()
    (unpacked,) = fresh.iterdir()
    _run(unpacked, "build", "--db=dev-file")
    found = unpacked / "realms"
    found.mkdir()
    for name, text in texts.items():
        (found / f"{name}-realm.json").write_text(text, encoding="utf-8")
    _run(unpacked, "import", "--optimized", f"--dir={found}")
    fresh.rename(ready)


@contextmanager
def running(home: Path, say: Say, folder: Path) -> Iterator[Keycloak]:
    """One with a copy of the prepared database in `folder`, gone at the end."""
    own, port = folder / "keycloak", free_port()
    with prepared(home, say) as ready:
        (program,) = ready.glob("keycloak-*")
        shutil.copytree(program, own, copy_function=_link)
        shutil.rmtree(own / "data")
        shutil.copytree(program / "data", own / "data")
    found = Keycloak(f"http://127.0.0.1:{port}")
    options = ["--optimized", "--http-enabled=true", "--http-host=127.0.0.1", f"--http-port={port}", "--cache=local"]
    options += [f"--hostname={found.address}"]
    log = folder / "keycloak.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            ["bash", str(own / "bin" / "kc.sh"), "start", *options], stdout=file, stderr=file, env=_environment(),
            start_new_session=True,
        )  # fmt: skip
    try:
        _wait(process, found, log)
        yield found
    finally:
        os.killpg(process.pid, 9)
        process.wait(10)


def _wait(process: "subprocess.Popen[bytes]", found: Keycloak, log: Path) -> None:
    until = time.monotonic() + START_S
    while True:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < until, log.read_text(encoding="utf-8")
        try:
            if httpx.get(f"{found.issuer}/.well-known/openid-configuration", timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)


def _run(program: Path, *arguments: str) -> None:
    argv = ["bash", str(program / "bin" / "kc.sh"), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=_environment(), timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def _environment() -> dict[str, str]:
    java()
    return {**os.environ, **_JAVA}


def _link(source: str, target: str) -> str:
    """Nothing of the program is written to."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
