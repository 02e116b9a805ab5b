"""The SQL side of retention: what is due, days sealed, files that go, and the list of what went."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import Connection, delete, select, update

from callstats.cases.catalog import ConflictError, FileRow, file_of, in_chunks
from callstats.cases.commits import raise_version, retire
from callstats.cases.models import days, files, horizons, purges


@dataclass(frozen=True)
class Gone:
    """What went, or would: `what`, by which `setting`; days `before` a date, and how much it was."""

    what: str
    setting: str
    before: date | None
    days: int = 0
    files: int = 0
    rows: int = 0


def due(connection: Connection, tables: Collection[str], before: date) -> list[FileRow]:
    """Valid files of some tables with no row of a day from `before` on."""
    wanted = files.c.state == "live", files.c.table_name.in_(list(tables)), files.c.last_date < before
    rows = connection.execute(select(files).where(*wanted).order_by(files.c.local_date, files.c.id))
    return [file_of(dict(row)) for row in rows.mappings()]


def seal(connection: Connection, before: date) -> None:
    """Lets days before a date take no more lines, and stay as they were computed.

    Raises ConflictError where one of them still has lines that nothing was computed from.
    """
    open_days = days.c.local_date < before, days.c.spread_version < days.c.event_version
    already = connection.execute(select(horizons.c.sealed_before)).scalar()
    fresh = select(days.c.local_date).where(*open_days)
    if already is not None:
        fresh = fresh.where(days.c.local_date >= already)
    if connection.execute(fresh).first() is not None:
        raise ConflictError("store: days to seal got new lines meanwhile")
    raise_version(connection, None)
    connection.execute(update(horizons).values(sealed_before=before))


def remove(
    connection: Connection, gone: Sequence[FileRow], report: Sequence[Gone], *, now: datetime,
    purged_before: date | None, facts_before: date | None,
) -> None:  # fmt: skip
    """Lets files go for good and writes down what went; raises ConflictError where one gave way meanwhile."""
    if gone:
        counter = raise_version(connection, ["purged", *(file.id for file in gone)])
        for part in in_chunks(file.id for file in gone):
            if len(retire(connection, files.c.id.in_(part), now, counter)) != len(part):
                raise ConflictError("store: files to purge were replaced by another process meanwhile")
    moved = {"purged_before": purged_before, "facts_before": facts_before}
    connection.execute(update(horizons).values({name: day for name, day in moved.items() if day is not None}))
    if facts_before is not None:
        connection.execute(delete(days).where(days.c.local_date < facts_before))
    rows = [{"at": now, **asdict(one)} for one in report]
    if rows:
        connection.execute(purges.insert(), rows)


def all_purges(connection: Connection) -> list[tuple[datetime, Gone]]:
    """What went so far, in order of time."""
    rows = connection.execute(select(purges).order_by(purges.c.at, purges.c.id)).mappings()
    names = Gone.__dataclass_fields__
    return [(row["at"], Gone(**{name: row[name] for name in names})) for row in rows]
