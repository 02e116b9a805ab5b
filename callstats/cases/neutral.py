"""Entered neutral intervals: who was in a neutral state when (clauses 7.1, 11.8), and who said so.

Rows are only ever added: a correction is a row that supersedes another, a withdrawal one that ends it. Every
function takes a connection inside a transaction of `Database`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa
from sqlalchemy import Connection, Row, func, or_, select
from sqlalchemy.exc import IntegrityError

from callstats.cases.catalog import hold
from callstats.cases.models import neutral_intervals as intervals
from callstats.errors import UsageError
from callstats.fields import EXCLUSIONS


@dataclass(frozen=True)
class Entry:
    """One row; exactly one of `department` and `phone` is named, the interval is `[from_at, to_at)`."""

    department: str | None
    phone: str | None
    state: str
    from_at: datetime
    to_at: datetime
    reason: str
    author: str
    entered_at: datetime
    supersedes: int | None = None
    withdrawn: bool = False
    id: int | None = None


def add(connection: Connection, entry: Entry) -> int:
    """Adds an entry, or a correction where it supersedes one; returns its number.

    Raises UsageError where the interval is empty, nobody is named, or the superseded entry is not in force.
    """
    if entry.to_at <= entry.from_at:
        raise UsageError(f"neutral: {entry.to_at} is not after {entry.from_at}; the end comes later")
    if (entry.department is None) == (entry.phone is None):
        raise UsageError("neutral: name either a department or a phone")
    hold(connection)  # numbers follow the order of commits, and months that close see all of them
    if entry.supersedes is not None:
        current(connection, entry.supersedes)
    values = {name: value for name, value in vars(entry).items() if name != "id"}
    try:
        found = connection.execute(intervals.insert().values(**values).returning(intervals.c.id)).scalar_one()
    except IntegrityError:  # another process was faster
        raise UsageError(f"neutral: entry {entry.supersedes} was changed meanwhile; see the list") from None
    return int(found)


def withdraw(connection: Connection, number: int, *, reason: str, author: str, entered_at: datetime) -> int:
    """Ends an entry by a row of its own; returns its number. Raises UsageError if it is not in force."""
    old = current(connection, number)
    end = replace(
        old, reason=reason, author=author, entered_at=entered_at, supersedes=number, withdrawn=True, id=None
    )
    return add(connection, end)


def current(connection: Connection, number: int) -> Entry:
    """The entry of that number, if it is in force. Raises UsageError."""
    for entry in listed(connection):
        if entry.id == number:
            return entry
    raise UsageError(f"neutral: no entry {number} is in force; `callstats neutral list --all` shows all")


def listed(connection: Connection, *, everything: bool = False) -> list[Entry]:
    """Entries in force, or all rows ever added, by number."""
    query = select(intervals).order_by(intervals.c.id)
    if not everything:
        replaced = select(intervals.c.supersedes).where(intervals.c.supersedes.is_not(None))
        query = query.where(~intervals.c.withdrawn, intervals.c.id.not_in(replaced))
    return [_entry(row) for row in connection.execute(query)]


def entries(connection: Connection) -> int:
    """How many rows were ever added: the version of what people entered."""
    return int(connection.execute(select(func.count()).select_from(intervals)).scalar_one())


def newest(connection: Connection) -> int:
    """Number of the newest row; 0: none. Rows get their numbers in the order in which they are committed."""
    return int(connection.execute(select(func.max(intervals.c.id))).scalar() or 0)


def entered_since(connection: Connection, start: datetime, end: datetime, number: int) -> bool:
    """Whether rows newer than `number` say, or take back, something of the time `[start, end)`."""
    old = intervals.alias("old")
    touching = select(old.c.id).where(old.c.from_at < end, old.c.to_at > start)
    wanted = or_(intervals.c.id.in_(touching), intervals.c.supersedes.in_(touching))
    query = select(intervals.c.id).where(intervals.c.id > number, wanted).limit(1)
    return connection.execute(query).first() is not None


def snapshot(connection: Connection) -> pa.Table:
    """Table `EXCLUSIONS`: the entries in force."""
    rows = [
        {"id": e.id, "department": e.department, "phone": e.phone, "state": e.state, "from_at": e.from_at,
         "to_at": e.to_at}
        for e in listed(connection)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, EXCLUSIONS.schema)


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    found = dict(row._mapping)
    for name in ("from_at", "to_at", "entered_at"):
        found[name] = found[name].astimezone(UTC)
    return Entry(**found)
