"""What ties days to each other: ids whose lines are of several days, and feeds that lasted for days."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update

from callstats.cases import feeds_live
from callstats.cases.catalog import FileRow, Index, file_of, in_chunks
from callstats.cases.models import crossings, data_version, feed_ends, feed_gaps, files

EVENTS = (files.c.table_name == "events", files.c.state == "live")


@dataclass(frozen=True)
class Crossing:
    """Lines of `id` (`pbx:uniqueid`) are of `day`; it came up, or a row of the CDR ended, on `other_day`.

    An empty `id` stands for a row that has no linkedid: what it is tied to, only the files of both days tell.
    """

    id: str
    day: date
    other_day: date


def around(connection: Connection, days: Collection[date]) -> list[Crossing]:
    """Crossings that begin or end on one of some days."""
    found: set[Crossing] = set()
    for part in in_chunks(sorted(days)):
        either = or_(files.c.local_date.in_(part), crossings.c.other_day.in_(part))
        found.update(_read(connection, either))
    return sorted(found, key=lambda one: (one.day, one.other_day, one.id))


def of_ids(connection: Connection, ids: Collection[str]) -> list[Crossing]:
    """Crossings of some ids."""
    found: set[Crossing] = set()
    for part in in_chunks(sorted(ids)):
        found.update(_read(connection, crossings.c.id.in_(part)))
    return sorted(found, key=lambda one: (one.day, one.other_day, one.id))


def between(connection: Connection, first: date, last: date) -> list[Crossing]:
    """Crossings that have some of the days from `first` to `last` between their ends, both included."""
    ends = files.c.local_date, crossings.c.other_day
    begun = or_(*(end <= last for end in ends))
    going_on = or_(*(end >= first for end in ends))
    return _read(connection, begun & going_on)


def _read(connection: Connection, condition: Any) -> list[Crossing]:
    rows = connection.execute(
        select(crossings.c.id, files.c.local_date, crossings.c.other_day)
        .join(files, files.c.id == crossings.c.file)
        .where(*EVENTS, condition)
        .distinct()
    ).all()
    return [Crossing(*row) for row in rows]


def index_of(connection: Connection, ids: Collection[str]) -> Index:
    """What is known of the lines of some files together."""
    pairs: set[tuple[str, date]] = set()
    found: list[dict[str, Any]] = []
    for part in in_chunks(sorted(ids)):
        rows = select(crossings.c.id, crossings.c.other_day).where(crossings.c.file.in_(part))
        pairs.update((row.id, row.other_day) for row in connection.execute(rows))
        ends_of = select(feed_ends).where(feed_ends.c.file.in_(part))
        found += [dict(row) for row in connection.execute(ends_of).mappings()]
    told = sorted(found, key=lambda end: str(end["line_key"]))
    return Index(tuple(sorted(pairs)), tuple({k: v for k, v in end.items() if k != "file"} for end in told))


def not_indexed(connection: Connection) -> list[FileRow]:
    """Valid event files of which nothing is known yet: they are of an older program."""
    rows = connection.execute(select(files).where(*EVENTS, ~files.c.indexed)).mappings()
    return [file_of(dict(row)) for row in rows]


def ends(connection: Connection) -> list[dict[str, Any]]:
    """Beginnings and ends of all feeds: columns of `feed_ends`; of live ones `file` is null."""
    rows = connection.execute(
        select(feed_ends)
        .join(files, files.c.id == feed_ends.c.file)
        .where(*EVENTS)
        .order_by(feed_ends.c.pbx, feed_ends.c.at, feed_ends.c.line_key)
    ).mappings()
    return [*(dict(row) for row in rows), *feeds_live.ends(connection)]


def files_with_ends_of(connection: Connection, batch: str) -> list[FileRow]:
    """Valid files with beginnings or ends of the feeds that a batch told of."""
    with_ends = select(feed_ends.c.file).where(feed_ends.c.batch == batch)
    rows = connection.execute(select(files).where(*EVENTS, files.c.id.in_(with_ends))).mappings()
    return [file_of(dict(row)) for row in rows]


def feeds_changed(connection: Connection) -> bool:
    """Whether files with ends of feeds came or went since `see_feeds`."""
    row = connection.execute(select(data_version.c.feeds_changed, data_version.c.feeds_seen)).one()
    return bool(row.feeds_changed > row.feeds_seen)


def gaps(connection: Connection) -> set[tuple[str, int, int]]:
    """When no feed of a PBX was there, as of the last `see_feeds`."""
    rows = connection.execute(select(feed_gaps.c.pbx, feed_gaps.c.from_us, feed_gaps.c.to_us)).all()
    return {(row.pbx, row.from_us, row.to_us) for row in rows}


def see_feeds(connection: Connection, new: Collection[tuple[str, int, int]], counter: int) -> None:
    """Remembers when no feed was there, as of a version."""
    connection.execute(delete(feed_gaps))
    rows = [{"pbx": pbx, "from_us": start, "to_us": end} for pbx, start, end in sorted(new)]
    if rows:
        connection.execute(feed_gaps.insert(), rows)
    connection.execute(update(data_version).values(feeds_seen=counter))


def days_with(connection: Connection, pbx: str, source: str, days: Sequence[date]) -> set[date]:
    """Days from the first to the last of two on which a source of a PBX said something."""
    first, last = days
    rows = connection.execute(
        select(files.c.local_date)
        .where(*EVENTS, files.c.pbx == pbx, files.c.source == source, files.c.local_date.between(first, last))
        .distinct()
    ).scalars()
    return set(rows)
