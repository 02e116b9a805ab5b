"""Times as a PBX writes them, exact to what is written: local or UTC text, text with zone, epoch.

Instants are int64 epoch microseconds in numpy, `NONE` where nothing is there. A local time of the doubled
hour stands for two instants: both are kept (`early`, `late`) until something tells which one it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.base import Int64

__all__ = [
    "HOUR_US",
    "NONE",
    "SECOND_US",
    "Times",
    "is_time",
    "local_dates",
    "parse",
    "to_arrow",
    "uniqueid_us",
]

NONE = np.iinfo(np.int64).min
SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
QUARTER_US = HOUR_US // 4
DAY_US = 24 * HOUR_US
# What a PBX's clock can show: before the first Asterisk and after 2100 it is damage.
FIRST_US = 631_152_000 * SECOND_US
LAST_US = 4_102_444_800 * SECOND_US
IMPOSSIBLE = "impossible date"
# Years of FIRST_US and LAST_US, one more for zones; beyond these datetime itself fails at its borders.
YEARS = range(1989, 2102)

_LOCAL = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_EPOCH = re.compile(r"(\d{1,11})(?:\.(\d{1,6})\d*)?", re.ASCII)
# What stands for "no time": an unanswered call in JSON and in databases.
_NO_TIME = frozenset({"", "0", "0.000000", "0000-00-00 00:00:00"})
_UNIQUEID = r"(?:^|-)(?P<s>[0-9]{9,10})\.[0-9]+$"


class Instant(NamedTuple):
    """Both readings of one text and the width in µs that its last digit stands for."""

    early: int
    late: int
    resolution: int


@dataclass(frozen=True)
class Times:
    """A column of instants: earliest and latest reading, resolution in µs, and where the text is no time."""

    early: Int64
    late: Int64
    resolution: Int64
    bad: npt.NDArray[np.bool_]

    @property
    def doubled(self) -> npt.NDArray[np.bool_]:
        """Where the text stands for two instants."""
        found: npt.NDArray[np.bool_] = self.early != self.late
        return found


def _in_range(us: int) -> bool:
    return FIRST_US <= us <= LAST_US


def _resolution(fraction: str | None) -> int:
    return 10 ** (6 - len(fraction)) if fraction else SECOND_US


def one(text: str, zone: ZoneInfo | timezone) -> Instant | None:
    """The instant of one text, or None when there is no such time. Text without zone is a time of `zone`."""
    if found := _EPOCH.fullmatch(text):
        us = int(found[1]) * SECOND_US + int((found[2] or "").ljust(6, "0"))
        return Instant(us, us, _resolution(found[2])) if _in_range(us) else None
    if not (found := _LOCAL.fullmatch(text)):
        return None
    try:
        year, month, day, hour, minute, second = (int(part) for part in found.group(1, 2, 3, 4, 5, 6))
        if year not in YEARS:
            return None
        local = datetime(year, month, day, hour, minute, second, int((found[7] or "").ljust(6, "0")))
    except ValueError:
        return None
    if found[8]:
        hours = 0 if found[8] == "Z" else int(found[8][1:3]) * 60 + int(found[8][-2:])
        offset = timedelta(minutes=-hours if found[8].startswith("-") else hours)
        aware = [local.replace(tzinfo=timezone(offset))] if abs(offset) < timedelta(days=1) else []
    else:
        aware = [local.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    both = [_us(a) for a in aware if a.astimezone(UTC).astimezone(a.tzinfo).replace(tzinfo=None) == local]
    if not both or not all(map(_in_range, both)):
        return None
    return Instant(min(both), max(both), _resolution(found[7]))


def _us(moment: datetime) -> int:
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86400 + delta.seconds) * SECOND_US + delta.microseconds


def parse(column: pa.Array, zone: ZoneInfo | timezone) -> Times:
    """A text column as instants; empty text and null are NONE, what is no time is NONE and `bad`."""
    return _text_19(column, zone) or _epoch_0(column) or _epoch_6(column) or _each(column, zone)


def _each(column: pa.Array, zone: ZoneInfo | timezone) -> Times:
    known: dict[str, Instant | None] = {}
    rows = len(column)
    early, late = np.full(rows, NONE), np.full(rows, NONE)
    resolution, bad = np.full(rows, SECOND_US), np.zeros(rows, bool)
    for row, text in enumerate(column.to_pylist()):
        if text is None or text in _NO_TIME:
            continue
        if text not in known:
            known[text] = one(text, zone)
        if (found := known[text]) is None:
            bad[row] = True
        else:
            early[row], late[row], resolution[row] = found
    return Times(early, late, resolution, bad)


def _text_19(column: pa.Array, zone: ZoneInfo | timezone) -> Times | None:
    """The column when all of it is `YYYY-MM-DD hh:mm:ss` (or empty) and no shift of the clock is near."""
    present = _present(column)
    texts = column.filter(pa.array(present)) if not present.all() else column
    lengths = pc.min_max(pc.binary_length(texts)).as_py() if len(texts) else {"min": 0, "max": 0}
    if lengths["min"] != 19 or lengths["max"] != 19:
        return None
    try:
        local = texts.cast(pa.timestamp("s")).cast(pa.int64()).to_numpy() * SECOND_US
    except pa.ArrowInvalid:
        return None
    offset = _constant_offset(int(local.min()), int(local.max()), zone)
    if offset is None or not _in_range(int(local.min() - offset)) or not _in_range(int(local.max() - offset)):
        return None
    us = np.full(len(column), NONE)
    us[present] = local - offset
    return Times(us, us, np.full(len(column), SECOND_US), np.zeros(len(column), bool))


def _epoch_0(column: pa.Array) -> Times | None:
    """The column when all of it is an epoch of whole seconds."""
    if column.null_count or not len(column):
        return None
    if not pc.all(pc.match_substring_regex(column, r"^[0-9]{9,10}$")).as_py():
        return None
    us = column.cast(pa.int64()).to_numpy() * SECOND_US
    if not _in_range(int(us.min())) or not _in_range(int(us.max())):
        return None
    return Times(us, us, np.full(len(us), SECOND_US), np.zeros(len(us), bool))


def _epoch_6(column: pa.Array) -> Times | None:
    """The column when all of it is an epoch with six decimals; float64 is exact to 1 µs until 2100."""
    if column.null_count or not len(column):
        return None
    if not pc.all(pc.match_substring_regex(column, r"^[0-9]{9,10}\.[0-9]{6}$")).as_py():
        return None
    us = np.rint(column.cast(pa.float64()).to_numpy() * 1e6).astype(np.int64)
    if not _in_range(int(us.min())) or not _in_range(int(us.max())):
        return None
    return Times(us, us, np.ones(len(us), np.int64), np.zeros(len(us), bool))


def _present(column: pa.Array) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.fill_null(pc.not_equal(column, ""), False).to_numpy(
        zero_copy_only=False
    )
    return found


def _constant_offset(first_us: int, last_us: int, zone: ZoneInfo | timezone) -> int | None:
    """The zone's offset in µs when it is one and the same from a day before to a day after; else None."""
    if not _in_range(first_us) or not _in_range(last_us) or last_us - first_us > 400 * DAY_US:
        return None
    found = {_offset_us(us, zone) for us in range(first_us - DAY_US, last_us + 2 * DAY_US, DAY_US)}
    return found.pop() if len(found) == 1 else None


