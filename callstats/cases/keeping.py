"""Files that gave way, and those who still read them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from callstats.cases.models import data_version, files, readers


def begin_reading(connection: Connection, reader: str, now: datetime, lease_until: datetime) -> None:
    """Keeps files that are replaced from now on until the reader ends or its lease does."""
    connection.execute(readers.insert(), [{"id": reader, "since": now, "lease_until": lease_until}])


def end_reading(connection: Connection, reader: str) -> None:
    """Ends what `begin_reading` began."""
    connection.execute(delete(readers).where(readers.c.id == reader))


def sweep(connection: Connection, now: datetime, grace: timedelta) -> list[str]:
    """Forgets pending files whose lease is over and replaced ones that nobody reads; returns their paths."""
    connection.execute(delete(readers).where(readers.c.lease_until < now))
    oldest = connection.execute(select(func.min(readers.c.since))).scalar()
    over = files.c.replaced_at <= now - grace
    if oldest is not None:
        over = over & (files.c.replaced_at < oldest)
    gone = connection.execute(
        delete(files)
        .where(
            or_(
                and_(files.c.state == "pending", files.c.lease_until < now),
                and_(files.c.state == "replaced", over),
            )
        )
        .returning(files.c.path, files.c.replaced_version)
    ).all()
    newest = max((row.replaced_version or 0 for row in gone), default=0)
    older = data_version.c.swept < newest
    connection.execute(update(data_version).where(older).values(swept=newest))
    return [row.path for row in gone]


def kept(connection: Connection) -> int:
    """How many files that gave way are still there."""
    query = select(func.count()).select_from(files).where(files.c.state == "replaced")
    return int(connection.execute(query).scalar_one())
