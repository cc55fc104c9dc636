"""What the agents tell Prometheus of themselves."""

from prometheus_client import Counter, Gauge, Histogram

from schemas.rules import Rule

READINGS = Counter("tengerim_readings", "Readings by outcome: new, revised, duplicate, declared.", ["outcome"])
QUARANTINED = Counter("tengerim_quarantined", "Readings and messages refused, by rule.", ["rule"])
MESSAGES = Counter("tengerim_messages", "Messages processed, by kind: frames, ticks, forwarded.", ["agent", "kind"])
PARTITIONS = Gauge("tengerim_partitions", "Partitions that the agent owns; nothing before its first.", ["agent"])
LAG_MESSAGES = Gauge("tengerim_lag_messages", "Messages that wait in a partition.", ["agent", "partition"])
LAG_INTERVALS = Gauge("tengerim_lag_intervals", "Quarter-hours from the stream's time to the wall clock.", ["agent"])
TICK_AGE = Gauge("tengerim_tick_age_seconds", "Seconds since the newest tick was processed.", ["agent"])
BATCH_SECONDS = Histogram(
    "tengerim_batch_seconds",
    "Seconds of a batch, by step.",
    ["agent", "step"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
RETRIES = Counter("tengerim_database_retries", "Batches begun again after a database error.", ["agent"])
FENCED = Counter("tengerim_fenced", "Partitions of a batch that had another owner.", ["agent"])
OUTBOX = Gauge("tengerim_outbox_pending", "Messages written but not yet sent on.", ["agent"])
GAPS = Counter("tengerim_gaps", "Changes of gaps: opened, extended, healed.", ["change"])
BLOCKS = Gauge("tengerim_matrix_bytes", "Bytes of the blocks in memory.", ["agent"])
NOTIFICATIONS = Counter("tengerim_notifications", "Calls to Alertmanager by outcome: delivered, failed.", ["outcome"])
NOTIFICATIONS_PENDING = Gauge("tengerim_notifications_pending", "Calls that Alertmanager has not taken yet.")
ALARM_CALLS = Counter("tengerim_alarm_calls", "How often an operator was called.", ["type", "priority"])
ALARMS = Gauge("tengerim_alarms", "Alarms that are not normal, by state and priority.", ["state", "priority"])
ALARM_KPI = Gauge(
    "tengerim_alarm_kpi", "What was asked of operators in the last 24 hours, by figure (docs/alarms.md).", ["figure"]
)
BALANCES = Counter("tengerim_balances", "Balance rows written.")

# From zero on: the first event of a counter that begins at one is invisible to `increase()`.
for _rule in Rule:
    QUARANTINED.labels(_rule.value)
for _outcome in ("new", "revised", "duplicate", "declared"):
    READINGS.labels(_outcome)
for _change in ("opened", "extended", "healed"):
    GAPS.labels(_change)
for _outcome in ("delivered", "failed"):
    NOTIFICATIONS.labels(_outcome)
for _agent in ("collect", "balance", "alarm", "command"):
    RETRIES.labels(_agent)
    FENCED.labels(_agent)
    OUTBOX.labels(_agent).set(0)
