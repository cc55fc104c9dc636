"""The command line: `tengerim COMMAND`."""

import sys
from importlib import import_module

import cyclopts
from cyclopts.exceptions import CycloptsError

from infra.cli.error import UserError as UserError

_NOUNS = ("stack", "worker", "registry", "schedule", "ingest", "quarantine", "drain", "history", "demo")


def build() -> cyclopts.App:
    """The application with every command."""
    app = cyclopts.App(
        name="tengerim",
        help="Streaming real-time monitoring of a power system against its daily schedule.",
        version_flags=["--version"],
    )
    for noun in _NOUNS:
        import_module(f"infra.cli.{noun}").register(app)
    return app


def main(arguments: list[str] | None = None) -> int:
    """Run a command: 0 done, 2 with one sentence on stderr when the user can mend it."""
    from connectors.database import DatabaseError
    from connectors.kafka import KafkaError
    from infra.settings import SettingsError
    from infra.stack.stack import StackError

    try:
        result = build()(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except (UserError, SettingsError, StackError, DatabaseError, KafkaError, CycloptsError) as error:
        print(f"tengerim: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else 0
