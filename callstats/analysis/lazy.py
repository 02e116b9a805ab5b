"""Lazy tables: what is asked is a SQL text until it is asked for as pandas, Arrow, batches or a file.

Nothing is read before; then only the columns and files that the text needs, within `MEMORY_MIB` of memory and
the disk beyond. Fifty million calls are counted, grouped and joined where they lie.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb
import pandas as pd
import pyarrow as pa

from callstats import engine, parquet
from callstats.errors import StoreError, UsageError
from callstats.fields import Field, Table

MEMORY_MIB: Final = 1024
BATCH_ROWS: Final = 100_000
_READ: Final = ".df() .arrow() .batches() .count() .head() .save(path) read it"
_TYPES: Final[Mapping[pa.DataType, Any]] = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}

Reading = Callable[
    [frozenset[str], date | None, date | None], AbstractContextManager[Mapping[str, engine.Source]]
]


def pandas(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as pandas frame: null integers and booleans kept, maps as dicts."""
    found = table.to_pandas(types_mapper=_TYPES.get, maps_as_pydicts="strict")
    return found if isinstance(found, pd.DataFrame) else pd.DataFrame(found)


@dataclass(frozen=True, repr=False)
class Query:
    """Rows that a SQL text gives over named tables; made by `Analysis.sql` and by the methods of `Query`.

    Every method gives a new one; `df`, `arrow`, `batches`, `count`, `head` and `save` read.
    """

    reading: Reading
    tables: Mapping[str, Table]
    text: str
    start: date | None = None
    end: date | None = None

    # asking

    def between(self, start: date | str | None, end: date | str | None) -> Query:
        """Only calls of the local days ``[start, end)``; files of other days are not read.

        Raises UsageError for what is no day, or an empty window.
        """
        first, after = day(start, "start"), day(end, "end")
        if first is not None and after is not None and after <= first:
            raise UsageError(f"the window {first} to {after} is empty: 'end' is the first day after it")
        return replace(self, start=first or self.start, end=after or self.end)

    def where(self, condition: str) -> Query:
        """Only rows of which a SQL condition is true: ``where("outcome = 'answered' AND rings > 3")``."""
        return self._over(f"SELECT * FROM this WHERE {condition}")

    def select(self, *columns: str) -> Query:
        """These columns, or SQL expressions such as ``"hour(entered_at) AS hour"``."""
        return self._over(f"SELECT {', '.join(columns)} FROM this")

    def order_by(self, *columns: str) -> Query:
        """In this order: ``order_by("started_at DESC")``."""
        return self._over(f"SELECT * FROM this ORDER BY {', '.join(columns)}")

    def limit(self, rows: int) -> Query:
        """The first ``rows`` rows."""
        return self._over(f"SELECT * FROM this LIMIT {int(rows)}")

    def sql(self, text: str) -> Query:
        """A further SQL text over these rows, which it calls ``this``, and over all other tables."""
        return self._over(text)

    def __getitem__(self, columns: str | list[str]) -> Query:
        """``visits["ring_s"]`` or ``visits[["department", "ring_s"]]``."""
        return self.select(*([columns] if isinstance(columns, str) else columns))

    # reading

    def df(self) -> pd.DataFrame:
        """The rows as pandas frame; times are UTC, numbers and flags keep their nulls."""
        return pandas(self.arrow())

    def arrow(self) -> pa.Table:
        """The rows as Arrow table. Raises UsageError where the text is not understood."""
        with self._opened() as session:
            return self._asked(lambda: session.query(_bare(self.text)))

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """The rows bit by bit, about so many ``rows`` at a time: for more than fits into memory."""
        with self._opened() as session:
            yield from self._rows(session, rows)

    def save(self, to: str | Path) -> Path:
        """Writes the rows to a Parquet file bit by bit; returns its path."""
        path = Path(to)
        with self._opened() as session:
            schema = self._asked(
                lambda: session.query(f"SELECT * FROM ({_bare(self.text)}\n) LIMIT 0")
            ).schema
            parquet.write_stream(self._rows(session, BATCH_ROWS), schema, path)
        return path

    def count(self) -> int:
        """How many rows there are."""
        return int(self._over("SELECT count(*) AS n FROM this").arrow()["n"][0].as_py())

    def head(self, rows: int = 5) -> pd.DataFrame:
        """The first few rows."""
        return self.limit(rows).df()

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._over("SELECT * FROM this LIMIT 0").arrow().column_names)

    def _ipython_key_completions_(self) -> list[str]:
        return self.columns

    def __repr__(self) -> str:
        days = "" if self.start is None and self.end is None else f" [{self.start or ''}..{self.end or ''})"
        return f"<lazy{days}: {' '.join(self.text.split())}>\n{_READ}"

    def _over(self, text: str) -> Query:
        # a text in brackets may have names of its own; what it ends with must not close the bracket
        whole = f"WITH this AS (\n{_bare(self.text)}\n)\nSELECT * FROM (\n{_bare(text)}\n) AS asked"
        return Query(self.reading, self.tables, whole, self.start, self.end)

    def _rows(self, session: engine.Session, rows: int) -> Iterator[pa.RecordBatch]:
        reader = self._asked(lambda: session.stream(_bare(self.text), rows))
        while (batch := self._asked(lambda: next(reader, None))) is not None:
            yield batch

    def _asked(self, work: Callable[[], Any]) -> Any:
        """What `work` gives; a text that is not understood is told with what the engine says of it.

        Raises UsageError, and StoreError where files cannot be read.
        """
        try:
            return work()
        except duckdb.CatalogException as error:
            raise UsageError(f"{_said(error)} (there are the tables {', '.join(self.tables)})") from None
        except duckdb.OutOfMemoryException as error:
            raise UsageError(
                f"this needs more than {MEMORY_MIB} MiB of memory and the disk beside it: ask for fewer "
                f"days, or take the rows by batches ({_said(error).splitlines()[0]})"
            ) from None
        except duckdb.IOException as error:
            raise StoreError(f"the store's files cannot be read: {_said(error)}") from None
        except (
            duckdb.Error,
            pa.ArrowException,
            OSError,
        ) as error:  # in a stream the engine's faults are these
            raise UsageError(_said(error)) from None

    @contextmanager
    def _opened(self) -> Iterator[engine.Session]:
        named = frozenset(name for name in self.tables if re.search(rf"\b{name}\b", self.text, re.IGNORECASE))
        with (
            TemporaryDirectory(prefix="callstats-") as spill,
            self.reading(named, self.start, self.end) as found,
            engine.Session(memory_mib=MEMORY_MIB, spill=Path(spill)) as session,
        ):
            for name, source in found.items():
                session.table(name, source)
            yield session


