"""The log of who saw a client's number: append-only, each row sealed with the one before (domain/05 req. 8).

It says who, when, what of which case and why; never the number. Every function takes a connection inside a
transaction of `Database`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, func, select

from callstats.cases.catalog import hold
from callstats.cases.register_tables import access_log


@dataclass(frozen=True)
class Access:
    """One look: `action` such as ``number_shown``, `about` such as ``case 12``."""

    at: datetime
    author: str
    action: str
    about: str
    reason: str | None = None


def note(connection: Connection, access: Access) -> None:
    """Adds a row; rows follow the order of commits."""
    hold(connection)
    last = connection.execute(select(access_log.c.seal).order_by(access_log.c.id.desc()).limit(1)).scalar()
    values = {**vars(access), "before": last or "", "seal": sealed(last or "", access)}
    connection.execute(access_log.insert().values(values))


def listed(connection: Connection, action: str | None = None) -> list[Access]:
    """All rows in order, or those of one action."""
    query = select(access_log).order_by(access_log.c.id)
    rows = connection.execute(query if action is None else query.where(access_log.c.action == action))
    return [Access(row.at, row.author, row.action, row.about, row.reason) for row in rows]


def count(connection: Connection, author: str, action: str, since: datetime) -> int:
    """How often somebody did something from an instant on."""
    query = select(func.count()).select_from(access_log)
    query = query.where(access_log.c.author == author, access_log.c.action == action)
    return int(connection.execute(query.where(access_log.c.at >= since)).scalar_one())


def broken(connection: Connection) -> int | None:
    """Number of the first row that does not follow from the one before; None: the log is whole."""
    last = None
    for row in connection.execute(select(access_log).order_by(access_log.c.id)):
        access = Access(row.at, row.author, row.action, row.about, row.reason)
        if row.seal != sealed(row.before, access) or last not in (None, row.before):
            return int(row.id)
        last = row.seal
    return None


def old(connection: Connection, before: datetime) -> int:
    """How many rows are from before an instant."""
    return int(
        connection.execute(
            select(func.count()).select_from(access_log).where(access_log.c.at < before)
        ).scalar_one()
    )


def forget(connection: Connection, before: datetime) -> int:
    """Removes rows from before an instant; what remains still follows from each other."""
    return int(connection.execute(delete(access_log).where(access_log.c.at < before)).rowcount)


def sealed(before: str, access: Access) -> str:
    """The seal of a row that follows another."""
    parts = [
        before, access.at.astimezone(UTC).isoformat(), access.author, access.action, access.about,
        access.reason or "",
    ]  # fmt: skip
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
