"""The role by which Grafana, and whoever else only looks, asks the archive: the public views and nothing beneath.

But for the audit: who did what is for administrators.
"""

import psycopg
from psycopg import sql

ROLE = "tengerim_reader"
# What the views and the dashboards call that reads tables: these run as their owner.
_FUNCTIONS = ("node_as_of", "node_plan")
_LOCK = 0x72656164  # "read": two starts at once take turns

_NOT_YET = """
select relname from pg_class
where relnamespace = 'public'::regnamespace and relkind = 'v' and relname like 'v\\_%%'
  and relname <> 'v_audit' and not has_table_privilege(%s::name, oid, 'select')
"""


def making(role: str = ROLE) -> list[str]:
    """What makes the role, one for all databases of a server. Its settings are courtesy: rights are what counts."""
    return [
        f"create role {role} login",
        f"alter role {role} set statement_timeout = '30s'",
        f"alter role {role} set idle_in_transaction_session_timeout = '60s'",
        f"alter role {role} set default_transaction_read_only = on",
    ]


def allow_reader(connection: psycopg.Connection, role: str = ROLE) -> str | None:
    """Make the role where the server has none, and let it read the views of this database.

    Gives a sentence that says what to do where this server does not let us make it; everything else works without it.
    """
    if not _exists(connection, role):
        try:
            with connection.transaction():
                for statement in making(role):
                    connection.execute(statement.encode())
        except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            pass  # another space made it in this moment
        except psycopg.errors.InsufficientPrivilege:
            connection.rollback()
            return (
                f"Grafana has no role to read the archive by, and this server does not let us make it: have its "
                f"administrator run `{'; '.join(making(role))}`, then start the worker again"
            )
    connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    if views := [sql.Identifier(name) for (name,) in connection.execute(_NOT_YET, [role])]:
        to = sql.Identifier(role)
        connection.execute(sql.SQL("grant usage on schema public to {}").format(to))
        connection.execute(sql.SQL("grant select on {} to {}").format(sql.SQL(", ").join(views), to))
        for name in _FUNCTIONS:
            connection.execute(sql.SQL("grant execute on function {} to {}").format(sql.Identifier(name), to))
    connection.commit()
    return None


def _exists(connection: psycopg.Connection, role: str) -> bool:
    return connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone() is not None
