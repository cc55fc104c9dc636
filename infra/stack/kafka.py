"""Apache Kafka: one node in KRaft mode, run by java from the jars that Maven brings."""

import base64
import hashlib
import logging
import os
import re
import shutil
import socket
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from infra.stack import maven
from infra.stack.error import StackError
from infra.stack.part import Part, Say, UnhealthyError
from infra.stack.ports import LOOPBACK
from infra.stack.root import remove

POM = Path(__file__).with_name("pom.xml")
LOG4J = Path(__file__).with_name("log4j2.properties")
JAVA_MIN = 17
PROBE_SECONDS = 5

# What the pipeline counts on, wherever Kafka runs: compose.yaml says the same.
SETTINGS: Mapping[str, str] = {
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "log.retention.hours": "168",
    "message.max.bytes": str(8 * 2**20),
    "replica.fetch.max.bytes": str(8 * 2**20),
    "offsets.topic.num.partitions": "8",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
}


class Kafka(Part):
    """One node, broker and controller in one process."""

    name: ClassVar[str] = "kafka"
    of_root: ClassVar[bool] = False
    title: ClassVar[str] = "Apache Kafka"

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.ports[self.name]}"

    @property
    def version(self) -> str:
        return ElementTree.parse(POM).findtext(".//{*}kafka.version", "")

    @property
    def jars(self) -> Path:
        # Another pom.xml has another folder, so that no jar changes under a broker that runs.
        return self.home / "kafka" / hashlib.sha256(POM.read_bytes()).hexdigest()[:12]

    @property
    def _properties(self) -> Path:
        return self.conf / "server.properties"

    @property
    def _log4j(self) -> Path:
        return self.conf / LOG4J.name

    def files(self) -> Mapping[Path, str]:
        controller = f"{LOOPBACK}:{self.ports['kafka_controller']}"
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{controller}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self.data),
            **SETTINGS,
        }
        text = "".join(f"{key}={value}\n" for key, value in settings.items())
        return {self._properties: text, self._log4j: LOG4J.read_text()}

    def install(self, say: Say) -> None:
        java()
        if self.jars.is_dir():
            return
        say(f"{self.name}: fetching Apache Kafka {self.version} with Maven (once, about half a minute)")
        fresh = self.jars.with_suffix(".new")
        remove(fresh)
        maven.bring(POM, self.title, fresh)
        fresh.rename(self.jars)

    def make(self, say: Say) -> None:
        """Give an empty data folder its cluster id, as Kafka demands before a first start."""
        for jars in self.jars.parent.iterdir():
            if jars != self.jars:
                remove(jars)
        if (self.data / "meta.properties").is_file():
            return
        say(f"{self.name}: formatting a new log")
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._properties)]
        done = subprocess.run([*self._java(), *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise StackError(f"Kafka could not format {self.data}: {(done.stderr or done.stdout).strip()}")

    def argv(self) -> list[str]:
        gc_log = self.home / "logs" / "kafka-gc.log"
        memory = ["-Xms256m", "-Xmx1g", f"-Xlog:gc:file={gc_log}:time:filecount=3,filesize=8m"]
        return [*self._java(), *memory, "kafka.Kafka", str(self._properties)]

    def _java(self) -> list[str]:
        return [java(), f"-Dlog4j2.configurationFile={self._log4j}", "-cp", f"{self.jars}/*"]

    @staticmethod
    def probe(address: str) -> str:
        servers = address.split(",")
        if not any(map(_listens, servers)):
            raise UnhealthyError("nobody listens there")
        # The client reports whatever it tries in vain, which is what a probe expects.
        logger = logging.getLogger("kafka")
        level = logger.level
        logger.setLevel(logging.CRITICAL)
        milliseconds = PROBE_SECONDS * 1000
        try:
            with KafkaAdminClient(
                bootstrap_servers=servers, request_timeout_ms=milliseconds, bootstrap_timeout_ms=milliseconds
            ) as client:
                brokers = client.describe_cluster()["brokers"]
        except (KafkaError, ValueError, OSError) as error:
            raise UnhealthyError(str(error)) from error
        finally:
            logger.setLevel(level)
        if not brokers:
            raise UnhealthyError("no broker is registered yet")
        return ""


def _listens(server: str) -> bool:
    """Whether someone listens there; the client of the probe leaves a socket behind whenever nobody does."""
    host, _, port = server.strip().rpartition(":")
    if not (host and port.isdigit()):
        raise UnhealthyError(f"{server!r} is not host:port")
    try:
        with socket.create_connection((host, int(port)), timeout=PROBE_SECONDS):
            return True
    except (OSError, OverflowError):
        return False


def java() -> str:
    """The java to run Kafka with. Raises StackError where there is none that is new enough."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None) or shutil.which("java")
    advice = f"run `make setup`, or install a Java of at least {JAVA_MIN} (apt-get install default-jre-headless)."
    if found is None:
        raise StackError(f"Apache Kafka needs Java, and there is none: {advice}")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    number = re.search(r'version "(\d+)', said)
    if number is None or int(number[1]) < JAVA_MIN:
        raise StackError(f"Apache Kafka needs a newer Java than {found} ({said.partition(chr(10))[0]}): {advice}")
    return found
