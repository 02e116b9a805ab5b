"""When no recorded feed of a PBX was there, and which days are touched when that changes.

A feed may last for weeks and feeds may overlap: its ends far away decide about a call of today.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from callstats.assemble import hear, text
from callstats.cases import catalog, commits, crossings
from callstats.engine import opened
from callstats.fields import EVENTS
from callstats.store import Store

Gap = tuple[str, int, int]  # PBX, from, to in epoch microseconds, half-open
FIRST, LAST = date(1970, 1, 1), date(2200, 1, 1)
LAST_US: Final = 7_000_000_000_000_000


def ends_table(ends: Sequence[dict[str, Any]]) -> pa.Table:
    """Ends of feeds as events that belong to no day."""
    wanted = ("pbx", "at", "kind", "connection", "line", "line_key", "batch")
    fixed = {"source": "ami"}
    rows = [
        {name: end[name] for name in wanted} | fixed | {"line_key": bytes.fromhex(end["line_key"])}
        for end in ends
    ]
    return pa.Table.from_pylist([dict.fromkeys(EVENTS.names) | row for row in rows], schema=EVENTS.schema)


def gaps(ends: Sequence[dict[str, Any]]) -> set[Gap]:
    """When no feed was there, from the ends of all feeds."""
    with opened() as session:
        session.table("events", ends_table(ends))
        hear(session, kept=False)
        rows = session.query(text("feed_gaps")).to_pylist()
    return {(row["pbx"], row["from_us"], row["to_us"]) for row in rows}


def changed(before: Iterable[Gap], after: Iterable[Gap]) -> list[Gap]:
    """The stretches that lie in gaps before or after, but not in both."""
    steps: dict[str, dict[int, list[int]]] = {}
    for side, found in enumerate((before, after)):
        for pbx, start, end in found:
            if end > start:
                of_pbx = steps.setdefault(pbx, {})
                of_pbx.setdefault(start, [0, 0])[side] += 1
                of_pbx.setdefault(end, [0, 0])[side] -= 1
    stretches: list[Gap] = []
    for pbx, points in sorted(steps.items()):
        depth = [0, 0]
        since: int | None = None
        for at in sorted(points):
            depth = [depth[0] + points[at][0], depth[1] + points[at][1]]
            differ = bool(depth[0]) != bool(depth[1])
            if since is not None and not differ:
                stretches.append((pbx, since, at))
                since = None
            elif since is None and differ:
                since = at
    return stretches


def see(store: Store) -> None:
    """Makes stale the days that a change of the feeds' gaps touches, once per change."""
    with store.database.read() as connection:
        if not crossings.feeds_changed(connection):
            return
        counter = catalog.version(connection)[0]
        before, ends = crossings.gaps(connection), crossings.ends(connection)
        after = gaps(ends)
        zone = ZoneInfo(store.timezone)
        touched: set[date] = set()
        for pbx, start, end in changed(before, after):
            first, last = _day(start, zone), _day(end, zone)
            touched |= crossings.days_with(connection, pbx, "ami", (first, last))
            for one in crossings.between(connection, first, last):
                touched |= {one.day, one.other_day}
    with store.database.write() as connection:
        newest = commits.raise_version(connection, None)
        known = {day.local_date for day in catalog.known_days(connection)}
        commits.touch(connection, touched & known, newest)
        crossings.see_feeds(connection, after, counter)


def _day(us: int, zone: ZoneInfo) -> date:
    if us <= 0:
        return FIRST
    return LAST if us > LAST_US else datetime.fromtimestamp(us / 1e6, UTC).astimezone(zone).date()
