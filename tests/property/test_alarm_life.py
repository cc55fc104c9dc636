"""The life of an alarm under anything: random events, and random values with random orders between them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.book import Basis, Book, Key
from alerts.following import follow
from alerts.life import Alarm, Effect, Event, Kind, RefusedError, step
from alerts.timing import Timing
from connectors.alarms import JournalEntry, StoredAlarm
from schemas.alarm import AlarmType, Priority, State, Unit
from tests.alerts.making import NOON, NOON_AT, master
from tests.thorough import examples

STANDING = {State.UNACK, State.ACKED}
# What somebody was called for, and what must be withdrawn when it is left.
CALLED = {State.UNACK, State.ACKED, State.LUNACK, State.LACK}
HIDDEN = {State.SHLVD, State.DSUPR, State.OOSRV}
LATER = NOON_AT + timedelta(days=365)

EVENTS = st.builds(
    Event, st.sampled_from(Kind), st.sampled_from(Priority), st.just(LATER), st.just("why"), st.booleans()
)  # fmt: skip
# The few that make an alarm stand, latch and hide: among all kinds they would rarely meet.
FEW_EVENTS = st.sampled_from(
    [Event(kind, until=LATER, reason="why") for kind in (Kind.RAISE, Kind.CLEAR, Kind.SHELVE, Kind.UNSHELVE)]
    + [Event(kind, reason="why", by_rule=True) for kind in (Kind.SUPPRESS, Kind.UNSUPPRESS)]
    + [Event(Kind.ACKNOWLEDGE), Event(Kind.RESET)]
)
TYPES = st.builds(Alarm, latching=st.booleans(), auto_reset=st.booleans())


@dataclass
class Flags:
    """What suppresses an alarm, kept apart from it: an oracle."""

    held: set[str] = field(default_factory=set)

    def follow(self, event: Event) -> None:
        person = "rule" if event.by_rule else "person"
        match event.kind:
            case Kind.SHELVE:
                self.held.add("shelf")
            case Kind.UNSHELVE:
                self.held.remove("shelf")
            case Kind.SUPPRESS:
                self.held.add(person)
            case Kind.UNSUPPRESS:
                self.held.remove(person)
            case Kind.REMOVE:
                self.held.add("out")
            case Kind.RETURN:
                self.held.remove("out")

    @property
    def shown(self) -> State | None:
        """The strongest; None where nothing suppresses."""
        if "out" in self.held:
            return State.OOSRV
        if self.held & {"rule", "person"}:
            return State.DSUPR
        return State.SHLVD if self.held else None


@settings(max_examples=examples(600), deadline=None)
@given(TYPES, st.lists(EVENTS, min_size=15, max_size=40))
def test_any_events_keep_the_laws_of_the_life(alarm: Alarm, events: list[Event]) -> None:
    flags, condition = Flags(), False
    for number, event in enumerate(events):
        now = NOON_AT + number * timedelta(minutes=1)
        try:
            after, effects = step(alarm, event, now)
        except RefusedError:
            # What people order may be refused, conditions and time never.
            assert event.kind not in (Kind.RAISE, Kind.RISE, Kind.CLEAR, Kind.REALARM, Kind.ESCALATE, Kind.COMMENT)
            continue
        flags.follow(event)
        condition = {Kind.RAISE: True, Kind.CLEAR: False}.get(event.kind, condition)
        assert after.condition is condition
        hidden = flags.shown
        if hidden is not None:
            assert after.shown is hidden
            assert not {Effect.ANNUNCIATE, Effect.ESCALATE} & set(effects)
        elif condition:
            assert after.shown in STANDING
        else:
            assert after.shown not in STANDING
            assert after.shown in ((State.LUNACK, State.LACK) if after.latched else (State.NORM, State.RTNUN))
        assert (Effect.WITHDRAW in effects) == (alarm.shown in CALLED and after.shown not in CALLED)
        if after.shown is State.UNACK and alarm.shown is not State.UNACK:
            assert Effect.ANNUNCIATE in effects
            assert after.raised_at == now
        alarm = after


@settings(max_examples=examples(600), deadline=None)
@given(st.lists(FEW_EVENTS, min_size=12, max_size=24))
def test_a_latching_alarm_that_stood_stays_until_it_is_reset(events: list[Event]) -> None:
    alarm, stood = Alarm(latching=True), False
    for event in events:
        try:
            alarm, _ = step(alarm, event, NOON_AT)
        except RefusedError:
            continue
        stood = (stood and event.kind is not Kind.RESET) or alarm.shown in STANDING
        if stood:
            assert alarm.shown in CALLED | HIDDEN


@dataclass(frozen=True)
class Look:
    """One interval of one object: level beyond its limit, level less the deadband, why a rule suppresses."""

    key: Key
    beyond: int
    deadband: int
    reason: str


@dataclass(frozen=True)
class Order:
    """What a person or time does to one alarm."""

    key: Key
    event: Event


DEVIATION = Key(AlarmType.DEV_GEN, "facility", "GRES1")
ZONE = Key(AlarmType.ZONE_IMB, "zone", "NORTH")
TRIP = Key(AlarmType.TRIP, "facility", "GRES1")
KEYS = {DEVIATION: 3, ZONE: 2, TRIP: 1}
RULES = master(DEV_GEN={"on_delay": 2, "auto_reset": True}, ZONE_IMB={"on_delay": 1, "off_delay": 2})
DELAYS = {key: RULES.rule(key.type).delays for key in KEYS}
REASONS = (
    "", "", "", "too little of the data is there", "it may come of missing data alone",
    "the schedule has just been corrected",
)  # fmt: skip
BY_HAND = [
    Kind.ACKNOWLEDGE, Kind.RESET, Kind.SHELVE, Kind.UNSHELVE, Kind.SUPPRESS, Kind.UNSUPPRESS, Kind.REMOVE,
    Kind.RETURN, Kind.REALARM, Kind.COMMENT,
]  # fmt: skip

LOOKS = st.sampled_from(list(KEYS)).flatmap(
    lambda key: st.builds(
        Look, st.just(key), st.sampled_from(range(KEYS[key] + 1)), st.booleans(), st.sampled_from(REASONS)
    )
)  # fmt: skip
ORDERS = st.builds(
    Order, st.sampled_from(list(KEYS)), st.builds(Event, st.sampled_from(BY_HAND), until=st.just(LATER), reason=st.just("why"))
)  # fmt: skip
# A look is likelier than an order; None: everything is written, and read again by somebody else.
ACTIONS = st.one_of(LOOKS, LOOKS, LOOKS, ORDERS, st.none())


@dataclass
class Store:
    """The tables: rows by object and type, numbered as they come."""

    rows: dict[tuple[str, str, str], StoredAlarm] = field(default_factory=dict)

    def write(self, book: Book) -> None:
        dirty = book.take_dirty()
        numbers = []
        for row in map(book.to_row, dirty):
            key = (row.type, row.object_kind, row.object)
            old = self.rows.get(key)
            number = len(self.rows) + 1 if old is None else old.alarm_id
            assert number is not None
            assert row.alarm_id in (None, number)
            self.rows[key] = row._replace(alarm_id=number)
            numbers.append(number)
        book.number(dirty, numbers)

    def stored(self) -> list[StoredAlarm]:
        """Without the last look: of what is in order it is not written down."""
        return [row._replace(seen_ts=None) for row in self.rows.values()]

    def read(self) -> Book:
        return Book(RULES, list(self.rows.values()))


def known(book: Book, key: Key) -> tuple[Alarm, int, int | None, int | None, str]:
    """What a book knows of an alarm; of one that it does not have, what a new one would be."""
    instance = book.get(key) or Book(RULES).open(key, NOON_AT)
    timing: Timing = instance.timing
    return instance.alarm, timing.level, timing.since, timing.below, instance.acked_by


def check_entries(book: Book, entries: list[JournalEntry], look: Look | None) -> None:
    """What was journalled, and who was told of it."""
    expected = []
    for entry in entries:
        assert not (entry.annunciated and entry.state in HIDDEN)
        if look is not None and look.reason and entry.event in ("raise", "rise"):
            assert not entry.annunciated
        if entry.annunciated:
            expected.append((entry.object, False))
        if entry.state_before in CALLED and entry.state not in CALLED:
            expected.append((entry.object, True))
    assert [(call.instance.key.code, call.ended) for call in book.take_calls()] == expected


def act(book: Book, action: Look | Order, slot: int, now: datetime) -> list[JournalEntry]:
    """Do it in one book, hold the laws of one book, and give what was journalled."""
    if isinstance(action, Look):
        # Less the deadband the level is the same or one more, where there is one.
        within = min(action.beyond + action.deadband, KEYS[action.key])
        follow(book, action.key, slot, action.beyond, within, Basis(Unit.W), now, reason=action.reason)
    elif (instance := book.get(action.key)) is not None:
        before = instance.alarm, instance.acked_by
        try:
            book.happen(instance, action.event, now)
        except RefusedError:
            assert (instance.alarm, instance.acked_by, book.take_entries()) == (*before, [])
    entries = book.take_entries()
    check_entries(book, entries, action if isinstance(action, Look) else None)
    for key, instance in book.instances.items():
        alarm = instance.alarm
        assert instance.key == key
        assert alarm.condition == (instance.timing.level > 0)
        if alarm.shown not in HIDDEN:
            assert (alarm.shown in STANDING) == alarm.condition
            assert alarm.condition or (alarm.shown in (State.LUNACK, State.LACK)) == alarm.latched
    return entries


def plain(entries: list[JournalEntry]) -> list[JournalEntry]:
    """Without the number: who is told before it is written has none."""
    return [entry._replace(alarm_id=None) for entry in entries]


@settings(max_examples=examples(400), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTIONS, min_size=20, max_size=60))
def test_any_values_and_orders_keep_the_laws_of_the_book(actions: list[Look | Order | None]) -> None:
    # One book goes on for ever; the other is written and read again wherever `None` stands.
    book, store, other, tables = Book(RULES), Store(), Book(RULES), Store()
    looks: dict[Key, list[Look]] = {key: [] for key in KEYS}
    slots = dict.fromkeys(KEYS, NOON)
    for number, action in enumerate(actions):
        now = NOON_AT + number * timedelta(minutes=15)
        if action is None:
            store.write(book)
            tables.write(other)
            other = tables.read()
            assert store.stored() == tables.stored()
            continue
        assert plain(act(book, action, slots[action.key], now)) == plain(act(other, action, slots[action.key], now))
        assert {key: known(book, key) for key in KEYS} == {key: known(other, key) for key in KEYS}
        if isinstance(action, Look):
            slots[action.key] += 1
            looks[action.key].append(action)
            check_condition(book, action.key, looks[action.key])


def check_condition(book: Book, key: Key, looks: list[Look]) -> None:
    """What was measured beyond, or within, its limit for long enough is true, or false, whatever was before."""
    on, off = looks[-DELAYS[key].on - 1 :], looks[-DELAYS[key].off - 1 :]
    instance = book.get(key)
    condition = instance is not None and instance.alarm.condition
    if len(on) > DELAYS[key].on and all(look.beyond and not look.reason for look in on):
        assert condition
    if len(off) > DELAYS[key].off and not any(look.beyond or look.deadband for look in off):
        assert not condition
