"""What Maven brings: the dependencies of a pom.xml, copied into a folder."""

import shutil
import subprocess
from pathlib import Path

from infra.stack.error import StackError

# In full, so that Maven names what it could not get.
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
SECONDS = 900


def bring(pom: Path, what: str, folder: Path) -> None:
    """Fill a folder with the dependencies of `pom`, which are `what` for people. Raises StackError."""
    program = shutil.which("mvn")
    if program is None:
        raise StackError("Maven is not installed: run `make setup`, or install it (apt-get install maven).")
    argv = [program, "--batch-mode", "--quiet", "--strict-checksums", "--file", str(pom), COPY]
    try:
        done = subprocess.run(
            [*argv, f"-DoutputDirectory={folder}"], capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(f"Maven brought nothing in {SECONDS // 60} minutes: check the network.") from error
    if done.returncode:
        said = (done.stdout or done.stderr).strip().partition("\n")[0]
        raise StackError(f"Maven could not fetch {what} ({said}): check the network and try again.")
