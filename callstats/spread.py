"""Which days new lines touch, and which days must be read to compute them: a call may be of several days.

A day's rows depend on the calls that have a line on it or on a day beside it (a message left just after
midnight, two rows that follow each other), each read whole. New lines change the calls that they are of,
hence the days of all lines of these calls, and the days beside. Lines of a feed (`BY_HOUR`) whose ids tell
when their call began are of no call that ids do not tie to another day: with them a day beside is touched
only where they are `NIGHT` from midnight at most. Rows of the CDR and messages are joined by channel and
time too, over as long as a call lasts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from callstats.assemble import hear, text
from callstats.cases import crossings
from callstats.cases.catalog import FileRow
from callstats.cases.crossings import Crossing
from callstats.engine import opened
from callstats.fields import EVENTS
from callstats.filing import IDS, has_epoch
from callstats.snapshot import Snapshot

ONE_DAY: Final = timedelta(days=1)
NIGHT: Final = timedelta(hours=6)  # no text in assemble/sql joins lines of feeds that are further apart
BY_HOUR: Final = frozenset({"ami", "cel", "queue_log"})
_NEXT: Final = """
SELECT uid, min(label) AS label FROM (
    SELECT uid, label FROM tied
    UNION ALL
    SELECT e.b AS uid, t.label FROM tied t JOIN edges e ON e.a = t.uid
) spread GROUP BY uid
"""
_CHANGED: Final = """
SELECT count(*) AS n FROM tied_next n LEFT JOIN tied t ON t.uid = n.uid
WHERE t.label IS NULL OR t.label <> n.label
"""
_DAYS: Final = """
SELECT DISTINCT t.label, h.local_date AS day FROM heard h JOIN tied t ON t.uid = h.uid
UNION
SELECT DISTINCT t.label, h.local_date AS day FROM heard h JOIN tied t ON t.uid = h.duid
"""
_FRESH: Final = """
SELECT DISTINCT t.label FROM tied t JOIN (
    SELECT pbx || ':' || uniqueid AS uid FROM fresh
    UNION SELECT pbx || ':' || linkedid FROM fresh
    UNION SELECT pbx || ':' || dest_uniqueid FROM fresh
    UNION SELECT pbx || ':' || dest_linkedid FROM fresh
) f ON f.uid = t.uid
"""


@dataclass(frozen=True)
class Reach:
    """Days that lines `touch`, and the days to `read` for computing these."""

    touched: frozenset[date]
    read: frozenset[date]


@dataclass(frozen=True)
class _Call:
    ids: frozenset[str]
    days: frozenset[date]
    fresh: bool


def widened(days: Iterable[date], by: int = 1) -> set[date]:
    """The days, and those at most `by` days before or after."""
    return {day + step * ONE_DAY for day in days for step in range(-by, by + 1)}


def reach(
    facts: Snapshot,
    days: Collection[date],
    fresh: Mapping[date, Collection[FileRow]],
    spill: Path | None = None,
) -> Reach:
    """What computing `days` takes; `fresh` are the files with new lines among them, by day."""
    by_hour = {file.id for files in fresh.values() for file in files if _tells_its_call(facts, file)}
    touched = set(days) | _told_of(fresh, by_hour, ZoneInfo(facts.timezone))
    all_by_hour = all(file.id in by_hour for files in fresh.values() for file in files)
    read = widened(touched, 2)
    while True:
        with facts.database.read() as connection:
            tied = crossings.around(connection, read)
        calls = (
            _calls(facts, read, {one.id for one in tied if one.id}, fresh, spill)
            if _open(tied, read) or (fresh and tied and not all_by_hour) or _near(tied, widened(touched))
            else []
        )
        more, new = _rows(tied, touched, set(fresh))
        near = widened(touched)
        for call in calls:
            if call.days & near:
                more |= widened(call.days)
            if call.fresh:
                new |= widened(call.days)
        if more <= read and new <= touched:
            return Reach(frozenset(touched), frozenset(read))
        touched |= new
        read |= more | widened(touched, 2)


def _open(tied: Iterable[Crossing], read: Collection[date]) -> bool:
    """Whether a call may go on outside the days that are read."""
    return any(one.day not in read or one.other_day not in read for one in tied)


def _near(tied: Iterable[Crossing], days: Collection[date]) -> bool:
    """Whether a call that is of more than one day may be of one of these."""
    return any(one.day in days or one.other_day in days for one in tied)


def _tells_its_call(facts: Snapshot, file: FileRow) -> bool:
    """Whether a file is of a feed, and each of its ids tells when it came up."""
    if file.source not in BY_HOUR or file.min_at is None or file.max_at is None:
        return False
    ids = pq.read_table(facts.root / file.path, columns=list(IDS))
    return all(has_epoch(ids[name]) for name in IDS)


def _told_of(
    fresh: Mapping[date, Collection[FileRow]], by_hour: Collection[str], zone: ZoneInfo
) -> set[date]:
    """The days of new lines, and those beside: of files ``by_hour`` only where a line is near midnight."""
    found = set(fresh)
    for day, files in fresh.items():
        for file in files:
            if file.id in by_hour and file.min_at is not None and file.max_at is not None:
                found |= {_local(file.min_at - NIGHT, zone), _local(file.max_at + NIGHT, zone)}
            else:
                found |= widened([day])
    return found


def _local(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _rows(
    tied: Iterable[Crossing], touched: Collection[date], fresh: Collection[date]
) -> tuple[set[date], set[date]]:
    """Days to read, and days touched, because of rows of the CDR that began and ended on different days."""
    near = widened(touched)
    more, new = set[date](), set[date]()
    for one in tied:
        if not one.id:
            ends = {one.day, one.other_day}
            more |= widened(ends) if ends & near else set()
            new |= widened(ends) if ends & set(fresh) else set()
    return more, new


def _calls(
    facts: Snapshot,
    read: Collection[date],
    seeds: Collection[str],
    fresh: Mapping[date, Collection[FileRow]],
    spill: Path | None,
) -> list[_Call]:
    """The calls with an id among `seeds`, as far as the days that are read tell; their days to the end."""
    files = files_of(facts, read)
    if not seeds:
        return []
    with opened(spill=spill) as session:
        session.table("events", [facts.root / path for path in files], EVENTS.schema)
        new_files = [facts.root / file.path for found in fresh.values() for file in found]
        session.table("fresh", new_files, EVENTS.schema)
        hear(session, kept=True)
        session.step("edges", text("edges"))
        start = pa.array(sorted(seeds), pa.string())
        session.table("seeds", pa.table({"uid": start}))
        session.step("tied", "SELECT uid, uid AS label FROM seeds")
        changed = True
        while changed:
            session.step("tied_next", _NEXT)
            changed = bool(session.query(_CHANGED)["n"][0].as_py())
            session.step("tied", "SELECT uid, label FROM tied_next")
        rows = session.query("SELECT uid, label FROM tied").to_pylist()
        days = session.query(_DAYS).to_pylist()
        new = set(session.query(_FRESH)["label"].to_pylist())
    ids: dict[str, set[str]] = {}
    for row in rows:
        ids.setdefault(row["label"], set()).add(row["uid"])
    label = {row["uid"]: row["label"] for row in rows}
    found: dict[str, set[date]] = {name: set() for name in ids}
    for row in days:
        found[row["label"]].add(row["day"])
    with facts.database.read() as connection:
        for one in crossings.of_ids(connection, label):
            found[label[one.id]].update((one.day, one.other_day))
    return [_Call(frozenset(ids[n]), frozenset(found[n]), n in new) for n in sorted(ids)]


def files_of(facts: Snapshot, days: Collection[date]) -> list[str]:
    """Paths of the event files of some days, relative to the data folder."""
    if not days:
        return []
    found = _stretches(sorted(days))
    return [file.path for first, last in found for file in facts.files("events", first, last)]


def _stretches(days: list[date]) -> Iterable[tuple[date, date]]:
    first = last = days[0]
    for day in days[1:]:
        if day - last > ONE_DAY:
            yield first, last
            first = day
        last = day
    yield first, last
