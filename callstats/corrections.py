"""*Lūgt precizēt*: an employee asks that an own call be looked at again (domain/05 requirement 4).

The head of the department answers; facts are never edited: a neutral state, another owner of an extension or
a restatement changes what is computed, and the answer says which.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, update

from callstats.cases.remark_tables import corrections
from callstats.errors import UsageError
from callstats.masking import said
from callstats.store import Store


@dataclass(frozen=True)
class Correction:
    """A request; ``accepted`` is None until the head has answered."""

    id: int
    call_id: str
    local_date: date
    department: str
    author: str
    text: str
    at: datetime
    accepted: bool | None
    answer: str | None
    answered_by: str | None
    answered_at: datetime | None


def ask(
    store: Store, call_id: str, local_date: date, department: str, text: str, author: str, account: int | None
) -> int:
    """A request; returns its number. Raises UsageError for no text, and while one of that call is open."""
    told = said(text, "text")
    with store.database.write() as connection:
        mine = (_of(account, author), corrections.c.call_id == call_id, corrections.c.accepted.is_(None))
        if connection.execute(select(corrections.c.id).where(*mine)).first():
            raise UsageError("this call is asked about already; the head has not answered yet")
        values = {
            "call_id": call_id, "local_date": local_date, "department": department, "account": account,
            "author": author, "text": told, "at": store.clock(),
        }  # fmt: skip
        return int(
            connection.execute(corrections.insert().values(**values).returning(corrections.c.id)).scalar_one()
        )


def answer(store: Store, department: str, number: int, accepted: bool, text: str, author: str) -> None:
    """The head's answer. Raises UsageError for no text, another department's, and one answered already."""
    told = said(text, "text")
    with store.database.write() as connection:
        done = connection.execute(
            update(corrections)
            .where(
                corrections.c.id == number,
                corrections.c.department == department,
                corrections.c.accepted.is_(None),
            )
            .values(accepted=int(accepted), answer=told, answered_by=author, answered_at=store.clock())
        )
        if done.rowcount == 0:
            raise UsageError(f"request {number} is none of department {department!r}, or it is answered")


def of_author(connection: Connection, account: int | None, author: str) -> list[Correction]:
    """One's own requests, the newest first; without accounts by name."""
    rows = connection.execute(
        select(corrections).where(_of(account, author)).order_by(corrections.c.id.desc())
    )
    return [_correction(row) for row in rows]


def of_departments(connection: Connection, departments: Collection[str]) -> list[Correction]:
    """Requests to heads: open ones first, the newest first among each."""
    rows = connection.execute(
        select(corrections)
        .where(corrections.c.department.in_(list(departments)))
        .order_by(corrections.c.accepted.is_not(None), corrections.c.id.desc())
    )
    return [_correction(row) for row in rows]


def contested(connection: Connection, start: date, end: date) -> dict[str, int]:
    """By department: how many calls of the days ``[start, end)`` an employee's open request is about."""
    rows = connection.execute(
        select(corrections.c.department, func.count(func.distinct(corrections.c.call_id)))
        .where(
            corrections.c.local_date >= start,
            corrections.c.local_date < end,
            corrections.c.accepted.is_(None),
        )
        .group_by(corrections.c.department)
    )
    return {department: int(n) for department, n in rows}


def newest(connection: Connection) -> tuple[int, int]:
    """What pages with requests depend on: how many there are, and how many are answered."""
    row = connection.execute(select(func.count(corrections.c.id), func.count(corrections.c.accepted))).one()
    return int(row[0]), int(row[1])


def old(connection: Connection, before: date) -> int:
    """How many requests are about calls of days before one."""
    query = select(func.count()).select_from(corrections).where(corrections.c.local_date < before)
    return int(connection.execute(query).scalar_one())


def forget(connection: Connection, before: date) -> int:
    """Removes requests about calls of days before one: the call itself is removed with that day."""
    return int(connection.execute(delete(corrections).where(corrections.c.local_date < before)).rowcount)


def _of(account: int | None, author: str) -> ColumnElement[bool]:
    return corrections.c.account == account if account is not None else corrections.c.author == author


def _correction(row: Row[tuple[object, ...]]) -> Correction:
    found = dict(row._mapping)
    found.pop("account")
    accepted = found.pop("accepted")
    return Correction(**found, accepted=None if accepted is None else bool(accepted))
