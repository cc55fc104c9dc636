"""What panels ask: SQL of the archive's views, PromQL of the pipeline's metrics.

Energy leaves the archive in Wh; a target gives MW or MWh. A value of a variable stands in SQL as `${name:sqlstring}`
only, which Grafana quotes.
"""

from textwrap import dedent

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.runtime import UnknownDataquery
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

POSTGRES_TYPE, PROMETHEUS_TYPE = "grafana-postgresql-datasource", "prometheus"
# Which of the spaces is looked at, and which Prometheus, say the variables of that name.
ARCHIVE = DataSourceRef(type_val=POSTGRES_TYPE, uid="${database}")
METRICS = DataSourceRef(type_val=PROMETHEUS_TYPE, uid="${prometheus}")

# Wh of a quarter-hour as mean MW, and Wh as MWh.
MW = "4e-6"
MWH = "1e-6"


class Sql(Builder[UnknownDataquery]):
    """A query of the archive: the SDK has none of its own for PostgreSQL."""

    def __init__(self, sql: str, ref: str = "A", *, series: bool = False) -> None:
        self._sql, self._ref, self._format = dedent(sql).strip(), ref, "time_series" if series else "table"

    def build(self) -> UnknownDataquery:
        return UnknownDataquery(
            {
                "refId": self._ref, "datasource": ARCHIVE.to_json(), "format": self._format, "rawQuery": True,
                "editorMode": "code", "rawSql": self._sql,
            }
        )  # fmt: skip


def rows(sql: str, ref: str = "A") -> Sql:
    """A query whose answer is a table."""
    return Sql(sql, ref)


def series(sql: str, ref: str = "A") -> Sql:
    """A query whose answer are series: `time`, then numbers; or `time`, `metric` and one number."""
    return Sql(sql, ref, series=True)


def metric(
    expr: str, legend: str = "", ref: str = "A", *, instant: bool = False, table: bool = False
) -> prometheus.Dataquery:
    """A question to Prometheus; `legend` as Prometheus writes it: {{label}}. `table`: a row a series, as of now."""
    query = prometheus.Dataquery().expr(expr).ref_id(ref).datasource(METRICS).legend_format(legend or "__auto")
    if table:
        return query.instant().format(PromQueryFormat.TABLE)
    return query.instant() if instant else query.range()
