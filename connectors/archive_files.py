"""Lines of the archive as files: CSV, Parquet, Arrow; piece by piece, whatever their size."""

import errno
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

from connectors.archive import Column

# Of CSV: some 300,000 rows, which bounds the memory.
_ROW_GROUP_BYTES = 16 * 2**20
_TYPES = {
    "text": pa.string(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "interval": pa.int64(),
    "double precision": pa.float64(),
    "boolean": pa.bool_(),
    "jsonb": pa.string(),
    "uuid": pa.string(),
    "date": pa.date32(),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
}


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that stands at `path` once it is whole, in place of what was there; after an error nothing has changed."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def csv_of(lines: Iterable[bytes], columns: Sequence[Column]) -> Iterator[bytes]:
    """Lines under a header of their columns."""
    yield ",".join(column.name for column in columns).encode() + b"\n"
    yield from lines


def parquet_of(lines: Iterable[bytes], columns: Sequence[Column]) -> Iterator[bytes]:
    """A Parquet file with the types of the columns: whole numbers, booleans, instants in microseconds UTC."""
    schema, sink = _schema(columns), _Sink()
    with pa.parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for block in _blocks(lines):
            writer.write_table(_table(block, schema))
            yield sink.take()
    yield sink.take()


def arrow_of(lines: Iterable[bytes], columns: Sequence[Column]) -> Iterator[bytes]:
    """The same as a stream of Arrow record batches."""
    schema, sink = _schema(columns), _Sink()
    with pa.ipc.new_stream(sink, schema) as writer:
        for block in _blocks(lines):
            writer.write_table(_table(block, schema))
            yield sink.take()
    yield sink.take()


class _Sink:
    """A file, as far as pyarrow asks, that hands out what was written to it."""

    closed = False

    def __init__(self) -> None:
        self._held, self._taken = bytearray(), 0

    def write(self, data: bytes) -> int:
        self._held += data
        return len(data)

    def tell(self) -> int:
        return self._taken + len(self._held)

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> bytes:
        """What has been written since the last time."""
        found = bytes(self._held)
        self._taken += len(found)
        self._held.clear()
        return found


def _schema(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([(column.name, _TYPES[column.type]) for column in columns])


def _blocks(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines, joined until they make a row group."""
    held = io.BytesIO()
    for line in lines:
        if held.tell() + len(line) > _ROW_GROUP_BYTES and held.tell():
            yield held.getvalue()
            held = io.BytesIO()
        held.write(line)
    if held.tell():
        yield held.getvalue()


def _table(block: bytes, schema: pa.Schema) -> pa.Table:
    return pa.csv.read_csv(
        io.BytesIO(block),
        read_options=pa.csv.ReadOptions(column_names=schema.names, block_size=len(block)),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        # PostgreSQL quotes an empty text, and leaves NULL bare.
        convert_options=pa.csv.ConvertOptions(
            column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
