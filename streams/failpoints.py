"""Places where a test lets the worker die: TENGERIM_FAILPOINT=name:n kills it at the n-th passing of that place."""

import os
import signal

_armed, _, _count = os.environ.get("TENGERIM_FAILPOINT", "").partition(":")
_left = int(_count or 1) if _armed else 0


def passing(name: str) -> None:
    """Die here, with SIGKILL, if the environment says so."""
    global _left
    if name == _armed:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
