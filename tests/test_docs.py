"""What the pages say of files and settings is what the models say, and every link leads somewhere."""

import re
from pathlib import Path

import pytest

from connectors import readings, schedule
from connectors.registry_files import FILES, file_name
from schemas.settings import Settings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md")), *sorted((ROOT / "tests").rglob("README.md"))]


def ticked(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_files_have_the_columns_that_the_page_names() -> None:
    page = (DOCS / "files.md").read_text(encoding="utf-8")
    named = {name: columns for line in page.splitlines() if line.startswith("| `") for name, *columns in [ticked(line)]}
    assert named == {
        file_name(stem): [
            str(field.validation_alias or name) for name, field in model.model_fields.items() if "valid" not in name
        ]
        for stem, model in FILES.items()
    }
    for columns in (schedule.COLUMNS, readings.COLUMNS):
        assert f"\n{', '.join(f'`{column}`' for column in columns)}: " in page


def test_settings_are_those_that_the_page_names() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip().strip("`") for cell in line.split("|")[1:3]] for line in page.splitlines() if "| `TENG" in line
    ]
    defaults = {
        name: "" if field.default is None else str(field.default) for name, field in Settings.model_fields.items()
    }
    assert rows == [
        [f"TENGERIM_{name.upper()}", "~/.cache/tengerim" if name == "home" else default]
        for name, default in defaults.items()
    ]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
