"""The outbox of reminders in the SQL database: one row per way, recipient and day, sent once.

A row is claimed before it is sent, so that two senders never send the same; it is marked as sent right after
the server took it. A crash between these two may send it once more, with the same Message-ID. Every function
takes a connection inside a transaction of `Database`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from callstats.cases.database import inserted
from callstats.cases.register_tables import outbox


@dataclass(frozen=True)
class Row:
    """One reminder; `cases` tell number, department, what is waited for, due day: nothing of a client."""

    message_id: str
    way: str
    recipient: str
    day: date
    cases: Sequence[Mapping[str, Any]]
    made_at: datetime
    next_try_at: datetime
    tries: int = 0
    sent_at: datetime | None = None
    fault: str | None = None


def put(connection: Connection, row: Row) -> bool:
    """Adds a reminder; False where there is one of that way, recipient and day already."""
    values = {**vars(row), "cases": json.dumps([dict(case) for case in row.cases], sort_keys=True)}
    return bool(
        connection.execute(inserted(connection, outbox).values(values).on_conflict_do_nothing()).rowcount
    )


def waiting(connection: Connection, day: date, now: datetime) -> list[Row]:
    """Reminders of a day that are to be sent now, oldest first; older days' are told by today's."""
    query = select(outbox).where(outbox.c.sent_at.is_(None), outbox.c.day == day, outbox.c.next_try_at <= now)
    return [_row(dict(one)) for one in connection.execute(query.order_by(outbox.c.message_id)).mappings()]


def claim(connection: Connection, row: Row, until: datetime) -> bool:
    """Takes a row to send it before ``until``; False where another sender took it."""
    found = connection.execute(
        update(outbox)
        .where(
            outbox.c.message_id == row.message_id,
            outbox.c.sent_at.is_(None),
            outbox.c.next_try_at == row.next_try_at,
            outbox.c.tries == row.tries,
        )
        .values(next_try_at=until, tries=row.tries + 1)
    )
    return found.rowcount == 1


def sent(connection: Connection, message_id: str, at: datetime) -> None:
    """The server took it."""
    mine = outbox.c.message_id == message_id
    connection.execute(update(outbox).where(mine).values(sent_at=at, fault=None))


def failed(connection: Connection, message_id: str, fault: str, next_try_at: datetime) -> None:
    """It could not be sent: why, and when it is tried again; one that another sender sent stays sent."""
    mine = (outbox.c.message_id == message_id) & outbox.c.sent_at.is_(None)
    connection.execute(update(outbox).where(mine).values(fault=fault, next_try_at=next_try_at))


def listed(connection: Connection) -> list[Row]:
    """All rows by day."""
    query = select(outbox).order_by(outbox.c.day, outbox.c.message_id)
    return [_row(dict(one)) for one in connection.execute(query).mappings()]


def forget(connection: Connection, before: date) -> int:
    """Removes rows of days before a date; returns how many."""
    return int(connection.execute(delete(outbox).where(outbox.c.day < before)).rowcount)


def _row(found: Mapping[str, Any]) -> Row:
    return Row(**{**found, "cases": json.loads(found["cases"])})
