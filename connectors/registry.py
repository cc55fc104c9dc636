"""Imports master data: all of a folder or nothing, as new versions beside the old ones.

The versions, the keys and nodes of new codes, what is to be computed anew and the notice to running workers are one
transaction. Only its last steps hold `registry_version`, so workers wait for milliseconds.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql

from connectors.registry_files import FILES, Folder, file_name, open_references, read_folder
from connectors.registry_recompute import ask_recompute, find_touched, note_before
from connectors.registry_stage import Stage
from connectors.table import RowError, TableError
from schemas.change import RegistryChanged
from schemas.topics import topics_of

SENDER = "registry"

_NEW_KEYS = (
    """
    insert into channel_key (emc, code, registered_at)
    select emc, code, %(at)s from (select distinct emc, code from stage_channel) new
    where not exists (select from channel_key k where (k.emc, k.code) = (new.emc, new.code))
    order by emc, code
    """,
    """
    insert into dctu_key (dctu, registered_at)
    select dctu, %(at)s from (select distinct dctu from stage_dctu) new
    where not exists (select from dctu_key k where k.dctu = new.dctu)
    order by dctu
    """,
    """
    insert into node (kind, node, registered_at)
    select kind, node, %(at)s from (
        select 'system' as kind, 'system' as node
        union select 'entity', entity from stage_entity
        union select 'provider', provider from stage_entity
        union select 'facility', facility from stage_facility
        union select 'zone', zone from stage_facility
        union select 'region', region from stage_facility
        union select 'branch', branch from stage_facility
        union select 'hub', hub from stage_facility
        union select 'unit', unit from stage_unit
    ) new
    where node <> '' and not exists (select from node n where (n.kind, n.node) = (new.kind, new.node))
    order by kind, node
    """,
)


class Imported(NamedTuple):
    """The version that the import made (None: it changed nothing), and how many rows it added, by file."""

    version: int | None
    added: dict[str, int]


def import_registry(connection: psycopg.Connection, folder: Path, received_at: datetime, space: str) -> Imported:
    """Merge the files of `folder` into the master data and commit. `received_at` must be aware.

    A row equal to what is known of its code and `valid_from` adds nothing; what is absent stays as it is.
    Raises TableError with everything that is wrong; then nothing has changed.
    """
    read = read_folder(folder)
    try:
        imported = _merge(connection, read, received_at, space)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
    return imported


def _merge(connection: psycopg.Connection, read: Folder, received_at: datetime, space: str) -> Imported:
    # Two imports take turns; nobody else waits for this lock.
    connection.execute("lock table registry_import in share row exclusive mode")
    stages = [Stage(connection, stem).fill(entries) for stem, entries in read.entries.items()]
    errors = [*read.errors, *_unknown(connection, read)]
    for stage in stages:
        errors += stage.withdraws_nothing()
    if errors:
        order = [file_name(stem) for stem in FILES]
        raise TableError(sorted(errors, key=lambda error: (order.index(error.file), error.line)))
    if not sum([stage.forget_known() for stage in stages]):
        return Imported(None, {})

    before = note_before(connection)
    [(version,)] = connection.execute(
        "insert into registry_import (received_at) values (%s) returning version", [received_at]
    ).fetchall()
    added = {stage.stem: stage.append(version, received_at) for stage in stages}
    for statement in _NEW_KEYS:
        connection.execute(statement, {"at": received_at})
    connection.execute("select refresh_registry()")
    readings = find_touched(connection, before)

    # From here on nobody computes by the old master data. A lock of the table, because it queues: the row itself,
    # which workers hold in share by turns, might never be free.
    connection.execute("lock table registry_version in exclusive mode")
    if readings:
        ask_recompute(connection, readings)
    connection.execute("update registry_version set version = %s", [version])
    connection.execute(
        "insert into outbox (agent, source_partition, topic, partition, message) values (%s, 0, %s, 0, %s)",
        [SENDER, topics_of(space).changes, RegistryChanged(version=version).model_dump_json().encode()],
    )
    return Imported(version, added)


def _unknown(connection: psycopg.Connection, read: Folder) -> Iterator[RowError]:
    """References to what neither the files nor the archive know."""
    missing = list(open_references(read))
    for target in {reference.target for reference in missing}:
        model = FILES[target]
        codes = list({reference.code for reference in missing if reference.target == target})
        known = sql.SQL("select distinct {key} from {period}('infinity') where {key} = any(%s)").format(
            key=sql.Identifier(model.KEY[0]), period=sql.Identifier(f"{model.__name__.lower()}_period")
        )
        found = {code for (code,) in connection.execute(known, [codes])}
        for reference in missing:
            if reference.target == target and reference.code not in found:
                problem = f"{reference.code!r} is neither in {file_name(target)} nor in the archive"
                yield RowError(file_name(reference.stem), reference.line, reference.column, problem)
