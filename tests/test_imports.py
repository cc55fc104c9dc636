"""Imports go down the list of layers, never up."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# From the top: each may import itself and what stands below it.
LAYERS = ("infra", "dashboards", "streams", "alerts", "connectors", "schemas")
# Pure cores: no clock, socket or environment of their own.
PURE: tuple[str, ...] = (
    "streams/balancing.py", "streams/batch.py", "streams/comparison.py", "streams/decoding.py", "streams/gaps.py",
    "streams/incoming.py", "streams/layout.py", "streams/matrix.py", "streams/nodes.py", "streams/now.py",
    "streams/partials.py", "streams/plain.py", "streams/projection.py", "streams/registry.py", "streams/validation.py",
)  # fmt: skip
# Rules and life decide by what they are given alone.
PURE += tuple(sorted(str(path.relative_to(ROOT)) for path in (ROOT / "alerts").glob("*.py")))
IMPURE_MODULES = {"asyncio", "os", "socket", "time", "random", "faust", "kafka", "redis", "psycopg", "structlog"}

FILES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0]
    above = set(LAYERS[: LAYERS.index(layer)]) | {"tests"}
    assert not imported(path) & above


def test_schemas_import_nothing_of_the_project() -> None:
    for path in FILES:
        if path.relative_to(ROOT).parts[0] == "schemas":
            assert not imported(path) & (set(LAYERS) - {"schemas"}), path


@pytest.mark.parametrize("name", PURE)
def test_cores_are_pure(name: str) -> None:
    assert not imported(ROOT / name) & IMPURE_MODULES


def test_every_package_was_looked_at() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(LAYERS)
