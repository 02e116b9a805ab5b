"""Replacing all facts at once: the transaction in which a new key of the numbers is taken into use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, select, update

from callstats.cases import catalog
from callstats.cases.catalog import ConflictError, FileRow
from callstats.cases.keys import take_into_use
from callstats.cases.models import days, files
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
    counter = catalog.raise_version(connection, [file.id for file in renewed.values()])
    for part in catalog.in_chunks(sorted(set(renewed) & live)):
        catalog.retire(connection, files.c.id.in_(part), now)
        catalog.go_live(connection, [renewed[name] for name in part], counter, None)
    # a day that was up to date still is: its tables were rewritten with its events
    current = days.c.computed_version >= days.c.event_version
    connection.execute(update(days).where(current).values(computed_version=counter))
    take_into_use(connection, key, counter)
    return counter
