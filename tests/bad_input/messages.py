"""Bad messages on Kafka, and what each gets: the rule by which it is refused, with which words; what of it is stored.

Every message has an interval of its own. It is a frame of DF for M1/01 = 100 Wh and M1/02 = 200 Wh, changed as the
case says; or bytes that are no frame. The clock is the wall's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from schemas.rules import Rule
from tests.connectors.fleet import FLEET

DCTU = "DF"
# What the fleet's channels can measure at most in an interval.
MAX_WH = 1000 * int(FLEET["channels"][0].rpartition(",")[2])
LONG = 5_000_000
MANY = 20_000


@dataclass(frozen=True)
class After:
    """An instant so many minutes after the start of the case's interval."""

    minutes: float


@dataclass(frozen=True)
class Message:
    """One bad message: what it is (in words), what is changed in the frame, and what it gets.

    `stored`: how many readings of its interval stand in the archive afterwards. `rule` None: nothing is wrong in it.
    """

    what: str
    rule: Rule | None
    gets: str = ""
    stored: int = 0
    changed: Mapping[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    replaced: tuple[bytes, bytes] = (b"", b"")
    topic: str = "frames"

    def payload(self, number: int, start: datetime) -> bytes:
        """The bytes to be sent, for the interval that begins at `start`."""
        if self.raw is not None:
            return self.raw
        part: dict[str, Any] = {"start": After(0), "channels": ["M1/01", "M1/02"], "wh": [100, 200], "status": [0, 0]}
        frame: dict[str, Any] = {"dctu": DCTU, "seq": number, "sent_at": After(16), "slices": [part]}
        for name, value in self.changed.items():
            (part if name in part else frame)[name] = value
        for of in (part, frame):
            of.update({k: start + timedelta(minutes=v.minutes) for k, v in of.items() if isinstance(v, After)})
        return msgspec.json.encode(frame).replace(*self.replaced)


def no_frame(what: str, raw: bytes, gets: str) -> Message:
    """Bytes that are no frame at all."""
    return Message(what, Rule.MALFORMED, gets, raw=raw)


def malformed(what: str, gets: str, **changed: Any) -> Message:
    """A frame that cannot be read, and is refused as a whole."""
    return Message(what, Rule.MALFORMED, gets, 0, changed)


def whole(what: str, rule: Rule, gets: str, **changed: Any) -> Message:
    """A frame both readings of which are refused, one by one."""
    return Message(what, rule, gets, 0, changed)


def half(what: str, rule: Rule, gets: str, **changed: Any) -> Message:
    """A frame the second reading of which is refused; the first is stored."""
    return Message(what, rule, gets, 1, changed)


BYTES = [
    no_frame("no bytes", b"", "Invalid JSON: EOF while parsing a value at line 1 column 0"),
    no_frame("no JSON", b"AT+CSQ\r\n", "Invalid JSON: expected value at line 1 column 1"),
    no_frame("no UTF-8", b"\xff\xfe\x00\x00", "Invalid JSON: expected value …"),
    no_frame("JSON, but no object", b"[1,2,3]", "Input should be an object"),
    Message(
        "a frame cut off", Rule.MALFORMED, "Invalid JSON: EOF while parsing …", 0, {}, None, (b'"status":[0,0]}]}', b"")
    ),
    no_frame("brackets 200,000 deep", b"[" * 200_000, "Invalid JSON: recursion limit exceeded …"),
    no_frame("5 MB of nothing", b"x" * LONG, "Invalid JSON: expected value at line 1 column 1"),
    Message("half a character", Rule.MALFORMED, "Invalid JSON: …hex escape …", 0, {}, None, (b'"DF"', b'"\\ud800"')),
]

FORMS = [
    malformed("a field that frames do not have", "colour: Extra inputs are not permitted", colour="red"),
    malformed("a number as text", "slices.0.wh.1: Input should be a valid integer", wh=[100, "200"]),
    malformed("energy with a fraction", "slices.0.wh.1: Input should be a valid integer", wh=[100, 2.5]),
    malformed("energy beyond 64 bits", "slices.0.wh.1: Input should be less than or equal to …", wh=[100, 2**63]),
    malformed("a number that counts down", "seq: Input should be greater than or equal to 0", seq=-1),
    malformed("fewer values than channels", "slices.0: …of one length, not 2, 1 and 2", wh=[100]),
    malformed("fewer channels than values", "slices.0: 1 channels but 2 values", channels=["M1/01"]),
    malformed("channels that are no texts", "slices.0.channels: Expected `str`, got `int` …", channels=["M1/01", 2]),
    malformed("a DCTU without a name", "dctu: String should have at least 1 character", dctu=""),
    malformed(
        "a start without an offset", "slices.0.start: Input should have timezone info", start="2026-03-01T00:00:00"
    ),
    malformed(
        "a start in the year 10000", "slices.0.start: Input should be a valid datetime…", start="10000-01-01T00:00Z"
    ),
    malformed(
        "a start in the year 0", "an instant outside the years 1 to 9999 of UTC", start="0001-01-01T00:00:00+14:00"
    ),
]

READINGS = [
    half(
        "a channel that nobody knows",
        Rule.UNKNOWN,
        "channel M9/01 is not in the master data",
        channels=["M1/01", "M9/01"],
    ),
    half("a channel with a NUL", Rule.UNKNOWN, "channel M\ufffd is not in the master data", channels=["M1/01", "M\0"]),
    half(
        "a channel that would colour a terminal",
        Rule.UNKNOWN,
        "channel \x1b[31mM is not …",
        channels=["M1/01", "\x1b[31mM"],
    ),
    half("a channel of 5 MB", Rule.UNKNOWN, "channel NNNNN…", channels=["M1/01", "N" * LONG]),
    half("a channel of another DCTU", Rule.FOREIGN, "channel M2/01 is not of DCTU DF …", channels=["M1/01", "M2/01"]),
    half("energy below zero", Rule.NEGATIVE, "-1 Wh is below zero", wh=[100, -1]),
    half("the least number of 64 bits", Rule.NEGATIVE, f"-{2**63} Wh is below zero", wh=[100, -(2**63)]),
    half(
        "more than the channel can measure",
        Rule.OVER_MAX,
        f"{MAX_WH + 1} Wh is over the channel's maximum of {MAX_WH} Wh",
        wh=[100, MAX_WH + 1],
    ),
    half("an unknown status", Rule.STATUS, "the status is neither 0 nor 1", status=[0, 7]),
    half("measured, but no value", Rule.EMPTY, "status 0 without a value", wh=[100, None]),
    Message(
        "one channel twice, with two values",
        Rule.CONFLICT,
        "frame … of DF brought two different values of M1/01; both are kept",
        1,
        {"channels": ["M1/01", "M1/01"]},
    ),
    whole("a DCTU that nobody knows", Rule.UNKNOWN, "DCTU D9 is not in the master data", dctu="D9"),
    whole(
        "a start beside the quarter-hour", Rule.GRID, "the start is not the start of a quarter-hour …", start=After(7)
    ),
    whole("a start in 1970", Rule.GRID, "the start is not …of the archive's calendar", start="1970-01-01T00:00:00Z"),
    whole("a start in 9999", Rule.GRID, "the start is not …of the archive's calendar", start="9999-12-31T23:45:00Z"),
    whole(
        "sent before the interval ended",
        Rule.FUTURE,
        "the interval ends after the frame was sent, …",
        sent_at=After(14),
    ),
    whole("sent in 1970", Rule.FUTURE, "the interval ends after …, 1970-01-01…", sent_at="1970-01-01T00:00:00Z"),
    whole("sent in 9999", Rule.FUTURE, "the sender's clock runs ahead: it was 20…", sent_at="9999-12-31T23:59:59Z"),
    Message(
        "20,000 channels that nobody knows",
        Rule.UNKNOWN,
        "channel X… is not in the master data",
        0,
        {"channels": [f"X{n}/01" for n in range(MANY)], "wh": [1] * MANY, "status": [0] * MANY},
    ),
    Message("no slice", None, changed={"slices": []}),
    Message("a slice of nothing", None, changed={"channels": [], "wh": [], "status": []}),
]

TICKS = [
    no_frame("what is not a tick", b'{"now":"soon"}', "now: Input should be a valid datetime, …"),
    no_frame("a tick without an offset", b'{"now":"2026-03-01T00:00:00"}', "now: Input should have timezone info"),
    no_frame(
        "a tick from 1970", b'{"now":"1970-01-01T00:00:00Z"}', "now: outside the archive's calendar, 2000 to 2099"
    ),
    no_frame(
        "a tick from 9999", b'{"now":"9999-12-31T23:59:59Z"}', "now: outside the archive's calendar, 2000 to 2099"
    ),
    no_frame("a tick from 2099", b'{"now":"2099-01-01T00:00:00Z"}', "now: more than a day ahead of the worker's clock"),
]

# What is on `changes` only names what to compute: what cannot be read there is logged, and the next one makes up for it.
CHANGES = [
    Message("no JSON among the changes", None, raw=b"hello", topic="changes"),
    Message("a change of no interval", None, raw=b'{"kind":"partials","units":{"2026-03-01":["UG"]}}', topic="changes"),
]

EVENTS = [
    Message("no JSON among the events", None, raw=b"good evening", topic="events"),
    Message(
        "a time of 2099 among the events", None, raw=b'{"kind":"time","until":"2099-01-01T00:00:00Z"}', topic="events"
    ),
    Message("an event of a kind that there is not", None, raw=b'{"kind":"storm"}', topic="events"),
]


def order(what: str, raw: bytes, gets: str) -> Message:
    """What is no order of an operator."""
    return Message(what, Rule.MALFORMED, f"no command: {gets}", raw=raw, topic="commands")


_ORDER = b'{"command_id":"6f8a8a32-3b0a-4f0e-9d0e-0d6ff1a0a001","sent_at":"2026-03-01T00:00:00Z","order":"%s","alarm_id":%s,"actor":"%s"}'
COMMANDS = [
    order("no JSON among the commands", b"good morning", "Invalid JSON: …"),
    order(
        "an order that there is not", _ORDER % (b"explode", b"1", b"Aigerim"), "order: Input should be 'acknowledge', …"
    ),
    order("an order of nobody", _ORDER % (b"acknowledge", b"1", b""), "actor: String should have at least 1 character"),
    order(
        "an order about no number",
        _ORDER % (b"acknowledge", b'"TRIP"', b"Aigerim"),
        "alarm_id: Input should be a valid integer, …",
    ),
    order(
        "an order about a number that no alarm can have",
        _ORDER % (b"acknowledge", b"2147483648", b"Aigerim"),
        "alarm_id: Input should be less than 2147483648",
    ),
    order(
        "an order of somebody with a NUL",
        _ORDER % (b"acknowledge", b"1", b"Aigerim\\u0000"),
        "actor: a text must not hold a NUL",
    ),
    order(
        "an order with a field whose name has a NUL",
        (_ORDER % (b"acknowledge", b"1", b"Aigerim"))[:-1] + b',"a\\u0000b":1}',
        "a\ufffdb: Extra inputs are not permitted",
    ),
    order(
        "an order from the year 0",
        (_ORDER % (b"acknowledge", b"1", b"Aigerim")).replace(b"2026-03-01T00:00:00Z", b"0001-01-01T00:00:00+14:00"),
        "sent_at: outside the archive's calendar, 2000 to 2099",
    ),
    Message(
        "an order about an alarm that there is not",
        None,
        raw=_ORDER % (b"acknowledge", b"4711", b"Aigerim"),
        topic="commands",
    ),
]

# By what is wrong, as the page shows them.
MESSAGES: dict[str, list[Message]] = {
    "Bytes that are no frame": BYTES,
    "Frames of a wrong form": FORMS,
    "Readings that cannot be": READINGS,
    "Ticks": TICKS,
    "Changes": CHANGES,
    "Events": EVENTS,
    "Commands": COMMANDS,
}
