"""What changes the catalog: a batch, days computed anew, files gathered into one. Each is one transaction.

A file is announced with a lease before it is written; here it becomes valid, and others give way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, select, update

from callstats.cases.catalog import COLUMNS, Batch, ConflictError, FileRow, batch, horizon, in_chunks
from callstats.cases.database import inserted
from callstats.cases.keys import generation_since
from callstats.cases.models import batches, crossings, data_version, days, feed_ends, files
from callstats.errors import StoreError

Alongside = Callable[[Connection, int], None]  # in the transaction of a commit, with its version
SWEPT = "store: writing took longer than its lease and was swept; load again"


def raise_version(connection: Connection, changed: Iterable[str] | None) -> int:
    """A new version; `changed` tells what the facts say now, None: the same as before.

    On PostgreSQL its row lock makes commits follow one another.
    """
    counter, digest = connection.execute(
        update(data_version)
        .values(counter=data_version.c.counter + 1)
        .returning(data_version.c.counter, data_version.c.digest)
    ).one()
    if changed is not None:
        text = "\n".join([digest, *sorted(changed)])
        chained = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        connection.execute(update(data_version).values(content=data_version.c.content + 1, digest=chained))
    return int(counter)


def register(connection: Connection, new: Sequence[FileRow], now: datetime, lease_until: datetime) -> None:
    """Announces files that will be written: `pending` until `lease_until`."""
    if new:
        state: dict[str, Any] = {"state": "pending", "created_at": now, "lease_until": lease_until}
        state |= {"indexed": False, "batch": None}  # the batch may not be there yet
        rows = [{name: getattr(file, name) for name in COLUMNS} for file in new]
        named = [row | state | {"last_date": file.until} for row, file in zip(rows, new, strict=True)]
        connection.execute(files.insert(), named)


def extend(connection: Connection, ids: Collection[str], lease_until: datetime) -> None:
    """Lengthens the lease of pending files; raises StoreError where one was swept meanwhile."""
    for part in in_chunks(ids):
        found = connection.execute(
            update(files)
            .where(files.c.id.in_(part), files.c.state == "pending")
            .values(lease_until=lease_until)
        )
        if found.rowcount != len(part):
            raise StoreError(SWEPT)


def discard(connection: Connection, ids: Collection[str]) -> None:
    """Forgets pending files."""
    for part in in_chunks(ids):
        connection.execute(delete(files).where(files.c.id.in_(part), files.c.state == "pending"))


def go_live(connection: Connection, new: Sequence[FileRow], counter: int) -> None:
    """Makes announced files valid; raises StoreError where one was swept meanwhile."""
    changing = [name for name in COLUMNS if name not in {"id", "table_name", "local_date", "path"}]
    for file in new:
        given = {name: getattr(file, name) for name in changing} | {
            "state": "live",
            "lease_until": None,
            "version": counter,
            "evidence": file.evidence or counter,
            "last_date": file.until,
            "indexed": True,
        }
        found = connection.execute(
            update(files).where(files.c.id == file.id, files.c.state == "pending").values(given)
        )
        if found.rowcount != 1:
            raise StoreError(SWEPT)
        index_file(connection, file)
    _note_feeds(connection, any(file.feed_ends for file in new), counter)


def _note_feeds(connection: Connection, changed: bool, counter: int) -> None:
    if changed:
        connection.execute(update(data_version).values(feeds_changed=counter))


def index_file(connection: Connection, file: FileRow) -> None:
    """Writes down what is known of the lines of an event file."""
    crossing = [{"file": file.id, "id": name, "other_day": day} for name, day in file.index.crossings]
    if crossing:
        connection.execute(crossings.insert(), crossing)
    ends = [{"file": file.id, **end} for end in file.index.feed_ends]
    if ends:
        connection.execute(feed_ends.insert(), ends)
    connection.execute(update(files).where(files.c.id == file.id).values(indexed=True))


def retire(connection: Connection, condition: ColumnElement[bool], now: datetime, counter: int) -> list[str]:
    """Lets valid files give way from a version on; returns their ids."""
    old = connection.execute(
        update(files)
        .where(files.c.state == "live", condition)
        .values(state="replaced", replaced_at=now, replaced_version=counter)
        .returning(files.c.id, files.c.feed_ends)
    ).all()
    _note_feeds(connection, any(row.feed_ends for row in old), counter)
    return [row.id for row in old]


def _retire_all(
    connection: Connection, ids: Collection[str], now: datetime, counter: int, fault: str
) -> None:
    for part in in_chunks(ids):
        if len(retire(connection, files.c.id.in_(part), now, counter)) != len(part):
            raise ConflictError(fault)


def commit_batch(
    connection: Connection,
    new_batch: Batch,
    new_files: Sequence[FileRow],
    touched: Collection[date],
    *,
    now: datetime,
    based_on: int,
    grown_from: Collection[str] = (),
    retired: Collection[str] = (),
    continues: Batch | None = None,
    alongside: Alongside | None = None,
) -> int:
    """Makes a batch and its files valid, in one transaction; returns the new data version.

    `touched`: days that its events are of. `grown_from`: batches that were shorter versions of the file;
    their rejects give way. `retired`: files that give way. `continues`: the same batch as it was stored so
    far; `new_batch` has its counts and the new ones together. `alongside` is called within the transaction.
    Raises ConflictError where another process loaded the same batch or the same lines, or sealed one of the
    days, since `based_on`.
    """
    counter = raise_version(connection, [new_batch.id, *(file.id for file in new_files)])
    _same_key(connection, based_on)
    if batch(connection, new_batch.id) != continues:
        raise ConflictError(f"{new_batch.path}: was loaded by another process at the same time")
    horizons = horizon(connection)
    for file in new_files:
        if file.table_name != "events":
            continue
        if horizons.sealed(file.local_date):
            raise ConflictError(f"{new_batch.path}: {file.local_date} was sealed meanwhile")
        if _overlapped(connection, file, based_on):
            raise ConflictError(
                f"{new_batch.path}: lines of the same time were loaded by another process meanwhile"
            )
    row = asdict(new_batch) | {"loaded_at": now, "state": "live"}
    if continues is None:
        connection.execute(batches.insert(), [row])
    else:
        connection.execute(update(batches).where(batches.c.id == new_batch.id).values(row))
    go_live(connection, new_files, counter)
    for part in in_chunks(grown_from):
        connection.execute(update(batches).where(batches.c.id.in_(part)).values(state="grown"))
        old = and_(files.c.table_name == "rejects", files.c.batch.in_(part))
        retire(connection, old, now, counter)
    fault = f"{new_batch.path}: files of an earlier version were replaced meanwhile"
    _retire_all(connection, retired, now, counter, fault)
    touch(connection, touched, counter)
    if alongside is not None:
        alongside(connection, counter)
    return counter


def _overlapped(connection: Connection, file: FileRow, based_on: int) -> bool:
    others = select(files.c.id).where(
        files.c.table_name == "events", files.c.state == "live", files.c.evidence > based_on,
        files.c.pbx == file.pbx, files.c.source == file.source,
        files.c.min_at <= file.max_at, files.c.max_at >= file.min_at,
    )  # fmt: skip
    return bool(connection.execute(select(exists(others))).scalar())


def _same_key(connection: Connection, based_on: int) -> None:
    """Pseudonyms that were made, or read, before a new key was taken into use are out of date."""
    if generation_since(connection) > based_on:
        raise ConflictError("store: the numbers have got a new key meanwhile")


def touch(connection: Connection, touched: Collection[date], counter: int) -> None:
    """Marks days as in need of computing; what they touch in turn is found when they are computed."""
    fresh = {"event_version": counter, "computed_version": -1, "spread_version": -1, "rules": ""}
    _upsert(connection, [{"local_date": day, **fresh} for day in sorted(touched)], ["event_version"])


def _upsert(connection: Connection, rows: Sequence[dict[str, Any]], changing: Sequence[str]) -> None:
    for part in in_chunks(rows):
        new = inserted(connection, days).values(part)
        found = {name: new.excluded[name] for name in changing}
        connection.execute(new.on_conflict_do_update(index_elements=["local_date"], set_=found))


def commit_days(
    connection: Connection,
    replaced: Collection[date],
    tables: Collection[str],
    new_files: Sequence[FileRow],
    *,
    now: datetime,
    based_on: int,
    rules: str,
    spread: Collection[date] | None = None,
    retired: Collection[str] = (),
) -> int:
    """Replaces `tables` on the days `replaced` by `new_files`; returns the new data version.

    `spread` (default all): days of which every day that their lines touch is computed now. `retired`: files
    of several days that give way; what remains of them is among `new_files`. Raises ConflictError where a
    day was computed from newer events, sealed, or put into such a file meanwhile.
    """
    wanted, done = set(replaced), set(replaced if spread is None else spread)
    counter = raise_version(connection, [*map(str, sorted(wanted)), *(file.id for file in new_files)])
    _same_key(connection, based_on)
    horizons = horizon(connection)
    if any(horizons.sealed(day) for day in wanted):
        raise ConflictError("store: these days were sealed by another process meanwhile")
    for part in in_chunks(sorted(wanted)):
        newer = days.c.local_date.in_(part), days.c.computed_version > based_on
        if connection.execute(select(days.c.local_date).where(*newer)).first() is not None:
            raise ConflictError("store: these days were computed by another process meanwhile")
        single = files.c.table_name.in_(list(tables)), files.c.last_date == files.c.local_date
        retire(connection, and_(*single, files.c.local_date.in_(part)), now, counter)
    moved = "store: files of these days were gathered by another process meanwhile"
    _retire_all(connection, retired, now, counter, moved)
    for file in spanning(connection, wanted, tables):
        raise ConflictError(f"{moved} ({file})")
    rows = [
        {"local_date": day, "event_version": 0, "computed_version": based_on,
         "spread_version": based_on if day in done else 0, "rules": rules}
        for day in sorted(wanted)
    ]  # fmt: skip
    both = ["computed_version", "rules"]
    _upsert(connection, [row for row in rows if row["local_date"] in done], [*both, "spread_version"])
    _upsert(connection, [row for row in rows if row["local_date"] not in done], both)
    go_live(connection, new_files, counter)
    return counter


def spanning(connection: Connection, wanted: Collection[date], tables: Collection[str]) -> list[str]:
    """Ids of valid files of several days that hold one of the days `wanted`."""
    if not wanted:
        return []
    rows = connection.execute(
        select(files.c.id, files.c.local_date, files.c.last_date).where(
            files.c.table_name.in_(list(tables)),
            files.c.state == "live",
            files.c.last_date > files.c.local_date,
            files.c.local_date <= max(wanted),
            files.c.last_date >= min(wanted),
        )
    ).all()
    return [row.id for row in rows if any(row.local_date <= day <= row.last_date for day in wanted)]


def commit_gathered(
    connection: Connection, gathered: Sequence[FileRow], new_files: Sequence[FileRow], *, now: datetime
) -> int:
    """Lets new files take the place of others that hold the same rows; the facts stay what they are.

    Raises ConflictError where one of those gave way meanwhile.
    """
    before, after = sum(file.rows for file in gathered), sum(file.rows for file in new_files)
    if before != after:
        raise AssertionError(f"gathering {before} rows gave {after}")
    counter = raise_version(connection, None)
    fault = "store: files to gather were replaced by another process meanwhile"
    _retire_all(connection, [file.id for file in gathered], now, counter, fault)
    go_live(connection, new_files, counter)
    return counter
