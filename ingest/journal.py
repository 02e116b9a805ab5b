"""The journal: what a PBX says, on disk before anything is made of it.

Who receives puts records in; one thread writes them in groups and forces them to disk. Memory is bounded:
where the disk is slower than the PBX, `put` waits, and the PBX with it. A disk that fails or is full ends the
journal loudly: nothing is skipped. No database is needed.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from callstats.errors import CallstatsError, UsageError
from callstats.pseudonyms import Pseudonymiser
from ingest.journal_format import (
    FRAME_BYTES,
    HEAD_BYTES,
    MARK,
    MOST_BYTES,
    Kind,
    Record,
    SegmentHead,
    framed,
    numbers,
    opened,
    path_of,
    whole,
)

__all__ = ["Damage", "Journal", "JournalError", "Place", "Read", "Reader"]

SEGMENT_BYTES: Final = 64 << 20
QUEUE_BYTES: Final = 32 << 20
GROUP_BYTES: Final = 1 << 20
GROUP_S: Final = 0.02
SEGMENT_S: Final = 86_400.0  # so that retention can remove whole segments
READ_BYTES: Final = 4 << 20


class JournalError(CallstatsError):
    """The journal cannot be written: nothing more may be received."""


@dataclass(frozen=True, order=True)
class Place:
    """A record's place in a journal: its segment, and its number in it."""

    segment: int
    number: int


END: Final = Place(1 << 62, 0)


@dataclass(frozen=True)
class Read:
    """A record that was read, and where it stands."""

    record: Record
    segment: int

    @property
    def place(self) -> Place:
        """Segment and number."""
        return Place(self.segment, self.record.number)


@dataclass(frozen=True)
class Damage:
    """Bytes of a segment that are no record although sound ones follow: what stood there is lost."""

    segment: int
    offset: int
    size: int


class Journal:
    """Writes one journal. State: the queue, the open segment, what is durable, the fault that ended it.

    Only one process at a time may write to a folder. Use it as a context manager; leaving it writes what was
    put. `durable` is the place behind the last record that is on disk.
    """

    def __init__(
        self,
        folder: Path,
        keys: Pseudonymiser,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        queue_bytes: int = QUEUE_BYTES,
        group_s: float = GROUP_S,
    ) -> None:
        self.folder = folder
        self._keys = keys
        self._segment_bytes, self._queue_bytes, self._group_s = segment_bytes, queue_bytes, group_s
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock_file = _locked(folder)
        except OSError as error:
            raise JournalError(_told(folder, error)) from None
        try:
            there = numbers(folder)
            self._segment = there[-1] if there else first_number() - 1
            self._begin()
        except OSError as error:
            self._lock_file.close()
            raise JournalError(_told(folder, error)) from None
        self._queue: deque[Record] = deque()
        self._queued = 0
        self._state = threading.Condition()
        self._closing = False
        self._durable = Place(self._segment, 0)
        self.fault: JournalError | None = None
        self._writer = threading.Thread(target=self._write_on, name="journal", daemon=True)
        self._writer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    @property
    def durable(self) -> Place:
        """The place behind the last record that is on disk."""
        return self._durable

    def put(self, kind: Kind, data: bytes, connection: int, ordinal: int, received_us: int) -> None:
        """Queues a record; waits while the queue is full. Raises JournalError when nothing can be written."""
        if len(data) > MOST_BYTES:
            raise UsageError(f"journal: a record of {len(data):,} bytes; at most {MOST_BYTES:,}")
        record = Record(kind, data, received_us, connection, ordinal, -1)
        with self._state:
            while self._queued >= self._queue_bytes and self.fault is None:
                self._state.wait()
            self._sound()
            self._queue.append(record)
            self._queued += len(data) + FRAME_BYTES
            self._state.notify_all()

    def flush(self) -> None:
        """Waits until all that was put is on disk. Raises JournalError where it cannot be."""
        with self._state:
            while self._queued and self.fault is None:
                self._state.wait()
            self._sound()

    def wait_durable(self, beyond: Place, timeout_s: float) -> Place:
        """`durable`, as soon as it lies beyond a place, or after a time."""
        with self._state:
            self._state.wait_for(lambda: self._durable > beyond or self.fault is not None, timeout_s)
        return self._durable

    def close(self) -> None:
        """Writes what is queued and ends. Raises JournalError where that failed."""
        with self._state:
            self._closing = True
            self._state.notify_all()
        self._writer.join()
        self._file.close()
        self._lock_file.close()
        self._sound()

    def _sound(self) -> None:
        if self.fault is not None:
            raise self.fault

    def _write_on(self) -> None:
        try:
            while group := self._taken():
                self._write(group)
        except OSError as error:
            self._fail(JournalError(_told(self.folder, error)))
        except Exception as error:  # whatever it is, nobody may go on receiving
            self._fail(JournalError(f"{self.folder}: {type(error).__name__} while writing the journal"))

    def _fail(self, fault: JournalError) -> None:
        with self._state:
            self.fault = fault
            self._state.notify_all()

    def _taken(self) -> list[Record]:
        """The next group: what comes within a moment, or what is worth a write; none at the end."""
        with self._state:
            while not self._queue and not self._closing:
                self._state.wait()
            until = time.monotonic() + self._group_s
            while self._queued < GROUP_BYTES and not self._closing:
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._state.wait(left)
            group, size = [], 0
            while self._queue and size < GROUP_BYTES:
                group.append(self._queue.popleft())
                size += len(group[-1].data)
            return group

    def _write(self, group: list[Record]) -> None:
        frames = [
            framed(replace(record, number=number), self._head)
            for number, record in enumerate(group, self._next)
        ]
        _write_all(self._file, b"".join(frames))
        self._next += len(group)
        self._size += sum(map(len, frames))
        place = Place(self._segment, self._next)
        if self._size >= self._segment_bytes or time.monotonic() - self._begun > SEGMENT_S:
            self._file.close()
            self._begin()
        with self._state:
            self._durable = place
            self._queued -= sum(len(record.data) + FRAME_BYTES for record in group)
            self._state.notify_all()

    def _begin(self) -> None:
        """A new segment, its name on disk before anything is said to be durable in it."""
        self._segment += 1
        made_us = time.time_ns() // 1000
        salt = secrets.token_bytes(16)
        self._head = SegmentHead.of(self._keys, self._segment, self._keys.key_id, salt, made_us)
        path = path_of(self.folder, self._segment)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND
        file: BinaryIO = os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)
        try:
            _write_all(file, self._head.written())
            _force_folder(self.folder)
        except OSError:
            file.close()
            path.unlink(missing_ok=True)  # or each try on a full disk would leave one
            raise
        self._file = file
        self._next, self._size, self._begun = 0, HEAD_BYTES, time.monotonic()


