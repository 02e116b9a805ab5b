"""What of a time was recorded: lines per PBX and day, working days without any, gaps of a live feed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pyarrow.compute as pc

from callstats import parquet
from callstats.calendar import Calendar, days, local_instant
from callstats.cases import catalog, crossings
from callstats.cases import months as stored
from callstats.feed_status import statuses
from callstats.fields import EVENTS
from callstats.filing import FEED_ENDS
from callstats.settings import Settings
from callstats.store import Store

ONE_DAY: Final = timedelta(days=1)
OPEN_US: Final = 8_000_000_000_000_000  # no such gap has an end yet
FEW_LINES: Final = 100  # a day of a recorded feed with so few may hold nothing but its beginnings and ends
Span = tuple[date, date]


@dataclass(frozen=True)
class Coverage:
    """One PBX in a window: first and last day with lines of all times, silent working days, feed gaps."""

    pbx: str
    first: date
    last: date
    silent: tuple[date, ...]
    gaps: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True)
class Source:
    """One source of one PBX: files loaded, when last; the newest line (UTC); lines that were rejected."""

    pbx: str
    source: str
    files: int
    loaded_at: datetime
    newest: datetime | None
    rejected: int


def coverage(store: Store, settings: Settings, start: date, end: date) -> list[Coverage]:
    """Each PBX on the local days ``[start, end)``."""
    calendar = Calendar.from_settings(settings)
    spoken = lines_by_day(store, start, end - ONE_DAY)
    with store.database.read() as connection:
        spans = stored.spans(connection)
        purged = catalog.horizon(connection).purged_before or date.min
        gaps = crossings.gaps(connection)
    still = _heard_now(store, settings)
    first_us, after_us = (int(local_instant(settings.zone, one).timestamp() * 1e6) for one in (start, end))
    return [
        Coverage(
            pbx,
            *span,
            tuple(silent_days(spoken, pbx, span, (max(start, purged), end), calendar)),
            tuple(
                (_at(max(since, first_us)), _at(min(until, after_us)))
                for name, since, until in sorted(gaps)
                if name == pbx
                and since < after_us
                and until > first_us
                and since > 0
                and not (name in still and until > OPEN_US)
            ),
        )
        for pbx, span in sorted(spans.items())
    ]


def _heard_now(store: Store, settings: Settings) -> frozenset[str]:
    """PBXs that a collector hears at this moment: where their feed was heard last is no gap yet."""
    now = store.clock()
    told = statuses(settings.journal.folder)
    return frozenset(one.pbx for one in told if one.state == "connected" and not one.silent(now))


def silent_days(
    spoken: Mapping[tuple[str, date], int], pbx: str, span: Span, window: Span, calendar: Calendar
) -> list[date]:
    """Working days of a window between a PBX's first line and its last, of which it has no line."""
    first, end = max(window[0], span[0]), min(window[1], span[1] + ONE_DAY)
    return [one for one in days(first, end) if calendar.is_working_day(one) and not spoken.get((pbx, one))]


def lines_by_day(store: Store, first: date, last: date) -> Counter[tuple[str, date]]:
    """Lines per PBX and day, from ``first`` to ``last``; beginnings and ends of a feed are none of a call."""
    with store.database.read() as connection:
        files = catalog.live_files(connection, "events", first, last)
    found: Counter[tuple[str, date]] = Counter()
    for file in files:
        rows = file.rows
        if file.feed_ends and rows <= FEW_LINES:
            kinds = parquet.read([store.root / file.path], EVENTS.schema, ["kind"])["kind"]
            rows -= pc.sum(pc.is_in(kinds, value_set=FEED_ENDS)).as_py() or 0
        found[file.pbx or "", file.local_date] += rows
    return +found


def sources(store: Store) -> list[Source]:
    """The sources that were ever loaded, by PBX and name; of a purged one no newest line is known."""
    with store.database.read() as connection:
        batches = catalog.all_batches(connection)
        loaded = catalog.loaded_at(connection)
        files = catalog.live_files(connection, "events")
    newest: dict[tuple[str, str], date] = {}
    for file in files:
        key = file.pbx or "", file.source or ""
        newest[key] = max(newest.get(key, date.min), file.local_date)
    found = []
    for key in sorted({(one.pbx, one.source) for one in batches}):
        own = [one for one in batches if (one.pbx, one.source) == key]
        last = [
            store.root / file.path
            for file in files
            if (file.pbx, file.source) == key and file.local_date == newest[key]
        ]
        at = pc.max(parquet.read(last, EVENTS.schema, ["at"])["at"]).as_py() if last else None
        found.append(
            Source(
                *key,
                len({one.lineage for one in own}),
                loaded[key],
                at,
                sum(one.rows_rejected for one in own),
            )
        )
    return found


def _at(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1e6, UTC)
