"""The catalog of the facts: batches loaded, Parquet files that are valid, days that are to be computed.

Every function takes a connection inside a transaction of `Database`; none touches a file. What the facts are
at a moment is one number, the data version, raised by every commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from callstats.cases.models import batches, data_version, days, files, readers
from callstats.errors import StoreError

ONE_DAY: Final = timedelta(days=1)
CHUNK: Final = 500  # rows per statement: both databases bound the number of parameters


class ConflictError(StoreError):
    """Another process changed the same facts meanwhile: what was computed is out of date."""


@dataclass(frozen=True)
class Batch:
    """One load of one file. `id` is derived from PBX, dialect and content; counts are lines of the file."""

    id: str
    pbx: str
    source: str
    dialect: str
    path: str
    sha256: str
    size: int
    lineage: str
    rows_read: int = 0
    rows_kept: int = 0
    rows_ignored: int = 0
    rows_rejected: int = 0
    rows_new: int = 0


@dataclass(frozen=True)
class FileRow:
    """One Parquet file: `path` is relative to the data folder, `min_at`/`max_at` bound its events.

    `feed_ends`: it holds beginnings or ends of a recorded feed.
    """

    id: str
    table_name: str
    local_date: date
    path: str
    rows: int = 0
    bytes: int = 0
    pbx: str | None = None
    source: str | None = None
    feed_ends: bool = False
    min_at: datetime | None = None
    max_at: datetime | None = None
    batch: str | None = None
    version: int | None = None


@dataclass(frozen=True)
class Day:
    """A day of the computed tables; stale where `computed_version` < `event_version` or `rules` differ."""

    local_date: date
    event_version: int
    computed_version: int
    reach_to: date
    rules: str


def version(connection: Connection) -> tuple[int, str]:
    """Counter and digest of the facts."""
    row = connection.execute(select(data_version.c.counter, data_version.c.digest)).one()
    return int(row.counter), str(row.digest)


def raise_version(connection: Connection, changed: Iterable[str]) -> int:
    """A new data version; on PostgreSQL its row lock makes commits follow one another."""
    counter, digest = connection.execute(
        update(data_version)
        .values(counter=data_version.c.counter + 1)
        .returning(data_version.c.counter, data_version.c.digest)
    ).one()
    chained = hashlib.blake2b("\n".join([digest, *sorted(changed)]).encode(), digest_size=8).hexdigest()
    connection.execute(update(data_version).values(digest=chained))
    return int(counter)


def _in_chunks(values: Iterable[Any]) -> Iterable[list[Any]]:
    items = list(values)
    return (items[i : i + CHUNK] for i in range(0, len(items), CHUNK))


def _file(row: Mapping[str, Any]) -> FileRow:
    return FileRow(**{name: row[name] for name in FileRow.__dataclass_fields__})


def live_files(
    connection: Connection,
    table: str,
    first: date | None = None,
    last: date | None = None,
    *,
    pbx: str | None = None,
    source: str | None = None,
    span: tuple[datetime, datetime] | None = None,
) -> list[FileRow]:
    """Valid files of `table` from day `first` to day `last` (both included, None is open), by day and id.

    `span` keeps those that hold events between two instants (both included).
    """
    wanted: list[ColumnElement[bool]] = [files.c.table_name == table, files.c.state == "live"]
    if first is not None:
        wanted.append(files.c.local_date >= first)
    if last is not None:
        wanted.append(files.c.local_date <= last)
    if pbx is not None:
        wanted.append(files.c.pbx == pbx)
    if source is not None:
        wanted.append(files.c.source == source)
    if span is not None:
        wanted += [files.c.min_at <= span[1], files.c.max_at >= span[0]]
    rows = connection.execute(
        select(files).where(*wanted).order_by(files.c.local_date, files.c.id)
    ).mappings()
    return [_file(dict(row)) for row in rows]


def nearest_feed_ends(connection: Connection, first: date, last: date) -> list[FileRow]:
    """Files of the nearest day before `first`, and of the nearest after `last`, with ends of a PBX's feed."""
    ends = files.c.table_name == "events", files.c.state == "live", files.c.feed_ends
    before = select(files.c.pbx, func.max(files.c.local_date)).where(*ends, files.c.local_date < first)
    after = select(files.c.pbx, func.min(files.c.local_date)).where(*ends, files.c.local_date > last)
    found: list[FileRow] = []
    for query in (before.group_by(files.c.pbx), after.group_by(files.c.pbx)):
        for pbx, day in connection.execute(query).all():
            found += [file for file in live_files(connection, "events", day, day, pbx=pbx) if file.feed_ends]
    return found


