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
from itertools import accumulate
from typing import Any, Final

from sqlalchemy import Connection, func, or_, select

from callstats.cases.models import days, files, month_editions, month_figures, month_parts

CHUNK: Final = 500  # rows per statement: both databases bound the number of parameters
COMPUTED: Final = ("calls", "visits", "messages")
TOLD: Final = ("events", *COMPUTED, "attempts", "queue_steps")  # what figures come from
BARS: Final = ("bin_us", "n", "k", "sum_us", "max_us")  # a histogram: one entry per bar, `cell_query`
Row = dict[str, Any]


@dataclass(frozen=True)
class Edition:
    """One closing of a month (1: the first) with what it was computed from.

    ``rules``: description of what was in force (`in_force`); ``seen_before``: first day whose calls were not
    looked at; ``without``: working days without any line, as the month was closed; ``counter``: number of
    commits of the facts that it was computed from; ``entered``: number of the newest row that people entered.
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
    entered: int


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
    if found.get("bars") is not None:
        found["bars"] = packed(found["bars"])
    return found


def _loaded(row: Row) -> Row:
    if "excluded" in row:
        row["excluded"] = [(reason, n) for reason, n in json.loads(row["excluded"])]
    if row.get("bars") is not None:
        row["bars"] = unpacked(row["bars"])
    return row


def packed(bars: Mapping[str, Sequence[int]]) -> bytes:
    """The columns `BARS` of a histogram as bytes: lower ends as their differences, compressed."""
    numbers = array("q", [len(bars[BARS[0]])])
    before = 0
    for lower in bars[BARS[0]]:
        numbers.append(lower - before)
        before = lower
    for name in BARS[1:]:
        numbers.extend(bars[name])
    return zlib.compress(_little(numbers).tobytes())


def unpacked(data: bytes) -> dict[str, list[int]]:
    """The columns of `packed`."""
    numbers = array("q")
    numbers.frombytes(zlib.decompress(data))
    length, *values = _little(numbers)
    found = {name: values[n * length : (n + 1) * length] for n, name in enumerate(BARS)}
    return found | {BARS[0]: list(accumulate(found[BARS[0]]))}


def _little(numbers: array[int]) -> array[int]:
    """The same bytes on every machine."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def data_span(connection: Connection) -> tuple[date, date] | None:
    """First and last local date with calls, visits or messages; None where there are none."""
    first, last = connection.execute(
        select(func.min(files.c.local_date), func.max(files.c.last_date)).where(
            files.c.table_name.in_(COMPUTED), files.c.state == "live"
        )
    ).one()
    return (first, last) if first is not None else None


def changed_since(connection: Connection, first: date, last: date, counter: int) -> bool:
    """Whether days from ``first`` to ``last`` (both included) got lines, or were computed, after a version.

    Files that only gather others bring nothing new.
    """
    newer = files.c.state == "live", files.c.evidence > counter
    overlap = files.c.local_date <= last, files.c.last_date >= first
    other = or_(days.c.event_version > counter, days.c.computed_version > counter)
    emptied = days.c.local_date.between(first, last), other  # a day without rows has no file
    queries = (
        select(files.c.id).where(*newer, *overlap, files.c.table_name.in_(TOLD)),
        select(days.c.local_date).where(*emptied),
    )
    return any(connection.execute(query.limit(1)).first() is not None for query in queries)


def spans(connection: Connection) -> dict[str, tuple[date, date]]:
    """First and last local date with lines, per PBX."""
    rows = connection.execute(
        select(files.c.pbx, func.min(files.c.local_date), func.max(files.c.last_date))
        .where(files.c.table_name == "events", files.c.state == "live")
        .group_by(files.c.pbx)
    )
    return {pbx: (first, last) for pbx, first, last in rows}
