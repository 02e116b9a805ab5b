"""Requests of clients about their own data: one month to answer (GDPR Art. 12(3)), what is kept, forgetting.

A request holds the client's pseudonym, never the number. Facts hold no more than that; to forget a number is
to remove it from the vault, after which nothing here leads from the pseudonym back to a person but the number
itself, asked again. Figures stay (domain/05 requirement 9).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, get_args

import pyarrow.compute as pc
from sqlalchemy import Connection, Row, delete, or_, select, update

from callstats.calendar import months_before
from callstats.cases import access_log
from callstats.cases.access_log import Access
from callstats.cases.register_tables import cases
from callstats.cases.remark_tables import data_requests
from callstats.cases.vault import Vault
from callstats.errors import UsageError
from callstats.fields import TEXT, UTC_US, Field
from callstats.masking import said
from callstats.register.acts import pseudonym_of
from callstats.settings import Settings
from callstats.store import Store

Kind = Literal["access", "erasure", "objection", "rectification"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
CALL_FIELDS: Final = (
    Field("call_id", TEXT, "id of the call"),
    Field("started_at", UTC_US, "when it began"),
    Field("direction", TEXT, "inbound: the client called; outbound: the client was called"),
    Field("dialled", TEXT, "number of the municipality that was called; null: the client's own"),
    Field("outcome", TEXT, "what became of it"),
    Field("departments", TEXT, "departments it came to"),
)


@dataclass(frozen=True)
class DataRequest:
    """A request; ``outcome`` is None until it is closed."""

    id: int
    kind: Kind
    client: str
    received_on: date
    due_on: date
    note: str
    author: str
    at: datetime
    outcome: str | None
    closed_by: str | None
    closed_at: datetime | None


@dataclass(frozen=True)
class Held:
    """What is kept about a client: calls, open and closed cases, whether the number itself."""

    calls: int
    cases: int
    number: bool


def enter(
    store: Store, settings: Settings, kind: str, number: str, received_on: date, note: str, author: str
) -> int:
    """Enters a request; returns its number. Raises UsageError for no kind, no number, a day to come."""
    found = next((one for one in KINDS if one == kind), None)
    if found is None:
        raise UsageError(f"kind: {kind!r} is none; there are {', '.join(KINDS)}")
    now = store.clock()
    if received_on > now.astimezone(settings.zone).date():
        raise UsageError(f"received_on: {received_on} has not come yet")
    values = {
        "kind": found, "client": pseudonym_of(store, settings, number), "received_on": received_on,
        "due_on": due(received_on), "note": said(note, "note"), "author": author, "at": now,
    }  # fmt: skip
    with store.database.write() as connection:
        query = data_requests.insert().values(**values).returning(data_requests.c.id)
        number_of = int(connection.execute(query).scalar_one())
        access_log.note(connection, Access(now, author, "data_request", f"request {number_of}: {found}"))
    return number_of


def due(received_on: date) -> date:
    """The last day to answer: one month later (Regulation 1182/71: the same date, or the month's last)."""
    return months_before(received_on, -1)


def listed(connection: Connection) -> list[DataRequest]:
    """All requests: open ones by their due day, then closed ones, the newest first."""
    rows = connection.execute(select(data_requests).order_by(data_requests.c.due_on, data_requests.c.id))
    found = [_request(row) for row in rows]
    return [one for one in found if one.closed_at is None] + [one for one in found if one.closed_at][::-1]


def one(connection: Connection, number: int) -> DataRequest:
    """A request. Raises UsageError where there is none of that number."""
    row = connection.execute(select(data_requests).where(data_requests.c.id == number)).first()
    if row is None:
        raise UsageError(f"request {number}: there is none of that number")
    return _request(row)


def held(store: Store, settings: Settings, client: str) -> Held:
    """What is kept about a client."""
    with store.database.read() as connection:
        either = or_(cases.c.client == client, cases.c.callback == client)
        known = len(connection.execute(select(cases.c.number).where(either)).all())
    number = Vault.open(settings, store.database, store.clock).reveal(client) is not None
    return Held(len(calls(store, client)), known, number)


def calls(store: Store, client: str) -> list[dict[str, Any]]:
    """A client's calls with `CALL_FIELDS`, the oldest first."""
    names = ["call_id", "started_at", "direction", "caller", "dialled", "outcome", "departments"]
    table = store.scan("calls", columns=names)
    mine = pc.or_kleene(pc.equal(table["caller"], client), pc.equal(table["dialled"], client))
    rows = table.filter(pc.fill_null(mine, False)).sort_by([("started_at", "ascending")]).to_pylist()
    return [
        row
        | {
            "dialled": None if row["dialled"] == client else row["dialled"],
            "departments": ", ".join(row["departments"] or ()),
        }
        for row in rows
    ]


def taken(store: Store, number: int, author: str) -> list[dict[str, Any]]:
    """`calls` of a request's client, for a file; that it was taken is written down first."""
    with store.database.write() as connection:
        client = one(connection, number).client
        access_log.note(connection, Access(store.clock(), author, "data_exported", f"request {number}"))
    return calls(store, client)


def forget(store: Store, settings: Settings, number: int, author: str) -> bool:
    """Removes the client's number from the vault; whether it was there.

    Raises UsageError while an open case needs it to call back, and for a request that is closed.
    """
    vault = Vault.open(settings, store.database, store.clock)
    with store.database.write() as connection:
        found = one(connection, number)
        if found.closed_at is not None:
            raise UsageError(f"request {number} is closed")
        either = or_(cases.c.client == found.client, cases.c.callback == found.client)
        needed = connection.execute(select(cases.c.number).where(cases.c.closed.is_(False), either)).first()
        if needed is not None:
            raise UsageError(f"request {number}: case {needed.number} is open and needs the number; close it")
        access_log.note(connection, Access(store.clock(), author, "number_forgotten", f"request {number}"))
        return vault.forget(connection, found.client)


def close(store: Store, number: int, outcome: str, author: str) -> None:
    """Closes a request with what was answered. Raises UsageError for no outcome, and one that is closed."""
    told, now = said(outcome, "outcome"), store.clock()
    with store.database.write() as connection:
        done = connection.execute(
            update(data_requests)
            .where(data_requests.c.id == number, data_requests.c.closed_at.is_(None))
            .values(outcome=told, closed_by=author, closed_at=now)
        )
        if done.rowcount == 0:
            raise UsageError(f"request {number}: there is none of that number, or it is closed")
        access_log.note(connection, Access(now, author, "request_closed", f"request {number}"))


def overdue(found: DataRequest, now: datetime, zone: Any) -> bool:
    """Whether its month is over and nobody has answered."""
    return found.closed_at is None and now.astimezone(zone).date() > found.due_on


def old(connection: Connection, before: datetime) -> list[int]:
    """Requests that were closed before an instant."""
    return list(
        connection.execute(select(data_requests.c.id).where(data_requests.c.closed_at < before)).scalars()
    )


def remove(connection: Connection, numbers: Collection[int]) -> None:
    """Removes requests whose time to be kept is over."""
    connection.execute(delete(data_requests).where(data_requests.c.id.in_(list(numbers))))


def rekey(connection: Connection, new: Callable[[str], str]) -> None:
    """Moves every request to the client's new pseudonym."""
    for row in connection.execute(select(data_requests.c.id, data_requests.c.client)).all():
        connection.execute(
            update(data_requests).where(data_requests.c.id == row.id).values(client=new(row.client))
        )


def _request(row: Row[tuple[object, ...]]) -> DataRequest:
    return DataRequest(**row._mapping)
