"""The connections of a collector, and how far its journal was taken into the facts.

A live feed ends, so far, where it was heard last: who needs it to go on waits for more. Its row is moved
along in the transaction that brings the events, so that facts and feed never disagree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, case, delete, select, update

from callstats.cases.database import inserted
from callstats.cases.models import data_version, journal_cursors, live_feeds

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Heard:
    """One connection: `name` is its journal and number (and where it goes on after damage); from and to in
    epoch microseconds of the PBX.
    """

    pbx: str
    name: str
    connected_us: int
    heard_us: int


@dataclass(frozen=True)
class Cursor:
    """The next record of a journal that is to be taken in; `at`: when this was noted.

    `connection`, `ordinal`: the block that has to stand there if the connection goes on.
    """

    journal: str
    segment: int
    record: int
    connection: int
    ordinal: int
    at: datetime


def ends(connection: Connection) -> list[dict[str, Any]]:
    """Beginnings and ends of the live feeds, as rows of `feed_ends` that belong to no file."""
    found = []
    for number, one in enumerate(heard(connection), 1):
        for kind, us in (("connected", one.connected_us), ("disconnected", one.heard_us)):
            key = hashlib.blake2b(f"{one.pbx}\0{one.name}\0{kind}".encode(), digest_size=16).hexdigest()
            told = {"file": None, "pbx": one.pbx, "batch": one.name, "at": _at(us), "kind": kind}
            found.append(told | {"line_key": key, "connection": number, "line": number})
    return found


def heard(connection: Connection, pbx: str | None = None) -> list[Heard]:
    """The connections of all collectors, or of one PBX, in order of time."""
    rows = select(live_feeds).order_by(live_feeds.c.connected_us, live_feeds.c.pbx, live_feeds.c.name)
    if pbx is not None:
        rows = rows.where(live_feeds.c.pbx == pbx)
    return [Heard(**row) for row in connection.execute(rows).mappings()]


def note(connection: Connection, feeds: Iterable[Heard], counter: int) -> None:
    """Moves connections along; `counter` is the version of the commit that this is part of."""
    rows = [
        {"pbx": one.pbx, "name": one.name, "connected_us": one.connected_us, "heard_us": one.heard_us}
        for one in feeds
    ]
    if not rows:
        return
    new = inserted(connection, live_feeds).values(rows)
    first, last = live_feeds.c.connected_us, live_feeds.c.heard_us
    wider = {
        "connected_us": case((new.excluded.connected_us < first, new.excluded.connected_us), else_=first),
        "heard_us": case((new.excluded.heard_us > last, new.excluded.heard_us), else_=last),
    }
    connection.execute(new.on_conflict_do_update(index_elements=["pbx", "name"], set_=wider))
    connection.execute(update(data_version).values(feeds_changed=counter))


def forget(connection: Connection, before_us: int) -> int:
    """Forgets connections that ended before an instant of which no event is left; returns how many.

    The newest of each PBX stays: it tells since when nothing was heard.
    """
    told = heard(connection)
    newest = {one.pbx: one.name for one in told}
    gone = [one for one in told if one.heard_us < before_us and newest[one.pbx] != one.name]
    for one in gone:
        connection.execute(
            delete(live_feeds).where(live_feeds.c.pbx == one.pbx, live_feeds.c.name == one.name)
        )
    return len(gone)


def cursor(connection: Connection, journal: str) -> Cursor | None:
    """How far a journal was taken in; None: nothing of it yet."""
    row = connection.execute(select(journal_cursors).where(journal_cursors.c.journal == journal)).mappings()
    found = row.one_or_none()
    return Cursor(**found) if found is not None else None


def cursors(connection: Connection) -> list[Cursor]:
    """How far each journal was taken in."""
    rows = connection.execute(select(journal_cursors).order_by(journal_cursors.c.journal)).mappings()
    return [Cursor(**row) for row in rows]


def move(connection: Connection, to: Cursor) -> None:
    """Notes how far a journal was taken in."""
    row = asdict(to)
    new = inserted(connection, journal_cursors).values([row])
    moved = {name: new.excluded[name] for name in row if name != "journal"}
    connection.execute(new.on_conflict_do_update(index_elements=["journal"], set_=moved))


def _at(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)
