"""A private Debian root with the servers in it, built once by debootstrap; nothing on the host is touched but it.

The servers see the whole home as their "/", by chroot, with links to what the root has there: so program and data meet
at short paths, under a user id that is not root's, as PostgreSQL demands. Nothing is ever mounted.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.stack.error import StackError

RELEASE = "trixie"
PACKAGES = (
    "postgresql-17",
    "postgresql-17-timescaledb",
    "redis-server",
    "prometheus",
    "prometheus-alertmanager",
)
# The servers' user and group where we are root; a number that hardly any host gives to somebody.
SERVICE_ID = 59532
MIRROR_SETTING = "TENGERIM_MIRROR"
KEYRING_SETTING = "TENGERIM_KEYRING"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Folders of the root that a server sees at the usual place when the home is its "/".
LINKS = ("bin", "dev", "etc", "lib", "lib64", "sbin", "tmp", "usr")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Root:
    """The root of the stack in `home`: `home/root`."""

    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "root"

    @property
    def ids(self) -> tuple[int, int]:
        """The ids of user and group that the servers run under: ours, unless we are root."""
        return (os.getuid(), os.getgid()) if os.getuid() else (SERVICE_ID, SERVICE_ID)

    def is_built(self) -> bool:
        stamp = self.folder / "etc" / "tengerim"
        return stamp.is_file() and stamp.read_text() == recipe()

    def build(self, say: Say) -> None:
        """Build it where it is missing or was made of other packages."""
        if self.is_built():
            return
        say(f"root: building a Debian {RELEASE} with the servers (once, about 2 minutes and 1 GB)")
        fresh = self.home / "root.new"
        remove(fresh)
        _debootstrap(fresh, say)
        # The package's own cluster and the archives are not needed.
        for waste in ("var/lib/postgresql/17", "var/cache/apt/archives"):
            remove(fresh / waste)
        user, group = self.ids
        _append(fresh / "etc/passwd", f"tengerim:x:{user}:{group}::/:/usr/sbin/nologin")
        _append(fresh / "etc/group", f"tengerim:x:{group}:")
        _append(fresh / "etc/tengerim", recipe(), end="")
        remove(self.folder)
        fresh.rename(self.folder)
        say("root: built")

    def link(self) -> None:
        """Give the home the look of a file system root, for the programs that are chrooted to it."""
        for name in LINKS:
            link = self.home / name
            if not link.is_symlink():
                link.symlink_to(Path("root") / name)

    def path(self, path: Path) -> str:
        """How a program of the root names a path within the home."""
        return f"/{path.relative_to(self.home)}"

    def own(self, folder: Path) -> None:
        """Make a folder that the servers may write to."""
        folder.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            os.chown(folder, *self.ids)

    def own_file(self, file: Path) -> None:
        """Make a file that the servers alone may read."""
        file.chmod(0o600)
        if os.getuid() == 0:
            os.chown(file, *self.ids)

    def command(self, program: str, *arguments: str) -> list[str]:
        """The command line that runs `program` (its path in the root); it needs root's rights."""
        user, group = self.ids
        return [_tool("chroot"), f"--userspec={user}:{group}", "--groups=", str(self.home), f"/{program}", *arguments]

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of the root to its end; its output. Raises StackError."""
        argv = privileged(self.command(program, *arguments))
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StackError(f"{program} of {self.folder} failed: {(done.stderr or done.stdout).strip()}")
        return done.stdout


def privileged(argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` with root's rights. Raises StackError where there is no way to them."""
    if os.getuid() == 0:
        return list(argv)
    sudo = shutil.which("sudo")
    if sudo is None:
        raise StackError(
            "The servers of the stack are built and started with root's rights: run the same command as root, or "
            "install sudo and give yourself the right to it."
        )
    return [sudo, *argv]


def remove(path: Path) -> None:
    """Remove what was made here, whoever owns what is in it; never anything mounted in it."""
    if not os.path.lexists(path):
        return
    argv = ["rm", "-rf", "--one-file-system", str(path)]
    if subprocess.run(argv, stderr=subprocess.DEVNULL, check=False).returncode:
        done = subprocess.run(privileged(argv), capture_output=True, text=True, check=False)
        if done.returncode:
            raise StackError(f"{path} could not be removed: {done.stderr.strip()}. Remove it by hand and try again.")


def _debootstrap(fresh: Path, say: Say) -> None:
    fresh.parent.mkdir(parents=True, exist_ok=True)
    argv = [_tool("debootstrap"), "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    argv += [f"--keyring={_keyring()}", RELEASE, str(fresh), _mirror()]
    tail: list[str] = []
    steps = ["Retrieving", "Unpacking", "Configuring"]
    with subprocess.Popen(
        privileged(argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as running:
        for line in running.stdout or ():
            tail = [*tail[-7:], line.strip()]
            words = line.split()
            if words[:1] == ["I:"] and words[1] in steps:
                steps.remove(words[1])
                say(f"root: {words[1].lower()} packages")
    if running.returncode:
        remove(fresh)
        said = "\n  ".join(tail)
        raise StackError(
            f"debootstrap could not build {fresh}. It said:\n  {said}\nCheck that the mirror ({_mirror()}; "
            f"setting {MIRROR_SETTING}) can be reached and that the disk has 2 GB free, then run the same command."
        )


def _tool(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise StackError(f"{name} is not installed: run `make setup`, or install it (apt-get install {name}).")
    return found


def _mirror() -> str:
    """The Debian mirror: the setting, else the one from which this host takes its own packages."""
    if given := os.environ.get(MIRROR_SETTING):
        return given
    if apt := shutil.which("apt-get"):
        if mirror := _listed_mirror(apt):
            return mirror
        # A host without package lists does not know whose mirror is whose.
        subprocess.run(privileged([apt, "update", "--quiet"]), capture_output=True, check=False)
        if mirror := _listed_mirror(apt):
            return mirror
    raise StackError(
        f"No Debian mirror is known, as this host's apt has none: set {MIRROR_SETTING} to the address of one."
    )


def _listed_mirror(apt: str) -> str:
    argv = [apt, "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages"]
    lines = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.splitlines()
    return next((line.rpartition("|")[2] for line in lines if line.startswith("Debian|Debian|")), "")


def _keyring() -> Path:
    keyring = Path(os.environ.get(KEYRING_SETTING) or KEYRING)
    if not keyring.is_file():
        raise StackError(
            f"{keyring} is missing, so Debian's signatures cannot be checked: install debian-archive-keyring, or set "
            f"{KEYRING_SETTING} to the file."
        )
    return keyring


def recipe() -> str:
    """What the root is made of, as a fingerprint."""
    return hashlib.sha256(" ".join((RELEASE, *PACKAGES)).encode()).hexdigest() + "\n"


def _append(file: Path, text: str, end: str = "\n") -> None:
    """Append to a file of the root, which belongs to root."""
    subprocess.run(
        privileged(["tee", "-a", str(file)]), input=text + end, text=True, stdout=subprocess.DEVNULL, check=True
    )
