"""The command line: `tengerim COMMAND`."""

import os
import sys
from importlib import import_module
from importlib.metadata import version

import cyclopts
from cyclopts.exceptions import CycloptsError, UnusedCliTokensError

from infra.cli.error import UserError as UserError

# Every command and its module, in the order in which --help shows them.
_NAMED = (
    "worker", "serve", "registry", "schedule", "ingest", "quarantine", "alarms", "drain", "history", "grafana", "demo",
)  # fmt: skip
_MODULES = {**dict.fromkeys(("up", "down", "status", "wipe"), "stack"), **{name: name for name in _NAMED}}


def build(command: str = "") -> cyclopts.App:
    """The application with every command; with one alone, which is quicker, where it is known which is meant."""
    app = cyclopts.App(
        name="tengerim",
        help="Streaming real-time monitoring of a power system against its daily schedule.",
        version=version("tengerim"),
        version_flags=["--version"],
    )
    modules = [_MODULES[command]] if command in _MODULES else dict.fromkeys(_MODULES.values())
    for module in modules:
        import_module(f"infra.cli.{module}").register(app)
    for place, name in enumerate(name for name in app if not name.startswith("-")):
        app[name].sort_key = place
    return app


def main(arguments: list[str] | None = None) -> int:
    """Run a command: 0 done, 2 with one sentence on stderr when the user can mend it."""
    import psycopg

    from connectors.database import DatabaseError
    from connectors.kafka import KafkaError
    from infra.settings import SettingsError
    from infra.stack.stack import StackError

    words = sys.argv[1:] if arguments is None else arguments
    try:
        result = build(*words[:1])(words, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        return _fail(_usage(error))
    except (UserError, SettingsError, StackError, DatabaseError, KafkaError) as error:
        return _fail(str(error))
    except psycopg.OperationalError as error:
        problem = str(error).strip().splitlines()[0]
        return _fail(f"the database broke off ({problem}); see `tengerim status`, then try again")
    except BrokenPipeError:
        # Whoever reads our output has seen enough, as `| head` does; nothing is left to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else 0


def _fail(sentence: str) -> int:
    print(f"tengerim: {sentence}", file=sys.stderr)  # noqa: T201
    return 2


def _usage(error: CycloptsError) -> str:
    """What is wrong with the words of a command, and where it says which there are."""
    if isinstance(error, UnusedCliTokensError):
        problem = f"unexpected argument {' '.join(error.unused_tokens or [])!r}"
    else:
        # Which commands there are is what --help says.
        problem = str(error).partition(" Available commands:")[0].rstrip(".")
    sentences = (sentence[:1].lower() + sentence[1:] for sentence in problem.split(". "))
    command = " ".join(["tengerim", *(error.command_chain or [])])
    return f"{'; '.join(sentences)}; see `{command} --help`"
