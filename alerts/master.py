"""The master alarm database: every type of alarm, rationalised, in one YAML file.

ISA-18.2 asks of each alarm its cause, consequence, the operator's response and the time for it; limits, delays,
deadband and priority follow from these. A file that is wrong is refused whole, with the line of everything wrong in it.
"""

import hashlib
from collections.abc import Iterable
from datetime import time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from alerts.timing import Delays
from schemas.alarm import AlarmType, Priority

SHIPPED = Path(__file__).with_name("master.yml")
LANGUAGES = ("kk", "ru", "en")

NodeKind = Literal["unit", "facility", "entity", "provider", "hub", "region", "branch", "zone", "system"]
_Intervals = Annotated[int, Field(ge=0, le=96)]
_Percent = Annotated[float, Field(ge=0, le=100)]
_Text = Annotated[str, Field(min_length=1)]


class MasterError(Exception):
    """The file is not a master alarm database; one line of text for everything wrong in it."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Strict):
    """A text in the languages of the control room."""

    kk: _Text
    ru: _Text
    en: _Text

    def in_(self, language: str) -> str:
        """The text in one of LANGUAGES."""
        return str(getattr(self, language))


class PowerLevel(_Strict):
    """A limit of a mean power: all figures that are given must be reached."""

    priority: Priority
    mw: Annotated[float, Field(ge=0)] = 0.0
    percent: Annotated[float, Field(ge=0, description="of the plan")] = 0.0
    capacity_percent: Annotated[float, Field(ge=0, description="of the installed capacity")] = 0.0

    @model_validator(mode="after")
    def _some_limit(self) -> "PowerLevel":
        if not (self.mw or self.percent or self.capacity_percent):
            raise ValueError("a level needs mw, percent or capacity_percent above zero")
        return self


class EnergyLevel(_Strict):
    """A limit of the energy of an hour."""

    priority: Priority
    mwh: Annotated[float, Field(gt=0)]


class ShareLevel(_Strict):
    """A limit of the share of what an object is made of, and of how many at least."""

    priority: Priority
    percent: Annotated[float, Field(gt=0, le=100)]
    at_least: Annotated[int, Field(ge=1)] = 1


class DelayLevel(_Strict):
    """A limit of a time."""

    priority: Priority
    seconds: Annotated[int, Field(gt=0)]


class Override(_Strict):
    """What is different for one object; what is not named stays as the type has it."""

    enabled: bool | None = None
    on_delay: _Intervals | None = None
    off_delay: _Intervals | None = None
    deadband_percent: _Percent | None = None
    levels: list[dict[str, Any]] | None = None


Level = TypeVar("Level", PowerLevel, EnergyLevel, ShareLevel, DelayLevel)


class Rule(_Strict, Generic[Level]):
    """One type of alarm."""

    title: Words
    cause: _Text
    consequence: _Text
    response: Words
    respond_within_min: Annotated[int, Field(ge=1, le=1440)]
    group: Annotated[str, Field(alias="class", min_length=1)]
    enabled: bool = True
    on_delay: _Intervals = 0
    off_delay: _Intervals = 1
    deadband_percent: _Percent = 0.0
    latching: bool = False
    auto_reset: bool = False
    realarm_after_min: Annotated[int, Field(ge=1)] | None = None
    shelve_max_h: Annotated[int, Field(ge=1, le=720)] = 8
    levels: Annotated[list[Level], Field(min_length=1)]
    overrides: dict[str, Override] = {}
    # The rule of every object with an override, made once: every look asks for it.
    _own: dict[str, Self] = PrivateAttr(default_factory=dict)

    @property
    def delays(self) -> Delays:
        """The delays, in intervals."""
        return Delays(self.on_delay, self.off_delay)

    @property
    def respond_within(self) -> timedelta:
        """The time to respond, after which the next one is called."""
        return timedelta(minutes=self.respond_within_min)

    @cached_property
    def priorities(self) -> list[Priority]:
        """The priorities of its levels, ascending: level 1 is the first."""
        return sorted({level.priority for level in self.levels}, key=lambda priority: priority.rank)

    def level(self, reached: Iterable[Level]) -> int:
        """The number of the highest level among those of its entries that are reached; 0: none."""
        return max((self.priorities.index(entry.priority) + 1 for entry in reached), default=0)

    def of(self, kind: str, code: str) -> Self:
        """The rule as it is for one object."""
        return self._own.get(f"{kind}/{code}", self) if self.overrides else self

    @model_validator(mode="after")
    def _overrides_hold(self) -> Self:
        whole = {**self.model_dump(by_alias=True), "overrides": {}} if self.overrides else {}
        for name, override in self.overrides.items():
            kind, slash, code = name.partition("/")
            if not (kind and slash and code):
                raise ValueError(f"overrides: {name!r} is not KIND/CODE, as facility/GRES1")
            given = {field: value for field, value in override.model_dump().items() if value is not None}
            try:
                self._own[name] = type(self).model_validate({**whole, **given})
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join(map(str, first["loc"]))
                raise ValueError(f"overrides.{name}.{place}: {first['msg']}") from None
        return self


class NodeRule(Rule[Level], Generic[Level]):
    """Compares plan and fact of nodes of some kinds."""

    kinds: Annotated[list[NodeKind], Field(min_length=1)]
    completeness_percent: _Percent = 80.0
    after_correction: _Intervals = 0


class BalanceRule(NodeRule[PowerLevel]):
    """Looks at the mean power of every interval."""


class HourRule(NodeRule[EnergyLevel]):
    """Projects the running hour, while so many intervals of it are left."""

    least_left: Annotated[int, Field(ge=1, le=3)] = 1


class GapRule(Rule[ShareLevel]):
    """Counts who is silent."""


class PlanRule(Rule[ShareLevel]):
    """Looks for tomorrow's schedule, at a local time of the day before."""

    by: time


