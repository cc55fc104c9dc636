"""One agent as a process: `python -m streams.run AGENT`. Its settings come from the environment, addresses included."""

import sys

from mode.loop import use
from prometheus_client import start_http_server

from schemas.settings import Settings


def main(agent: str) -> None:
    """Run an agent until it is told to stop."""
    use("uvloop")
    import faust

    from streams.app import build
    from streams.logs import configure

    settings = Settings()
    logging_config = configure(agent, settings)
    if settings.metrics_port:
        start_http_server(settings.metrics_port, "127.0.0.1")
    app = build(agent, settings)
    worker = faust.Worker(app, loglevel="INFO", logging_config=logging_config, redirect_stdouts=False, quiet=True)
    worker.execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1])