def local_dates(at: Int64, zone: ZoneInfo) -> pa.Array:
    """Dates of instants in the zone; NONE gives null."""
    present = at != NONE
    if present.any():
        values = at[present]
        offset = _constant_offset(int(values.min()), int(values.max()), zone)
        if offset is not None:
            return _days(at, offset, present)
    # Arrow's own conversion knows no summer time after 2037. Clocks change at a quarter of an hour.
    quarters, which = np.unique(np.where(present, at, 0) // QUARTER_US, return_inverse=True)
    offsets = np.array([_offset_us(int(quarter) * QUARTER_US, zone) for quarter in quarters], np.int64)
    return _days(at, offsets[which], present)


def _days(at: Int64, offset: Int64 | int, present: npt.NDArray[np.bool_]) -> pa.Array:
    days = np.where(present, at + offset, 0) // DAY_US
    return pa.array(days.astype(np.int32), pa.int32(), mask=~present).cast(pa.date32())


def _offset_us(us: int, zone: ZoneInfo | timezone) -> int:
    offset = datetime.fromtimestamp(us // SECOND_US, UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else offset // timedelta(microseconds=1)


def to_arrow(us: Int64) -> pa.Array:
    """Instants as an Arrow column of UTC timestamps; NONE is null."""
    return pa.array(us, pa.int64(), mask=us == NONE).cast(pa.timestamp("us", "UTC"))


def uniqueid_us(column: pa.Array) -> Int64:
    """The whole second in a uniqueid (`[system-]epoch.counter`) in µs; NONE where there is none."""
    texts = pc.struct_field(pc.extract_regex(pc.fill_null(column, ""), _UNIQUEID), "s")
    seconds = texts.cast(pa.int64())
    found: Int64 = pc.fill_null(seconds, 0).to_numpy() * SECOND_US
    return np.where(found > 0, found, NONE)


def is_time(text: str) -> bool:
    """Whether a text has the form of a time (it may still be impossible)."""
    return bool(_LOCAL.fullmatch(text) or _EPOCH.fullmatch(text))
