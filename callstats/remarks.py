"""What heads say of a month: a comment, or that a figure is contested (domain/05 requirement 11).

Both are entered before the month closes and stand beside its figures ever after; a remark can be withdrawn
until then, never rewritten.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, select, update

from callstats.calendar import Calendar, bucket_start
from callstats.cases.catalog import hold
from callstats.cases.models import month_editions
from callstats.cases.remark_tables import month_remarks as remarks
from callstats.errors import UsageError
from callstats.masking import said
from callstats.settings import Settings
from callstats.store import Store


@dataclass(frozen=True)
class Remark:
    """A comment to a department's month (`month`: its first day), or, with a metric, a contested figure."""

    department: str
    month: date
    metric: str | None
    text: str
    author: str
    at: datetime
    id: int = 0


def enter(store: Store, department: str, month: date, metric: str | None, text: str, author: str,
          today: date) -> int:  # fmt: skip
    """A head's remark; returns its number. Numbers of clients in it are masked.

    Raises UsageError for no text, a month that has not begun, and one that is closed.
    """
    told = said(text, "text")
    if month != bucket_start(month, "month") or month > today:
        raise UsageError(f"month: {month} is not the first day of a month that has begun")
    with store.database.write() as connection:
        hold(connection)  # a month that closes meanwhile stays as it was read
        _open(connection, month)
        values = {
            "department": department, "month": month, "metric": metric, "text": told, "author": author,
            "at": store.clock(),
        }  # fmt: skip
        return int(connection.execute(remarks.insert().values(**values).returning(remarks.c.id)).scalar_one())


def withdraw(store: Store, department: str, number: int) -> None:
    """Takes a remark back. Raises UsageError for another department's, or when its month is closed."""
    with store.database.write() as connection:
        hold(connection)
        row = connection.execute(
            select(remarks).where(
                remarks.c.id == number,
                remarks.c.department == department,
                remarks.c.withdrawn_at.is_(None),
            )
        ).first()
        if row is None:
            raise UsageError(f"remark {number} is none of department {department!r}, or it is withdrawn")
        _open(connection, row.month)
        connection.execute(update(remarks).where(remarks.c.id == number).values(withdrawn_at=store.clock()))


def listed(
    connection: Connection, start: date, end: date, departments: Collection[str] | None = None
) -> list[Remark]:
    """Remarks in force to months that begin in ``[start, end)``, the newest month first."""
    query = select(remarks).where(
        remarks.c.withdrawn_at.is_(None), remarks.c.month >= start, remarks.c.month < end
    )
    if departments is not None:
        query = query.where(remarks.c.department.in_(list(departments)))
    rows = connection.execute(query.order_by(remarks.c.month.desc(), remarks.c.id))
    return [
        Remark(one.department, one.month, one.metric, one.text, one.author, one.at, one.id) for one in rows
    ]


def newest(connection: Connection) -> tuple[int, int]:
    """What pages with remarks depend on: how many there are, and how many of them are withdrawn."""
    row = connection.execute(select(func.count(remarks.c.id), func.count(remarks.c.withdrawn_at))).one()
    return int(row[0]), int(row[1])


def open_months(store: Store, settings: Settings, first: date | None = None) -> list[date]:
    """First days of the months that a remark can be entered to, the newest first; at most thirteen."""
    with store.database.read() as connection:
        closed = set(connection.execute(select(month_editions.c.month)).scalars())
    month = bucket_start(Calendar.from_settings(settings).local_date(store.clock()), "month")
    found = []
    for _ in range(13):
        if month not in closed and (first is None or month >= bucket_start(first, "month")):
            found.append(month)
        month = bucket_start(month - timedelta(days=1), "month")
    return found


def _open(connection: Connection, month: date) -> None:
    if connection.execute(select(month_editions.c.month).where(month_editions.c.month == month)).first():
        raise UsageError(f"month: {month:%Y-%m} is closed; what is said of it stands")
