"""What stands in Redis: the state of every node now, and the news of a change."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

_FORBID = ConfigDict(extra="forbid")

Wh = int | None


class NodeState(BaseModel):
    """A node now: its newest closed interval, and the running hour to date and projected. Wh; null: has none of it."""

    model_config = _FORBID

    now: Annotated[AwareDatetime, Field(description="The stream's time.")]
    ts: Annotated[AwareDatetime | None, Field(description="Start of the newest closed interval.")]
    hour: Annotated[AwareDatetime, Field(description="Start of the running hour.")]
    closed_intervals: Annotated[int, Field(description="Closed intervals of the running hour.")]
    gen_plan_wh: Wh
    gen_fact_wh: Wh
    cons_plan_wh: Wh
    cons_fact_wh: Wh
    exch_plan_wh: Wh
    exch_fact_wh: Wh
    imbalance_wh: Wh
    completeness: Annotated[float | None, Field(description="Present of expected readings, 0 to 1.")]
    schedule_version: int | None
    hour_gen_plan_wh: Wh
    hour_gen_fact_wh: Wh
    hour_gen_naive_wh: Annotated[Wh, Field(description="Projected: the rest goes by plan.")]
    hour_gen_persist_wh: Annotated[Wh, Field(description="Projected: the rest keeps its ratio to the plan.")]
    hour_cons_plan_wh: Wh
    hour_cons_fact_wh: Wh
    hour_cons_naive_wh: Wh
    hour_cons_persist_wh: Wh
    hour_exch_plan_wh: Wh
    hour_exch_fact_wh: Wh
    hour_exch_naive_wh: Wh
    hour_exch_persist_wh: Wh
    hour_imbalance_naive_wh: int
    hour_imbalance_persist_wh: int


class StatesChanged(BaseModel):
    """States of nodes were set: codes by kind; `whole`: all of them anew, none is named."""

    model_config = _FORBID

    now: AwareDatetime
    changed: dict[str, list[str]]
    whole: bool = False
