"""From the records of a journal to events: the recorded stream's reader, with the ends of connections apart.

A connection that is open has no end yet. Its beginning and where it was heard last go to the catalog beside
the events (`callstats.cases.feeds_live`), not among them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import Final

from callstats.cases.feeds_live import Cursor, Heard
from ingest.ami_stream import END, Piece, Splitter
from ingest.base import Context
from ingest.dialects.ami import AmiReader, epoch_text
from ingest.journal_format import Kind, Record
from ingest.times import one

__all__ = ["FeedReader"]

TIMED: Final = b"\r\nTimestamp: "
BOOTED: Final = b"Event: FullyBooted"
ANSWER: Final = b"\r\nActionID: "
BACK_US: Final = 2_000_000  # a clock that goes back by more was set: what was heard before ends there


class FeedReader(AmiReader):
    """Takes a journal's records in order. State: what the stream's reader has, and the connection."""

    def __init__(
        self, context: Context, journal: str, known: Iterable[Heard] = (), after: Cursor | None = None
    ) -> None:
        self._received_us = 0
        super().__init__(context, "")
        self._journal = journal
        self._splitter = Splitter()
        self._told_us: tuple[int, int] | None = None
        self._came_us: tuple[int, int] | None = None
        self._timeless: bool | None = None  # whether events have no times; None: none was seen
        self._done: list[Heard] = []
        self._expected: int | None = None  # ordinal of the next block, where it is known
        # what goes on after a restart is the newest stretch of its connection
        self._names = {one.name.partition("+")[0]: one.name for one in sorted(known, key=_ordinal)}
        if after is not None:
            self.connection, self._expected = after.connection, after.ordinal

    def record(self, record: Record, path: str) -> None:
        """Reads one record of the segment ``path``."""
        self.path = path
        if record.kind != Kind.DATA:
            self._begin(record)
            return
        if record.connection != self.connection:  # its beginning was taken in before, or died
            self._begin(record)
        if self._expected not in (None, record.ordinal):
            self._torn(record)
        self._expected = record.ordinal + record.data.count(END)
        self._received_us, self.ordinal = record.received_us, record.ordinal
        for piece in self._splitter.feed(record.data):
            self._piece(piece)

    def heard(self) -> list[Heard]:
        """Stretches of the connection that were heard since this was asked last, the one under way too.

        The PBX's own times count, as the calls' are of its clock; where events have none, those of arrival.
        Nothing is said before an event has shown which.
        """
        done, self._done = self._done, []
        return [*done, *self._under_way()]

    def _under_way(self) -> list[Heard]:
        if self._timeless is None:
            return []
        span = self._came_us if self._timeless else self._told_us
        return [Heard(self.context.pbx, self._name(), *span)] if span else []

    def _begin(self, record: Record) -> None:
        for piece in self._splitter.end():
            self._piece(piece)
        self._splitter, self._told_us, self._came_us = Splitter(), None, None
        self._timeless, self._expected = None, None
        self.connection = record.connection

    @property
    def expected(self) -> int:
        """The ordinal of the connection's next block."""
        return self._expected or 0

    def _torn(self, record: Record) -> None:
        """Blocks between are lost with their part of the disk: what was heard ends there, and begins anew."""
        self._begin(record)
        self._renamed(record.ordinal)

    def _renamed(self, ordinal: int) -> None:
        """What follows is a stretch of its own."""
        self._names[self._plain()] = f"{self._plain()}+{ordinal}"

    def _plain(self) -> str:
        return f"{self._journal}/{self.connection}"

    def _name(self) -> str:
        return self._names.get(self._plain(), self._plain())

    def _piece(self, piece: Piece) -> None:
        connection, data = self.connection, piece.data
        # (the greeting of a login and answers never have a time)
        if data.startswith(b"Event: ") and BOOTED not in data and ANSWER not in data:
            self._timeless = TIMED not in data
        self.take(piece)
        self.connection = connection  # the stream's reader counts banners

    def _told(self, text: str, offset: int) -> str:
        """The time of a piece, or of its arrival."""
        instant = one(text, UTC) if text else None
        if instant is not None:
            if self._told_us is not None and instant.early < self._told_us[1] - BACK_US:
                self._done += self._under_way()
                self._told_us = None
                self._renamed(self.ordinal)
            self._told_us = _widened(self._told_us, instant.early)
        self._came_us = _widened(self._came_us, self._received_us)
        return text or epoch_text(self._received_us)

    def hang_up(self) -> None:
        """What came before is of the same connection: its beginning is told by a record."""

    def _identity(self, piece: Piece) -> bytes:
        """Where a PBX tells no times (`timestampevents=no`), that of its arrival tells copies apart."""
        return piece.data if TIMED in piece.data else b"%s\0%d" % (piece.data, self._received_us)


def _ordinal(of: Heard) -> int:
    """The block with which a stretch began: of a clock that was set back the newest is not the latest."""
    return int(of.name.partition("+")[2] or 0)


def _widened(span: tuple[int, int] | None, at: int) -> tuple[int, int]:
    """A stretch with an instant in it."""
    return (at, at) if span is None else (min(span[0], at), max(span[1], at))
