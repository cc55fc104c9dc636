"""Bad files, settings, servers and words of a command, and the sentence that each gets.

Every one is run in a process of its own. It must end with status 2, say `gets` on stderr and nothing else (… stands
for anything), show no traceback, and leave archive and topics as they were, but for `brings` messages to the topic
`frames`. `{there}` is the folder of the case's own files, `{space}` the space.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerts.master import SHIPPED
from infra.words import many

READINGS = "emc,code,start,kwh,status\n"
HOURS = "unit,hour,mwh,version\n"
GOOD_READING = "M1,01,2026-03-01T00:00+05:00,1,0\n"
NOTHING = "tengerim: nothing was imported; mend this first:\n"
# A port at which nobody listens.
NOBODY = "127.0.0.1:1"


@dataclass(frozen=True)
class Command:
    """One bad input of a command: what goes in (in words), the command, what it gets."""

    what: str
    command: str
    gets: str
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    brings: int = 0


def registry(what: str, gets: str, **files: str | bytes) -> Command:
    """A folder of master data with these files."""
    return Command(
        what, "registry import {there}", NOTHING + gets, {f"{name}.csv": text for name, text in files.items()}
    )


def schedule(what: str, gets: str, text: str | bytes) -> Command:
    """A file of the schedule."""
    return Command(what, "schedule import {there}/plan.csv", NOTHING + gets, {"plan.csv": text})


def readings(what: str, gets: str, text: str | bytes, brings: int = 0) -> Command:
    """A file of readings; what is good in it makes one frame."""
    rest = "the rest was sent" if brings else "nothing was sent"
    errors = many(len(gets.splitlines()), "error")
    gets += f"\ntengerim: {errors} in {{there}}/r.csv, named above; {rest}"
    return Command(what, "ingest {there}/r.csv --sent-at 2026-03-01T01:00+05:00", gets, {"r.csv": text}, {}, brings)


def setting(name: str, value: str, gets: str, command: str = "drain") -> Command:
    """A setting that is wrong."""
    return Command(f"`{name}={value}`", command, f"tengerim: {gets}", {}, {name: value})


DCTUS = "dctu,name,facility\n"
CHANNELS = "emc,code,dctu,unit,sign,max_kwh\n"

MASTER_DATA = [
    Command(
        "a folder that is not there", "registry import {there}/none", NOTHING + "{there}/none: there is no such folder"
    ),
    registry("an empty folder", "{there}: has none of entities.csv, facilities.csv, …"),
    registry("a file of no bytes", "dctus.csv: the file is empty; its first line must name the columns", dctus=""),
    registry(
        "another header",
        "dctus.csv:1:id: no such column here; there are dctu, name, facility, valid_from, valid_to\n"
        "dctus.csv:1:dctu: the column is missing",
        dctus="id,name,facility\n1,2,3\n",
    ),
    registry(
        "bytes that are no text", "dctus.csv:1: not UTF-8 (byte 0xff); save the file as UTF-8", dctus=b"\xff\xfe\x00"
    ),
    registry("a spreadsheet saved as UTF-16", "dctus.csv:1: not UTF-8 …", dctus=DCTUS.encode("utf-16")),
    registry(
        "bad values beside good ones",
        "channels.csv:3:code: '1' is none of 01, 02, 03, 04\n"
        "channels.csv:4:max_kwh: '-5' is below zero\n"
        "channels.csv:5:max_kwh: '1e30' is larger than any energy this archive can hold",
        channels=CHANNELS + "M8,01,DF,UG,1,500\nM8,1,DF,UG,1,500\nM8,02,DF,UG,1,-5\nM8,03,DF,,,1e30\n",
    ),
    registry(
        "a code that nobody explains",
        "dctus.csv:2:facility: 'NOWHERE' is neither in facilities.csv nor in the archive",
        dctus=DCTUS + "D7,D7,NOWHERE\n",
    ),
    Command(
        "a moment without an offset",
        "registry import {there} --received-at 2026-03-01T00:00",
        "tengerim: --received-at '2026-03-01T00:00' has no offset; write for example 2026-01-01T00:15+05:00",
    ),
    Command(
        "a moment that no archive has",
        "registry import {there} --received-at 9999-01-01T00:00Z",
        "tengerim: --received-at '9999-01-01T00:00Z' lies outside the archive's calendar, 2000 to 2099",
    ),
]

SCHEDULES = [
    Command(
        "a file that is not there", "schedule import {there}/no.csv", "tengerim: {there}/no.csv: there is no such file"
    ),
    Command("a folder", "schedule import {there}", "tengerim: {there} is a folder; name a CSV file"),
    schedule(
        "what is not an hour",
        "plan.csv:2:hour: '2026-03-01' has no offset; write for example 2026-03-02T14:00+05:00\n"
        "plan.csv:3:hour: '2026-03-01T00:15Z' is not a full hour of the years 2000 to 2099\n"
        "plan.csv:4:hour: '1970-01-01T00:00Z' is not a full hour of the years 2000 to 2099",
        HOURS + "UG,2026-03-01,1,1\nUG,2026-03-01T00:15Z,1,1\nUG,1970-01-01T00:00Z,1,1\n",
    ),
    schedule(
        "what is neither energy nor a version",
        "plan.csv:2:mwh: 'much' is not a number\n"
        "plan.csv:3:mwh: '1e12' is larger than any energy this archive can hold\n"
        "plan.csv:4:version: '0' is not the number of a version: 1, 2, 3 …",
        HOURS + "UG,2026-03-01T00:00Z,much,1\nUG,2026-03-01T01:00Z,1e12,1\nUG,2026-03-01T02:00Z,1,0\n",
    ),
    schedule(
        "a unit that nobody knows",
        "plan.csv:2:unit: 'NOBODY' is not in the master data; import it first (lines that name it: 1)",
        HOURS + "NOBODY,2026-03-01T00:00Z,1,1\n",
    ),
    schedule(
        "the same version with another value",
        "plan.csv:2:mwh: version 1 already has 1 MWh for this hour; a correction needs a new version",
        HOURS + "UG,2026-01-01T00:00Z,2,1\n",
    ),
]

READINGS_FILES = [
    Command("a file that is not there", "ingest {there}/no.csv", "tengerim: {there}/no.csv: there is no such file"),
    Command("a folder", "ingest {there}", "tengerim: {there} is a folder; name a CSV file"),
    readings(
        "bad rows between good ones",
        "r.csv:3:start: 'yesterday' is not an instant such as 2026-01-01T00:15+05:00\n"
        "r.csv:4:kwh: '12..5' is not a number\n"
        "r.csv:5:status: '2' is neither 0 (measured) nor 1 (suspect; without kwh: the device has no value)\n"
        "r.csv:6:kwh: is empty; a device without a value says so by status 1\n"
        "r.csv:7: 2 values, but the header has 5 columns",
        READINGS + GOOD_READING + "M1,01,yesterday,1,0\nM1,01,2026-03-01T00:15+05:00,12..5,0\n"
        "M1,01,2026-03-01T00:15+05:00,1,2\nM1,01,2026-03-01T00:15+05:00,,0\nM1,01\n",
        brings=1,
    ),
    readings(
        "a line of five megabytes, and a good one",
        "r.csv:2: 1 value, but the header has 5 columns",
        READINGS + "x" * 5_000_000 + "\n" + GOOD_READING,
        brings=1,
    ),
    readings(
        "a quote that nobody closes, and a good line",
        "r.csv:2: a quote is not closed on this line",
        READINGS + '"M1,01,2026-03-01T00:00+05:00,1,0\n' + GOOD_READING,
        brings=1,
    ),
    readings(
        "a program in place of a table", "r.csv:1: a NUL byte; the file is damaged, or not text", b"\x7fELF\x00\x01"
    ),
    Command(
        "a moment in words",
        "ingest {there}/r.csv --sent-at noon",
        "tengerim: --sent-at 'noon' is not an instant such as 2026-01-01T00:15+05:00",
        {"r.csv": READINGS + GOOD_READING},
    ),
]

SETTINGS = [
    setting("TENGERIM_KAFKA", "here", "TENGERIM_KAFKA='here' is not host:port[,host:port]; mend or unset it"),
    setting(
        "TENGERIM_DATABASE",
        "mysql://me:secret@here/x",
        "TENGERIM_DATABASE='mysql://me:***@here/x' is not postgresql://user[:password]@host:port/database; mend or "
        "unset it",
    ),
    setting(
        "TENGERIM_REDIS",
        "127.0.0.1:6379",
        "TENGERIM_REDIS='127.0.0.1:6379' is not redis://host:port[/number]; mend or …",
    ),
    setting(
        "TENGERIM_PROMETHEUS", "9090", "TENGERIM_PROMETHEUS='9090' is not http://host:port; mend or unset it", "up"
    ),
    setting(
        "TENGERIM_GRAFANA",
        "grafana.example",
        "TENGERIM_GRAFANA='grafana.example' is not http://[user:password@]host:port; mend or unset it",
        "grafana diff",
    ),
    setting("TENGERIM_SPACE", "Main-2", "TENGERIM_SPACE='Main-2' is not a name (a to z, then also 0 to 9 and _, …"),
    setting(
        "TENGERIM_PARTITIONS",
        "many",
        "TENGERIM_PARTITIONS='many' is wrong: it should be a valid integer, unable to parse …; mend or unset it",
    ),
    setting(
        "TENGERIM_GRACE_S",
        "-1",
        "TENGERIM_GRACE_S='-1' is wrong: it should be greater than or equal to 0; mend or unset it",
    ),
    setting("TENGERIM_CLOCK", "sun", "TENGERIM_CLOCK='sun' is wrong: it should be 'wall' or 'none'; mend or unset it"),
    setting("TENGERIM_OIDC_ISSUER", "x", "TENGERIM_OIDC_ISSUER='x' is not https://host/path of the …", "serve"),
    setting("TENGERIM_TRUSTED_PROXIES", "x", "TENGERIM_TRUSTED_PROXIES='x' is not address[/bits][,…", "serve"),
    Command(
        "an address that others reach, and nobody who says who they are",
        "serve --host 0.0.0.0",
        "tengerim: --host 0.0.0.0: without an issuer (TENGERIM_OIDC_ISSUER) nobody is asked who they are, so only …",
    ),
    setting("TENGERIM_SPCE", "main", "TENGERIM_SPCE is no setting; did you mean TENGERIM_SPACE? Mend or unset it"),
    setting(
        "TENGERIM_HOME", "/etc/hostname", "/etc/hostname cannot be used for the stack (File exists): set …", "down"
    ),
    setting(
        "TENGERIM_PARTITIONS",
        "3",
        "topic {space}.frames has 8 partitions, not 3: with another number its DCTUs would move to other partitions. "
        "Set TENGERIM_PARTITIONS=8, or …",
        "worker",
    ),
]

SERVERS = [
    setting(
        "TENGERIM_KAFKA",
        NOBODY,
        f"no Kafka at {NOBODY} (Connection refused); start the local stack with `tengerim up`, or set TENGERIM_KAFKA",
        "worker",
    ),
    setting(
        "TENGERIM_KAFKA",
        "kafka.invalid:9092",
        "no Kafka at kafka.invalid:9092 (Name or service not known); start …",
        "quarantine replay --all",
    ),
    setting(
        "TENGERIM_DATABASE",
        f"postgresql://tengerim@{NOBODY}/tengerim",
        f"no database at {NOBODY} (Connection refused); start the local stack with `tengerim up`, or set "
        "TENGERIM_DATABASE",
        "worker",
    ),
    setting(
        "TENGERIM_REDIS",
        f"redis://{NOBODY}",
        f"Redis at redis://{NOBODY} (setting TENGERIM_REDIS) does not serve: …. Start it there, or empty the "
        "setting and Tengerim starts its own.",
        "up",
    ),
    setting(
        "TENGERIM_GRAFANA",
        f"http://admin:secret@{NOBODY}",
        f"no Grafana at http://{NOBODY} (Connection refused); see whether it runs, or set TENGERIM_GRAFANA",
        "grafana push",
    ),
    Command(
        "no Grafana anywhere",
        "grafana diff",
        "tengerim: no address for grafana: set TENGERIM_GRAFANA",
        {},
        {"TENGERIM_GRAFANA": ""},
    ),
    Command(
        "a language that there is not",
        "grafana push --language de",
        'tengerim: invalid value "de" for --language; choose from: "kk", "ru", "en"; see …',
    ),
    Command(
        "no server at all",
        "drain",
        "tengerim: no address for kafka: start the local stack with `tengerim up`, or set TENGERIM_KAFKA",
        {},
        {
            "TENGERIM_HOME": "{there}",
            "TENGERIM_KAFKA": "",
            "TENGERIM_DATABASE": "",
            "TENGERIM_REDIS": "",
            "TENGERIM_PROMETHEUS": "",
            "TENGERIM_ALERTMANAGER": "",
        },
    ),
    setting(
        "TENGERIM_SPACE",
        "never_used",
        "there is no database tengerim_never_used: nothing has been done in this space yet. The first import or "
        "`tengerim worker` makes it; TENGERIM_SPACE says which space is meant",
        "quarantine list",
    ),
]

WORDS = [
    Command("an unknown command", "ingets", 'tengerim: unknown command "ingets"; did you mean "ingest"?; see …'),
    Command("an unknown option", "status --loud", "tengerim: unknown option: --loud; see `tengerim status --help`"),
    Command("a word too many", "drain now", "tengerim: unexpected argument 'now'; see `tengerim drain --help`"),
    Command(
        "a word too few",
        "schedule import",
        'tengerim: command "schedule import" parameter FILE requires an argument; see `tengerim …`',
    ),
    Command(
        "an unknown agent",
        "worker storm",
        'tengerim: invalid value "storm" for AGENTS; choose from: "collect", …',
    ),
    Command(
        "an unknown view",
        "history weather",
        "tengerim: there is no view 'weather'; the views are reading, revision, balance_15m, …",
    ),
    Command(
        "what is not a period",
        "history reading --from 2026-13-01",
        "tengerim: --from '2026-13-01' is not an instant: write a date or an ISO 8601 time, as 2026-11-20T09:30 "
        "(local) or 2026-11-20T04:30Z",
    ),
    Command(
        "a period that ends before it begins",
        "history reading --from 2026-03-02 --to 2026-03-01",
        "tengerim: the period is empty: 2026-03-02T00:00:00+05:00 does not lie before 2026-03-01T00:00:00+05:00",
    ),
    Command(
        "a place that cannot be written",
        "history reading --format csv --out {there}/none/out.csv",
        "tengerim: {there}/none/out.csv cannot be written: No such file or directory",
    ),
    Command(
        "a number that nothing has",
        "quarantine show 999999",
        "tengerim: nothing stands in quarantine under 999999; see `tengerim quarantine list`",
    ),
    Command(
        "a replay of nothing in particular",
        "quarantine replay",
        "tengerim: say what to replay: numbers, or --rule or --dctu or both, or --all; `tengerim quarantine list` shows them",
    ),
    Command("no time to wait", "drain --timeout 0", 'tengerim: invalid value "0.0" for --timeout; must be > 0; see …'),
    Command(
        "a day of no seconds", "demo --day-seconds nan", "tengerim: --day-seconds must be above zero, and --days …"
    ),
]

RULES = SHIPPED.read_text(encoding="utf-8")


def rules(what: str, gets: str, text: str | bytes) -> Command:
    """A master alarm database that is wrong."""
    return Command(what, "alarms check {there}/rules.yml", f"tengerim: {gets}", {"rules.yml": text})


def _at(line: str, text: str = RULES) -> int:
    """The number of the first line that begins so."""
    return next(number for number, found in enumerate(text.splitlines(), 1) if found.startswith(line))


_LEVEL = "      - {priority: low, percent: 5, mw: 14"
_FILE = "{there}/rules.yml"
ALARM_RULES = [
    Command(
        "no file",
        "alarms check {there}/none.yml",
        "tengerim: {there}/none.yml cannot be read: No such file or directory",
    ),
    rules("an empty file", f"{_FILE}:1: not a master alarm database: it must begin with `types:`", ""),
    rules("what is not YAML", f"{_FILE}:3: not YAML: …", "types: {\n  DEV_GEN: ["),
    rules("bytes that are not UTF-8", f"{_FILE} is not UTF-8; save it as UTF-8", b"types: \xff"),
    rules("a type that there is not", f"{_FILE}:…: types.DEVIATION: no such entry here", RULES + "  DEVIATION: {}\n"),
    rules(
        "a type that is missing",
        f"{_FILE}:…: types.TRIP: the entry is missing\n{_FILE}:…: types.TRAP: no such entry here",
        RULES.replace("  TRIP:\n", "  TRAP:\n"),
    ),
    rules(
        "an entry that is misspelt",
        f"{_FILE}:{_at(_LEVEL)}: types.DEV_GEN.levels.0.percnt: no such entry here",
        RULES.replace("percent: 5", "percnt: 5", 1),
    ),
    rules(
        "a limit below zero",
        f"{_FILE}:{_at(_LEVEL)}: types.DEV_GEN.levels.0.mw: it should be greater than or equal to 0",
        RULES.replace("mw: 14", "mw: -14", 1),
    ),
    rules(
        "a level without a limit",
        f"{_FILE}:{_at(_LEVEL)}: types.DEV_GEN.levels.0: a level needs mw, percent or capacity_percent above zero",
        RULES.replace("percent: 5, mw: 14, capacity_percent: 1", "percent: 0", 1),
    ),
    rules(
        "a priority that there is not",
        f"{_FILE}:…: types.ZONE_IMB.levels.0.priority: it should be 'low', 'medium' or 'high'",
        RULES.replace("{priority: medium, mw: 150}", "{priority: urgent, mw: 150}"),
    ),
    rules(
        "a delay of half an interval",
        f"{_FILE}:…: types.DEV_GEN.on_delay: it should be a valid integer, …",
        RULES.replace("on_delay: 2", "on_delay: 0.5", 1),
    ),
    rules(
        "an override of something unnamed",
        f"{_FILE}:…: types.ZONE_IMB.overrides: 'NORTH' is not KIND/CODE, as facility/GRES1",
        RULES.replace("zone/NORTH:", "NORTH:"),
    ),
    rules(
        "an override with a wrong limit",
        f"{_FILE}:…: types.ZONE_IMB.overrides.zone/NORTH.levels.0.mw: it should be greater than or equal to 0",
        RULES.replace("mw: 250}", "mw: -250}"),
    ),
    rules(
        "an entry that stands twice",
        f"{_FILE}:…: types.TRIP.cause stands twice",
        RULES.replace("  TRIP:\n", "  TRIP:\n    cause: another\n"),
    ),
    rules(
        "an hour that there is not",
        f"{_FILE}:…: types.PLAN_MISSING.by: it should be in a valid time format, …",
        RULES.replace('by: "18:00"', 'by: "18:61"'),
    ),
]
ALARMS = [
    Command(
        "an alarm that there is not",
        "alarms ack 4711",
        "tengerim: there is no alarm 4711; `tengerim alarms list --all` shows those there are",
    ),
    Command(
        "no alarm",
        "alarms ack",
        "tengerim: say which: the numbers that `tengerim alarms list` shows, as `tengerim alarms ack 7`",
    ),
    Command(
        "shelving without an end",
        "alarms shelve 1 --reason test",
        'tengerim: command "alarms shelve" parameter --minutes requires an argument; see …',
    ),
    Command(
        "shelving without a reason",
        "alarms shelve 1 --minutes 20",
        'tengerim: command "alarms shelve" parameter --reason requires an argument; see …',
    ),
    Command(
        "shelving for a negative time",
        "alarms shelve 1 --minutes -5 --reason test",
        "tengerim: --minutes -5: should be greater than 0",
    ),
    Command(
        "out of service without an approval",
        "alarms out-of-service 1 --reason test",
        'tengerim: command "alarms out-of-service" parameter --approver requires an argument; see …',
    ),
    Command(
        "a type that there is not",
        "alarms list --type DEVIATION",
        'tengerim: invalid value "DEVIATION" for --type; choose from: "DEV_GEN", …',
    ),
    Command(
        "an object without its kind",
        "alarms list --object GRES1",
        "tengerim: --object 'GRES1' is not KIND/CODE, as facility/GRES1",
    ),
    Command(
        "a number that is none",
        "alarms show first",
        'tengerim: invalid value for NUMBER: unable to convert "first" into int; see …',
    ),
    Command(
        "the journal of an alarm that there is not",
        "alarms show 4711",
        "tengerim: there is no alarm 4711; `tengerim alarms list --all` shows those there are",
    ),
    Command("figures of nothing", "alarms kpi", "tengerim: the journal is empty: nobody has been called yet"),
    Command(
        "figures of a period that ends before it begins",
        "alarms kpi --from 2026-03-02 --to 2026-03-01",
        "tengerim: the period is empty: 2026-03-02T00:00:00+05:00 does not lie before 2026-03-01T00:00:00+05:00",
    ),
    Command(
        "a back-test of a wrong file",
        "alarms backtest --from 2026-03-01 --to 2026-03-02 --rules {there}/r.yml",
        "tengerim: {there}/r.yml:1: not a master alarm database: it must begin with `types:`",
        {"r.yml": "x"},
    ),
    Command(
        "a back-test without an end",
        "alarms backtest --from 2026-03-01",
        'tengerim: command "alarms backtest" parameter --to requires an argument; see …',
    ),
]

# By what goes wrong, as the page shows them.
COMMANDS: dict[str, list[Command]] = {
    "Master data": MASTER_DATA,
    "Schedules": SCHEDULES,
    "Readings from a file": READINGS_FILES,
    "Settings": SETTINGS,
    "Servers": SERVERS,
    "Words of a command": WORDS,
    "Alarm rules": ALARM_RULES,
    "Alarms": ALARMS,
}
