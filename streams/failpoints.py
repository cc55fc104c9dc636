"""Places where a test lets the worker die. TENGERIM_FAILPOINT says where:

`name:n` kills it at the n-th passing of that place, `name:n:stop` freezes it there, and `on_message:text` kills it
whenever it has a message with that text in its hands.
"""

import os
import signal
from collections.abc import Iterable

_armed, _, _rest = os.environ.get("TENGERIM_FAILPOINT", "").partition(":")
_count, _, _how = ("", "", "") if _armed == "on_message" else _rest.partition(":")
_left = int(_count or 1) if _armed else 0
_signal = signal.SIGSTOP if _how == "stop" else signal.SIGKILL


def passing(name: str) -> None:
    """Die or freeze here, if the environment says so."""
    global _left
    if name == _armed:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), _signal)


def handling(messages: Iterable[bytes]) -> None:
    """Die here if one of these messages has the text that the environment names."""
    if _armed == "on_message" and any(_rest.encode() in message for message in messages):
        os.kill(os.getpid(), signal.SIGKILL)
