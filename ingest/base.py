"""What every dialect shares: record or reject, the reading of a block, and what is known of the site.

Nothing vanishes: a record (a line, an AMI block, a voicemail file) is kept, ignored for a counted reason, or
rejected with path, line, reason and masked text; `Reading` asserts that they add up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, BinaryIO, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from callstats.fields import EVENTS, TEXT
from callstats.numbers import (
    CLIENT_CLASSES,
    NumberPlan,
    Pseudonymiser,
    mask,
    normalise,
    stored,
    usual_client,
)
from callstats.settings import Settings
from ingest.distinct import plain

__all__ = ["BLOCK_BYTES", "MAX_RECORD_BYTES", "Context", "Dialect", "Reading", "Reject", "rejected"]

BLOCK_BYTES = 8 << 20
# No PBX writes a longer record; a longer one is damage and must not fill the memory.
MAX_RECORD_BYTES = 1 << 20
REJECT_CHARS = 2000
# How many different numbers are remembered with what became of them, so that memory stays bounded.
KNOWN_NUMBERS = 1 << 16
MANY = 1 << 16  # rows of a usual block
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Reject:
    """A record that could not become an event: where, why, and its text without numbers and names.

    `raw` is what tells copies of it; it is never stored nor shown.
    """

    path: str
    line: int
    reason: str
    text: str
    raw: bytes = field(default=b"", repr=False, compare=False)


def rejected(path: str, line: int, reason: str, raw: bytes) -> Reject:
    """The reject of raw bytes; the text is cut before it is masked, so that a huge record costs nothing."""
    text = raw[: 2 * REJECT_CHARS].decode("utf-8", "replace").rstrip("\r\n")
    return Reject(path, line, reason, mask(text)[:REJECT_CHARS], raw)


@dataclass(frozen=True)
class Reading:
    """What a block of input gave.

    `events` has the schema of `callstats.fields.EVENTS`; `made` of its rows stand for no record of their own
    (the ends of an AMI connection). `ignored_why` counts reasons. `end` is the offset up to which input is
    read.
    """

    events: pa.Table
    rejects: tuple[Reject, ...]
    read: int
    kept: int
    ignored: int
    ignored_why: Mapping[str, int] = field(default_factory=dict)
    made: int = 0
    end: int = 0

    def __post_init__(self) -> None:
        """A record that is neither kept, ignored nor rejected is a bug here, not bad data."""
        assert self.read == self.kept + self.ignored + len(self.rejects), "a record vanished"
        assert self.ignored == sum(self.ignored_why.values()), "an ignored record has no reason"
        assert self.events.num_rows == self.kept + self.made, "an event has no record"

    @classmethod
    def of(
        cls,
        events: pa.Table,
        rejects: tuple[Reject, ...],
        ignored_why: Counter[str],
        *,
        read: int,
        made: int = 0,
        end: int = 0,
    ) -> Reading:
        """The reading whose counts follow from its parts; `read` is counted where the input is cut."""
        return cls(
            events,
            rejects,
            read,
            events.num_rows - made,
            ignored_why.total(),
            dict(ignored_why),
            made,
            end,
        )


class Seen(NamedTuple):
    """A client's number and when it was last seen (UTC): what the number vault wants to know."""

    e164: str
    last_seen: datetime


class _Known(NamedTuple):
    stored: str | None
    cls: str | None  # null where nothing is said
    e164: str | None


