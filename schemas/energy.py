"""Energy: whole watt-hours inside, kWh, MWh and MW at the edges."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, Overflow, localcontext
from typing import NamedTuple

# Three times what the whole world uses in an hour; nine hundred thousand of it still add up within 64 bits.
WH_LIMIT = 10**13


class Wh(NamedTuple):
    """A value read at an edge: whole watt-hours, and whether a finer value had to be rounded."""

    wh: int
    rounded: bool


def _from_text(text: str, thousands: int) -> Wh:
    try:
        # As many digits as were written, so that nothing is rounded before it is looked at.
        with localcontext(prec=len(text) + 10):
            value = Decimal(text.strip().replace(",", ".")) * 1000**thousands
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    except Overflow:
        value = Decimal(WH_LIMIT + 1)
    if not value.is_finite():
        raise ValueError(f"{text!r} is not a number")
    if abs(value) > WH_LIMIT:
        raise ValueError(f"{text!r} is larger than any energy this archive can hold")
    with localcontext(prec=len(text) + 30):
        whole = value.to_integral_value(ROUND_HALF_EVEN)
    return Wh(int(whole), whole != value)


def from_kwh(text: str) -> Wh:
    """kWh as text (point or comma) in Wh; finer than a watt-hour is rounded half to even. Raises ValueError."""
    return _from_text(text, 1)


def from_mwh(text: str) -> Wh:
    """MWh as text (point or comma) in Wh; finer than a watt-hour is rounded half to even. Raises ValueError."""
    return _from_text(text, 2)


def quarters(wh: int) -> tuple[int, int, int, int]:
    """An hour's plan by its four intervals: the floor of a quarter, the remainder one Wh each to the first.

    >>> quarters(10)
    (3, 3, 2, 2)
    """
    base, rest = divmod(wh, 4)
    return (base + (rest > 0), base + (rest > 1), base + (rest > 2), base)


def quarter(wh: int, index: int) -> int:
    """The plan of the interval `index` (0–3) of an hour whose plan is `wh`."""
    base, rest = divmod(wh, 4)
    return base + (index < rest)
