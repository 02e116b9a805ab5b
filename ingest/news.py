"""Which events of a file are new: those whose `line_key` no stored event has.

Rejected lines are told from known ones alike, and go when a sound copy of the line comes.

The ends of a recorded connection (`connected`, `disconnected`) are no lines but where the file begins and
ends. A shorter version, or a part, of a file ends where the whole goes on: such ends give way to those of the
file that has all its lines.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from callstats import parquet
from callstats.cases import catalog
from callstats.cases.catalog import Batch, FileRow
from callstats.fields import REJECTS
from callstats.store import FEED_ENDS, Store
from ingest.base import Reject
from ingest.keys import LineKeys

KEPT_ROWS: Final = 2_000_000
COLUMNS: Final = ["line_key", "kind", "batch"]
SHOWN: Final = ("path", "line", "reason", "text")
UNKEYED: Final = pa.schema([field for field in REJECTS.schema if field.name != "line_key"])
BOM: Final = b"\xef\xbb\xbf"


class News:
    """Tells new events of one batch from known ones.

    State: `known`, how many lines were known so far; stored keys that were read last; ends held back.
    """

    def __init__(self, store: Store, batch: Batch) -> None:
        self.known = 0
        self._store = store
        self._batch = batch
        self._stored: OrderedDict[str, pa.Table] = OrderedDict()
        self._met: Counter[str] = Counter()
        self._ends: list[pa.Table] = []

    def of(self, events: pa.Table) -> pa.Table:
        """The events that are not stored yet; ends of connections are held back for `ends`."""
        if events.num_rows == 0:
            return events
        made = pc.is_in(events["kind"], value_set=FEED_ENDS)
        if pc.any(made).as_py():
            self._ends.append(events.filter(made))
            events = events.filter(pc.invert(made))
        stored = self._stored_with(events)
        if stored is None:
            return events
        known = pc.is_in(events["line_key"], value_set=stored["line_key"])
        self.known += pc.sum(known).as_py() or 0
        if self._ends or self._batch.source == "ami":
            met = stored.filter(pc.is_in(stored["line_key"], value_set=events["line_key"]))
            self._met.update(met["batch"].to_pylist())
        return events.filter(pc.invert(known))

    def ends(self, lines: int) -> tuple[pa.Table | None, list[tuple[FileRow, pa.Table]]]:
        """The ends to store, and stored files with the rows that remain; `lines` is how many were kept."""
        if not self._ends:
            return None, []
        ends = pa.concat_tables(self._ends)
        with self._store.database.read() as connection:
            batches = {name: catalog.batch(connection, name) for name in self._met}
        inside = [name for name, b in batches.items() if b is not None and b.rows_new == self._met[name]]
        if self.known == lines and not inside:
            return None, []  # a part of what is stored: that tells the ends
        known = self._stored_with(ends)
        if known is not None:
            ends = ends.filter(pc.invert(pc.is_in(ends["line_key"], value_set=known["line_key"])))
        return ends, [changed for name in inside for changed in self._without_ends(name)]

    def _without_ends(self, batch: str) -> Iterator[tuple[FileRow, pa.Table]]:
        with self._store.database.read() as connection:
            files = catalog.files_of_batch(connection, batch)
        own = pa.concat_tables(self._ends)["line_key"]
        for file in files:
            if file.table_name != "events":
                continue
            rows = pq.read_table(self._store.root / file.path)
            stale = pc.and_(
                pc.is_in(rows["kind"], value_set=FEED_ENDS),
                pc.invert(pc.is_in(rows["line_key"], value_set=own)),
            )
            if pc.any(stale).as_py():
                yield file, rows.filter(pc.invert(stale))

    def _stored_with(self, events: pa.Table) -> pa.Table | None:
        """Stored keys of the time of the events; a line tells its time, so others need not be asked."""
        if events.num_rows == 0:
            return None
        span = pc.min_max(events["at"]).as_py()
        with self._store.database.read() as connection:
            files = catalog.live_files(
                connection,
                "events",
                pbx=self._batch.pbx,
                source=self._batch.source,
                span=(span["min"], span["max"]),
            )
        return pa.concat_tables([self._rows_of(file) for file in files]) if files else None

    def _rows_of(self, file: FileRow) -> pa.Table:
        found = self._stored.pop(file.id, None)
        if found is None:
            found = pq.read_table(self._store.root / file.path, columns=COLUMNS)
            if pa.types.is_string(found.schema.field("line_key").type):  # a file of an earlier version
                found = found.set_column(0, "line_key", _in_bytes(found["line_key"]))
        self._stored[file.id] = found
        while len(self._stored) > 1 and sum(rows.num_rows for rows in self._stored.values()) > KEPT_ROWS:
            self._stored.popitem(last=False)
        return found


class KnownRejects:
    """Tells new rejects of one batch from known ones, and those that are sound in this batch.

    `giving_way` are batches whose rejects go when this one is committed. State: stored rejects by file, read
    when first needed; the keys of each that became events; the keys of this file's lines so far.
    """

    def __init__(self, store: Store, batch: Batch, family: str, giving_way: Collection[str]) -> None:
        self._store = store
        self._batch = batch
        self._giving_way = giving_way
        self._keys = LineKeys(batch.pbx, family)
        self._sound: dict[str, pa.Array] = {}

    def of(self, rejects: Sequence[Reject]) -> pa.Table:
        """Rows of the rejects that no loaded file had."""
        ordered = sorted(rejects, key=lambda reject: reject.line)
        if not ordered:
            return REJECTS.schema.empty_table()
        raw = [reject.raw.rstrip(b"\r\n").removeprefix(BOM) for reject in ordered]
        keys = self._keys.keys(raw, np.array([reject.line for reject in ordered]))
        said = {"batch": self._batch.id, "dialect": self._batch.dialect}
        shown = ({name: getattr(reject, name) for name in SHOWN} for reject in ordered)
        rows = pa.Table.from_pylist([row | said for row in shown], schema=UNKEYED).append_column(
            "line_key", _in_hex(keys)
        )
        for _, stored in self._stored:
            rows = rows.filter(pc.invert(pc.is_in(rows["line_key"], value_set=stored["line_key"])))
        return rows.select(REJECTS.names)

    def now_sound(self, events: pa.Table) -> None:
        """Notes events: a stored reject of the same line was damage of that file alone."""
        if not events.num_rows:
            return
        for file, stored in self._stored:
            found = pc.is_in(_in_bytes(stored["line_key"]), value_set=events["line_key"])
            before = self._sound.get(file.id)
            self._sound[file.id] = found if before is None else pc.or_(before, found)

    def mended(self) -> Iterator[tuple[FileRow, pa.Table]]:
        """Stored files with the rejects that remain, where some do not."""
        for file, stored in self._stored:
            gone = self._sound.get(file.id)
            if gone is not None and pc.any(gone).as_py():
                yield file, stored.filter(pc.invert(gone))

    @cached_property
    def _stored(self) -> list[tuple[FileRow, pa.Table]]:
        with self._store.database.read() as connection:
            files = catalog.live_files(connection, "rejects", pbx=self._batch.pbx, source=self._batch.source)
        return [
            (file, parquet.read([self._store.root / file.path], REJECTS.schema))
            for file in files
            if file.batch not in self._giving_way
        ]


def _in_hex(keys: pa.Array) -> pa.Array:
    """Keys as rejects have them, which people see."""
    return pa.array([key.hex() for key in keys.to_pylist()], pa.string())


def _in_bytes(keys: pa.ChunkedArray) -> pa.Array:
    """Keys as events have them."""
    return pa.array([bytes.fromhex(key) for key in keys.to_pylist()], pa.binary())
