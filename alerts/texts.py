"""What a notification says, in Kazakh, Russian and English: object, value against limit, since when, what to do."""

from alerts.book import Instance
from alerts.master import LANGUAGES, Master
from connectors.objects import Facts
from schemas.alarm import AlarmType, Unit
from schemas.time import LOCAL, slot_start

_MEGA = 1_000_000
UNITS = {
    Unit.W: {"kk": "МВт", "ru": "МВт", "en": "MW"},
    Unit.WH: {"kk": "МВт·сағ", "ru": "МВт·ч", "en": "MWh"},
    Unit.POINTS: {"kk": "нүкте", "ru": "точек", "en": "points"},
    Unit.DCTUS: {"kk": "ДЖБҚ", "ru": "УСПД", "en": "DCTUs"},
    Unit.UNITS: {"kk": "кестесіз бірлік", "ru": "объектов без графика", "en": "units without a schedule"},
    Unit.SECONDS: {"kk": "с", "ru": "с", "en": "s"},
}
_WORDS = {
    "value": {"kk": "Мәні", "ru": "Значение", "en": "Value"},
    "limit": {"kk": "шегі", "ru": "предел", "en": "limit"},
    "of": {"kk": "барлығы", "ru": "всего", "en": "of"},
    "since": {"kk": "Басталуы", "ru": "Начало", "en": "Since"},
    "hour": {"kk": "Сағат болжамы", "ru": "Прогноз часа", "en": "Hour heading for"},
    "by": {"kk": "Негізінен", "ru": "В основном", "en": "Mostly"},
    "do": {"kk": "Не істеу керек", "ru": "Что делать", "en": "What to do"},
}


def quantity(value: int, unit: Unit, language: str, *, signed: bool = False) -> str:
    """A value as people read it."""
    words = UNITS[unit][language]
    if unit in (Unit.W, Unit.WH):
        rounded = round(value / _MEGA)
        return f"{rounded:+,d} {words}" if signed and rounded else f"{rounded:,d} {words}"
    return f"{value:,d} {words}"


def measure(instance: Instance, language: str) -> str:
    """The value against its limit; empty where there is none."""
    basis, type_ = instance.basis, instance.key.type
    if basis.value is None:
        return ""
    signed = type_ is not AlarmType.TRIP
    parts = [quantity(basis.value, basis.unit, language, signed=signed)]
    if basis.unit in (Unit.W, Unit.WH, Unit.SECONDS) and basis.limit is not None:
        parts.append(f"{_WORDS['limit'][language]} {quantity(basis.limit, basis.unit, language)}")
    elif "of" in basis.detail:
        parts.append(f"{_WORDS['of'][language]} {basis.detail['of']}")
    return ", ".join(parts)


def summary(master: Master, instance: Instance, facts: Facts, language: str) -> str:
    """One line: what, where, how much."""
    title = master.rule(instance.key.type).title.in_(language)
    name = facts.name or instance.key.code
    text = f"{title}: {name}"
    of = measure(instance, language)
    return f"{text} ({of})" if of else text


def description(master: Master, instance: Instance, facts: Facts, language: str) -> str:
    """All an operator needs to begin, a line each."""
    lines = []
    if of := measure(instance, language):
        lines.append(f"{_WORDS['value'][language]}: {of}")
    if (since := instance.timing.since) is not None:
        lines.append(f"{_WORDS['since'][language]}: {slot_start(since).astimezone(LOCAL):%d.%m.%Y %H:%M}")
    if facts.projected_wh is not None and instance.basis.unit is Unit.W:
        lines.append(f"{_WORDS['hour'][language]}: {quantity(facts.projected_wh, Unit.WH, language, signed=True)}")
    if contributors := instance.basis.detail.get("contributors"):
        named = (f"{one['unit']} {quantity(one['imbalance_w'], Unit.W, language, signed=True)}" for one in contributors)
        lines.append(f"{_WORDS['by'][language]}: {'; '.join(named)}")
    if says := instance.basis.detail.get("says"):
        lines.append(str(says))
    lines.append(f"{_WORDS['do'][language]}: {master.rule(instance.key.type).response.in_(language)}")
    return "\n".join(lines)


def annotations(master: Master, instance: Instance, facts: Facts) -> dict[str, str]:
    """Both, in every language."""
    found = {}
    for language in LANGUAGES:
        found[f"summary_{language}"] = summary(master, instance, facts, language)
        found[f"description_{language}"] = description(master, instance, facts, language)
    return found
