"""The files by which a Grafana has all of it from its start: data sources, folder, dashboards."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

SOURCES = PurePosixPath("datasources/tengerim.yaml")
PROVIDER = PurePosixPath("dashboards/tengerim.yaml")


def files(
    seen_at: str,
    folder: Mapping[str, str],
    sources: Sequence[Mapping[str, Any]],
    dashboards: Sequence[Mapping[str, Any]],
) -> dict[PurePosixPath, str]:
    """The files of a provisioning folder that Grafana sees at `seen_at`, by their paths in it."""
    provider = {
        "name": "tengerim", "type": "file", "folder": folder["title"], "folderUid": folder["uid"],
        # The code is the truth: what is changed on a screen would be lost at the next start.
        "allowUiUpdates": False, "disableDeletion": False, "updateIntervalSeconds": 30,
        "options": {"path": f"{seen_at.rstrip('/')}/{PROVIDER.parent}"},
    }  # fmt: skip
    found = {
        SOURCES: _yaml({"apiVersion": 1, "datasources": [_literal({**one, "editable": False}) for one in sources]}),
        PROVIDER: _yaml({"apiVersion": 1, "providers": [_literal(provider)]}),
    }
    for dashboard in dashboards:
        name = str(dashboard["uid"]).removeprefix("tengerim-")
        found[PROVIDER.parent / f"{name}.json"] = json.dumps(dashboard, ensure_ascii=False, indent=1) + "\n"
    return found


def write(folder: Path, found: Mapping[PurePosixPath, str]) -> list[Path]:
    """Write the files; gives those that were not so before. Raises OSError."""
    changed = []
    for name, text in found.items():
        file = folder / name
        if file.is_file() and file.read_text(encoding="utf-8") == text:
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        written = file.with_name(f".{file.name}.new")
        # A password is for Grafana's own user alone, who then has to own the file.
        written.touch(0o600 if "secureJsonData" in text else 0o644)
        written.write_text(text, encoding="utf-8")
        written.replace(file)
        changed.append(file)
    return changed


def _literal(value: Any) -> Any:
    """The same, but that Grafana takes no `$` in it for a variable of its environment."""
    match value:
        case str():
            return value.replace("$", "$$")
        case dict():
            return {key: _literal(one) for key, one in value.items()}
    return value


def _yaml(document: Any) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
