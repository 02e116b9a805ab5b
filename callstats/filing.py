"""How files of the facts are named, described for the catalog, announced and written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from callstats import parquet
from callstats.cases import commits
from callstats.cases.catalog import FileRow, Index
from callstats.cases.database import Database
from callstats.clock import Clock

SPILL: Final = "spill"
LEASE: Final = timedelta(hours=1)
FEED_ENDS: Final = pa.array(
    ["connected", "disconnected"]
)  # events of our own: where a recorded feed begins, ends
END_COLUMNS: Final = ("line_key", "pbx", "batch", "at", "kind", "connection", "line")
IDS: Final = ("linkedid", "uniqueid", "dest_linkedid", "dest_uniqueid")
# as in assemble/sql/labels_first.sql: a longer number is no time
EPOCH: Final = r"(?:^|[^0-9])(?P<epoch>[0-9]{1,10})\.[0-9]+$"


def named(table: str, first: date, last: date | None = None) -> FileRow:
    """A new file; a day has many of events, hence a folder, and few of any other table."""
    name = parquet.new_id()
    if table == "events":
        path = f"{table}/{first}/{name}.parquet"
    else:
        path = f"{table}/{first}{f'_{last}' if last else ''}-{name}.parquet"
    return FileRow(id=name, table_name=table, local_date=first, path=path, last_date=last or first)


def described(file: FileRow, events: pa.Table, timezone: str) -> FileRow:
    """A file of events with what the catalog is to know of them."""
    bounds = pc.min_max(events["at"]).as_py()
    told = events.filter(pc.is_in(events["kind"], value_set=FEED_ENDS)).select(list(END_COLUMNS)).to_pylist()
    ends = tuple(row | {"line_key": row["line_key"].hex()} for row in told)
    index = Index(tuple(sorted(crossings(events, file.local_date, timezone))), ends)
    return replace(file, min_at=bounds["min"], max_at=bounds["max"], feed_ends=bool(ends), index=index)


def crossings(events: pa.Table, day: date, timezone: str) -> set[tuple[str, date]]:
    """Pairs (`pbx:id`, another day) of events of one day: see `callstats.cases.crossings.Crossing`.

    The day of an id stands in it: `[systemname-]epoch.counter`.
    """
    found: set[tuple[str, date]] = set()
    zone = ZoneInfo(timezone)
    bounds = [int(datetime.combine(one, time(), zone).timestamp()) for one in (day, day + timedelta(days=1))]
    for name in IDS:
        column = events[name].combine_chunks()
        if column.null_count == len(column):
            continue
        epoch = _epochs(column)
        elsewhere = pc.or_(pc.less(epoch, bounds[0]), pc.greater_equal(epoch, bounds[1]))
        if pc.any(elsewhere).as_py():
            began = _local_day(epoch.filter(elsewhere).cast(pa.timestamp("s", tz="UTC")), timezone)
            found |= _pairs(events["pbx"].filter(elsewhere), column.filter(elsewhere), began, day)
    bare = pc.and_(
        pc.equal(events["source"], "cdr"), pc.equal(pc.coalesce(events["linkedid"], pa.scalar("")), "")
    )
    rows = events.filter(bare)
    ended = _local_day(rows["ended_at"].combine_chunks(), timezone)
    for ids in (rows["uniqueid"].combine_chunks(), pa.nulls(rows.num_rows, pa.string())):
        found |= _pairs(rows["pbx"], ids, ended, day)
    return found


def _epochs(ids: pa.Array) -> pa.Array:
    """The epoch seconds in ids; null where there is none."""
    if pc.all(pc.match_substring_regex(ids, r"^[0-9]{10}\.[0-9]+$")).as_py():  # as most PBXs write them
        return pc.utf8_slice_codeunits(ids, 0, 10).cast(pa.int64())
    return pc.struct_field(pc.extract_regex(ids, pattern=EPOCH), "epoch").cast(pa.int64())


def has_epoch(ids: pa.ChunkedArray) -> bool:
    """Whether every id there is tells when it came up: `[systemname-]epoch.counter`."""
    given = ids.combine_chunks()
    given = given.filter(pc.fill_null(pc.not_equal(given, ""), False))
    return not len(given) or _epochs(given).null_count == 0


def _local_day(instant: pa.Array, timezone: str) -> pa.Array:
    return pc.local_timestamp(instant.cast(pa.timestamp(instant.type.unit, tz=timezone))).cast(pa.date32())


def _pairs(pbx: pa.ChunkedArray, ids: pa.Array, other: pa.Array, day: date) -> set[tuple[str, date]]:
    elsewhere = pc.fill_null(pc.not_equal(other, pa.scalar(day, pa.date32())), False)
    if not pc.any(elsewhere).as_py():
        return set()
    table = pa.table({"pbx": pbx.combine_chunks(), "id": ids, "day": other}).filter(elsewhere)
    rows = table.group_by(["pbx", "id", "day"]).aggregate([]).to_pylist()
    return {(f"{row['pbx']}:{row['id']}" if row["id"] else "", row["day"]) for row in rows}


@contextmanager
def spill(root: Path) -> Iterator[Path]:
    """A folder in the data folder for what an engine cannot hold in memory; gone afterwards."""
    place = root / SPILL
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


def announce(database: Database, new: Sequence[FileRow], clock: Clock) -> None:
    """Tells the catalog of files that will be written."""
    now = clock()
    with database.write() as connection:
        commits.register(connection, new, now, now + LEASE)


def write(
    root: Path, database: Database, clock: Clock, new: Sequence[tuple[FileRow, pa.Table]]
) -> list[FileRow]:
    """Announces and writes files; they stay pending until a commit."""
    if not new:
        return []
    announce(database, [file for file, _ in new], clock)
    return put(root, new)


def put(root: Path, new: Sequence[tuple[FileRow, pa.Table]]) -> list[FileRow]:
    """Writes files that were announced; returns them with their rows and bytes."""
    return [
        replace(file, rows=rows.num_rows, bytes=parquet.write(rows, root / file.path)) for file, rows in new
    ]
