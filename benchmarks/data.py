"""Data of any size: a recording of a real PBX again and again, as if a busy town had made it.

Every copy of the recording has times, channels, ids and clients' numbers of its own, so that a column has as
many different values as years of a real site would have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["KINDS", "data", "rows_of"]

SAMPLE: Final = Path(__file__).parents[1] / "sample_cdr"
KINDS: Final = {"cdr": "cdr_csv/Master.csv", "cel": "cel/Master.csv", "queue_log": "queue_log"}
ZONE: Final = ZoneInfo("Europe/Riga")
FIRST_DAY: Final = datetime(2024, 1, 2, 8, tzinfo=ZONE)
RECORDED: Final = int(datetime(2026, 11, 23, 4, 47, tzinfo=ZONE).timestamp())
COPIES_A_DAY: Final = 230  # 23,000 calls, some 40,000 CDR rows
DAY_S: Final = 10 * 3600  # a copy begins within office hours
TOWN: Final = 100_000  # citizens of each kind of number; some call often, most seldom
COPIES_AT_ONCE: Final = 512

Int64 = npt.NDArray[np.int64]

# What differs from copy to copy; all else (names, dialplan, applications) is the same every day.
_TOKEN: Final = re.compile(
    r"(?P<local>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"
    r"|(?P<precise>\d{10}\.\d{6})"
    r"|(?P<id>(?<!\d)1\d{9}\.\d+)"
    r"|(?P<epoch>(?<!\d)1\d{9}(?!\d))"
    r"|(?P<bridge>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    r"|(?<=-)(?P<channel>[0-9a-f]{8})(?![0-9a-f])"
    r"|(?P<client>(?<!\d)[26]\d{7}(?!\d)|(?<=\+371)[26]\d{7}(?!\d))"
)


@dataclass(frozen=True)
class _Copies:
    """Which copies of the recording are made: their numbers, and by how many seconds each is later."""

    number: Int64
    later_s: Int64
    made: dict[tuple[str | None, str], pa.LargeStringArray] = field(default_factory=dict)

    @classmethod
    def of(cls, first: int, count: int) -> _Copies:
        number = np.arange(first, first + count, dtype=np.int64)
        days = {
            day: _opens(day)
            for day in range(int(number[0]) // COPIES_A_DAY, int(number[-1]) // COPIES_A_DAY + 1)
        }
        opens = np.array([days[day] for day in (number // COPIES_A_DAY).tolist()], np.int64)
        return cls(number, opens + number % COPIES_A_DAY * DAY_S // COPIES_A_DAY - RECORDED)


def _opens(day: int) -> int:
    """The epoch second at which the n-th working day begins."""
    week, weekday = divmod(day, 5)
    return int((FIRST_DAY + timedelta(days=7 * week + weekday)).timestamp())


def rows_of(kind: str, calls: int) -> int:
    """How many rows of a kind so many calls of the town make."""
    recorded = len((SAMPLE / "expected_calls.csv").read_text("utf-8").splitlines()) - 1
    return -(-calls * len((SAMPLE / KINDS[kind]).read_text("utf-8").splitlines()) // recorded)


def data(kind: str, rows: int, folder: Path) -> Path:
    """A file of `kind` (one of KINDS) with at least `rows` rows, the same each time; made if missing."""
    path = folder / f"{kind}-{rows}{Path(KINDS[kind]).suffix or '.log'}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.tmp")
        with draft.open("wb") as file:
            for part in _parts((SAMPLE / KINDS[kind]).read_text("utf-8").splitlines(keepends=True), rows):
                file.write(part)
        draft.rename(path)
    return path


def _parts(lines: Sequence[str], rows: int) -> Iterator[memoryview]:
    copies = -(-rows // len(lines))
    for first in range(0, copies, COPIES_AT_ONCE):
        made = _Copies.of(first, min(COPIES_AT_ONCE, copies - first))
        count = len(made.number)
        every = pa.concat_arrays([_copied(line, made) for line in lines])
        order = np.arange(len(every)).reshape(len(lines), count).T.ravel()
        yield _bytes(every.take(pa.array(order)))


def _bytes(text: pa.LargeStringArray) -> memoryview:
    end = np.frombuffer(text.buffers()[1], np.int64)[len(text)]
    return memoryview(text.buffers()[2])[:end]


def _copied(line: str, copies: _Copies) -> pa.LargeStringArray:
    """One line of the recording in each of the copies."""
    parts: list[pa.Scalar | pa.Array] = []
    place = 0
    for found in _TOKEN.finditer(line):
        if found["client"] and found[0].startswith("6701"):
            continue  # the town's own numbers
        parts += [pa.scalar(line[place : found.start()], pa.large_string()), _token(found, copies)]
        place = found.end()
    parts.append(pa.scalar(line[place:], pa.large_string()))
    if len(parts) == 1:
        return pa.repeat(parts[0], len(copies.number))
    return pc.binary_join_element_wise(*parts, pa.scalar("", pa.large_string()))


def _token(found: re.Match[str], copies: _Copies) -> pa.LargeStringArray:
    what = (found.lastgroup, found[0])
    if what not in copies.made:
        copies.made[what] = _made(*what, copies.number, copies.later_s)
    return copies.made[what]


def _made(kind: str | None, text: str, number: Int64, later: Int64) -> pa.LargeStringArray:
    match kind:
        case "local":
            moment = int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()) + later
            utc = pa.array(moment, pa.int64()).cast(pa.timestamp("s", "UTC"))
            return pc.strftime(utc.cast(pa.timestamp("s", ZONE.key)), "%Y-%m-%d %H:%M:%S").cast(
                pa.large_string()
            )
        case "precise" | "id":
            second, _, rest = text.partition(".")
            after = _digits(number * 1000 + int(rest)) if kind == "id" else rest
            return _joined(_digits(int(second) + later), ".", after)
        case "epoch":
            return _digits(int(text) + later)
        case "channel":
            return _hex(number * 1000 + int(text, 16), 8)
        case "bridge":
            return _joined(_hex(number, 8), text[8:])
        case _:
            who = (_chance(number + int(text) * 7919) ** 3 * TOWN).astype(np.int64)
            return _joined(text[0], _digits(1_000_000 + who * 29_999 % 9_000_000))


def _chance(number: Int64) -> npt.NDArray[np.float64]:
    """A share from 0 to 1 that shows no order (splitmix64): the next caller is anybody."""
    mixed = number.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (mixed >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def _digits(values: Int64) -> pa.LargeStringArray:
    return pa.array(values, pa.int64()).cast(pa.large_string())


def _hex(values: Int64, width: int) -> pa.LargeStringArray:
    return pa.array([f"{value:0{width}x}" for value in values.tolist()], pa.large_string())


def _joined(*parts: pa.LargeStringArray | str) -> pa.LargeStringArray:
    texts = [pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*texts, pa.scalar("", pa.large_string()))
