"""Running a SQL text over named tables.

The texts are a portable subset of SQL: they run unchanged on DuckDB (here, embedded) and on Spark
(`callstats.spark`) over the same Parquet. Where DuckDB lacks a name that Spark has, a macro lends it; nothing
else is translated. Durations and instants are whole microseconds; an ordered list is built as sorted texts
``"000003 value"``: the engines disagree about ordered aggregation, but not about sorting an array of texts.
What a text may use, and why, is listed in `callstats.portable`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from callstats.fields import NAMES, UTC_US

Parameter = str | int | float | bool | date | None
Source: TypeAlias = Any  # pa.Table | Sequence[Path] | View; pyarrow has no types

MACROS: Final = (
    "CREATE MACRO unix_micros(t) AS epoch_us(t)",
    "CREATE MACRO timestamp_micros(us) AS make_timestamptz(us)",
    "CREATE MACRO from_utc_timestamp(t, zone) AS timezone(zone, t)",
    "CREATE MACRO regexp_like(s, pattern) AS regexp_matches(s, pattern)",
)
_UTC: Final = "SET TimeZone = 'UTC'"
_PARAMETER: Final = re.compile(r"(?<!:):([a-z_]+)\b")
ORDER_DIGITS: Final = 7  # "000003 " before the value of an ordered list


@dataclass(frozen=True)
class View:
    """A table that is read as ``sql`` over further named tables, each time it is used.

    Filters of a query reach through it to the files. The names of its inputs are the session's: a view names
    its own apart from those of others.
    """

    sql: str
    inputs: Mapping[str, Source]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


def literal(value: Parameter) -> str:
    """The value as a SQL literal both engines read the same way."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, float):
        if not isfinite(value):
            raise ValueError(f"a SQL parameter must be finite: {value!r}")
        return repr(value) if "e" in repr(value) else f"{value!r}e0"  # without exponent it were a DECIMAL
    if isinstance(value, int):
        return repr(value)
    if "\\" in value:
        raise ValueError(f"a SQL parameter may not hold a backslash: {value!r}")
    return "'" + value.replace("'", "''") + "'"


def bind(sql: str, parameters: Mapping[str, Parameter]) -> str:
    """``sql`` with each ``:name`` of ``parameters`` replaced by its literal; other colons stay."""

    def one(found: re.Match[str]) -> str:
        name = found.group(1)
        return literal(parameters[name]) if name in parameters else found.group()

    return _PARAMETER.sub(one, sql)


