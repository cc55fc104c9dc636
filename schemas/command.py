"""What stands on the topic `commands`: operators' orders, each of one alarm."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from schemas.time import FIRST_SLOT, LAST_SLOT, slot_of

Order = Literal[
    "acknowledge", "reset", "shelve", "unshelve", "suppress", "unsuppress", "remove", "return", "comment"
]  # fmt: skip
# What must say why.
NEED_REASON = frozenset({"shelve", "suppress", "remove", "comment"})


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("nul", "a text must not hold a NUL")
    return text


def _of_the_calendar(at: datetime) -> datetime:
    if not FIRST_SLOT <= slot_of(at) < LAST_SLOT:
        raise PydanticCustomError("calendar", "outside the archive's calendar, 2000 to 2099")
    return at


# No text of PostgreSQL holds a NUL.
WITHOUT_NUL = AfterValidator(_without_nul)
# As the numbers of alarms are stored.
AlarmId = Annotated[int, Field(ge=1, lt=2**31, description="Number of the alarm, as v_alarm_now has it.")]


class Command(BaseModel):
    """One order, answered in the table `alarm_command`; the same `command_id` again is no new order."""

    model_config = ConfigDict(extra="forbid")

    command_id: UUID
    sent_at: Annotated[AwareDatetime, AfterValidator(_of_the_calendar)]
    order: Order
    alarm_id: AlarmId
    actor: Annotated[str, Field(min_length=1, max_length=200, description="Who gives the order."), WITHOUT_NUL]
    reason: Annotated[str, Field(max_length=2000, description="Why; of a comment, the comment."), WITHOUT_NUL] = ""
    minutes: Annotated[int | None, Field(gt=0, le=43_200, description="For how long, of shelve.")] = None
    approver: Annotated[str, Field(max_length=200, description="Who has approved it, of remove."), WITHOUT_NUL] = ""
