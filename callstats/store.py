"""The facts: zstd Parquet under the data folder, listed by the catalog in the SQL database.

Events are appended batch by batch, computed tables are replaced day by day; nothing is edited. A file is
announced (pending, with a lease), written, forced to disk, renamed and then made valid in one short
transaction: a crash at any point leaves the facts as they were or as they are meant to be. Who reads takes a
`Snapshot`: every table of one moment. Files that gave way stay for a grace period, and longer for those who
said that they read (`Store.reading`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Self, TypeVar

import pyarrow as pa

from callstats import filing, parquet
from callstats.cases import catalog, commits, keeping
from callstats.cases.catalog import Batch, ConflictError, FileRow
from callstats.cases.database import Database
from callstats.cases.register import Stored
from callstats.clock import Clock, utc_now
from callstats.errors import StoreError
from callstats.fields import TABLES
from callstats.filing import LEASE, named
from callstats.gather import without
from callstats.settings import Settings
from callstats.snapshot import Snapshot, at_one_moment
from callstats.writer import BUFFERED_ROWS, BatchWriter

T = TypeVar("T")

__all__ = ["COMPUTED", "LEASE", "Batch", "BatchWriter", "ConflictError", "Store"]

GRACE: Final = timedelta(hours=1)
COMPUTED: Final = ("calls", "visits", "attempts", "messages", "disagreements", "channels", "queue_steps")


class Store:
    """The facts of one site: `root` holds the Parquet files, `database` their catalog."""

    until: date | None = None

    def __init__(self, root: Path, database: Database, timezone: str, clock: Clock = utc_now) -> None:
        self.root = root
        self.database = database
        self.timezone = timezone
        self.clock = clock

    @classmethod
    def open(cls, settings: Settings, clock: Clock = utc_now) -> Self:
        """Opens the store of `settings.data` and `settings.database_url`, making what is not there yet."""
        try:
            settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(
                f"{settings.data}: cannot be made: {error.strerror}; name a folder with --data"
            ) from None
        return cls(settings.data, Database.open(settings.database_url), settings.timezone, clock)

    def close(self) -> None:
        """Closes the database."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # reading

    def snapshot(self) -> Snapshot:
        """The facts at this moment; to read more than one table of it, see `at_one_moment`."""
        return Snapshot(self.root, self.database, self.timezone)

    def data_version(self) -> str:
        """What facts and entered neutral intervals say at this moment, as one text."""
        return self.snapshot().data_version()

    def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """What ``work`` makes of the facts, anew each time: they may have changed."""
        return work()

    def exclusions(self) -> pa.Table:
        """See `Snapshot.exclusions`."""
        return self.snapshot().exclusions()

    def case_steps(self) -> Stored:
        """See `Snapshot.case_steps`."""
        return self.snapshot().case_steps()

    def counter(self) -> int:
        """The number of commits so far."""
        with self.database.read() as connection:
            return catalog.version(connection)[0]

    def table_files(self, name: str, first: date | None = None, last: date | None = None) -> list[Path]:
        """Valid files of a table with days from `first` to `last`: see `Snapshot.table_files`."""
        return self.snapshot().table_files(name, first, last)

    def edge_files(self, name: str) -> list[Path]:
        """Valid files of a table that can hold its first or its last day: see `Snapshot.edge_files`."""
        return self.snapshot().edge_files(name)

    def event_files(self, first: date | None = None, last: date | None = None) -> list[Path]:
        """Valid event files from day `first` to day `last`, both included; None leaves an end open."""
        return self.table_files("events", first, last)

    def scan(
        self,
        name: str,
        first: date | None = None,
        last: date | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Rows of a table from day `first` to day `last`: see `Snapshot.scan`."""
        return at_one_moment(self, lambda facts: facts.scan(name, first, last, columns))

    @contextmanager
    def reading(self, lease: timedelta = LEASE) -> Iterator[Snapshot]:
        """While inside (at most `lease`), no file that was valid at the beginning is removed."""
        reader, now = parquet.new_id(), self.clock()
        with self.database.write() as connection:
            keeping.begin_reading(connection, reader, now, now + lease)
        try:
            yield self.snapshot()
        finally:
            with self.database.write() as connection:
                keeping.end_reading(connection, reader)

    # writing

    def writer(self, batch: Batch) -> BatchWriter:
        """A writer for one batch; nothing of it is valid before its `commit`."""
        return BatchWriter(self, batch)

    def append_batch(self, batch: Batch, events: Iterable[pa.Table], rejects: pa.Table | None = None) -> bool:
        """Appends a batch (`EVENTS`, `REJECTS` rows) as one step; False, and nothing done, if it is known."""
        with self.database.read() as connection:
            if catalog.batch(connection, batch.id) is not None:
                return False
        writer = self.writer(batch)
        for table in events:
            writer.add(table)
        if rejects is not None:
            writer.reject(rejects)
        writer.commit(batch)
        return True

    def replace_days(
        self,
        days: Iterable[date],
        tables: Mapping[str, pa.Table] | Iterable[tuple[str, pa.Table]],
        *,
        based_on: int | None = None,
        rules: str = "",
        spread: Iterable[date] | None = None,
    ) -> None:
        """Replaces the rows of `tables` on `days` in one transaction; a day without rows becomes empty.

        Tables may come one by one: few are held at once. Every one needs `local_date`; rows of other days
        raise StoreError. `based_on` is the `counter()` that the rows were computed from: raises ConflictError
        where newer ones are there. `spread`: see `callstats.cases.commits.commit_days`.
        """
        wanted = set(days)
        based = self.counter() if based_on is None else based_on
        names: list[str] = []
        done: list[FileRow] = []
        files: list[tuple[FileRow, pa.Table]] = []
        for name, table in tables.items() if isinstance(tables, Mapping) else tables:
            names.append(name)
            fitting = parquet.conform(table, TABLES[name].schema) if name in TABLES else table
            for day, rows in parquet.by_day(fitting):
                if day not in wanted:
                    raise StoreError(f"store: {name} has rows of {day}, which is not a day to replace")
                files.append((named(name, day), rows))
            if sum(rows.num_rows for _, rows in files) > BUFFERED_ROWS:
                done += self.write_files(files)
                files = []
        months = self._months(wanted, names)
        done += self.write_files(files)
        done += [rest for month in months for rest in without(self, month, wanted)]
        with self.database.write() as connection:
            commits.commit_days(
                connection,
                wanted,
                names,
                done,
                now=self.clock(),
                based_on=based,
                rules=rules,
                spread=None if spread is None else set(spread),
                retired=[month.id for month in months],
            )

    def _months(self, days: set[date], tables: list[str]) -> list[FileRow]:
        """Files of several days that hold one of `days`."""
        with self.database.read() as connection:
            ids = set(commits.spanning(connection, days, tables))
            listed = (
                [
                    file
                    for name in tables
                    for file in catalog.live_files(connection, name, min(days), max(days))
                ]
                if ids
                else []
            )
        return [file for file in listed if file.id in ids]

    def write_files(self, new: Sequence[tuple[FileRow, pa.Table]]) -> list[FileRow]:
        """Announces and writes files; they stay pending until a commit."""
        return filing.write(self.root, self.database, self.clock, new)

    def discard(self, pending: Sequence[FileRow]) -> None:
        """Forgets announced files that are not wanted after all."""
        with self.database.write() as connection:
            commits.discard(connection, [file.id for file in pending])
        for file in pending:
            (self.root / file.path).unlink(missing_ok=True)

    def sweep(self, grace: timedelta = GRACE) -> int:
        """Removes files that nobody needs: not finished, replaced, or unknown and old; returns how many."""
        now = self.clock()
        with self.database.write() as connection:
            gone = keeping.sweep(connection, now, grace)
        with self.database.read() as connection:
            known = catalog.paths(connection) | set(gone)
        for path in self.root.glob("*/**/*.parquet*"):
            name = path.relative_to(self.root).as_posix()
            try:
                written = path.stat().st_mtime
            except FileNotFoundError:  # a draft of another process got its name, or was swept
                continue
            old = now.timestamp() - written > max(LEASE, grace).total_seconds()
            if old and name.split("/")[0] in {*TABLES, *COMPUTED} and name not in known:
                gone.append(name)
        for name in gone:
            (self.root / name).unlink(missing_ok=True)
        self._clear_spill(now.timestamp() - max(LEASE, grace).total_seconds())
        return len(gone)

    def waiting(self) -> int:
        """How many files that gave way are still there, for those who read them."""
        with self.database.read() as connection:
            return keeping.kept(connection)

    def _clear_spill(self, before: float) -> None:
        """Removes what killed processes left of their work."""
        for folder in (self.root / filing.SPILL).glob("*"):
            with suppress(FileNotFoundError):  # of another process, which ended
                if folder.stat().st_mtime < before:
                    shutil.rmtree(folder, ignore_errors=True)
