"""What stands on the topic `commands`: operators' orders, each of one alarm."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Order = Literal[
    "acknowledge", "reset", "shelve", "unshelve", "suppress", "unsuppress", "remove", "return", "comment"
]  # fmt: skip
# What must say why.
NEED_REASON = frozenset({"shelve", "suppress", "remove", "comment"})


class Command(BaseModel):
    """One order, answered in the table `alarm_command`; the same `command_id` again is no new order."""

    model_config = ConfigDict(extra="forbid")

    command_id: UUID
    sent_at: AwareDatetime
    order: Order
    alarm_id: Annotated[int, Field(description="Number of the alarm, as v_alarm_now has it.")]
    actor: Annotated[str, Field(min_length=1, max_length=200, description="Who gives the order.")]
    reason: Annotated[str, Field(max_length=2000, description="Why; of a comment, the comment.")] = ""
    minutes: Annotated[int | None, Field(gt=0, le=43_200, description="For how long, of shelve.")] = None
    approver: Annotated[str, Field(max_length=200, description="Who has approved it, of remove.")] = ""
