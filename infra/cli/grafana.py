"""`tengerim grafana push | diff | write`: the dashboards, over Grafana's API or as files."""

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from connectors.database import space_url
from connectors.grafana import Change, GrafanaError, Wanted, connected
from dashboards.grafana import provisioning, sources
from dashboards.grafana.build import dashboards
from dashboards.grafana.words import Language
from infra import settings
from infra.cli.alarms_rules import rules_of
from infra.cli.error import UserError
from infra.stack.grafana import as_reader
from infra.words import many
from schemas.settings import Settings

InLanguage = Annotated[
    Language | None, Parameter(name="--language", help="Of the dashboards; without it TENGERIM_LANGUAGE.")
]


def register(app: cyclopts.App) -> None:
    """Add the commands to `app`."""
    grafana = cyclopts.App(name="grafana", help="The dashboards of Grafana: send them, compare them, write them.")
    for command in (push, diff, write):
        grafana.command(command)
    app.command(grafana)


def push(
    *,
    language: InLanguage = None,
    everything: Annotated[
        bool, Parameter(negative="", help="Also what has not changed: Grafana does not tell passwords.")
    ] = False,
) -> None:
    """Bring dashboards, folder and data sources into Grafana; only what has changed is sent."""
    loaded = _loaded()
    count = 0
    try:
        with connected(loaded.grafana, loaded.grafana_token) as grafana:
            for change in grafana.push(_wanted(loaded, language), everything=everything):
                count += 1
                print(_says(change), flush=True)  # noqa: T201
    except GrafanaError as error:
        raise UserError(str(error)) from None
    if not count:
        print("Grafana has it all already")  # noqa: T201


def diff(*, language: InLanguage = None) -> int:
    """Say what `push` would change; the exit status is 0 when nothing, 1 when something."""
    loaded = _loaded()
    try:
        with connected(loaded.grafana, loaded.grafana_token) as grafana:
            changes = grafana.compare(_wanted(loaded, language))
    except GrafanaError as error:
        raise UserError(str(error)) from None
    for change in changes:
        print(_says(change))  # noqa: T201
        for place in change.places[:_SHOWN]:
            print(f"  {place}")  # noqa: T201
        if len(change.places) > _SHOWN:
            print(f"  and {many(len(change.places) - _SHOWN, 'place')} more")  # noqa: T201
    if not changes:
        print("Grafana has it all already")  # noqa: T201
    return 1 if changes else 0


def write(
    folder: Path,
    /,
    *,
    seen_at: Annotated[str, Parameter(help="Where Grafana sees the folder; without it, at the same place.")] = "",
    language: InLanguage = None,
) -> None:
    """Write a provisioning folder, from which a Grafana has all of it at its start.

    Parameters
    ----------
    folder
        The folder; Grafana is told of it by `[paths] provisioning`.
    """
    wanted = _wanted(_addressed(settings.read()), language)
    found = provisioning.files(
        seen_at or str(folder.absolute()), wanted.folder, wanted.sources, wanted.dashboards
    )  # fmt: skip
    try:
        changed = provisioning.write(folder, found)
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror}") from None
    print(f"{folder}: {many(len(found), 'file')}, {len(changed)} of them changed")  # noqa: T201


_SHOWN = 10


def _says(change: Change) -> str:
    what = "new" if change.is_new else "changed" if change.places else "sent again"
    return f"{change.kind} {change.name} ({change.uid}): {what}"


def _loaded() -> Settings:
    return _addressed(settings.load("grafana"))


def _addressed(loaded: Settings) -> Settings:
    """The same, knowing where Grafana finds archive and metrics: where we do, unless a setting says otherwise."""
    update = {}
    if not loaded.grafana_database:
        url = loaded.database or settings.load("database").database
        update["grafana_database"] = as_reader(url)
    if not loaded.grafana_prometheus:
        update["grafana_prometheus"] = loaded.prometheus or settings.load("prometheus").prometheus
    return loaded.model_copy(update=update)


def _wanted(loaded: Settings, language: Language | None) -> Wanted:
    spoken = language or loaded.language
    return Wanted(
        sources.folder(spoken),
        [
            sources.archive(loaded.space, space_url(loaded.grafana_database, loaded.space)),
            sources.metrics(loaded.grafana_prometheus),
        ],
        dashboards(spoken, loaded.space, rules_of(loaded)),
    )