class Engine(Protocol):
    """What runs SQL texts over named tables: `Session`, or its twin on Spark. Use it as a context manager."""

    def __enter__(self) -> Self:
        """Itself."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Gives back what it holds."""
        ...

    def table(self, name: str, source: Source, schema: pa.Schema | None = None) -> None:
        """Name ``source``: an Arrow table, Parquet files (``schema`` stands in for no file), or a `View`."""
        ...

    def view(self, name: str, sql: str, parameters: Mapping[str, Parameter] | None = None) -> None:
        """Name ``sql`` without computing it: read again each time it is used."""
        ...

    def step(self, name: str, sql: str, parameters: Mapping[str, Parameter] | None = None) -> None:
        """Compute ``sql`` once and keep it as table ``name``, replacing an older one."""
        ...

    def query(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> pa.Table:
        """The rows of ``sql`` as an Arrow table."""
        ...


def _database() -> duckdb.DuckDBPyConnection:
    """An empty database in memory, with the macros."""
    found = duckdb.connect()
    for statement in (_UTC, *MACROS):
        found.execute(statement)
    return found


@lru_cache(maxsize=1)
def _shared(process: int) -> duckdb.DuckDBPyConnection:
    """The database of all sessions without bounds of their own in this ``process`` (a fork has another).

    It holds the macros and no rows: tables and views of a session are temporary.
    """
    found = _database()
    found.execute("SET enable_external_file_cache = false")  # the pages of files would fill the memory
    return found


class Session:
    """One DuckDB connection with named tables; a step's result is a further named table.

    State: the connection; its tables are its own. Use it as a context manager. Not for several threads at
    once. What does not fit into `memory_mib` goes to the folder `spill`, where there is one.
    """

    def __init__(
        self, *, threads: int | None = None, memory_mib: int | None = None, spill: Path | None = None
    ) -> None:
        if (threads, memory_mib, spill) == (None, None, None):
            # a database takes a hundred times as long to open as a connection to one (40 ms, 0.3 ms)
            self._con = _shared(os.getpid()).cursor()
            self._con.execute(_UTC)
            return
        self._con = _database()
        if spill is not None:
            spill.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._con.execute(f"SET temp_directory = {literal(str(spill))}")
        if threads is not None:
            self._con.execute(f"SET threads = {threads}")
        if memory_mib is not None:
            self._con.execute(f"SET memory_limit = '{memory_mib}MiB'")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._con.close()

    def table(self, name: str, source: Source, schema: pa.Schema | None = None) -> None:
        """Name ``source``: an Arrow table, Parquet files (``schema`` stands in for no file), or a `View`."""
        if isinstance(source, View):
            for part, of in source.inputs.items():
                self.table(part, of)
            self.view(name, source.sql, source.parameters)
        elif isinstance(source, pa.Table | ds.Dataset):
            self._con.register(f"{name}__arrow", source)
            self._con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {name}__arrow")
        elif source:
            files = ", ".join(literal(str(path)) for path in source)
            self._con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM read_parquet([{files}])")
        elif schema is not None:
            self.table(name, schema.empty_table())
        else:
            raise ValueError(f"{name}: no file and no schema")

    def view(self, name: str, sql: str, parameters: Mapping[str, Parameter] | None = None) -> None:
        """Name ``sql`` without computing it: read again each time it is used."""
        self._con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {bind(sql, parameters or {})}")

    def step(self, name: str, sql: str, parameters: Mapping[str, Parameter] | None = None) -> None:
        """Compute ``sql`` once and keep it as table ``name``, replacing an older one.

        Raises MemoryError where it cannot be done within `memory_mib`.
        """
        try:
            self._con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {bind(sql, parameters or {})}")
        except duckdb.OutOfMemoryException as error:
            raise MemoryError(f"{name}: {error}") from error

    def query(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> pa.Table:
        """The rows of ``sql`` as an Arrow table."""
        return self._con.sql(bind(sql, parameters or {})).to_arrow_table()

    def stream(self, sql: str, rows: int) -> pa.RecordBatchReader:
        """The rows of ``sql`` bit by bit, about so many ``rows`` at a time."""
        return self._con.sql(sql).to_arrow_reader(rows)


_OPEN: ContextVar[Callable[[], Engine] | None] = ContextVar("engine", default=None)


@contextmanager
def on(opener: Callable[[], Engine]) -> Iterator[None]:
    """While inside, `opened` and `run` use the engines that ``opener`` makes instead of DuckDB."""
    before = _OPEN.set(opener)
    try:
        yield
    finally:
        _OPEN.reset(before)


def opened(memory_mib: int | None = None, spill: Path | None = None) -> Engine:
    """A new engine: DuckDB with these bounds, unless within `on`."""
    opener = _OPEN.get()
    return Session(memory_mib=memory_mib, spill=spill) if opener is None else opener()


def run(
    sql: str, inputs: Mapping[str, Source], parameters: Mapping[str, Parameter] | None = None
) -> pa.Table:
    """One SQL text over ``inputs`` (name → Arrow table or Parquet files), parameters given as ``:name``."""
    with opened() as session:
        for name, source in inputs.items():
            session.table(name, source)
        return session.query(sql, parameters)


def _conform_column(column: pa.ChunkedArray, dtype: pa.DataType) -> pa.ChunkedArray:
    if dtype == UTC_US and pa.types.is_integer(column.type):
        return column.cast(pa.int64()).cast(UTC_US)
    if dtype == NAMES and pa.types.is_list(column.type):
        rows = column.combine_chunks()
        rows = rows.chunk(0) if isinstance(rows, pa.ChunkedArray) else rows
        values = pc.utf8_slice_codeunits(rows.flatten(), ORDER_DIGITS).cast(pa.string())
        sizes = pc.fill_null(pc.list_value_length(rows), 0)
        ends = pc.cumulative_sum(sizes).cast(pa.int32())
        offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
        return pa.chunked_array([pa.ListArray.from_arrays(offsets, values).cast(dtype)])
    return column.cast(dtype)


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """``table`` in columns, order and types of ``schema``: microseconds become instants, ordered texts lists.

    A list is never null: nothing in it is an empty list.

    Raises KeyError where a column is missing.
    """
    return pa.table([_conform_column(table[field.name], field.type) for field in schema], schema=schema)
