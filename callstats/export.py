"""Tables as files for people: CSV that no spreadsheet runs, XLSX, Parquet, JSON lines. Times are UTC."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from callstats.errors import InputError, UsageError
from callstats.fields import TABLES
from callstats.workbook import write_xlsx

EXPORTED: Final = (*(name for name in TABLES if name not in {"events", "channels", "queue_steps"}), "cases")
ORDER: Final = ("started_at", "entered_at", "left_at", "call_id", "visit", "position", "batch", "line")
FORMULA: Final = r"^([=+\-@\t\r])"  # what makes a spreadsheet run a cell
FORMULA_WITHIN: Final = r"([;\t\n])([=+\-@])"  # where a spreadsheet begins a cell at `;`, as Latvian ones do
ROWS: Final = 20_000


def ordered(table: pa.Table) -> pa.Table:
    """Rows in the order of time and call, so that an export repeats itself."""
    keys = [(name, "ascending", "at_end") for name in ORDER if name in table.column_names]
    return table.sort_by(keys) if keys else table


def write(table: pa.Table, to: Path | None) -> None:
    """Writes a table as its file name's ending says; None is CSV on standard output.

    Raises UsageError for another ending and InputError where it cannot be written.
    """
    if to is None:
        write_csv(table, sys.stdout.buffer)
        sys.stdout.flush()
        return
    writer = WRITERS.get(to.suffix.lower())
    if writer is None:
        raise UsageError(f"{to.name}: unknown kind of file; name one that ends in {', '.join(WRITERS)}")
    with _whole(to) as file:
        writer(table, file)


def write_csv(table: pa.Table, file: IO[bytes]) -> None:
    """CSV with a heading line; lists joined by `;`, empty where nothing is known."""
    columns = [_csv_column(table[name]) for name in table.column_names]
    pacsv.write_csv(pa.table(columns, names=table.column_names), file)


def write_jsonl(table: pa.Table, file: IO[bytes]) -> None:
    """One JSON object per line; null where nothing is known."""
    for batch in table.to_batches(max_chunksize=ROWS):
        for row in batch.to_pylist():
            file.write(json.dumps(row, ensure_ascii=False, default=json_value).encode() + b"\n")


def write_parquet(table: pa.Table, file: IO[bytes]) -> None:
    """Parquet (zstd) with units and meanings in the fields' metadata."""
    pq.write_table(table, file, compression="zstd")


WRITERS: Final[dict[str, Callable[[pa.Table, IO[bytes]], None]]] = {
    ".csv": write_csv,
    ".xlsx": write_xlsx,
    ".parquet": write_parquet,
    ".jsonl": write_jsonl,
}


def json_value(value: Any) -> str:
    """Instants and dates as ISO text, instants in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def safe_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text whose cells no spreadsheet takes for a formula: such a cell begins with an apostrophe."""
    first = pc.replace_substring_regex(column, pattern=FORMULA, replacement=r"'\1")
    return pc.replace_substring_regex(first, pattern=FORMULA_WITHIN, replacement=r"\1'\2")


def _csv_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_list(kind):
        return safe_text(pc.binary_join(column, ";"))
    if pa.types.is_timestamp(kind):
        return pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ" if kind.tz else "%Y-%m-%d %H:%M:%S")
    if pa.types.is_string(kind):
        return safe_text(column)
    return column


@contextmanager
def _whole(to: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name only when it is complete."""
    draft = to.with_name(f".{to.name}.{os.getpid()}.tmp")
    try:
        with open(draft, "wb") as file:
            yield file
        draft.replace(to)
    except OSError as error:
        raise InputError(f"{to}: cannot be written: {error.strerror or error}; name another file") from None
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
