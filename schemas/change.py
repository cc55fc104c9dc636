"""What stands on the topic `changes`: keys only. Receivers read the tables and recompute, so repeats are harmless."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

_FORBID = ConfigDict(extra="forbid")


class PartialsChanged(BaseModel):
    """Sums of units changed: which units, by the start of the interval."""

    model_config = _FORBID

    kind: Literal["partials"] = "partials"
    units: Annotated[dict[AwareDatetime, list[str]], Field(description="Start of the interval to codes of units.")]


class TimePassed(BaseModel):
    """A partition of `frames` has processed a tick that begins a minute or passes a deadline."""

    model_config = _FORBID

    kind: Literal["time"] = "time"
    partition: int
    until: AwareDatetime


class ScheduleChanged(BaseModel):
    """Some hours of some units have a new plan."""

    model_config = _FORBID

    kind: Literal["schedule"] = "schedule"
    units: list[str]
    first_hour: AwareDatetime
    last_hour: AwareDatetime


class RegistryChanged(BaseModel):
    """Something waits in the table `recompute`: master data changed, or balance goes on with a long one."""

    model_config = _FORBID

    kind: Literal["registry"] = "registry"
    version: int


Change = Annotated[PartialsChanged | TimePassed | ScheduleChanged | RegistryChanged, Field(discriminator="kind")]
CHANGE: TypeAdapter[Change] = TypeAdapter(Change)
