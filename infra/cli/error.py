"""An error that the user of a command can mend."""


class UserError(Exception):
    """Its text is one sentence: what, where, what to do. Exit status 2, no traceback."""