def files_of_batch(connection: Connection, batch: str) -> list[FileRow]:
    """Valid files that a batch brought."""
    rows = connection.execute(select(files).where(files.c.batch == batch, files.c.state == "live")).mappings()
    return [_file(dict(row)) for row in rows]


def register(connection: Connection, new: Sequence[FileRow], now: datetime, lease_until: datetime) -> None:
    """Announces files that will be written: `pending` until `lease_until`."""
    if new:
        rows = [
            asdict(file) | {"state": "pending", "created_at": now, "lease_until": lease_until} for file in new
        ]
        connection.execute(files.insert(), rows)


def extend(connection: Connection, ids: Collection[str], lease_until: datetime) -> None:
    """Lengthens the lease of pending files; raises StoreError where one was swept meanwhile."""
    for part in _in_chunks(ids):
        found = connection.execute(
            update(files)
            .where(files.c.id.in_(part), files.c.state == "pending")
            .values(lease_until=lease_until)
        )
        if found.rowcount != len(part):
            raise StoreError("store: writing took longer than its lease and was swept; load again")


def _go_live(connection: Connection, new: Sequence[FileRow], counter: int, batch: str | None) -> None:
    for file in new:
        found = connection.execute(
            update(files)
            .where(files.c.id == file.id, files.c.state == "pending")
            .values(
                state="live",
                lease_until=None,
                version=counter,
                batch=file.batch or batch,
                rows=file.rows,
                bytes=file.bytes,
                pbx=file.pbx,
                source=file.source,
                feed_ends=file.feed_ends,
                min_at=file.min_at,
                max_at=file.max_at,
            )
        )
        if found.rowcount != 1:
            raise StoreError("store: writing took longer than its lease and was swept; load again")


def _retire(connection: Connection, condition: ColumnElement[bool], now: datetime) -> list[str]:
    old = connection.execute(
        update(files)
        .where(files.c.state == "live", condition)
        .values(state="replaced", replaced_at=now)
        .returning(files.c.id)
    )
    return [row.id for row in old]


def batch(connection: Connection, batch_id: str) -> Batch | None:
    """A loaded batch, or None."""
    row = connection.execute(select(batches).where(batches.c.id == batch_id)).mappings().one_or_none()
    return _batch(dict(row)) if row is not None else None


def _batch(row: Mapping[str, Any]) -> Batch:
    return Batch(**{name: row[name] for name in Batch.__dataclass_fields__})


def lineage(connection: Connection, lineage_id: str, pbx: str, dialect: str) -> list[Batch]:
    """Loaded batches whose file begins the same way, longest first."""
    rows = connection.execute(
        select(batches)
        .where(batches.c.lineage == lineage_id, batches.c.pbx == pbx, batches.c.dialect == dialect)
        .order_by(batches.c.size.desc())
    ).mappings()
    return [_batch(dict(row)) for row in rows]


def commit_batch(
    connection: Connection,
    new_batch: Batch,
    new_files: Sequence[FileRow],
    reach: Mapping[date, date],
    *,
    now: datetime,
    based_on: int,
    grown_from: Collection[str] = (),
    retired: Collection[str] = (),
) -> int:
    """Makes a batch and its files valid, in one transaction; returns the new data version.

    `reach`: days that its events touch, each with the last day that has events of its calls. `grown_from`:
    batches that were shorter versions of the file; their rejects give way. `retired`: files that give way.
    Raises ConflictError where another process loaded the same batch or the same lines since `based_on`.
    """
    counter = raise_version(connection, [new_batch.id, *(file.id for file in new_files)])
    if batch(connection, new_batch.id) is not None:
        raise ConflictError(f"{new_batch.path}: was loaded by another process at the same time")
    for file in new_files:
        if file.table_name == "events" and _overlapped(connection, file, based_on):
            raise ConflictError(
                f"{new_batch.path}: lines of the same time were loaded by another process meanwhile"
            )
    connection.execute(batches.insert(), [asdict(new_batch) | {"loaded_at": now, "state": "live"}])
    _go_live(connection, new_files, counter, new_batch.id)
    if grown_from:
        connection.execute(update(batches).where(batches.c.id.in_(list(grown_from))).values(state="grown"))
        _retire(connection, and_(files.c.table_name == "rejects", files.c.batch.in_(list(grown_from))), now)
    for part in _in_chunks(retired):
        if len(_retire(connection, files.c.id.in_(part), now)) != len(part):
            raise ConflictError(f"{new_batch.path}: files of an earlier version were replaced meanwhile")
    _touch(connection, reach, counter)
    return counter


