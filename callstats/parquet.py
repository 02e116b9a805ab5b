"""Parquet files on disk: written so that a crash leaves the whole file or none."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from callstats.errors import StoreError

# What is known of columns, so that writing costs little (measured over CDR, CEL and queue_log): hashes cannot
# be compressed; ids differ in nearly every row, a dictionary would only cost; times and lines rise.
HASHES: Final = frozenset({"line_key"})
IDS: Final = frozenset({"uniqueid", "channel", "dest_channel"})
RISING: Final = frozenset({"line", "at", "answered_at", "ended_at"})
EPOCH: Final = date(1970, 1, 1)
GROUP_ROWS: Final = 1 << 16  # rows of a row group: what a reader of some departments or minutes skips


def new_id() -> str:
    """A name that no other file has."""
    return uuid.uuid4().hex


def write(table: pa.Table, path: Path) -> int:
    """Writes `table` as zstd Parquet to a temporary name, forces it to disk, renames it; returns its bytes.

    Raises StoreError when the disk refuses.
    """
    return write_stream(table.to_batches(max_chunksize=GROUP_ROWS), table.schema, path)[0]


def write_stream(batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> tuple[int, int]:
    """As `write`, of rows that come bit by bit; returns bytes and rows."""
    draft, rows = path.with_name(f".{path.name}.tmp"), 0
    try:
        _folder(path.parent)
        with open(draft, "wb", opener=_private) as file:
            with pq.ParquetWriter(file, schema, **_forms(schema)) as writer:
                for group in _groups(batches, schema):
                    rows += group.num_rows
                    writer.write_table(group, row_group_size=GROUP_ROWS)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        draft.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise StoreError(
            f"{path.parent}: cannot be written: {error.strerror or error}; see to disk and rights"
        ) from error
    except BaseException:  # of whoever gives the rows
        with suppress(OSError):
            draft.unlink()
        raise
    return size, rows


def _groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows in tables of about `GROUP_ROWS`."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(one.num_rows for one in held) >= GROUP_ROWS:
            yield pa.Table.from_batches(held).cast(schema)
            held = []
    if held:
        yield pa.Table.from_batches(held).cast(schema)


def _forms(schema: pa.Schema) -> dict[str, Any]:
    """How each column is written: options of `pyarrow.parquet.write_table`."""
    hashes = {field.name for field in schema if field.name in HASHES and pa.types.is_binary(field.type)}
    rising = {
        field.name
        for field in schema
        if field.name in RISING and (pa.types.is_timestamp(field.type) or pa.types.is_int64(field.type))
    }
    return {
        "compression": {name: "none" if name in hashes else "zstd" for name in schema.names},
        "use_dictionary": [name for name in schema.names if name not in hashes | rising | IDS],
        "column_encoding": dict.fromkeys(rising, "DELTA_BINARY_PACKED"),
        "write_statistics": [name for name in schema.names if name not in hashes],
    }


def _private(path: str, flags: int) -> int:
    """Opens a file that is its owner's only, whatever the umask is."""
    return os.open(path, flags, 0o600)


def _folder(path: Path) -> None:
    if path.is_dir():
        return
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Forces names of a folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(
    paths: Sequence[Path],
    schema: pa.Schema | None,
    columns: Sequence[str] | None = None,
    only: Any = None,
) -> pa.Table:
    """Rows of the files; a column of `schema` that an older file lacks is null there. None: the files' own.

    `only` is an Arrow expression that rows must meet.

    Raises FileNotFoundError when a file is gone.
    """
    if schema is None:
        schema = pa.unify_schemas([pq.read_schema(path) for path in paths]) if paths else pa.schema([])
    if not paths:
        empty = schema.empty_table()
        return empty.select(list(columns)) if columns is not None else empty
    data = ds.dataset([str(path) for path in paths], schema=schema, format="parquet")
    return cast(pa.Table, data.to_table(columns=list(columns) if columns is not None else None, filter=only))


def by_day(table: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """The rows of each `local_date`, days in order; raises StoreError on a row without one."""
    day = table["local_date"]
    if day.null_count:
        raise StoreError("store: a row has no local_date; every event and computed row belongs to a day")
    values = day.cast(pa.int32()).to_numpy()
    if not len(values):
        return
    if (values[1:] < values[:-1]).any():
        order = np.argsort(values, kind="stable")
        values, table = values[order], table.take(pa.array(order))
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    for start, stop in pairwise((*starts.tolist(), len(values))):
        yield EPOCH + timedelta(days=int(values[start])), table.slice(start, stop - start)


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """`table` with the columns of `schema` first, in order and type, and any further ones behind.

    Raises StoreError when a column is missing or its values do not fit.
    """
    if table.schema.equals(schema, check_metadata=True):
        return table
    given, asked = set(table.column_names), set(schema.names)
    missing = [name for name in schema.names if name not in given]
    if missing:
        raise StoreError(f"store: the table lacks {', '.join(missing)}")
    further = [field for field in table.schema if field.name not in asked]
    wanted = pa.schema([*schema, *further])
    if table.schema.equals(wanted, check_metadata=True):
        return table
    try:
        return table.select(wanted.names).cast(wanted)
    except pa.ArrowInvalid as error:
        raise StoreError(f"store: the table does not fit its schema: {str(error).splitlines()[0]}") from None
