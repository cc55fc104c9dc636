"""No SQL is built from strings: what may come from outside is a parameter, or composed by psycopg.sql."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = [path for layer in ("connectors", "dashboards", "streams") for path in sorted((ROOT / layer).rglob("*.py"))]
ASKING = {"execute", "executemany", "copy"}
# What is put into statements as text: names of our own tables and columns, of lists that stand in the code.
OWN: dict[str, set[str]] = {
    "connectors/alarm_inputs.py": {"energies"},
    "connectors/alarms.py": {
        "', '.join(StoredAlarm._fields)", "', '.join(columns)", "_arrays(columns)", "changes", "more", "table",
    },
    "connectors/archive.py": {"name", "operator", "types[name]"},
    "connectors/balances.py": {"', '.join(_COLUMNS)", "changes", "ours", "theirs", "values"},
    "connectors/membership.py": {
        "above", "as_slot('from_ts', 'ceil')", "as_slot('greatest(from_ts, registered_at)', 'ceil')",
        "as_slot('registered_at', 'ceil')", "as_slot('to_ts', 'ceil')", "kinds",
    },
    "connectors/node_now.py": {"', '.join(COLUMNS)", "changes"},
    "connectors/quarantine.py": {"_CHOSEN", "_COLUMNS"},
    "connectors/registry_recompute.py": {"edge", "table"},
    "connectors/snapshot.py": {"' for share' if hold else ''"},
}  # fmt: skip


def parts(node: ast.expr) -> Iterator[ast.expr]:
    """What is put into a text that is built: by an f-string, + or %, or .format of a plain text."""
    match node:
        case ast.JoinedStr(values=values):
            yield from (value.value for value in values if isinstance(value, ast.FormattedValue))
        case ast.BinOp(op=ast.Mod() | ast.Add(), left=left, right=right) if _is_text(left) or _is_text(right):
            for side in (left, right):
                yield from parts(side) if _is_text(side) else [side]
        case ast.Call(func=ast.Attribute(attr="format", value=value), args=arguments) if _is_text(value):
            yield from arguments
        case ast.Call(func=ast.Attribute(attr="encode", value=value)):
            yield from parts(value)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr | ast.BinOp) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def built(path: Path) -> set[str]:
    """What a file puts as text into what it asks a database."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            asks = node.func.attr in ASKING or (node.func.attr == "SQL" and ast.unparse(node.func.value) == "sql")
            found |= {ast.unparse(part) for part in parts(node.args[0])} if asks else set()
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_statement_is_built_from_strings(path: Path) -> None:
    assert built(path) == OWN.get(str(path.relative_to(ROOT)), set())


@pytest.mark.parametrize(
    "text",
    ["f'select {x}'", "'select %s' % x", "'select ' + x", "'select {}'.format(x)", "f'select {x}'.encode()",
     "('a' + x) + 'b'", "'a' 'b' + x"],
)  # fmt: skip
def test_the_test_sees_what_is_built(tmp_path: Path, text: str) -> None:
    file = tmp_path / "some.py"
    for asks in ("cursor.execute", "sql.SQL", "cursor.copy"):
        file.write_text(f"{asks}({text}, [1])\n", encoding="utf-8")
        assert built(file) == {"x"}


@pytest.mark.parametrize(
    "text", ["'select %s'", "_QUERY", "sql.SQL(_QUERY).format(x)", "f'select 1'", "_QUERY.encode()"]
)
def test_and_leaves_alone_what_is_not(tmp_path: Path, text: str) -> None:
    file = tmp_path / "some.py"
    file.write_text(f"cursor.execute({text}, [1])\n", encoding="utf-8")
    assert built(file) == set()
