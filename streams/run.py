"""One agent as a process: `python -m streams.run AGENT`. Its settings come from the environment, addresses included."""

import ctypes
import os
import signal
import sys

import structlog
from mode.loop import use
from prometheus_client import start_http_server

from schemas.settings import Settings

_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """Let the kernel end this process when its supervisor is gone, however that ended."""
    parent = os.environ.get("TENGERIM_DIES_WITH")
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        sys.exit(70)


def main(agent: str) -> None:
    """Run an agent until it is told to stop."""
    _die_with_parent()
    use("uvloop")
    import faust

    from connectors.kafka import KafkaError, ensure_topics
    from streams.app import build
    from streams.logs import configure

    settings = Settings()
    logging_config = configure(agent, settings)
    try:
        # A broker that lost its log has none of them.
        ensure_topics(settings.kafka, settings.space, settings.partitions)
    except KafkaError as error:
        structlog.get_logger().warning("the topics could not be looked for", error=str(error))
    if settings.metrics_port:
        try:
            start_http_server(settings.metrics_port, "127.0.0.1")
        except OSError as error:
            # The port was ours before a restart; the work matters more than what Prometheus sees of it.
            structlog.get_logger().warning(
                "no metrics: the port is taken", port=settings.metrics_port, error=str(error)
            )
    app = build(agent, settings)
    worker = faust.Worker(app, loglevel="INFO", logging_config=logging_config, redirect_stdouts=False, quiet=True)
    worker.execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1])