@dataclass
class Context:
    """What a reader must know of the site, and the collector of clients' numbers.

    `numbers` (pseudonym → Seen) never holds a withheld number, nor one seen before `seen_from_us` (epoch
    microseconds) only. `arrival` tells the epoch microseconds at
    which the byte at an offset of an AMI stream came; without it an AMI event that has no time is a reject.
    """

    settings: Settings
    plan: NumberPlan
    pseudonymiser: Pseudonymiser
    pbx: str
    batch: str = ""
    arrival: Callable[[int], int | None] | None = None
    seen_from_us: int = np.iinfo(np.int64).min
    _seen: dict[str, tuple[str, int]] = field(default_factory=dict, repr=False)
    _known: dict[str, _Known] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, settings: Settings, pseudonymiser: Pseudonymiser, batch: str = "") -> Context:
        """The context of a site's settings."""
        return cls(settings, NumberPlan.from_settings(settings), pseudonymiser, settings.pbx, batch)

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone, in which local times of the PBX are written."""
        return self.settings.zone

    @property
    def numbers(self) -> dict[str, Seen]:
        """Clients' numbers that were read since the last `taken`, by pseudonym."""
        return {p: Seen(e164, EPOCH + timedelta(microseconds=us)) for p, (e164, us) in self._seen.items()}

    def taken(self, at_least: int = 0) -> dict[str, Seen]:
        """`numbers` for the vault, which then begin anew; none while they are fewer than `at_least`."""
        if len(self._seen) < at_least:
            return {}
        found = self.numbers
        self._seen = {}
        return found

    def known(self, raw: str) -> _Known:
        """What may be kept of a number, its class, and E.164 when it is a client's that can be called."""
        found = self._known.get(raw)
        if found is None:
            found = self._understood(raw)
            if len(self._known) >= KNOWN_NUMBERS:
                self._known.clear()
            self._known[raw] = found
        return found

    def known_all(self, raw: Sequence[str]) -> list[_Known]:
        """`known` of each of many different numbers."""
        missing = [text for text in raw if text not in self._known]
        if len(self._known) + len(missing) > KNOWN_NUMBERS:
            self._known, missing = {}, list(raw)
        clients = {text: client for text in missing if (client := usual_client(text, self.plan))}
        pseudonyms = self.pseudonymiser.pseudonyms(e164 for _, e164 in clients.values())
        for (text, (cls, e164)), pseudonym in zip(clients.items(), pseudonyms, strict=True):
            self._known[text] = _Known(pseudonym, cls, e164)
        for text in missing:
            if text not in clients:
                self._known[text] = self._understood(text)
        return [self._known[text] for text in raw]

    def _understood(self, raw: str) -> _Known:
        if client := usual_client(raw, self.plan):
            cls, e164 = client
            return _Known(self.pseudonymiser.pseudonym(e164), cls, e164)
        number = normalise(raw, self.plan)
        text = stored(number, self.pseudonymiser) or None
        wanted = number.e164 if number.cls in CLIENT_CLASSES else None
        return _Known(text, number.cls if text else None, wanted)

    def saw(self, pseudonym: str, e164: str, at_us: int) -> None:
        """Remember a client's number with the latest time it was seen (epoch microseconds)."""
        if at_us < self.seen_from_us:
            return
        before = self._seen.get(pseudonym)
        if before is None or before[1] < at_us:
            self._seen[pseudonym] = (e164, at_us)


class Dialect(ABC):
    """One format that a PBX writes. `family` is shared by formats that write the same records."""

    name: ClassVar[str]
    source: ClassVar[str]
    family: ClassVar[str]
    lasting: ClassVar[bool] = True  # later lines of a file look like the first ones

    @abstractmethod
    def identify(self, head: bytes, path_name: str) -> bool:
        """Whether a file that begins with `head` (64 KiB, or all of it) is written in this format."""

    @abstractmethod
    def read(
        self,
        stream: BinaryIO,
        context: Context,
        path: str,
        *,
        complete: bool = True,
        block_bytes: int = BLOCK_BYTES,
    ) -> Iterator[Reading]:
        """One `Reading` per block; the rest without line end is a reject, or left alone if not `complete`."""

    @classmethod
    def constants(cls, context: Context, rows: int) -> dict[str, pa.Array]:
        """The columns that are the same in every event of a file."""
        values = {"pbx": context.pbx, "source": cls.source, "dialect": cls.name, "batch": context.batch}
        return {name: same(value, rows) for name, value in values.items()}


@lru_cache(maxsize=64)
def _many(value: str | None, kind: pa.DataType) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), MANY)


def same(value: str | None, rows: int, kind: pa.DataType = TEXT) -> pa.Array:
    """A column of one value, or of nulls: parts of one array, as most of a file's columns are such."""
    return _many(value, kind).slice(0, rows) if rows <= MANY else pa.repeat(pa.scalar(value, kind), rows)


def table_of(columns: Mapping[str, Any], rows: int) -> pa.Table:
    """Columns by name as a table of the events' schema; what is not given is null."""
    schema = EVENTS.schema
    given = [columns[f.name] if f.name in columns else same(None, rows, f.type) for f in schema]
    return pa.Table.from_arrays([_as(a, f.type) for a, f in zip(given, schema, strict=True)], schema=schema)


def _as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    found = plain(column)
    return found if found.type == kind else found.cast(kind)


def no_events() -> pa.Table:
    """An events table without rows."""
    return EVENTS.schema.empty_table()
