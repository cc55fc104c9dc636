"""What can be chosen on a dashboard. `–` is what stands for none, so that no choice is ever of nothing."""

from grafana_foundation_sdk.builders import dashboard as made
from grafana_foundation_sdk.models.dashboard import VariableHide, VariableOption, VariableRefresh, VariableSort

from dashboards.grafana.targets import ARCHIVE, POSTGRES_TYPE, PROMETHEUS_TYPE
from dashboards.grafana.words import Words

_ALL = VariableOption(selected=True, text=["All"], value=["$__all"])
KINDS = ("generation", "consumption", "interchange")
NODE_KINDS = ("system", "zone", "region", "branch", "hub", "provider", "entity", "facility", "unit")

# A node `n` of v_node that lies where is looked; balances of units and facilities know where they lie by it.
HERE = " and ".join(
    f"coalesce(nullif(n.{name}, ''), '–') in (${{{name}:sqlstring}})" for name in ("zone", "region", "entity")
)


def sources(words: Words, space: str) -> list[made.DatasourceVariable]:
    """Which space's archive, and which Prometheus."""
    return [
        made.DatasourceVariable("database")
        .label(words("space"))
        .type(POSTGRES_TYPE)
        .regex("/^Tengerim /")
        .current(VariableOption(selected=True, text=f"Tengerim {space}", value=f"tengerim-{space}")),
        made.DatasourceVariable("prometheus")
        .label("Prometheus")
        .type(PROMETHEUS_TYPE)
        .regex("/^Tengerim /")
        .hide(VariableHide.HIDE_VARIABLE)
        .current(VariableOption(selected=True, text="Tengerim Prometheus", value="tengerim-prometheus")),
    ]


def _query(name: str, label: str, sql: str) -> made.QueryVariable:
    return (
        made.QueryVariable(name)
        .label(label)
        .datasource(ARCHIVE)
        .query(" ".join(sql.split()))
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(VariableSort.DISABLED)
    )


def _several(variable: made.QueryVariable) -> made.QueryVariable:
    return variable.multi(True).include_all(True).current(_ALL)


def places(words: Words) -> list[made.QueryVariable]:
    """Zone, region and entity: any number of each."""
    found = []
    for name in ("zone", "region", "entity"):
        sql = f"""
            select '–' as __text, '–' as __value
            union select coalesce(e.name, n.{name}), n.{name}
            from v_node n left join v_node e on e.node_kind = '{name}' and e.node = n.{name}
            where n.node_kind = 'facility' and n.{name} <> '' order by 1"""
        found.append(_several(_query(name, words(name), sql)))
    return found


def kind(words: Words) -> made.CustomVariable:
    """Generation, consumption, interchange: any number of them."""
    values = ",".join(f"{words(name)} : {name}" for name in KINDS)
    return made.CustomVariable("kind").label(words("kind")).values(values).multi(True).include_all(True).current(_ALL)


def unit(words: Words) -> made.QueryVariable:
    """One unit, of those that the other variables leave."""
    sql = f"""
        select n.name || ' · ' || n.node as __text, n.node as __value from v_node n
        where n.node_kind = 'unit' and n.unit_kind in (${{kind:sqlstring}}) and {HERE} order by 1"""
    return _query("unit", words("unit"), sql)


def node_kind(words: Words) -> made.CustomVariable:
    """One kind of nodes."""
    values = ",".join(f"{words(name)} : {name}" for name in NODE_KINDS)
    current = VariableOption(selected=True, text=words("system"), value="system")
    return made.CustomVariable("node_kind").label(words("node_kind")).values(values).current(current)


def node(words: Words) -> made.QueryVariable:
    """One node of the kind."""
    sql = """
        select case name when node then node else name || ' · ' || node end as __text, node as __value from v_node
        where node_kind = ${node_kind:sqlstring} order by 1"""
    return _query("node", words("node"), sql)


def channel(words: Words) -> made.QueryVariable:
    """Channels, any number."""
    sql = "select emc || '/' || code as __text, emc || '/' || code as __value from v_channel order by 1"
    return _query("channel", words("channel"), sql).multi(True)


def step(words: Words) -> made.CustomVariable:
    """How much time one value stands for; as PostgreSQL writes it."""
    names = {"15 minutes": words("quarter"), "1 hour": words("hour"), "1 day": words("day"), "1 month": words("month")}
    values = ",".join(f"{label} : {value}" for value, label in names.items())
    current = VariableOption(selected=True, text=words("hour"), value="1 hour")
    return made.CustomVariable("step").label(words("step")).values(values).current(current)
