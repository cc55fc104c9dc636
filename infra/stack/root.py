"""A private Debian root with the servers in it, built once by debootstrap; nothing on the host is touched but it.

The servers run from it in one of two ways. As root: in a chroot of the whole home and under a user id of their own,
because PostgreSQL refuses to be root. As anyone else: as plain processes of that user, each loaded by the root's own
dynamic loader, because a chroot would need rights. Nothing is ever mounted.
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
# The servers' user inside the root; a number that hardly any host gives to somebody.
SERVICE_UID = 59532
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
    def chrooted(self) -> bool:
        return os.geteuid() == 0

    @property
    def uid(self) -> int:
        """The user id the servers run under."""
        return SERVICE_UID if self.chrooted else os.getuid()

    def is_built(self) -> bool:
        stamp = self.folder / "etc" / "tengerim"
        return stamp.is_file() and stamp.read_text() == _recipe()

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
        _append(fresh / "etc/passwd", f"tengerim:x:{self.uid}:{self.uid}::/:/usr/sbin/nologin")
        _append(fresh / "etc/group", f"tengerim:x:{self.uid}:")
        _append(fresh / "etc/tengerim", _recipe(), end="")
        remove(self.folder)
        fresh.rename(self.folder)
        say("root: built")

    def link(self) -> None:
        """Give the home the look of a file system root, for the programs that are chrooted to it."""
        for name in LINKS:
            link = self.home / name
            if not link.is_symlink():
                link.symlink_to(Path("root") / name)

    def inside(self, path: Path) -> str:
        """How a program chrooted to the home names a path within it."""
        return f"/{path.relative_to(self.home)}"

    def path(self, path: Path) -> str:
        """How a server names a path within the home."""
        return self.inside(path) if self.chrooted else str(path)

    def own(self, folder: Path) -> None:
        """Make a folder that the servers may write to."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.chrooted:
            os.chown(folder, self.uid, self.uid)

    def command(self, program: str, *arguments: str) -> list[str]:
        """The command line that runs `program` (its path in the root) for good, as a server."""
        if self.chrooted:
            return [*self._chroot(), f"/{program}", *arguments]
        library = _one(self.folder, "usr/lib/*-linux-gnu*/libc.so.6").parent
        loader = _one(library, "ld-linux*.so.*")
        return [str(loader), "--library-path", str(library), str(self.folder / program), *arguments]

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of the root to its end, in the chroot whoever we are; its output. Raises StackError."""
        argv = [*self._chroot(), f"/{program}", *arguments]
        done = subprocess.run(privileged(argv), capture_output=True, text=True, check=False)
        if done.returncode:
            raise StackError(f"{program} of {self.folder} failed: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def version(self, package: str) -> str:
        """The version of a Debian package in the root, without epoch and revision; empty where it is absent."""
        status = self.folder / "var/lib/dpkg/status"
        paragraphs = status.read_text().split("\n\n") if status.is_file() else []
        for paragraph in paragraphs:
            fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line[:40])
            if fields.get("Package") == package:
                return fields["Version"].rpartition(":")[2].partition("-")[0].partition("+")[0]
        return ""

    def _chroot(self) -> list[str]:
        return [_tool("chroot"), f"--userspec={self.uid}:{self.uid}", "--groups=", str(self.home)]


def privileged(argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` with root's rights. Raises StackError where there is no way to them."""
    if os.geteuid() == 0:
        return list(argv)
    sudo = shutil.which("sudo")
    if sudo is None:
        raise StackError(
            "Building the servers' root needs root's rights once: run the same command as root, or install sudo and "
            "give yourself the right to it."
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
    step = ""
    with subprocess.Popen(
        privileged(argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as running:
        for line in running.stdout or ():
            tail = [*tail[-7:], line.strip()]
            words = line.split()
            if len(words) > 1 and words[0] == "I:" and words[1] != step:
                step = words[1]
                if step in ("Retrieving", "Extracting", "Unpacking", "Configuring"):
                    say(f"root: {step.lower()} packages")
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


def _recipe() -> str:
    return hashlib.sha256(" ".join((RELEASE, *PACKAGES)).encode()).hexdigest() + "\n"


def _append(file: Path, text: str, end: str = "\n") -> None:
    """Append to a file of the root, which belongs to root."""
    subprocess.run(
        privileged(["tee", "-a", str(file)]), input=text + end, text=True, stdout=subprocess.DEVNULL, check=True
    )


def _one(folder: Path, pattern: str) -> Path:
    found = next(iter(sorted(folder.glob(pattern))), None)
    if found is None:
        raise StackError(f"{folder} has no {pattern}: run `tengerim wipe --everything` and the same command again.")
    return found
