"""What stands on the topic `frames`: frames of DCTUs, and ticks of the clock."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

INT64 = 2**63 - 1
Int64 = Annotated[int, Field(ge=-INT64 - 1, le=INT64, strict=True)]
Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^\S+$")]


class Slice(BaseModel):
    """One interval of one transmission, as columns: `channels[i]` measured `wh[i]` with `status[i]`."""

    model_config = ConfigDict(extra="forbid", title="Slice")

    start: Annotated[AwareDatetime, Field(description="Start of the interval; any offset, stored as UTC.")]
    channels: Annotated[list[str], Field(description="Channels as EMC/code, for example E0102/02.")]
    wh: Annotated[list[Int64 | None], Field(description="Energy of the interval in Wh; null with status 1 only.")]
    status: Annotated[
        list[Int64],
        Field(description="0 measured; 1 with a value: suspect; 1 without a value: the device has none."),
    ]

    @model_validator(mode="after")
    def columns_are_of_one_length(self) -> "Slice":
        """A ragged slice cannot be read: no one knows which value is whose."""
        if not len(self.channels) == len(self.wh) == len(self.status):
            raise ValueError(
                f"channels, wh and status must be of one length,"
                f" not {len(self.channels)}, {len(self.wh)} and {len(self.status)}"
            )
        return self


class Frame(BaseModel):
    """One transmission of one DCTU, for one interval or several."""

    model_config = ConfigDict(extra="forbid", title="Frame")

    dctu: Code
    seq: Annotated[int, Field(ge=0, le=INT64, strict=True, description="Running number of the DCTU's frames.")]
    sent_at: Annotated[AwareDatetime, Field(description="The DCTU's clock when it sent the frame.")]
    slices: list[Slice]


class Tick(BaseModel):
    """The time, written into every partition of `frames` by the clock."""

    model_config = ConfigDict(extra="forbid", title="Tick")

    now: AwareDatetime
