"""What stands on the topic `events`: what collect and balance decided, and the time up to which that is all."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

_FORBID = ConfigDict(extra="forbid")


class BalancesClosed(BaseModel):
    """Balance rows of one interval that were closed, or changed after they were closed, as columns by node."""

    model_config = _FORBID

    kind: Literal["closed"] = "closed"
    start: AwareDatetime
    newest: Annotated[bool, Field(description="Whether this was the newest closed interval when it was computed.")]
    node_kind: list[str]
    node: list[str]
    imbalance_wh: list[int]
    completeness: list[float]


class GapChanged(BaseModel):
    """A gap of a DCTU was opened, extended or healed."""

    model_config = _FORBID

    kind: Literal["gap"] = "gap"
    change: Literal["opened", "extended", "healed"]
    dctu: str
    first_start: AwareDatetime
    last_end: AwareDatetime
    channels: int
    declared: bool
    at: Annotated[AwareDatetime, Field(description="The stream's time of the change.")]
    late_by_s: Annotated[int | None, Field(description="Seconds from the end of the first interval to healing.")] = None


class ConflictSeen(BaseModel):
    """One frame number of a DCTU brought two different values of one reading."""

    model_config = _FORBID

    kind: Literal["conflict"] = "conflict"
    dctu: str
    channel: str
    start: AwareDatetime
    sent_at: AwareDatetime
    seq: int


class TimeReached(BaseModel):
    """Everything that was due by this instant is closed and has been told of."""

    model_config = _FORBID

    kind: Literal["time"] = "time"
    until: Annotated[AwareDatetime, Field(description="The watermark: every partition of `frames` is that far.")]


Event = Annotated[BalancesClosed | GapChanged | ConflictSeen | TimeReached, Field(discriminator="kind")]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