@dataclass(frozen=True, repr=False)
class LazyTable(Query):
    """One of the tables that there are, with what its columns mean."""

    table: Table | None = None

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.table.names) if self.table else []

    @property
    def fields(self) -> pd.DataFrame:
        """What each column is: name, type, unit, meaning, and the words that it may hold."""
        rows = [_told(one) for one in (self.table.fields if self.table else ())]
        return pd.DataFrame(rows).set_index("column")

    def __repr__(self) -> str:
        lines = (
            [f"{one.name:<24} {_kind(one):<10} {one.meaning}" for one in self.table.fields]
            if self.table
            else []
        )
        head = f"{self.table.name}: {self.table.row}" if self.table else ""
        return "\n".join((head, *lines, f".where(sql) .select(…) .between(…) .sql(text); {_READ}; .fields"))

    def _repr_html_(self) -> str:
        if self.table is None:
            return ""
        rows = "".join(
            f"<tr><td><code>{one.name}</code></td><td>{_kind(one)}</td><td>{escape(one.meaning)}</td></tr>"
            for one in self.table.fields
        )
        return (
            f"<p><b>{self.table.name}</b>: {escape(self.table.row)}</p>"
            f"<table><tr><th>column</th><th>type</th><th>meaning</th></tr>{rows}</table>"
        )


def day(value: date | str | None, name: str) -> date | None:
    """A local day, given as one or as ISO text. Raises UsageError."""
    if value is None or type(value) is date:
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise UsageError(f"{name}: {value!r} is no day; write it like 2026-03-02") from None


def _told(one: Field) -> dict[str, str]:
    return {
        "column": one.name, "type": _kind(one), "unit": one.unit, "meaning": one.meaning,
        "values": ", ".join(one.values),
    }  # fmt: skip


def _kind(one: Field) -> str:
    found = str(one.dtype).replace("timestamp[us, tz=UTC]", "UTC time").replace("date32[day]", "day")
    return f"{found}, {one.unit}" if one.unit else found.replace("list<item: string>", "texts")


def _said(error: Exception) -> str:
    return str(error).strip()


def _bare(text: str) -> str:
    """A text without the semicolon and the comment that may end it. Raises UsageError for no text at all."""
    end = len(text)
    for place, kind in reversed(duckdb.tokenize(text)):
        if kind != duckdb.token_type.comment and text[place] != ";":
            break
        end = place
    if not text[:end].strip():
        raise UsageError("nothing is asked: write a SELECT")
    return text[:end]
