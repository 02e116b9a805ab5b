"""What readers of the facts need of a store, and a table of it as an engine's source."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import date
from pathlib import Path
from typing import Protocol, TypeVar

import pyarrow as pa

from callstats.cases.register import Stored
from callstats.engine import Source, View, literal
from callstats.fields import TABLES

T = TypeVar("T")


class Facts(Protocol):
    """What the figures need of a store; ``first`` and ``last`` are both included.

    ``until``: the last day that is looked at, although files may hold later ones; None: all.
    """

    until: date | None

    def table_files(self, name: str, first: date | None = None, last: date | None = None) -> list[Path]:
        """Valid Parquet files of a table."""
        ...

    def edge_files(self, name: str) -> list[Path]:
        """Those that can hold the first or the last day of a table."""
        ...

    def data_version(self) -> str:
        """What the facts are at this moment."""
        ...

    def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """What ``work`` makes of these facts; where they cannot change, made once and kept under ``key``."""
        ...

    def exclusions(self) -> pa.Table:
        """Table `EXCLUSIONS`: what people entered."""
        ...

    def case_steps(self) -> Stored:
        """The register's cases: what people did."""
        ...


def table(facts: Facts, name: str, first: date | None = None, last: date | None = None) -> Source:
    """Files of a table for the engine, or an empty table where there are none."""
    return _known(facts, name, facts.table_files(name, first, last))


def edges(facts: Facts, name: str) -> Source:
    """Of a table what can be its first or its last day."""
    return _known(facts, name, facts.edge_files(name))


def _known(facts: Facts, name: str, files: list[Path]) -> Source:
    if not files:
        return TABLES[name].schema.empty_table()
    if facts.until is None:
        return files
    known = f"SELECT * FROM {name}_files WHERE local_date <= {literal(facts.until)}"
    return View(known, {f"{name}_files": files})
