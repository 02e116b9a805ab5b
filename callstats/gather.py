"""Many small files into few sorted ones: a day's events of one voice, a month of a computed table.

Open months hold day files, months that ended one file per table, sorted by department and time, so that a
department's month is a few row groups. Events stay in day files, so that reading a few days stays cheap. What
the facts say does not change, nor does their data version; readers keep the files they listed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import pyarrow.dataset as ds

from callstats import filing, parquet
from callstats.cases import catalog, commits, crossings
from callstats.cases.catalog import ConflictError, FileRow
from callstats.engine import Session, literal
from callstats.fields import TABLES
from callstats.filing import named

if TYPE_CHECKING:
    from callstats.store import Store

ONE_DAY: Final = timedelta(days=1)
SETTLED: Final = timedelta(days=10)  # after a month's end, before its files become one
MOST_FILES: Final = 8  # of one size, before they become one
MEMORY_MIB: Final = 256  # what sorting may hold; the rest goes to disk
# What the rows of a file are sorted by.
ORDER: Final = {
    "events": ("at", "batch", "line"),
    "rejects": ("path", "line"),
    "calls": ("started_at", "call_id"),
    "visits": ("department", "entered_at", "call_id", "visit"),
    "attempts": ("department", "tried_at", "call_id", "visit", "position"),
    "messages": ("left_at", "call_id", "mailbox", "msg_id"),
    "disagreements": ("local_date", "call_id", "uniqueid", "fact"),
    "channels": ("local_date", "call_id", "uniqueid"),
}
MONTHLY: Final = ("calls", "visits", "attempts", "messages", "disagreements", "channels")


def gather(store: Store, *, all_of_it: bool = False) -> int:
    """Gathers what is worth it; returns how many files gave way.

    `all_of_it` does not wait for a number of files. What another process changes meanwhile is left alone.
    """
    today = store.clock().astimezone(ZoneInfo(store.timezone)).date()
    gone = 0
    with store.reading() as facts, store.database.read() as connection:
        stale = {day.local_date for day in catalog.stale_days(connection, "") if _unspread(day)}
        work = [
            *_voices(facts.files("events"), stale, today, all_of_it),
            *_refused(facts.files("rejects"), all_of_it),
            *(part for name in MONTHLY for part in _months(facts.files(name), stale, today, all_of_it)),
        ]
    for files in work:
        try:
            with store.reading():
                _gather(store, files)
        except (ConflictError, FileNotFoundError):
            continue
        gone += len(files)
    return gone


def _unspread(day: catalog.Day) -> bool:
    return day.event_version > day.spread_version


def _voices(
    files: Iterable[FileRow], stale: Collection[date], today: date, all_of_it: bool
) -> Iterator[list[FileRow]]:
    """Event files of a day and voice that become one: all when the day is over, else those of one size."""
    by_voice: dict[tuple[object, ...], list[FileRow]] = defaultdict(list)
    for file in files:
        if file.local_date not in stale:
            by_voice[file.local_date, file.pbx, file.source].append(file)
    for (day, *_), found in sorted(by_voice.items(), key=str):
        assert isinstance(day, date)
        over = day < today - ONE_DAY
        if len(found) > 1 and (all_of_it or (over and len(found) > MOST_FILES)):
            yield found
        else:
            yield from _of_one_size(found)


def _of_one_size(files: Iterable[FileRow]) -> Iterator[list[FileRow]]:
    """Groups of more than `MOST_FILES` files about as large, so that no row is written again and again."""
    by_size: dict[int, list[FileRow]] = defaultdict(list)
    for file in files:
        by_size[max(file.rows, 1).bit_length() // 3].append(file)
    yield from (found for found in by_size.values() if len(found) > MOST_FILES)


def _refused(files: Iterable[FileRow], all_of_it: bool) -> Iterator[list[FileRow]]:
    """Files of rejected lines of one voice."""
    by_voice: dict[tuple[object, ...], list[FileRow]] = defaultdict(list)
    for file in files:
        by_voice[file.pbx, file.source].append(file)
    for found in by_voice.values():
        if len(found) > (1 if all_of_it else MOST_FILES):
            yield found


def _months(
    files: Iterable[FileRow], stale: Collection[date], today: date, all_of_it: bool
) -> Iterator[list[FileRow]]:
    """Files of each month that ended a while ago and has nothing to compute."""
    by_month: dict[date, list[FileRow]] = defaultdict(list)
    for file in files:
        by_month[file.local_date.replace(day=1)].append(file)
    waiting = {day.replace(day=1) for day in stale}
    for first, found in sorted(by_month.items()):
        after = (first + timedelta(days=31)).replace(day=1)
        whole = any(file.until > file.local_date for file in found)
        enough = all_of_it or not whole or len(found) > MOST_FILES
        if first not in waiting and after + SETTLED <= today and len(found) > 1 and enough:
            yield found


def _gather(store: Store, files: Sequence[FileRow]) -> None:
    first, last = min(file.local_date for file in files), max(file.until for file in files)
    one = files[0]
    with store.database.read() as connection:
        index = crossings.index_of(connection, [file.id for file in files])
    starts = [file.min_at for file in files if file.min_at is not None]
    ends = [file.max_at for file in files if file.max_at is not None]
    target = replace(
        named(one.table_name, first, last if last > first else None),
        pbx=one.pbx,
        source=one.source,
        feed_ends=any(file.feed_ends for file in files),
        min_at=min(starts, default=None),
        max_at=max(ends, default=None),
        evidence=max(file.evidence or 0 for file in files),
        index=index,
    )
    written = write_sorted(store, files, target)
    with store.database.write() as connection:
        commits.commit_gathered(connection, files, [written], now=store.clock())


def without(store: Store, month: FileRow, days: Collection[date]) -> list[FileRow]:
    """A file, pending, with what remains of a month's file without some days; none where nothing does."""
    target = named(month.table_name, month.local_date, month.until)
    rest = write_sorted(store, [month], target, days)
    return [rest] if rest.rows else []


def write_sorted(
    store: Store, files: Sequence[FileRow], target: FileRow, leaving_out: Collection[date] = ()
) -> FileRow:
    """Announces and writes a file with the sorted rows of others; it stays pending until a commit."""
    filing.announce(store.database, [target], store.clock)
    paths = [str(store.root / file.path) for file in files]
    name = target.table_name
    schema = TABLES[name].schema
    order = ", ".join(f"{column} ASC NULLS LAST" for column in ORDER[name])
    out = ", ".join(literal(day) for day in sorted(leaving_out))
    where = f"WHERE local_date NOT IN ({out})" if out else ""
    with (
        filing.spill(store.root) as folder,
        Session(memory_mib=MEMORY_MIB, threads=1, spill=folder) as session,
    ):
        session.table("found", ds.dataset(paths, schema=schema, format="parquet"))
        rows = session.stream(f"SELECT * FROM found {where} ORDER BY {order}", parquet.GROUP_ROWS)
        size, count = parquet.write_stream(rows, schema, store.root / target.path)
    return replace(target, rows=count, bytes=size)
