"""The facts as they were at one moment: every table of one data version, however long a reader takes.

A file that gives way stays for a grace period (`callstats.store.GRACE`), so a snapshot needs no entry in the
database, where every write waits for every other. Who reads for longer says so with `Store.reading`; for who
does not, and finds a file gone, `at_one_moment` begins anew with a newer snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from callstats import parquet
from callstats.calendar import local_instant
from callstats.cases import catalog, neutral, register
from callstats.cases.catalog import FileRow
from callstats.cases.database import Database
from callstats.fields import TABLES

TRIES: Final = 3
T = TypeVar("T")


class Snapshot:
    """The facts at one version. State: the version, and the files that were listed so far.

    `until`: the last day that is looked at; None: all. `entered`: number of the newest row that people
    entered.
    """

    until: date | None = None

    def __init__(self, root: Path, database: Database, timezone: str) -> None:
        self.root = root
        self.database = database
        self.timezone = timezone
        with database.read() as connection:
            self.counter = catalog.version(connection)[0]
            content, entries = catalog.content(connection), neutral.entries(connection)
            self.entered = neutral.newest(connection)
            self._exclusions = neutral.snapshot(connection)
            self._steps = register.entered(connection)
        self._content = f"{content}-n{entries}" if entries else content
        self._content += f"-s{self._steps}" if self._steps else ""
        self._listed: set[Path] = set()
        self._old = False
        self._kept: dict[Hashable, Any] = {}

    def data_version(self) -> str:
        """What these facts, and what people entered (neutral intervals, steps of cases), say, as one text."""
        return self._content

    def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """What ``work`` makes of these facts: made once, as they do not change."""
        if key not in self._kept:
            self._kept[key] = work()
        found: T = self._kept[key]
        return found

    def exclusions(self) -> pa.Table:
        """Table `EXCLUSIONS`: the entered neutral intervals in force."""
        return self._exclusions

    def case_steps(self) -> register.Stored:
        """The register's cases, by number: kind and steps, of this moment (and up to the end of `until`)."""
        after = None if self.until is None else self.until + timedelta(days=1)
        end = None if after is None else local_instant(ZoneInfo(self.timezone), after)
        with self.database.read() as connection:
            return register.stored_at(connection, self._steps, end)

    def snapshot(self) -> Snapshot:
        """Itself: it does not change."""
        return self

    def files(self, name: str, first: date | None = None, last: date | None = None) -> list[FileRow]:
        """Files of a table with days from `first` to `last`, both included; None leaves an end open."""
        return self.once(("files", name, first, last), lambda: self._files(name, first, last))

    def _files(self, name: str, first: date | None, last: date | None) -> list[FileRow]:
        with self.database.read() as connection:
            if catalog.swept(connection) > self.counter:  # what it had then is not known any more
                self._old = True
                raise FileNotFoundError(f"{name}: files of version {self.counter} were swept")
            found = catalog.live_files(connection, name, first, last, at=self.counter)
        self._listed.update(self.root / file.path for file in found)
        return found

    def table_files(self, name: str, first: date | None = None, last: date | None = None) -> list[Path]:
        """Paths of `files`; those of a closed month hold its other days too."""
        return [self.root / file.path for file in self.files(name, first, last)]

    def edge_files(self, name: str) -> list[Path]:
        """The few files of a table that can hold its first or its last day, by what the catalog tells.

        A file's bounds may be wider than its rows, but it has one: no first day is later than a file's last.
        One that holds days after `until` too may have none before it.
        """
        found = self.files(name, None, self.until)
        whole = [file for file in found if self.until is None or file.until <= self.until]
        first = min((file.until for file in whole), default=date.max)
        last = max((file.local_date for file in whole), default=date.min)
        return [self.root / file.path for file in found if file.local_date <= first or file.until >= last]

    def event_files(self, first: date | None = None, last: date | None = None) -> list[Path]:
        """Files of events from day `first` to day `last`, both included; None leaves an end open."""
        return self.table_files("events", first, last)

    def scan(
        self,
        name: str,
        first: date | None = None,
        last: date | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Rows of a table from day `first` to day `last`, both included; None leaves an end open.

        Columns are those of `callstats.fields` unless named; a table unknown there has those of its files.
        Rejects belong to the day on which they were loaded.
        """
        schema = TABLES[name].schema if name in TABLES else None
        files = self.files(name, first, last)
        paths = [self.root / file.path for file in files]
        by_day = schema is None or "local_date" in schema.names
        given = list(columns) if columns is not None else None
        wanted = (first, last) if by_day else (None, None)
        if all(
            (first or one.local_date) <= one.local_date and one.until <= (last or one.until) for one in files
        ):
            wanted = (None, None)  # whole files
        return parquet.read(paths, schema, given, _between(*wanted))

    def gone(self) -> bool:
        """Whether files of this version are not there, or not known, any more."""
        return self._old or any(not path.exists() for path in self._listed)


class Before(Snapshot):
    """A snapshot as if nothing from a day on were known; ``end`` is the first day that is not looked at."""

    def __init__(self, facts: Snapshot, end: date) -> None:
        vars(self).update(vars(facts))  # the same version, and the same list of files
        self._kept = {}
        self._facts = facts
        self.until = end - timedelta(days=1)

    def table_files(self, name: str, first: date | None = None, last: date | None = None) -> list[Path]:
        """See `Snapshot.table_files`."""
        assert self.until is not None
        return self._facts.table_files(name, first, self.until if last is None else min(last, self.until))


def _between(first: date | None, last: date | None) -> Any:
    """A condition on `local_date`; None: none."""
    column, condition = pc.field("local_date"), None
    if first is not None:
        condition = column >= pa.scalar(first, pa.date32())
    if last is not None:
        upper = column <= pa.scalar(last, pa.date32())
        condition = upper if condition is None else condition & upper
    return condition


class Facts(Protocol):
    """What can give a snapshot: a store, or a snapshot."""

    def snapshot(self) -> Snapshot:
        """The facts at this moment."""
        ...


def at_one_moment(facts: Facts, work: Callable[[Snapshot], T]) -> T:
    """What `work` makes of the facts of one moment; begun anew where a file went while it read."""
    for _ in range(TRIES - 1):
        snapshot = facts.snapshot()
        try:
            return work(snapshot)
        except (FileNotFoundError, duckdb.IOException):
            if not snapshot.gone():
                raise
    return work(facts.snapshot())
