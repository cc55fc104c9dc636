"""The page and the table of bad input."""

from tests.bad_input.commands import COMMANDS
from tests.bad_input.messages import MESSAGES
from tests.bad_input.page import PAGE, page


def test_the_page_says_what_the_table_does() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.bad_input`"


def test_thirty_bad_inputs_at_the_least() -> None:
    assert sum(len(cases) for table in (COMMANDS, MESSAGES) for cases in table.values()) >= 30
