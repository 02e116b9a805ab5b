"""Closed months in the SQL database: editions, their figures and their parts. Rows are added, never changed.

Every function takes a connection inside a transaction of `Database`.
"""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, func, select

from callstats.cases.models import data_version, days, files, month_editions, month_figures, month_parts

CHUNK: Final = 500  # rows per statement: both databases bound the number of parameters
COMPUTED: Final = ("calls", "visits", "messages")
Row = dict[str, Any]


@dataclass(frozen=True)
class Edition:
    """One closing of a month (1: the first) with what it was computed from.

    ``rules``: description of what was in force (`in_force`); ``seen_before``: first day whose calls were not
    looked at; ``without``: working days without any line, as the month was closed; ``counter``: counting part
    of the data version.
    """

    month: date
    edition: int
    closed_at: datetime
    closed_by: str
    reason: str | None
    seen_before: date
    without: tuple[date, ...]
    rules: Mapping[str, object]
    rules_fingerprint: str
    code_version: str
    data_version: str
    counter: int


def hold(connection: Connection) -> None:
    """Waits until no other process commits facts or months, and lets none before this transaction ends."""
    connection.execute(select(data_version.c.id).with_for_update())


def editions(connection: Connection) -> dict[date, list[Edition]]:
    """All editions by month, in order."""
    rows = connection.execute(select(month_editions).order_by("month", "edition")).mappings()
    found: dict[date, list[Edition]] = {}
    for row in rows:
        without = tuple(date.fromisoformat(day) for day in json.loads(row["without"]))
        edition = Edition(**{**row, "rules": json.loads(row["rules"]), "without": without})
        found.setdefault(edition.month, []).append(edition)
    return found


def add(connection: Connection, edition: Edition, figures: Iterable[Row], parts: Iterable[Row]) -> None:
    """Stores a month's edition; the primary key refuses a second one of the same number."""
    fields = {name: getattr(edition, name) for name in Edition.__dataclass_fields__}
    fields["rules"] = json.dumps(dict(edition.rules), ensure_ascii=False, sort_keys=True)
    fields["without"] = json.dumps([str(day) for day in edition.without])
    connection.execute(month_editions.insert(), [fields])
    key = {"month": edition.month, "edition": edition.edition}
    for table, rows in ((month_figures, figures), (month_parts, parts)):
        stored = [{**key, "number": number, **_stored(row)} for number, row in enumerate(rows, 1)]
        for place in range(0, len(stored), CHUNK):
            connection.execute(table.insert(), stored[place : place + CHUNK])


def metrics(connection: Connection) -> set[tuple[date, int, str]]:
    """Which metrics each edition has: month, edition, slug."""
    table = month_figures
    query = select(table.c.month, table.c.edition, table.c.metric).where(table.c.axes == "").distinct()
    return {(row.month, row.edition, row.metric) for row in connection.execute(query)}


def figures(
    connection: Connection, wanted: Collection[tuple[date, int]], metric: str, axes: str
) -> list[Row]:
    """Stored figures of a metric along ``axes`` (joined by commas) of some editions, in order."""
    return _read(connection, month_figures, wanted, metric, month_figures.c.axes == axes)


def parts(connection: Connection, wanted: Collection[tuple[date, int]], metric: str) -> list[Row]:
    """Stored parts of a metric of some editions, in order."""
    return _read(connection, month_parts, wanted, metric)


def _read(
    connection: Connection, table: Any, wanted: Collection[tuple[date, int]], metric: str, *more: Any
) -> list[Row]:
    keys = set(wanted)
    if not keys:
        return []
    span = table.c.month.between(min(month for month, _ in keys), max(month for month, _ in keys))
    query = select(table).where(table.c.metric == metric, span, *more)
    rows = connection.execute(query.order_by(table.c.month, table.c.edition, table.c.number)).mappings()
    return [_loaded(dict(row)) for row in rows if (row["month"], row["edition"]) in keys]


def _stored(row: Mapping[str, Any]) -> Row:
    found = dict(row)
    if "excluded" in found:
        found["excluded"] = json.dumps(list(found["excluded"]))
    if "times" in found:
        found["times"] = packed(found["times"]) if found["times"] is not None else None
    return found


def _loaded(row: Row) -> Row:
    if "excluded" in row:
        row["excluded"] = [(reason, n) for reason, n in json.loads(row["excluded"])]
    if row.get("times") is not None:
        row["times"] = unpacked(row["times"])
    return row


def packed(times: Sequence[int]) -> bytes:
    """Sorted times in microseconds as bytes: their differences, compressed."""
    before, steps = 0, array("q")
    for time in times:
        steps.append(time - before)
        before = time
    return zlib.compress(_little(steps).tobytes())


def unpacked(data: bytes) -> list[int]:
    """The times of `packed`."""
    steps = array("q")
    steps.frombytes(zlib.decompress(data))
    total, found = 0, []
    for step in _little(steps):
        total += step
        found.append(total)
    return found


def _little(steps: array[int]) -> array[int]:
    """The same bytes on every machine."""
    if sys.byteorder == "big":
        steps.byteswap()
    return steps


def data_span(connection: Connection) -> tuple[date, date] | None:
    """First and last local date with calls, visits or messages; None where there are none."""
    first, last = connection.execute(
        select(func.min(files.c.local_date), func.max(files.c.local_date)).where(
            files.c.table_name.in_(COMPUTED), files.c.state == "live"
        )
    ).one()
    return (first, last) if first is not None else None


def touched_since(connection: Connection, first: date, last: date, counter: int) -> bool:
    """Whether lines of the days from ``first`` to ``last`` (both included) came after a data version."""
    wanted = days.c.local_date.between(first, last), days.c.event_version > counter
    return connection.execute(select(days.c.local_date).where(*wanted).limit(1)).first() is not None


def computed_since(connection: Connection, first: date, last: date, counter: int) -> bool:
    """Whether days from ``first`` to ``last`` (both included) were loaded or computed after a version."""
    newer = files.c.version > counter, files.c.state == "live"
    wanted = files.c.local_date.between(first, last), *newer
    return connection.execute(select(files.c.id).where(*wanted).limit(1)).first() is not None


def spans(connection: Connection) -> dict[str, tuple[date, date]]:
    """First and last local date with lines, per PBX."""
    rows = connection.execute(
        select(files.c.pbx, func.min(files.c.local_date), func.max(files.c.local_date))
        .where(files.c.table_name == "events", files.c.state == "live")
        .group_by(files.c.pbx)
    )
    return {pbx: (first, last) for pbx, first, last in rows}
