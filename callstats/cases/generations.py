"""Replacing all facts at once: the transaction in which a new key of the numbers is taken into use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from callstats.cases import commits
from callstats.cases.catalog import ConflictError, FileRow, Index, in_chunks
from callstats.cases.keys import take_into_use
from callstats.cases.models import crossings, feed_ends, files
from callstats.pseudonyms import Pseudonymiser


def replace_all(
    connection: Connection,
    seen: Collection[str],
    renewed: Mapping[str, FileRow],
    key: Pseudonymiser,
    *,
    now: datetime,
) -> int:
    """Makes files valid in place of others, and the key the one in use; returns the new data version.

    `seen`: ids of all valid files that were looked at; `renewed`: those that change, with what takes their
    place. Raises ConflictError where there are further ones by now.
    """
    live = set(connection.execute(select(files.c.id).where(files.c.state == "live")).scalars())
    if live - set(seen):
        raise ConflictError("store: facts were added meanwhile")
    counter = commits.raise_version(connection, [file.id for file in renewed.values()])
    for part in in_chunks(sorted(set(renewed) & live)):
        found = [_with_ids(connection, name, renewed[name], key) for name in part]
        commits.retire(connection, files.c.id.in_(part), now, counter)
        commits.go_live(connection, found, counter)
    take_into_use(connection, key, counter)
    return counter


def _with_ids(connection: Connection, before: str, file: FileRow, key: Pseudonymiser) -> FileRow:
    """The file with what the catalog knows of the lines of the one before; an id may hold a pseudonym."""
    crossing = connection.execute(
        select(crossings.c.id, crossings.c.other_day).where(crossings.c.file == before)
    ).all()
    rows = connection.execute(select(feed_ends).where(feed_ends.c.file == before)).mappings()
    ends = tuple({name: value for name, value in row.items() if name != "file"} for row in rows)
    return replace(file, index=Index(tuple((key.rewritten(name), day) for name, day in crossing), ends))
