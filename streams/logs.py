"""Structured logs, one line an event: for people on a console, as JSON for machines."""

import logging
import logging.config
from typing import Any

import structlog

from schemas.settings import Settings

# Libraries that say what is normal, or the same thing ten times a second while a broker is away. Faust speaks in the
# name of the module whose class it runs, too.
_QUIET = ("faust", "mode", "aiokafka", "kafka", "aiohttp", "asyncio", "httpx", "streams.transport")


class _Sparing(logging.Filter):
    """Lets the same line of a library through once in ten seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        key = (record.name, str(record.msg))
        if record.created - self._last.get(key, 0.0) < 10.0:
            return False
        if len(self._last) > 1000:
            self._last.clear()
        self._last[key] = record.created
        return True


def configure(agent: str, settings: Settings) -> dict[str, Any]:
    """Set up logging for this process; gives the same as a configuration for whoever insists on one."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=False, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(agent=agent)
    config: dict[str, Any] = {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"sparing": {"()": _Sparing}},
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                "foreign_pre_chain": shared,
            }
        },
        "handlers": {
            "line": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"},
            "sparing": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "stream": "ext://sys.stderr",
                "filters": ["sparing"],
            },
        },
        "root": {"handlers": ["line"], "level": settings.log_level.upper()},
        "loggers": {name: {"handlers": ["sparing"], "level": "WARNING", "propagate": False} for name in _QUIET},
    }
    logging.config.dictConfig(config)
    return config
