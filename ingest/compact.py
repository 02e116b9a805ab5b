"""From the journal into the facts: at least once by a cursor, exactly once by the lines' identity.

The cursor moves in the transaction that brings the events. What was read twice, or by two collectors, has
the same line keys, and is there once. While the database is down nothing moves, and nothing is lost: the
journal waits.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from callstats.cases import catalog, feeds_live
from callstats.cases.catalog import Batch, ConflictError
from callstats.cases.feeds_live import Cursor, Heard
from callstats.cases.vault import Vault
from callstats.errors import StoreError
from callstats.pseudonyms import load_pseudonymiser
from callstats.settings import Settings
from callstats.store import Store
from ingest.base import Reading
from ingest.dialects.ami import Ami
from ingest.feed_reader import FeedReader
from ingest.journal import END, Damage, Place, Read, Reader
from ingest.journal_format import Kind, path_of
from ingest.keys import LineKeys
from ingest.storing import FileReport, context_of, keep

__all__ = ["Compactor", "journals"]

log = logging.getLogger(__name__)

PIECE_BYTES: Final = 8 << 20  # of one commit
IDLE_S: Final = 300.0  # a feed on which nothing happens is told to be alive so often
TRIES: Final = 5


def journals(settings: Settings) -> list[tuple[str, str]]:
    """PBX and name of every journal of the site: of the managers in the settings, second collectors too."""
    found = []
    pbxs = sorted(settings.managers, key=len, reverse=True)
    for folder in sorted(settings.journal.folder.glob("*/")):
        pbx = next((one for one in pbxs if folder.name == one or folder.name.startswith(f"{one}-")), None)
        if pbx is not None:
            found.append((pbx, folder.name))
    return found


class Compactor:
    """Takes one journal into the facts, piece by piece.

    State: the journal's reader with its place, the stream's reader, readings that are not committed yet.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        pbx: str,
        journal: str,
        durable: Callable[[], Place] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings, self.store, self.pbx, self.journal = settings, store, pbx, journal
        self.folder = settings.journal.folder / journal
        self._durable = durable
        self._clock = clock
        self._reader: Reader | None = None
        self._committed_at = clock()

    def close(self) -> None:
        """Lets go of the journal."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def step(self) -> FileReport | None:
        """Takes in the next piece; None: nothing was there, or nothing worth a commit yet.

        Raises StoreError while the database cannot be reached; then the next call begins at the cursor anew.
        """
        try:
            if self._reader is None:
                self._open()
            assert self._reader is not None
            return self._step(self._reader)
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        vault = Vault.open(self.settings, self.store.database, self.store.clock)
        with self.store.database.read() as connection:
            cursor = feeds_live.cursor(connection, self.journal)
            known = feeds_live.heard(connection, self.pbx)
        self._cursor = cursor
        place = Place(cursor.segment, cursor.record) if cursor else Place(0, 0)
        self._vault = vault
        self._stream = FeedReader(context_of(self.settings, vault, "", self.pbx), self.journal, known, cursor)
        self._reject_keys = LineKeys(self.pbx, Ami.family)
        self._begin_piece()
        # all keys of the file: the collector may have a new one before pseudonyms have it
        keys = load_pseudonymiser(self.settings.numbers.key_file, create=False)
        self._reader = Reader(self.folder, keys, place)

    def _begin_piece(self) -> None:
        self._readings: list[Reading] = []
        self._feeds: dict[str, Heard] = {}
        self._turned = False
        self._batch: Batch | None = None

    def _step(self, reader: Reader) -> FileReport | None:
        """Reads on within one segment: that is a batch."""
        durable = self._durable() if self._durable else END
        while True:
            segment = reader.place.segment
            report = self._read_segment(reader, min(Place(segment + 1, 0), durable))
            if report is not None or reader.place.segment == segment:
                return report

    def _read_segment(self, reader: Reader, until: Place) -> FileReport | None:
        segment = reader.place.segment
        for found in reader.read(PIECE_BYTES, until):
            if isinstance(found, Damage):
                self._damaged(found)
                continue
            if self._batch is None:
                self._batch = self._batch_of(reader)
                self._stream.context.batch = self._batch.id
            self._take(found)
        self._read()
        left = reader.place.segment != segment
        return self._commit(reader.place) if self._batch and self._worth_it(left) else None

    def _take(self, found: Read) -> None:
        if found.record.kind != Kind.DATA:
            self._read()  # lines are counted anew: a reading is of one connection
        self._stream.record(found.record, str(path_of(self.folder, found.segment)))
        self._turned |= found.record.kind != Kind.DATA
        self._feeds |= {one.name: one for one in self._stream.heard()}

    def _read(self) -> None:
        if self._stream.pending:
            self._readings.append(self._stream.reading(0))

    def _worth_it(self, left: bool) -> bool:
        """Whether there are events, or the connection changed; else now and then: the feed is alive."""
        said = any(one.kept or one.rejects for one in self._readings)
        return said or self._turned or left or self._clock() - self._committed_at > IDLE_S

    def _commit(self, place: Place) -> FileReport:
        batch = self._batch
        assert batch is not None
        stream = self._stream
        cursor = Cursor(
            self.journal, place.segment, place.number, stream.connection, stream.expected, self.store.clock()
        )

        def alongside(connection: Connection, counter: int) -> None:
            if feeds_live.cursor(connection, self.journal) != self._cursor:
                raise ConflictError(f"{self.journal}: another intake takes the same journal; one is enough")
            feeds_live.note(connection, self._feeds.values(), counter)
            feeds_live.move(connection, cursor)

        for _ in range(TRIES):
            keys = self._reject_keys.copy()
            with self.store.database.read() as connection:
                stored = catalog.batch(connection, batch.id)
            try:
                report = keep(
                    self._readings, batch, Ami.family, self._stream.context, self.store, self._vault,
                    continues=stored, reject_keys=keys, alongside=alongside,
                )  # fmt: skip
            except ConflictError:
                if not self._vault.current() or self._overtaken():
                    raise  # other pseudonyms, or taken in by another: read anew from the cursor
                continue
            self._cursor = cursor
            self._reject_keys = keys
            self._committed_at = self._clock()
            self._begin_piece()
            return report
        raise StoreError(f"{self.journal}: other processes keep bringing the same lines; it goes on later")

    def _overtaken(self) -> bool:
        with self.store.database.read() as connection:
            return feeds_live.cursor(connection, self.journal) != self._cursor

    def _batch_of(self, reader: Reader) -> Batch:
        path = path_of(self.folder, reader.place.segment)
        said = "\0".join((self.pbx, self.journal, reader.salt.hex()))
        name = hashlib.blake2b(said.encode(), digest_size=16).hexdigest()
        return Batch(
            id=name, pbx=self.pbx, source=Ami.source, dialect=Ami.name, path=str(path), sha256=name,
            size=path.stat().st_size, lineage=name,
        )  # fmt: skip

    def _damaged(self, found: Damage) -> None:
        log.critical(
            "%s: %d bytes of segment %d are damaged (at byte %d): what the PBX said there is lost; the disk "
            "may fail. CDR, CEL or queue_log of that time mend the figures",
            self.journal, found.size, found.segment, found.offset,
        )  # fmt: skip