class PipelineRule(Rule[DelayLevel]):
    """Watches ourselves: the clock, the agents, Alertmanager, and whether anybody sends at all."""

    feed_silent_percent: Annotated[float, Field(gt=0, le=100)]
    feed_silent_at_least: Annotated[int, Field(ge=1)]


AnyRule = BalanceRule | HourRule | GapRule | PlanRule | PipelineRule


class Types(_Strict):
    """Every type, once."""

    DEV_GEN: BalanceRule
    DEV_CONS: BalanceRule
    HOUR_PROJ: HourRule
    ZONE_IMB: BalanceRule
    TRIP: BalanceRule
    GAP_EMC: GapRule
    GAP_DCTU: GapRule
    GAP_ENTITY: GapRule
    PLAN_MISSING: PlanRule
    PIPELINE: PipelineRule


class Master(_Strict):
    """The whole file, and what tells this version of it from others."""

    types: Types
    positions: Annotated[int, Field(ge=1, le=100)] = 1
    digest: str = ""
    text: str = ""

    def rule(self, type_: AlarmType) -> AnyRule:
        """The rule of a type."""
        rule: AnyRule = getattr(self.types, type_.value)
        return rule

    def node_kinds(self) -> list[str]:
        """The kinds of nodes that are looked at."""
        return sorted({kind for rule in self.balance_rules() for kind in rule.kinds})

    def balance_rules(self) -> list[BalanceRule | HourRule]:
        """The rules that look at balances."""
        types = self.types
        return [types.DEV_GEN, types.DEV_CONS, types.HOUR_PROJ, types.ZONE_IMB, types.TRIP]


def parse(text: str, name: str) -> Master:
    """Read the text of a file called `name`. Raises MasterError."""
    try:
        node = yaml.compose(text, yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MasterError(f"{name}:{line}: not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise MasterError(f"{name}:1: not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(document, dict) or node is None:
        raise MasterError(f"{name}:1: not a master alarm database: it must begin with `types:`")
    if twice := _twice(node, ""):
        raise MasterError("\n".join(f"{name}:{line}: {path} stands twice" for path, line in twice))
    try:
        master = Master.model_validate(document)
    except ValidationError as error:
        raise MasterError("\n".join(_sentences(error, node, name))) from None
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return master.model_copy(update={"digest": digest, "text": text})


def _sentences(error: ValidationError, node: yaml.Node, name: str) -> list[str]:
    found = []
    for problem in error.errors():
        place = problem["loc"]
        words = problem["msg"].removeprefix("Value error, ").replace("Input should", "it should")
        if problem["type"] == "extra_forbidden":
            words = "no such entry here"
        elif problem["type"] == "missing":
            words = "the entry is missing"
        # What a validator says of an entry below names it first.
        below, colon, rest = words.partition(": ")
        if problem["type"] == "value_error" and colon and " " not in below:
            place, words = (*place, *below.split(".")), rest
        found.append((_line(node, place), ".".join(map(str, place)), words))
    return [f"{name}:{line}: {place}: {words}" for line, place, words in sorted(found)]


def _line(node: yaml.Node, place: tuple[Any, ...]) -> int:
    """The line of an entry, or of the nearest one above it that is there."""
    line: int = node.start_mark.line + 1
    for key in place:
        if isinstance(node, yaml.MappingNode):
            for entry, value in node.value:
                if entry.value == str(key):
                    line, node = entry.start_mark.line + 1, value
                    break
            else:
                return line
        elif isinstance(node, yaml.SequenceNode) and str(key).isdigit() and int(key) < len(node.value):
            node = node.value[int(key)]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def _twice(node: yaml.Node, path: str) -> list[tuple[str, int]]:
    """Entries that stand twice: YAML would silently take the last."""
    found = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for entry, value in node.value:
            below = f"{path}.{entry.value}".lstrip(".")
            if entry.value in seen:
                found.append((below, entry.start_mark.line + 1))
            seen.add(entry.value)
            found += _twice(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            found += _twice(value, f"{path}.{number}")
    return found


def shipped() -> Master:
    """The one that comes with the product."""
    return parse(SHIPPED.read_text(encoding="utf-8"), SHIPPED.name)
