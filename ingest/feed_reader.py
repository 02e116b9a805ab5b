"""From the records of a journal to events: the recorded stream's reader, with the ends of connections apart.

A connection that is open has no end yet. Its beginning and where it was heard last go to the catalog beside
the events (`callstats.cases.feeds_live`), not among them.
"""

from __future__ import annotations

from datetime import UTC
from typing import Final

from callstats.cases.feeds_live import Heard
from ingest.ami_stream import Piece, Splitter
from ingest.base import Context
from ingest.dialects.ami import AmiReader, epoch_text
from ingest.journal_format import Kind, Record
from ingest.times import one

__all__ = ["FeedReader"]

TIMED: Final = b"\r\nTimestamp: "


class FeedReader(AmiReader):
    """Takes a journal's records in order. State: what the stream's reader has, and the connection."""

    def __init__(self, context: Context, journal: str) -> None:
        self._received_us = 0
        super().__init__(context, "")
        self._journal = journal
        self._splitter = Splitter()
        self._told_us: tuple[int, int] | None = None
        self._came_us: tuple[int, int] | None = None

    def record(self, record: Record, path: str) -> None:
        """Reads one record of the segment ``path``."""
        self.path = path
        if record.kind != Kind.DATA:
            self._begin(record)
            return
        if record.connection != self.connection:  # its beginning was taken in before, or died
            self._begin(record)
        self._received_us, self.ordinal = record.received_us, record.ordinal
        for piece in self._splitter.feed(record.data):
            self._piece(piece)

    def heard(self) -> Heard | None:
        """The connection under way, from its first time to the last; None: nothing came yet.

        The PBX's own times count, as the calls' are of its clock; where it tells none, those of arrival.
        """
        span = self._told_us or self._came_us
        return Heard(self.context.pbx, f"{self._journal}/{self.connection}", *span) if span else None

    def _begin(self, record: Record) -> None:
        for piece in self._splitter.end():
            self._piece(piece)
        self._splitter, self._told_us, self._came_us = Splitter(), None, None
        self.connection = record.connection

    def _piece(self, piece: Piece) -> None:
        connection = self.connection
        self.take(piece)
        self.connection = connection  # the stream's reader counts banners

    def _told(self, text: str, offset: int) -> str:
        """The time of a piece, or of its arrival."""
        instant = one(text, UTC) if text else None
        if instant is not None:
            self._told_us = (self._told_us or (instant.early, 0))[0], instant.early
            return text
        at = self._received_us
        self._came_us = (self._came_us or (at, 0))[0], at
        return text or epoch_text(at)

    def hang_up(self) -> None:
        """What came before is of the same connection: its beginning is told by a record."""

    def _identity(self, piece: Piece) -> bytes:
        """Where a PBX tells no times (`timestampevents=no`), that of its arrival tells copies apart."""
        return piece.data if TIMED in piece.data else b"%s\0%d" % (piece.data, self._received_us)