def _overlapped(connection: Connection, file: FileRow, based_on: int) -> bool:
    others = select(files.c.id).where(
        files.c.table_name == "events", files.c.state == "live", files.c.version > based_on,
        files.c.pbx == file.pbx, files.c.source == file.source,
        files.c.min_at <= file.max_at, files.c.max_at >= file.min_at,
    )  # fmt: skip
    return bool(connection.execute(select(exists(others))).scalar())


def _touch(connection: Connection, reach: Mapping[date, date], counter: int) -> None:
    """Marks days, and the day before and after each, as in need of computing."""
    marked: dict[date, date] = {}
    for day, last in reach.items():
        for touched in (day - ONE_DAY, day, day + ONE_DAY):
            marked[touched] = max(marked.get(touched, touched), last if touched == day else touched)
    known = {
        row.local_date: row.reach_to
        for part in _in_chunks(marked)
        for row in connection.execute(
            select(days.c.local_date, days.c.reach_to).where(days.c.local_date.in_(part))
        )
    }
    fresh = {"event_version": counter, "computed_version": -1, "rules": ""}
    rows = [
        {"local_date": day, "reach_to": max(last, known.get(day, last)), **fresh}
        for day, last in sorted(marked.items())
    ]
    for part in _in_chunks(rows):
        make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        statement = make(days).values(part)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["local_date"],
                set_={
                    "event_version": statement.excluded.event_version,
                    "reach_to": statement.excluded.reach_to,
                },
            )
        )


def stale_days(connection: Connection, rules: str) -> list[Day]:
    """Days whose computed tables are older than their events or follow other rules, in order."""
    rows = connection.execute(
        select(days)
        .where(or_(days.c.computed_version < days.c.event_version, days.c.rules != rules))
        .order_by(days.c.local_date)
    ).mappings()
    return [Day(**row) for row in rows]


def known_days(connection: Connection, first: date, last: date) -> list[Day]:
    """Days that events ever touched, from `first` to `last`, both included."""
    rows = connection.execute(
        select(days).where(days.c.local_date.between(first, last)).order_by(days.c.local_date)
    ).mappings()
    return [Day(**row) for row in rows]


def commit_days(
    connection: Connection,
    replaced: Collection[date],
    tables: Collection[str],
    new_files: Sequence[FileRow],
    *,
    now: datetime,
    based_on: int,
    rules: str,
) -> int:
    """Replaces `tables` on the days `replaced` by `new_files`; returns the new data version.

    Raises ConflictError where a day was computed from newer events meanwhile.
    """
    wanted = sorted(replaced)
    counter = raise_version(connection, [*map(str, wanted), *(file.id for file in new_files)])
    for part in _in_chunks(wanted):
        newer = select(days.c.local_date).where(
            days.c.local_date.in_(part), days.c.computed_version > based_on
        )
        if connection.execute(newer).first() is not None:
            raise ConflictError("store: these days were computed by another process meanwhile")
        _retire(connection, and_(files.c.table_name.in_(list(tables)), files.c.local_date.in_(part)), now)
        connection.execute(
            update(days).where(days.c.local_date.in_(part)).values(computed_version=based_on, rules=rules)
        )
    _go_live(connection, new_files, counter, None)
    return counter


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
    limit = min(now - grace, oldest) if oldest is not None else now - grace
    gone = connection.execute(
        delete(files)
        .where(
            or_(
                and_(files.c.state == "pending", files.c.lease_until < now),
                and_(files.c.state == "replaced", files.c.replaced_at < limit),
            )
        )
        .returning(files.c.path)
    )
    return [row.path for row in gone]


def valid_paths(connection: Connection) -> list[str]:
    """Paths of all valid files."""
    return list(connection.execute(select(files.c.path).where(files.c.state == "live")).scalars())


def paths(connection: Connection) -> set[str]:
    """Paths of all files that the catalog knows, in any state."""
    return set(connection.execute(select(files.c.path)).scalars())


def all_batches(connection: Connection) -> list[Batch]:
    """All loaded batches in the order of loading."""
    rows = connection.execute(select(batches).order_by(batches.c.loaded_at, batches.c.id)).mappings()
    return [_batch(dict(row)) for row in rows]
