"""Writing one batch: events by day, rejected lines, and lines of sealed days, made valid as one step."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from callstats import filing, parquet
from callstats.cases import catalog, commits
from callstats.cases.catalog import Batch, FileRow
from callstats.fields import EVENTS, LATE, REJECTS
from callstats.filing import LEASE, described, named

if TYPE_CHECKING:
    from callstats.store import Store

BUFFERED_ROWS: Final = 100_000
BUFFERED_REJECTS: Final = 20_000  # each may hold 2000 characters


class BatchWriter:
    """Takes the events of one batch in any order, keeps some `BUFFERED_ROWS` in memory, commits them as one.

    State: rows not yet written, files written and pending, and what is being written meanwhile. Without
    `commit` no trace is left once swept.
    """

    def __init__(self, store: Store, batch: Batch) -> None:
        self.store = store
        self.batch = batch
        with store.database.read() as connection:
            self.based_on = catalog.version(connection)[0]
            self.horizons = catalog.horizon(connection)
        self._buffer: dict[date, list[pa.Table]] = {}
        self._buffered = 0
        self._rejects: list[pa.Table] = []
        self._late: list[pa.Table] = []
        self._files: list[FileRow] = []
        self._touched: set[date] = set()
        self._retired: list[str] = []
        self._behind: ThreadPoolExecutor | None = None
        self._writing: Future[list[FileRow]] | None = None

    def add(self, events: pa.Table) -> int:
        """Adds events (`EVENTS.schema`); returns how many came late: of sealed days, kept as `LATE` rows."""
        if events.num_rows == 0:
            return 0
        fitting = parquet.conform(events, EVENTS.schema)
        late = 0
        latest = None
        for day, rows in parquet.by_day(fitting):
            if self.horizons.sealed(day):
                self._late.append(_told(rows))
                late += rows.num_rows
                continue
            self._buffer.setdefault(day, []).append(rows)
            self._buffered += rows.num_rows
            self._touched.add(day)
            latest = day
        if self._buffered > BUFFERED_ROWS:
            earlier = [day for day in self._buffer if day != latest]
            self._flush(earlier or list(self._buffer))
        if sum(rows.num_rows for rows in self._late) > BUFFERED_ROWS:
            self._flush_late()
        return late

    def reject(self, rejects: pa.Table) -> None:
        """Adds rejected lines (`REJECTS.schema`)."""
        if rejects.num_rows:
            self._rejects.append(parquet.conform(rejects, REJECTS.schema))
        if sum(rows.num_rows for rows in self._rejects) > BUFFERED_REJECTS:
            self._flush_rejects()

    def replace_rows(self, file: FileRow, rows: pa.Table) -> None:
        """Lets `rows` take the place of a valid file of another batch when this one is committed.

        It is a file of events or of rejects.
        """
        self._retired.append(file.id)
        of_events = file.table_name == "events"
        if of_events:
            self._touched.add(file.local_date)
        if rows.num_rows:
            new = named(
                file.table_name, file.local_date, file.until if file.until > file.local_date else None
            )
            renewed = replace(file, id=new.id, path=new.path, version=None, evidence=None)
            if of_events:
                renewed = described(renewed, rows, self.store.timezone)
            self._files += self._written([(renewed, rows)])

    def commit(
        self,
        batch: Batch,
        grown_from: Sequence[str] = (),
        continues: Batch | None = None,
        alongside: commits.Alongside | None = None,
    ) -> None:
        """Makes all rows valid with the batch's final counts; raises ConflictError if another was faster.

        `continues` and `alongside`: see `commits.commit_batch`.
        """
        self._flush(list(self._buffer), last=True)
        self._flush_rejects()
        self._flush_late()
        self._await()
        if self._behind is not None:
            self._behind.shutdown()
        with self.store.database.write() as connection:
            commits.commit_batch(
                connection,
                batch,
                self._files,
                self._touched,
                now=self.store.clock(),
                based_on=self.based_on,
                grown_from=grown_from,
                retired=self._retired,
                continues=continues,
                alongside=alongside,
            )

    def _flush(self, days: list[date], last: bool = False) -> None:
        new = []
        for day in days:
            rows = pa.concat_tables(self._buffer.pop(day))
            self._buffered -= rows.num_rows
            new.append((described(self._own(named("events", day)), rows, self.store.timezone), rows))
        self._write(new, last)

    def _flush_rejects(self) -> None:
        if self._rejects:
            file = named("rejects", self.store.clock().date())
            self._write([(self._own(file), pa.concat_tables(self._rejects))])
            self._rejects = []

    def _flush_late(self) -> None:
        if self._late:
            rows = pa.concat_tables(self._late)
            days = pc.min_max(rows["local_date"]).as_py()
            self._write([(self._own(named("late", days["min"], days["max"])), rows)])
            self._late = []

    def _own(self, file: FileRow) -> FileRow:
        return replace(file, pbx=self.batch.pbx, source=self.batch.source, batch=self.batch.id)

    def _write(self, new: Sequence[tuple[FileRow, pa.Table]], last: bool = False) -> None:
        """Lets rows be written behind, the last ones at once; one writing at a time, as memory is bounded."""
        self._await()
        if not new:
            return
        if self._files:
            with self.store.database.write() as connection:
                commits.extend(connection, [file.id for file in self._files], self.store.clock() + LEASE)
        filing.announce(self.store.database, [file for file, _ in new], self.store.clock)
        if last:
            self._files += filing.put(self.store.root, new)
            return
        self._behind = self._behind or ThreadPoolExecutor(1, "parquet")
        self._writing = self._behind.submit(filing.put, self.store.root, new)

    def _await(self) -> None:
        """Takes over the files of the writing that is under way."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            self._files += writing.result()

    def _written(self, new: Sequence[tuple[FileRow, pa.Table]]) -> list[FileRow]:
        return filing.write(self.store.root, self.store.database, self.store.clock, new)


def _told(events: pa.Table) -> pa.Table:
    """Lines of sealed days as rows of `LATE`, for people: with keys in hex."""
    keys = pa.array([key.hex() for key in events["line_key"].to_pylist()], pa.string())
    place = events.schema.get_field_index("line_key")
    return parquet.conform(events.set_column(place, "line_key", keys).select(list(LATE.names)), LATE.schema)
