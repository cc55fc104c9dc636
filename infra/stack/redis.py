"""Redis: the live state."""

from typing import ClassVar

from redis import Redis as Client
from redis.exceptions import RedisError

from infra.stack.part import Part, UnhealthyError
from infra.stack.ports import LOOPBACK

PROBE_SECONDS = 5


class Redis(Part):
    """One server with Redis's own defaults."""

    name: ClassVar[str] = "redis"
    title: ClassVar[str] = "Redis"

    @property
    def address(self) -> str:
        return f"redis://{LOOPBACK}:{self.ports[self.name]}"

    def argv(self) -> list[str]:
        options = {"bind": LOOPBACK, "port": str(self.ports[self.name]), "dir": self.root.path(self.data)}
        arguments = [word for key, value in options.items() for word in (f"--{key}", value)]
        return self.root.command("usr/bin/redis-server", *arguments)

    @staticmethod
    def probe(address: str) -> str:
        try:
            with Client.from_url(
                address, socket_timeout=PROBE_SECONDS, socket_connect_timeout=PROBE_SECONDS, retry=None
            ) as client:
                client.ping()
                return str(client.info("server")["redis_version"])
        except (RedisError, ValueError) as error:
            raise UnhealthyError(str(error)) from error
