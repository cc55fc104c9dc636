"""What every part of the stack raises when it cannot go on."""


class StackError(Exception):
    """The text is one sentence or two for the user: what failed, where, and what to do."""
