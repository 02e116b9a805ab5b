"""The facts: zstd Parquet under the data folder, listed by the catalog in the SQL database.

Events are appended batch by batch, computed tables are replaced day by day; nothing is edited. A file is
announced (pending, with a lease), written, forced to disk, renamed and then made valid in one short
transaction: a crash at any point leaves the facts as they were or as they are meant to be. Files that gave
way stay for a grace period, and longer for those who said that they read (`Store.reading`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from callstats import parquet
from callstats.cases import catalog, neutral
from callstats.cases.catalog import Batch, ConflictError, FileRow
from callstats.cases.database import Database
from callstats.clock import Clock, utc_now
from callstats.errors import StoreError
from callstats.fields import EVENTS, REJECTS, TABLES
from callstats.settings import Settings

__all__ = ["Batch", "BatchWriter", "ConflictError", "Store"]

LEASE: Final = timedelta(hours=1)
GRACE: Final = timedelta(hours=1)
BUFFERED_ROWS: Final = 200_000
COMPUTED: Final = ("calls", "visits", "attempts", "messages", "disagreements", "channels", "queue_steps")
FEED_ENDS: Final = pa.array(
    ["connected", "disconnected"]
)  # events of our own: where a recorded feed begins, ends
FARTHEST_CALL: Final = 31  # days: an older epoch in a linkedid is no call, but a wrong clock


class Store:
    """The facts of one site: `root` holds the Parquet files, `database` their catalog."""

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

    def data_version(self) -> str:
        """What facts and entered neutral intervals are at this moment, as one text; commits change it."""
        with self.database.read() as connection:
            counter, digest = catalog.version(connection)
            entries = neutral.entries(connection)
        facts = f"{counter}-{digest}" if digest else str(counter)
        return f"{facts}-n{entries}" if entries else facts

    def exclusions(self) -> pa.Table:
        """Table `EXCLUSIONS`: the entered neutral intervals in force, as of one moment."""
        with self.database.read() as connection:
            return neutral.snapshot(connection)

    def counter(self) -> int:
        """The counting part of the data version."""
        with self.database.read() as connection:
            return catalog.version(connection)[0]

    def table_files(self, name: str, first: date | None = None, last: date | None = None) -> list[Path]:
        """Valid files of a table from day `first` to day `last`, both included; None leaves an end open."""
        with self.database.read() as connection:
            return [self.root / file.path for file in catalog.live_files(connection, name, first, last)]

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
        """Rows of a table from day `first` to day `last`, both included; None leaves an end open.

        Columns are those of `callstats.fields` unless named; a table unknown there has those of its files.
        """
        schema = TABLES[name].schema if name in TABLES else None
        if schema is not None and "local_date" not in schema.names:
            wanted = list(columns or schema.names)
            schema = schema.append(pa.field("local_date", pa.date32()))
        else:
            wanted = list(columns) if columns is not None else []
        try:
            return parquet.read(self.table_files(name, first, last), schema, wanted or None)
        except FileNotFoundError:  # replaced, and swept, since they were listed
            return parquet.read(self.table_files(name, first, last), schema, wanted or None)

    @contextmanager
    def reading(self, lease: timedelta = LEASE) -> Iterator[None]:
        """While inside (at most `lease`), no file that was valid at the beginning is removed."""
        reader, now = parquet.new_id(), self.clock()
        with self.database.write() as connection:
            catalog.begin_reading(connection, reader, now, now + lease)
        try:
            yield
        finally:
            with self.database.write() as connection:
                catalog.end_reading(connection, reader)

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
        tables: Mapping[str, pa.Table],
        *,
        based_on: int | None = None,
        rules: str = "",
    ) -> None:
        """Replaces the rows of `tables` on `days` in one transaction; a day without rows becomes empty.

        Every table needs `local_date`; rows of other days raise StoreError. `based_on` is the `counter()`
        that the rows were computed from: raises ConflictError where newer ones are there.
        """
        wanted = set(days)
        based = self.counter() if based_on is None else based_on
        files: list[tuple[FileRow, pa.Table]] = []
        for name, table in tables.items():
            fitting = parquet.conform(table, TABLES[name].schema) if name in TABLES else table
            for day, rows in parquet.by_day(fitting):
                if day not in wanted:
                    raise StoreError(f"store: {name} has rows of {day}, which is not a day to replace")
                files.append((_named(name, day), rows))
        done = self._write(files)
        with self.database.write() as connection:
            catalog.commit_days(
                connection, wanted, list(tables), done, now=self.clock(), based_on=based, rules=rules
            )

    def _write(self, new: Sequence[tuple[FileRow, pa.Table]]) -> list[FileRow]:
        """Announces and writes files; they stay pending until a commit."""
        now = self.clock()
        with self.database.write() as connection:
            catalog.register(connection, [file for file, _ in new], now, now + LEASE)
        return [
            replace(file, rows=rows.num_rows, bytes=parquet.write(rows, self.root / file.path))
            for file, rows in new
        ]

    def sweep(self, grace: timedelta = GRACE) -> int:
        """Removes files that nobody needs: not finished, replaced, or unknown and old; returns how many."""
        now = self.clock()
        with self.database.write() as connection:
            gone = catalog.sweep(connection, now, grace)
        with self.database.read() as connection:
            known = catalog.paths(connection)
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
        return len(gone)


def _named(table: str, day: date) -> FileRow:
    """A new file; a day has many of events, hence a folder, and few of any other table."""
    name = parquet.new_id()
    path = f"{table}/{day}/{name}.parquet" if table == "events" else f"{table}/{day}-{name}.parquet"
    return FileRow(id=name, table_name=table, local_date=day, path=path)


def _described(file: FileRow, events: pa.Table) -> FileRow:
    bounds = pc.min_max(events["at"]).as_py()
    ends = pc.any(pc.is_in(events["kind"], value_set=FEED_ENDS)).as_py()
    return replace(file, min_at=bounds["min"], max_at=bounds["max"], feed_ends=bool(ends))


class BatchWriter:
    """Takes the events of one batch in any order, keeps some `BUFFERED_ROWS` in memory, commits them as one.

    State: rows not yet written, files written and pending. Without `commit` no trace is left once swept.
    """

    def __init__(self, store: Store, batch: Batch) -> None:
        self.store = store
        self.batch = batch
        self.based_on = store.counter()
        self._buffer: dict[date, list[pa.Table]] = {}
        self._buffered = 0
        self._rejects: list[pa.Table] = []
        self._files: list[FileRow] = []
        self._reach: dict[date, date] = {}
        self._retired: list[str] = []

    def add(self, events: pa.Table) -> None:
        """Adds events (`EVENTS.schema`)."""
        if events.num_rows == 0:
            return
        fitting = parquet.conform(events, EVENTS.schema)
        for day, rows in parquet.by_day(fitting):
            self._buffer.setdefault(day, []).append(rows)
            self._buffered += rows.num_rows
            latest = day
        self._note(fitting)
        if self._buffered > BUFFERED_ROWS:
            earlier = [day for day in self._buffer if day != latest]
            self._flush(earlier or [latest])

    def reject(self, rejects: pa.Table) -> None:
        """Adds rejected lines (`REJECTS.schema`)."""
        if rejects.num_rows:
            self._rejects.append(parquet.conform(rejects, REJECTS.schema))

    def replace_rows(self, file: FileRow, rows: pa.Table) -> None:
        """Lets `rows` take the place of a valid file of another batch when this one is committed.

        It is a file of events or of rejects.
        """
        self._retired.append(file.id)
        day, of_events = file.local_date, file.table_name == "events"
        if of_events:
            self._reach[day] = max(self._reach.get(day, day), day)
        if rows.num_rows:
            named = _named(file.table_name, day)
            renewed = replace(file, id=named.id, path=named.path, version=None)
            self._files += self.store._write([(_described(renewed, rows) if of_events else renewed, rows)])

    def commit(self, batch: Batch, grown_from: Sequence[str] = ()) -> None:
        """Makes all rows valid with the batch's final counts; raises ConflictError if another was faster."""
        self._flush(list(self._buffer))
        now = self.store.clock()
        if self._rejects:
            day = now.date()
            named = replace(_named("rejects", day), pbx=self.batch.pbx, source=self.batch.source)
            self._files += self.store._write([(named, pa.concat_tables(self._rejects))])
        with self.store.database.write() as connection:
            catalog.commit_batch(
                connection,
                batch,
                self._files,
                self._reach,
                now=now,
                based_on=self.based_on,
                grown_from=grown_from,
                retired=self._retired,
            )

    def _flush(self, days: list[date]) -> None:
        if not days:
            return
        now = self.store.clock()
        if self._files:
            with self.store.database.write() as connection:
                catalog.extend(connection, [file.id for file in self._files], now + LEASE)
        files = []
        for day in days:
            rows = pa.concat_tables(self._buffer.pop(day))
            self._buffered -= rows.num_rows
            file = replace(_named("events", day), pbx=self.batch.pbx, source=self.batch.source)
            files.append((_described(file, rows), rows))
        self._files += self.store._write(files)

    def _note(self, events: pa.Table) -> None:
        """Notes the days touched: those of the events, and those on which their calls began."""
        for day in pc.unique(events["local_date"]).to_pylist():
            self._reach[day] = max(self._reach.get(day, day), day)
        for began, day in call_days(events, self.store.timezone):
            if began <= day <= began + timedelta(days=FARTHEST_CALL):
                self._reach[began] = max(self._reach.get(began, began), day)


def call_days(events: pa.Table, timezone: str) -> list[tuple[date, date]]:
    """Pairs (local date of a call's linkedid or uniqueid, local date of an event of it), each once.

    The epoch stands in the id: `[systemname-]epoch.counter`.
    """
    pairs: set[tuple[date, date]] = set()
    for name in ("linkedid", "uniqueid", "dest_linkedid", "dest_uniqueid"):
        column = events[name].combine_chunks()
        epoch = pc.struct_field(pc.extract_regex(column, pattern=r"(?P<epoch>\d{9,10})\.\d+$"), "epoch")
        instant = epoch.cast(pa.int64()).cast(pa.timestamp("s", tz="UTC"))
        began = pc.local_timestamp(instant.cast(pa.timestamp("s", tz=timezone))).cast(pa.date32())
        both = pa.table({"began": began, "day": events["local_date"].combine_chunks()})
        found = both.filter(pc.is_valid(began)).group_by(["began", "day"]).aggregate([])
        pairs.update(zip(found["began"].to_pylist(), found["day"].to_pylist(), strict=True))
    return sorted(pairs)
