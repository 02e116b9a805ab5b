"""Which lines are new: those whose `line_key` no stored event has."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from callstats.cases import catalog
from callstats.cases.catalog import Batch, FileRow
from callstats.store import Store

KEPT_KEYS: Final = 2_000_000
MADE: Final = ("connected", "disconnected")  # kinds of events that stand for no line of their own


class News:
    """Tells new events of one batch from known ones.

    State: `known`, how many lines were known so far, and the line keys of stored files that were read last.
    """

    def __init__(self, store: Store, batch: Batch) -> None:
        self.known = 0
        self._store = store
        self._batch = batch
        self._keys: OrderedDict[str, pa.ChunkedArray] = OrderedDict()

    def of(self, events: pa.Table) -> pa.Table:
        """The events that are not stored yet; a line's time is part of it, so files of that time are asked."""
        if events.num_rows == 0:
            return events
        span = pc.min_max(events["at"]).as_py()
        with self._store.database.read() as connection:
            files = catalog.live_files(
                connection,
                "events",
                pbx=self._batch.pbx,
                source=self._batch.source,
                span=(span["min"], span["max"]),
            )
        if not files:
            return events
        keys = pa.chunked_array(
            [chunk for file in files for chunk in self._keys_of(file).chunks], pa.string()
        )
        stored = pc.is_in(events["line_key"], value_set=keys)
        made = pc.is_in(events["kind"], value_set=pa.array(MADE))
        self.known += pc.sum(pc.and_not(stored, made)).as_py() or 0
        return events.filter(pc.invert(stored))

    def _keys_of(self, file: FileRow) -> pa.ChunkedArray:
        found = self._keys.pop(file.id, None)
        if found is None:
            found = pq.read_table(self._store.root / file.path, columns=["line_key"])["line_key"]
        self._keys[file.id] = found
        while len(self._keys) > 1 and sum(len(keys) for keys in self._keys.values()) > KEPT_KEYS:
            self._keys.popitem(last=False)
        return found
