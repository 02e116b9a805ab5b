"""The catalog of the facts: batches loaded, Parquet files that are valid, days that are to be computed.

Every function takes a connection inside a transaction of `Database`; none touches a file. What the facts are
at a moment is one number, the data version, raised by every commit (`callstats.cases.commits`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from callstats.cases.models import batches, data_version, days, files, horizons
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
class Index:
    """What is known of the lines of an event file: tables `crossings` and `feed_ends` of `models`."""

    crossings: tuple[tuple[str, date], ...] = ()
    feed_ends: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class FileRow:
    """One Parquet file: `path` is relative to the data folder, `min_at`/`max_at` bound its events.

    It holds rows of the days from `local_date` to `last_date`, which is the same day unless given.
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
    evidence: int | None = None
    last_date: date | None = None
    index: Index = Index()

    @property
    def until(self) -> date:
        """The last day of its rows."""
        return self.last_date or self.local_date


COLUMNS: Final = tuple(name for name in FileRow.__dataclass_fields__ if name != "index")


@dataclass(frozen=True)
class Day:
    """A day of the computed tables.

    `event_version` brought its newest lines, `computed_version` is what its rows were computed from, and all
    days that its lines up to `spread_version` touch were computed since.
    """

    local_date: date
    event_version: int
    computed_version: int
    spread_version: int
    rules: str


@dataclass(frozen=True)
class Horizons:
    """How far retention went: days before each date; None: not yet (see `models.horizons`)."""

    sealed_before: date | None = None
    purged_before: date | None = None
    facts_before: date | None = None

    def sealed(self, day: date) -> bool:
        """Whether a day takes no lines any more."""
        return self.sealed_before is not None and day < self.sealed_before


def version(connection: Connection) -> tuple[int, str]:
    """Counter of the commits and digest of the facts."""
    row = connection.execute(select(data_version.c.counter, data_version.c.digest)).one()
    return int(row.counter), str(row.digest)


def content(connection: Connection) -> str:
    """What the facts say, as one text: the same as long as files were only gathered."""
    row = connection.execute(select(data_version.c.content, data_version.c.digest)).one()
    return f"{row.content}-{row.digest}" if row.digest else str(row.content)


def swept(connection: Connection) -> int:
    """The oldest version that can still be listed whole."""
    return int(connection.execute(select(data_version.c.swept)).scalar_one())


def hold(connection: Connection) -> None:
    """Waits until no other process commits facts or months, and lets none before this transaction ends."""
    connection.execute(select(data_version.c.id).with_for_update())


def horizon(connection: Connection) -> Horizons:
    """How far retention went."""
    row = connection.execute(select(horizons)).mappings().one()
    return Horizons(**{name: row[name] for name in Horizons.__dataclass_fields__})


def in_chunks(values: Iterable[Any]) -> Iterable[list[Any]]:
    """The values in lists of at most `CHUNK`."""
    items = list(values)
    return (items[i : i + CHUNK] for i in range(0, len(items), CHUNK))


def file_of(row: Mapping[str, Any]) -> FileRow:
    """A row of the table `files`."""
    return FileRow(**{name: row[name] for name in COLUMNS})


def valid_at(counter: int | None) -> ColumnElement[bool]:
    """Files that are valid, or were at a version."""
    if counter is None:
        return files.c.state == "live"
    replaced = or_(files.c.replaced_version.is_(None), files.c.replaced_version > counter)
    return and_(files.c.state.in_(["live", "replaced"]), files.c.version <= counter, replaced)


def live_files(
    connection: Connection,
    table: str,
    first: date | None = None,
    last: date | None = None,
    *,
    pbx: str | None = None,
    source: str | None = None,
    span: tuple[datetime, datetime] | None = None,
    at: int | None = None,
) -> list[FileRow]:
    """Valid files of `table` with days from `first` to `last` (both included, None is open), by day and id.

    `span` keeps those that hold events between two instants (both included); `at` lists an earlier version.
    """
    wanted: list[ColumnElement[bool]] = [files.c.table_name == table, valid_at(at)]
    if first is not None:
        wanted.append(files.c.last_date >= first)
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
    return [file_of(dict(row)) for row in rows]


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


def stale_days(connection: Connection, rules: str) -> list[Day]:
    """Days whose lines are newer than what was computed from them, or that follow other rules, in order.

    Sealed days are never stale.
    """
    wanted = [or_(days.c.spread_version < days.c.event_version, days.c.rules != rules)]
    sealed = horizon(connection).sealed_before
    if sealed is not None:
        wanted.append(days.c.local_date >= sealed)
    rows = connection.execute(select(days).where(*wanted).order_by(days.c.local_date)).mappings()
    return [Day(**row) for row in rows]


def known_days(connection: Connection, first: date | None = None, last: date | None = None) -> list[Day]:
    """Days that events ever touched or that were computed, from `first` to `last`, both included."""
    wanted: list[ColumnElement[bool]] = []
    if first is not None:
        wanted.append(days.c.local_date >= first)
    if last is not None:
        wanted.append(days.c.local_date <= last)
    rows = connection.execute(select(days).where(*wanted).order_by(days.c.local_date)).mappings()
    return [Day(**row) for row in rows]


def event_rows(connection: Connection, first: date, last: date) -> dict[date, int]:
    """How many events each day has, from `first` to `last`, both included."""
    rows = connection.execute(
        select(files.c.local_date, func.sum(files.c.rows))
        .where(
            files.c.table_name == "events", files.c.state == "live", files.c.local_date.between(first, last)
        )
        .group_by(files.c.local_date)
    ).all()
    return {day: int(count) for day, count in rows}


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


def loaded_at(connection: Connection) -> dict[tuple[str, str], datetime]:
    """When a file of each PBX and source was loaded last."""
    rows = connection.execute(
        select(batches.c.pbx, batches.c.source, func.max(batches.c.loaded_at).label("at")).group_by(
            batches.c.pbx, batches.c.source
        )
    )
    return {(row.pbx, row.source): row.at for row in rows}


def batches_of(connection: Connection, ids: Sequence[str]) -> list[Batch]:
    """The loaded batches among some ids."""
    return [
        _batch(dict(row))
        for part in in_chunks(ids)
        for row in connection.execute(select(batches).where(batches.c.id.in_(part))).mappings()
    ]
