"""PostgreSQL with TimescaleDB: the archive."""

import os
import signal
from collections.abc import Mapping
from typing import ClassVar

import psycopg

from infra.stack.part import Part, Say, UnhealthyError
from infra.stack.ports import LOOPBACK
from infra.stack.process import await_reaped
from infra.stack.root import remove

MAJOR = 17
USER = DATABASE = "tengerim"

# What the pipeline counts on, wherever PostgreSQL runs: compose.yaml says the same.
SETTINGS: Mapping[str, str] = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "max_connections": "200",
    "max_locks_per_transaction": "256",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "zstd",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
}
# How a new cluster is made, in compose.yaml too: text is ordered by code point, everywhere alike.
INITDB = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")

SHARED_BUFFERS_MAX = 2 * 2**30
PROBE_SECONDS = 5
REAP_SECONDS = 10


def shared_buffers(memory: int) -> str:
    """An eighth of the machine's memory (bytes), 2 GB at most, as PostgreSQL writes it."""
    return f"{min(memory // 8, SHARED_BUFFERS_MAX) // 2**20}MB"


class Postgres(Part):
    """One cluster, trusting whoever comes by loopback; its database has the extension."""

    name: ClassVar[str] = "database"
    title: ClassVar[str] = "PostgreSQL"
    # A fast shutdown: connections are cut, everything committed is kept.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    @property
    def address(self) -> str:
        return self._address(DATABASE)

    @property
    def health_address(self) -> str:
        return self._address("postgres")

    def _address(self, database: str) -> str:
        return f"postgresql://{USER}@{LOOPBACK}:{self.ports[self.name]}/{database}"

    def argv(self) -> list[str]:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        settings = {
            **SETTINGS,
            "shared_buffers": shared_buffers(memory),
            "listen_addresses": LOOPBACK,
            "port": str(self.ports[self.name]),
            "unix_socket_directories": "",
            # The chroot has no /dev/shm.
            "dynamic_shared_memory_type": "sysv",
        }
        arguments = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        program = f"usr/lib/postgresql/{MAJOR}/bin/postgres"
        return self.root.command(program, "-D", self.root.path(self.data), *arguments)

    def make(self, say: Say) -> None:
        if self.data.exists():
            self._forget_zombie()
            return
        say(f"{self.name}: making a new cluster")
        fresh = self.data.with_suffix(".new")
        remove(fresh)
        self.root.own(fresh)
        arguments = ["-D", self.root.path(fresh), "-U", USER, "--auth=trust", *INITDB]
        self.root.run(f"usr/lib/postgresql/{MAJOR}/bin/initdb", *arguments)
        fresh.rename(self.data)

    def _forget_zombie(self) -> None:
        """Part from a server that was killed: PostgreSQL takes even a zombie, known by its lock, for one that runs."""
        lock = self.data / "postmaster.pid"
        # Where nobody reaps (in a container without an init) the zombie stays for good.
        if lock.exists() and not await_reaped(int(lock.read_text().split()[0]), REAP_SECONDS):
            lock.unlink()

    def complete(self) -> None:
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            known = connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(f"create database {DATABASE}")
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute("set client_min_messages = warning")
            connection.execute("create extension if not exists timescaledb")

    @staticmethod
    def probe(address: str) -> str:
        """The versions of server and extension."""
        query = (
            "select current_setting('server_version'),"
            " (select default_version from pg_available_extensions where name = 'timescaledb')"
        )
        try:
            with psycopg.connect(address, connect_timeout=PROBE_SECONDS) as connection:
                row = connection.execute(query).fetchone()
        except psycopg.Error as error:
            raise UnhealthyError(str(error).strip().replace("\n", " ")) from error
        assert row is not None
        server, extension = row
        if extension is None:
            raise UnhealthyError(f"it is PostgreSQL {server} without the extension timescaledb")
        return f"{str(server).split()[0]} + TimescaleDB {extension}"
