"""An engine that runs each text on DuckDB and on Spark over the same Parquet and compares what they say.

It is used in the place of either, so whatever the program itself runs is compared: no list of texts to keep.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from callstats import engine, spark
from callstats.engine import Parameter, Source, View

SHOWN = 3  # rows of a difference


def family(dtype: pa.DataType) -> str:
    """What a type means to the texts: engines differ in the width of numbers, not in what they are."""
    if pa.types.is_integer(dtype) or (pa.types.is_decimal(dtype) and dtype.scale == 0):
        return "integer"
    if pa.types.is_floating(dtype):
        return "double"
    if pa.types.is_list(dtype):
        return f"list of {family(dtype.value_type)}"
    return str(dtype)


def differences(duck: pa.Table, sparks: pa.Table) -> list[str]:
    """How two results differ, rows in any order; empty: equal in names, types and every value."""
    if duck.column_names != sparks.column_names:
        return [f"columns {duck.column_names} and {sparks.column_names}"]
    types = [
        f"{name}: {family(a)} and {family(b)}"
        for name, a, b in zip(duck.column_names, duck.schema.types, sparks.schema.types, strict=True)
        if family(a) != family(b)
    ]
    if types:
        return types
    with duckdb.connect() as connection:
        connection.register("duck", duck)
        connection.register("sparks", sparks)
        only = {
            name: connection.sql(f"SELECT * FROM {name} EXCEPT ALL SELECT * FROM {other}").to_arrow_table()
            for name, other in (("duck", "sparks"), ("sparks", "duck"))
        }
    return [
        f"{rows.num_rows} of {table.num_rows} rows {name} only: {_told(rows, only)}"
        for name, rows, table in (("duck", only["duck"], duck), ("sparks", only["sparks"], sparks))
        if rows.num_rows
    ]


def _told(rows: pa.Table, only: Mapping[str, pa.Table]) -> str:
    """Some rows; columns that are equal in all of them left out."""
    values = {name: {str(t[name].to_pylist()) for t in only.values()} for name in rows.column_names}
    telling = [name for name, found in values.items() if len(found) > 1] or rows.column_names
    return str(rows.select([*dict.fromkeys([*rows.column_names[:2], *telling])]).slice(0, SHOWN).to_pylist())


class Twin:
    """Both engines as one (`callstats.engine.Engine`). What DuckDB computes is what both go on with.

    State: the two sessions, the differences found so far, and the texts that were compared.
    """

    def __init__(self, session: spark.SparkSession, folder: Path) -> None:
        self.duck, self.spark = engine.Session(threads=2), spark.Session(session, str(folder))
        self.folder = folder
        self.found: list[str] = []
        self.compared: set[str] = set()
        self._files = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.duck.__exit__(kind, error, tb)
        self.spark.__exit__(kind, error, tb)

    def table(self, name: str, source: Source, schema: pa.Schema | None = None) -> None:
        """The same Parquet for both; a `View` over inputs that both read from it."""
        if isinstance(source, View):
            for part, of in source.inputs.items():
                self.table(part, of)
            self.view(name, source.sql, source.parameters)
            return
        files = [self._parquet(name, source)] if isinstance(source, pa.Table) else source
        self.duck.table(name, files, schema)
        self.spark.table(name, files, schema)

    def view(self, name: str, sql: str, parameters: Mapping[str, Parameter] | None = None) -> None:
        """Compared once, as it stands."""
        self.duck.view(name, sql, parameters)
        self.spark.view(name, sql, parameters)
        self._compare(name, sql, f"SELECT * FROM {name}", None)

    def step(self, name: str, sql: str, parameters: Mapping[str, Parameter] | None = None) -> None:
        """Compared; the next texts of both read what DuckDB made of it."""
        kept = self._compare(name, sql, sql, parameters)
        self.table(name, kept)

    def query(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> pa.Table:
        """The rows, which are DuckDB's."""
        return self._compare("query", sql, sql, parameters)

    def _compare(
        self, name: str, text: str, sql: str, parameters: Mapping[str, Parameter] | None
    ) -> pa.Table:
        self.compared.add(text)
        duck = self.duck.query(sql, parameters)
        try:
            sparks = self.spark.query(sql, parameters)
        except Exception as error:  # a text that Spark cannot run is a difference like any other
            self.found.append(f"{name}: Spark cannot run it: {str(error).splitlines()[0]}")
            return duck
        differing = differences(duck, sparks)
        self.found += [f"{name}: {one}" for one in differing]
        return duck if differing else duck.cast(sparks.schema)

    def _parquet(self, name: str, table: pa.Table) -> Path:
        self._files += 1
        path = self.folder / f"{self._files:05}-{name}.parquet"
        pq.write_table(table, path)
        return path
