"""How much is tried: all of it in `make e2e`, a part in `make test`, which is to stay quick."""

import os

_PART = 4


def examples(whole: int) -> int:
    """On how many examples a property is tried."""
    return whole if os.environ.get("THOROUGH") else whole // _PART
