"""The rules by which a reading or a whole frame is refused into quarantine."""

from enum import StrEnum


class Rule(StrEnum):
    """Names stand in the quarantine, in metrics and on screens; the texts say what to do."""

    MALFORMED = "MALFORMED"
    UNKNOWN = "UNKNOWN"
    FOREIGN = "FOREIGN"
    GRID = "GRID"
    STATUS = "STATUS"
    EMPTY = "EMPTY"
    NEGATIVE = "NEGATIVE"
    OVER_MAX = "OVER_MAX"
    FUTURE = "FUTURE"
    CONFLICT = "CONFLICT"
    POISON = "POISON"


MEANING: dict[Rule, str] = {
    Rule.MALFORMED: "the message is neither a frame nor a tick; mend it at its sender, or mend the copy and replay it",
    Rule.UNKNOWN: "the channel or its DCTU is not in the master data; import it, then replay",
    Rule.FOREIGN: "the channel did not belong to this DCTU at that interval; mend the master data, then replay",
    Rule.GRID: "the start is not the start of a quarter-hour of the archive's calendar (2000 to 2099)",
    Rule.STATUS: "the status is neither 0 nor 1",
    Rule.EMPTY: "a measured value (status 0) without a value",
    Rule.NEGATIVE: "energy below zero: a channel counts in one direction",
    Rule.OVER_MAX: "more energy than the channel's physical limit in a quarter-hour (max_kwh)",
    Rule.FUTURE: "the interval had not ended when the frame was sent, or the sender's clock runs ahead",
    Rule.CONFLICT: "one frame number brought two different values of one reading; both are kept, the greater rules",
    Rule.POISON: "this message cannot be processed, or ended the worker again and again; its bytes are kept",
}
