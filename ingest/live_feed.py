"""The live picture from the journal: follows what a collector writes; what rings, talks and waits."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from callstats.clock import Clock, utc_now
from callstats.departments import Departments
from callstats.errors import unexpected
from callstats.feed_status import utc
from callstats.live import LiveState
from callstats.pseudonyms import Pseudonymiser
from callstats.settings import Settings
from ingest.ami_stream import END
from ingest.csvtext import BadLineError
from ingest.dialects.ami import pairs
from ingest.journal import Journal, Place, Read, Reader
from ingest.journal_format import Kind, Record

__all__ = ["LiveFeed", "events_of"]

log = logging.getLogger(__name__)

TELL_S: Final = 2.0  # so often at least, so that a page sees that it lives
FASTEST_S: Final = 0.25
AGAIN: Final = timedelta(seconds=30)
_KINDS: Final = re.compile(
    rb"(?:\A|\r\n\r\n)Event: (?:Newchannel|Newstate|CoreShowChannel|Rename|Hangup|Bridge(?:Enter|Leave)"
    rb"|Queue(?:Caller(?:Join|Leave)|Entry)|Join|Leave|Shutdown|FullyBooted)\r\n"
)


def events_of(record: Record) -> Iterator[Mapping[str, str]]:
    """The events of a record that a live picture needs; fields by small name, the first of each counts."""
    place = 0
    while found := _KINDS.search(record.data, place):
        begin = record.data.index(b"Event: ", found.start())
        end = record.data.find(END, begin)
        end = end if end >= 0 else len(record.data)
        place = end
        try:
            fields: dict[str, str] = {}
            for key, value in pairs(record.data[begin:end]):
                fields.setdefault(key.lower(), value)
        except BadLineError:
            continue
        yield fields


class LiveFeed:
    """Follows one journal from where it is now. State: the picture, the place read up to, when it told."""

    def __init__(
        self, settings: Settings, pbx: str, folder: Path, journal: Journal, keys: Pseudonymiser,
        clock: Clock = utc_now,
    ) -> None:  # fmt: skip
        self._state = LiveState(Departments.from_settings(settings), pbx)
        self._zone: ZoneInfo = settings.zone
        self._folder, self._journal, self._clock = folder, journal, clock
        self._reader = Reader(folder, keys, Place(journal.durable.segment, 0))
        self._told_at = self._not_before = clock()
        self._told = ""

    def close(self) -> None:
        """Lets go of the journal; nothing is known from then on."""
        self._reader.close()
        self._state.end()
        self.tell()

    def step(self) -> bool:
        """Takes what is new; returns whether the picture may have changed."""
        changed = False
        for found in self._reader.read(until=self._journal.durable):
            if isinstance(found, Read):
                changed |= self._taken(found.record)
        return changed

    def tell(self) -> None:
        """Writes the picture beside the journal."""
        self._told_at = now = self._clock()
        try:
            self._state.now(now.astimezone(self._zone).date(), now).write(self._folder)
        except OSError as error:  # a picture is not worth a stop
            log.warning("%s: the live picture cannot be written: %s", self._folder, error.strerror)

    def run(self, stop: threading.Event) -> None:
        """Follows and tells until stopped."""
        try:
            while not stop.is_set():
                due = (self._clock() - self._told_at).total_seconds() >= TELL_S
                if self._tried() or due:
                    self.tell()
                stop.wait(FASTEST_S)
        finally:
            self.close()

    def _tried(self) -> bool:
        """`step`; where the journal cannot be read nothing is known, and is tried again later."""
        now = self._clock()
        if now < self._not_before:
            return False
        try:
            return self.step()
        except Exception as error:
            self._not_before = now + AGAIN
            self._state.end()
            self._complain(error)
            return True

    def _taken(self, record: Record) -> bool:
        """`_take`; one record that cannot be understood must not end the picture."""
        try:
            return self._take(record)
        except Exception as error:
            self._complain(error)
            return False

    def _complain(self, error: Exception) -> None:
        if (told := unexpected(error)) != self._told:
            log.error("%s: live picture: %s", self._folder.name, told)
        self._told = told

    def _take(self, record: Record) -> bool:
        if record.kind == Kind.CONNECTED:
            self._state.begin()
            return True
        if record.kind == Kind.DOWN:
            self._state.end()
            return True
        at = utc(record.received_us)
        changed = [self._state.event(fields, at) for fields in events_of(record)]
        return any(changed)
