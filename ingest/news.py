"""Which events of a file are new: those whose `line_key` no stored event has.

Rejected lines are told from known ones alike, and go when a sound copy of the line comes.

The ends of a recorded connection (`connected`, `disconnected`) are no lines but where the file begins and
ends. A shorter version, or a part, of a file ends where the whole goes on: such ends give way to those of the
file that has all its lines.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from callstats import parquet
from callstats.cases import catalog, crossings
from callstats.cases.catalog import Batch, FileRow
from callstats.fields import REJECTS
from callstats.filing import FEED_ENDS
from callstats.store import Store
from ingest.base import Reject
from ingest.keys import LineKeys

KEPT_ROWS: Final = 500_000
SHOWN: Final = ("path", "line", "reason", "text")
UNKEYED: Final = pa.schema([field for field in REJECTS.schema if field.name != "line_key"])
BOM: Final = b"\xef\xbb\xbf"


class News:
    """Tells new events of one batch from known ones.

    `earlier` are shorter versions of its file: their lines of sealed days, of which no event may be left, are
    known. State: `known`, how many lines were known so far; stored keys that were read last; ends held back.
    """

    def __init__(self, store: Store, batch: Batch, earlier: Sequence[Batch] = ()) -> None:
        self.known = 0
        self._store = store
        self._batch = batch
        self._seen_lines = max((one.rows_read for one in earlier), default=0)
        self._stored = StoredKeys(store)
        self._met: Counter[str] = Counter()
        self._ends: list[pa.Table] = []
        with store.database.read() as connection:
            self._horizons = catalog.horizon(connection)

    def of(self, events: pa.Table) -> pa.Table:
        """The events that are not stored yet; ends of connections are held back for `ends`."""
        if events.num_rows == 0:
            return events
        made = pc.is_in(events["kind"], value_set=FEED_ENDS)
        if pc.any(made).as_py():
            self._ends.append(self._open(events.filter(made)))
            events = events.filter(pc.invert(made))
        counting = self._met if self._batch.source == "ami" else None
        known = self._known(events, counting)
        self.known += pc.sum(known).as_py() or 0
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
        ends = ends.filter(pc.invert(self._known(ends)))
        return ends, [changed for name in inside for changed in self._without_ends(name)]

    def _without_ends(self, batch: str) -> Iterator[tuple[FileRow, pa.Table]]:
        with self._store.database.read() as connection:
            files = crossings.files_with_ends_of(connection, batch)
        own = pa.concat_tables(self._ends)["line_key"]
        for file in files:
            if self._horizons.sealed(file.local_date):
                continue
            rows = pq.read_table(self._store.root / file.path)
            ends = pc.and_(pc.is_in(rows["kind"], value_set=FEED_ENDS), pc.equal(rows["batch"], batch))
            stale = pc.and_(ends, pc.invert(pc.is_in(rows["line_key"], value_set=own)))
            if pc.any(stale).as_py():
                yield file, rows.filter(pc.invert(stale))

    def _open(self, events: pa.Table) -> pa.Table:
        """The events of days that are not sealed."""
        before = self._horizons.sealed_before
        if before is None:
            return events
        return events.filter(pc.greater_equal(events["local_date"], pa.scalar(before, pa.date32())))

    def _known(self, events: pa.Table, met: Counter[str] | None = None) -> pa.ChunkedArray:
        """Which events are stored; a line tells its time, so stored ones of other times need not be asked."""
        known = pa.chunked_array([pa.repeat(pa.scalar(False), events.num_rows)])
        if events.num_rows == 0:
            return known
        span = pc.min_max(events["at"]).as_py()
        bounds = span["min"], span["max"]
        pbx, source = self._batch.pbx, self._batch.source
        with self._store.database.read() as connection:
            files = catalog.live_files(connection, "events", pbx=pbx, source=source, span=bounds)
        known = self._stored.add_known(known, events, files, bounds, met)
        sealed = self._horizons.sealed_before
        if sealed is None or not pc.any(late := pc.less(events["local_date"], sealed)).as_py():
            return known
        days = pc.min_max(events["local_date"]).as_py()
        with self._store.database.read() as connection:
            files = catalog.live_files(connection, "late", days["min"], days["max"], pbx=pbx, source=source)
        known = self._stored.add_known(known, events, files, None, None)
        seen = pc.and_(late, pc.less_equal(events["line"], self._seen_lines))
        return pc.or_(known, seen)


class StoredKeys:
    """Keys of stored lines, read row group by row group where these hold the time in question.

    State: the row groups read last, `KEPT_ROWS` rows at most, so that a file of any size needs no memory.
    """

    def __init__(self, store: Store) -> None:
        self._root = store.root
        self._kept: OrderedDict[tuple[str, int], pa.Table] = OrderedDict()

    def add_known(
        self,
        known: pa.ChunkedArray,
        events: pa.Table,
        files: Sequence[FileRow],
        span: tuple[datetime, datetime] | None,
        met: Counter[str] | None,
    ) -> pa.ChunkedArray:
        """`known` or stored in one of the files; `met` counts the batches of the stored lines."""
        for file in files:
            for stored in self._groups(file, span):
                known = pc.or_(known, pc.is_in(events["line_key"], value_set=stored["line_key"]))
                if met is not None:
                    same = pc.is_in(stored["line_key"], value_set=events["line_key"])
                    met.update(stored["batch"].filter(same).to_pylist())
        return known

    def _groups(self, file: FileRow, span: tuple[datetime, datetime] | None) -> Iterator[pa.Table]:
        with pq.ParquetFile(self._root / file.path) as opened:
            names = opened.schema_arrow.names
            for number in range(opened.num_row_groups):
                if span is not None and not _overlaps(opened.metadata.row_group(number), names, span):
                    continue
                place = (file.id, number)
                found = self._kept.pop(place, None)
                if found is None:
                    found = _keyed(opened.read_row_group(number, columns=["line_key", "batch"]))
                self._kept[place] = found
                while len(self._kept) > 1 and sum(t.num_rows for t in self._kept.values()) > KEPT_ROWS:
                    self._kept.popitem(last=False)
                yield found


def _overlaps(group: pq.RowGroupMetaData, names: Sequence[str], span: tuple[datetime, datetime]) -> bool:
    """Whether a row group may hold events of a time; where it does not tell, it may."""
    told = group.column(names.index("at")).statistics
    if told is None or not told.has_min_max:
        return True
    return bool(told.min <= span[1] and told.max >= span[0])


class KnownRejects:
    """Tells new rejects of one batch from known ones, and those that are sound in this batch.

    `giving_way` are batches whose rejects go when this one is committed. State: stored rejects by file, read
    when first needed; the keys of each that became events; the keys of this file's lines so far (`keys`:
    those of lines that were read before).
    """

    def __init__(
        self,
        store: Store,
        batch: Batch,
        family: str,
        giving_way: Collection[str],
        keys: LineKeys | None = None,
    ) -> None:
        self._store = store
        self._batch = batch
        self._giving_way = giving_way
        self._keys = keys or LineKeys(batch.pbx, family)
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
        for _, stored, _ in self._stored:
            rows = rows.filter(pc.invert(pc.is_in(rows["line_key"], value_set=stored["line_key"])))
        return rows.select(REJECTS.names)

    def now_sound(self, events: pa.Table) -> None:
        """Notes events: a stored reject of the same line was damage of that file alone."""
        if not events.num_rows:
            return
        for file, stored, _ in self._stored:
            found = pc.is_in(_in_bytes(stored["line_key"]), value_set=events["line_key"])
            before = self._sound.get(file.id)
            self._sound[file.id] = found if before is None else pc.or_(before, found)

    def mended(self) -> Iterator[tuple[FileRow, pa.Table]]:
        """Stored files with the rejects that remain, where some do not."""
        for file, stored, whole in self._stored:
            gone = self._sound.get(file.id)
            if gone is not None and pc.any(gone).as_py():
                yield file, stored.filter(pc.invert(gone))
            elif stored.num_rows < whole:
                yield file, stored

    @cached_property
    def _stored(self) -> list[tuple[FileRow, pa.Table, int]]:
        """Files, their rejects of batches that do not give way, and how many they hold with the others."""
        with self._store.database.read() as connection:
            files = catalog.live_files(connection, "rejects", pbx=self._batch.pbx, source=self._batch.source)
        giving_way = pa.array(sorted(self._giving_way), pa.string())
        found = []
        for file in files:
            if file.batch in self._giving_way:
                continue  # goes as a whole
            rows = parquet.read([self._store.root / file.path], REJECTS.schema)
            staying = rows.filter(pc.invert(pc.is_in(rows["batch"], value_set=giving_way)))
            found.append((file, staying, rows.num_rows))
        return found


def _keyed(rows: pa.Table) -> pa.Table:
    """Stored rows with keys as events have them: lines of sealed days have them in hex, for people."""
    place = rows.schema.get_field_index("line_key")
    if pa.types.is_binary(rows.schema.field(place).type):
        return rows
    return rows.set_column(place, "line_key", _in_bytes(rows["line_key"]))


def _in_hex(keys: pa.Array) -> pa.Array:
    """Keys as rejects have them, which people see."""
    return pa.array([key.hex() for key in keys.to_pylist()], pa.string())


def _in_bytes(keys: pa.ChunkedArray) -> pa.Array:
    """Keys as events have them."""
    return pa.array([bytes.fromhex(key) for key in keys.to_pylist()], pa.binary())