class Reader:
    """Reads a journal from a place on, as far as it is written. State: the open segment and what was read.

    `place` is that of the next record.
    """

    def __init__(self, folder: Path, keys: Pseudonymiser, place: Place | None = None) -> None:
        self.folder = folder
        self.place = place or Place(0, 0)
        self._keys = keys
        self._file: BinaryIO | None = None
        self._head: SegmentHead | None = None
        self._data = b""
        self._offset = 0  # of `_data` in the file
        self._until = END

    @property
    def salt(self) -> bytes:
        """What tells the open segment from all others; none before its head was read."""
        return self._head.salt if self._head else b""

    def close(self) -> None:
        """Closes the segment."""
        if self._file is not None:
            self._file.close()
        self._file = None

    def read(self, most_bytes: int = READ_BYTES, until: Place | None = None) -> Iterator[Read | Damage]:
        """What is there now, about so many bytes at most, up to a place (what is durable).

        Raises StoreError where the key does not fit.
        """
        self._until = until or END
        read = 0
        while read < most_bytes and self.place < self._until:
            if self._file is None and not self._open():
                return
            more = self._read_more()
            read += more
            yield from self._records()
            if more or self.place >= self._until:
                continue
            later = [number for number in numbers(self.folder) if number > self.place.segment]
            if not later:
                return  # the newest segment: more may come
            if self._read_more():  # written between the two looks, before the next segment was begun
                yield from self._records()
                continue
            yield from self._end()  # a torn record at its end died with its writer
            self.close()
            self.place = Place(later[0], 0)

    def _open(self) -> bool:
        """Opens the segment of `place`, or the next one that there is."""
        there = [number for number in numbers(self.folder) if number >= self.place.segment]
        if not there:
            return False
        if there[0] != self.place.segment:
            self.place = Place(there[0], 0)
        self._file = path_of(self.folder, there[0]).open("rb")
        self._data, self._offset, self._head = b"", 0, None
        return True

    def _read_more(self) -> int:
        assert self._file is not None
        more = self._file.read(READ_BYTES)
        self._data += more
        if self._head is None and len(self._data) >= HEAD_BYTES:
            self._head = SegmentHead.read(self._data[:HEAD_BYTES], self.place.segment, self._keys)
            if self._head is not None:
                self._data, self._offset = self._data[HEAD_BYTES:], HEAD_BYTES
        return len(more)

    def _records(self) -> Iterator[Read | Damage]:
        if self._head is None:
            return
        data, place = memoryview(self._data), 0
        while self.place < self._until and (size := whole(data, place)):
            if record := self._wanted(opened(data[place : place + size], self._head)):
                yield record
            place += size
        # a record that is not whole yet, or a length that damage made longer: what follows tells
        if self.place < self._until and (behind := self._behind(place)):
            yield Damage(self.place.segment, self._offset + place, behind - place)
            place = behind
        self._data, self._offset = self._data[place:], self._offset + place

    def _wanted(self, record: Record) -> Read | None:
        """The record, unless it was read before."""
        if record.number < self.place.number:
            return None
        self.place = Place(self.place.segment, record.number + 1)
        return Read(record, self.place.segment)

    def _behind(self, place: int) -> int:
        """Where the next sound record stands after one that is not; 0: not among what was read so far."""
        data = memoryview(self._data)
        found = self._data.find(MARK, place + 1)
        while found >= 0:
            if whole(data, found):
                return found
            found = self._data.find(MARK, found + 1)
        return 0

    def _end(self) -> Iterator[Damage]:
        """What is left of a segment to which nothing will be added: damage, unless its writer died there."""
        torn = whole(memoryview(self._data), 0) == 0 if self._head else len(self._data) < HEAD_BYTES
        if not torn:
            yield Damage(self.place.segment, self._offset, len(self._data))


def first_number() -> int:
    """Of a journal's first segment: later than any of a journal that was here before and is gone."""
    return int(time.time())


def _locked(folder: Path) -> BinaryIO:
    """The folder's lock, held as long as it is open: two writers would write over each other."""
    file = (folder / "writer.lock").open("ab")
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise JournalError(
            f"{folder}: another collector writes this journal; give a second one its own name (--name)"
        ) from None
    return file


def _write_all(file: BinaryIO, data: bytes) -> None:
    """Writes all of it and forces it to disk; a disk that takes less than that raises at the rest."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
    os.fdatasync(file.fileno())


def _force_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _told(folder: Path, error: OSError) -> str:
    return (
        f"{folder}: the journal cannot be written: {error.strerror or error}; nothing is received until it "
        "can: make room or see to the disk, then start the collector again"
    )
