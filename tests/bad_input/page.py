"""docs/bad-input.md, made of the table."""

from collections.abc import Iterator
from pathlib import Path

from schemas.rules import Rule
from tests.bad_input.commands import COMMANDS
from tests.bad_input.messages import MESSAGES, Message

PAGE = Path(__file__).parents[2] / "docs" / "bad-input.md"

HEAD = """# Bad input, and what it gets

Made from `tests/bad_input` by `python -m tests.bad_input`; every line is tried there for real. … stands for
anything, ' for a backtick.

## Commands
Each ends with exit status 2 and one message on stderr, and leaves archive and topics as they were; a file of readings
with bad rows brings the good ones.
"""

FRAMES = """
## Messages on Kafka
A message that cannot be read is refused whole, otherwise only the readings that are wrong; the rest of it is stored.
What is refused stands in the quarantine with its rule, its words and the bytes that came (`tengerim quarantine`). The
worker goes on. Beyond this table:

- A Kafka message without a value counts as an empty one.
- Texts of more than 300 characters are cut in the quarantine, a NUL is shown as �; the bytes are kept as they came.
- Where the worker writes the time (`TENGERIM_CLOCK=wall`) a tick may be up to a day ahead of its clock. Such a tick is
  believed: until the clocks agree again whatever comes is late, and gaps open that heal. In a replay (`none`) there is
  no other clock to ask: a tick may be any within the archive's calendar, and all deadlines until then pass.
- Before its first tick a partition knows no time; a frame that says it was sent after tomorrow is then refused whole.
- A message of more than 8 MB is not taken by Kafka; the sender hears of it.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD.strip(), *_commands(), FRAMES.rstrip(), *_messages()]) + "\n"


def _commands() -> Iterator[str]:
    for group, cases in COMMANDS.items():
        yield f"\n### {group}\n| what goes in | command | what it says |\n| --- | --- | --- |"
        for case in cases:
            yield f"| {_plain(case.what)} | `tengerim {_named(case.command)}` | {_said(_named(case.gets))} |"


def _named(text: str) -> str:
    """The places of a run by names that say what they are."""
    return text.replace("{there}", "DIR").replace("{space}", "SPACE")


def _messages() -> Iterator[str]:
    for group, cases in MESSAGES.items():
        yield f"\n### {group}\n| what comes | rule | in words | stored of it |\n| --- | --- | --- | --- |"
        for case in cases:
            words = _said(case.gets) or _why_not(case)
            yield f"| {_plain(case.what)} | {case.rule or '–'} | {words} | {_stored(case)} |"


def _why_not(case: Message) -> str:
    return {
        "frames": "accepted silently",
        "changes": "logged; the next change makes up for it",
        "events": "logged, or not believed; balances and their time are read from the tables",
        "commands": "answered: there is no such alarm",
    }[case.topic]


def _stored(case: Message) -> str:
    if case.rule is None:
        return "all there is"
    if case.rule == Rule.CONFLICT:
        return "the greater value; the other as a revision"
    return "the other reading" if case.stored else "nothing"


def _said(text: str) -> str:
    """Lines as a cell of Markdown."""
    shown = text.replace("\x1b", "ESC").replace("`", "'")
    return "<br>".join(f"`{line}`" for line in shown.replace("|", "\\|").splitlines())


def _plain(text: str) -> str:
    return text.replace("|", "\\|")
