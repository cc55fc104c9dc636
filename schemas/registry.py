"""Master data as files bring it: the rows of entities, facilities, units, dctus, channels and emcs.csv.

Every row says what holds of a code from `valid_from` (empty: always) until `valid_to` (empty: for ever); where both
are equal, it withdraws what was said to start there. Fields are named as the columns of the tables; where a file's
column differs (capacity_mw, max_kwh), it is the field's alias. Every value comes as text.
"""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from schemas.energy import from_kwh, from_mwh
from schemas.time import is_on_grid

# Python has no infinite instants; these two stand for them.
ALWAYS = datetime.min.replace(tzinfo=UTC)
FOR_EVER = datetime.max.replace(tzinfo=UTC)
INFINITE = {"-infinity": ALWAYS, "infinity": FOR_EVER}

CODE_LENGTH = 64


def read_code(text: str) -> str:
    """The code of anything: 1 to 64 characters, no blanks. Raises ValueError."""
    if not text:
        raise ValueError("is empty")
    if any(character.isspace() for character in text):
        raise ValueError(f"{text!r} has a blank; a code has none")
    if len(text) > CODE_LENGTH:
        raise ValueError(f"{text[:20]!r}… has {len(text)} characters; a code has {CODE_LENGTH} at most")
    return text


def _code_or_empty(text: str) -> str:
    return read_code(text) if text else ""


def _or_the(column: str) -> Callable[[str, ValidationInfo], str]:
    """What is empty says the same as another column."""
    return lambda text, info: text or str(info.data.get(column, ""))


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"{text!r} is none of {', '.join(words)}")
        return text

    return read


def _bin(text: str) -> str:
    if text and not (len(text) == 12 and text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a BIN; it has 12 digits")
    return text


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is not a number")
    return value


def _degrees(text: str, limit: int) -> float | None:
    if not text:
        return None
    value = float(_decimal(text))
    if not (math.isfinite(value) and abs(value) <= limit):
        raise ValueError(f"{text!r} is not within -{limit} and {limit} degrees")
    return value


def _lat(text: str) -> float | None:
    return _degrees(text, 90)


def _lon(text: str, info: ValidationInfo) -> float | None:
    value = _degrees(text, 180)
    if "lat" in info.data and (info.data["lat"] is None) != (value is None):
        raise ValueError("lat and lon go together: give both or neither")
    return value


def _not_negative(value: int, text: str) -> int:
    if value < 0:
        raise ValueError(f"{text!r} is below zero")
    return value


def _capacity(text: str) -> int | None:
    return _not_negative(from_mwh(text).wh, text) if text else None


def _max_wh(text: str) -> int:
    if not text:
        raise ValueError("is empty; it is the most that the channel can measure in a quarter-hour")
    return _not_negative(from_kwh(text).wh, text)


def _sign(text: str, info: ValidationInfo) -> int:
    if text not in ("", "-1", "0", "1", "+1"):
        raise ValueError(f"{text!r} is none of -1, 0, 1")
    unit = info.data.get("unit")
    if unit == "" and text not in ("", "0"):
        raise ValueError(f"{text!r} with an empty unit; without a unit it is 0 or empty")
    if unit and not text:
        raise ValueError("is empty; 1 adds to the unit, -1 subtracts, 0 is measured but not summed")
    return int(text or 0)


def _voltage(text: str) -> Decimal | None:
    if not text:
        return None
    value = _decimal(text)
    if not 0 < value <= 2000:
        raise ValueError(f"{text!r} is not a voltage in kV")
    return value.quantize(Decimal("0.001"))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"{text!r} is not a date such as 2027-03-31") from None


def _instant(text: str, empty: datetime) -> datetime:
    if not text or text in INFINITE:
        return INFINITE.get(text, empty)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an instant such as 2026-01-01T00:00+05:00") from None
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write for example 2026-01-01T00:00+05:00")
    if not is_on_grid(at):
        raise ValueError(f"{text!r} is not the start of a quarter-hour of the years 2000 to 2099")
    return at.astimezone(UTC)


def _valid_from(text: str) -> datetime:
    return _instant(text, ALWAYS)


def _valid_to(text: str, info: ValidationInfo) -> datetime:
    at = _instant(text, FOR_EVER)
    if at < info.data.get("valid_from", ALWAYS):
        raise ValueError(f"{text!r} lies before valid_from")
    return at


Code = Annotated[str, BeforeValidator(read_code)]
CodeOrEmpty = Annotated[str, BeforeValidator(_code_or_empty)]


class Period(BaseModel):
    """What the rows of all files share. `KEY`: the columns that make the code."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    KEY: ClassVar[tuple[str, ...]]

    valid_from: Annotated[datetime, BeforeValidator(_valid_from)]
    valid_to: Annotated[datetime, BeforeValidator(_valid_to)]

    @property
    def key(self) -> tuple[str, ...]:
        """The code, as a tuple of the columns of `KEY`."""
        return tuple(getattr(self, column) for column in self.KEY)


class Entity(Period):
    """A market entity; without a provider it is its own."""

    KEY = ("entity",)
    entity: Code
    name: Annotated[str, BeforeValidator(_or_the("entity"))]
    bin: Annotated[str, BeforeValidator(_bin)]
    provider: Annotated[CodeOrEmpty, BeforeValidator(_or_the("entity"))]


class Facility(Period):
    """A station, substation or plant of one entity, and where it lies."""

    KEY = ("facility",)
    facility: Code
    name: Annotated[str, BeforeValidator(_or_the("facility"))]
    entity: Code
    zone: CodeOrEmpty
    region: CodeOrEmpty
    branch: CodeOrEmpty
    hub: CodeOrEmpty
    lat: Annotated[float | None, BeforeValidator(_lat)]
    lon: Annotated[float | None, BeforeValidator(_lon)]


class Unit(Period):
    """What has a daily schedule."""

    KEY = ("unit",)
    unit: Code
    name: Annotated[str, BeforeValidator(_or_the("unit"))]
    facility: Code
    kind: Annotated[str, BeforeValidator(_one_of("generation", "consumption", "interchange"))]
    fuel: str
    capacity_w: Annotated[int | None, BeforeValidator(_capacity), Field(validation_alias="capacity_mw")]


class Dctu(Period):
    """A data collection and transmission unit of one facility."""

    KEY = ("dctu",)
    dctu: Code
    name: Annotated[str, BeforeValidator(_or_the("dctu"))]
    facility: Code


class Channel(Period):
    """One measured series: which DCTU sends it and what it adds to."""

    KEY = ("emc", "code")
    emc: Code
    code: Annotated[str, BeforeValidator(_one_of("01", "02", "03", "04"))]
    dctu: Code
    unit: CodeOrEmpty
    sign: Annotated[int, BeforeValidator(_sign)]
    max_wh: Annotated[int, BeforeValidator(_max_wh), Field(validation_alias="max_kwh")]


class Emc(Period):
    """The instruments of one metering complex."""

    KEY = ("emc",)
    emc: Code
    connection: str
    role: str
    voltage_kv: Annotated[Decimal | None, BeforeValidator(_voltage)]
    ct_ratio: str
    vt_ratio: str
    ct_class: str
    vt_class: str
    meter_class: str
    serial: str
    verification_due: Annotated[date | None, BeforeValidator(_day)]
