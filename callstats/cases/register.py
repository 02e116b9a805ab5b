"""The hotline register in the SQL database: cases, their keys, their steps. Steps are added, never changed.

Every function takes a connection inside a transaction of `Database`. Who adds a step says how many steps he
has seen; where somebody else added one meanwhile, nothing is written (`ChangedError`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, or_, select, true, update

from callstats.cases.catalog import hold, in_chunks
from callstats.cases.register_tables import case_keys, case_steps, cases, register_state
from callstats.errors import StoreError


class ChangedError(StoreError):
    """Somebody else added a step to the case meanwhile: look at it again."""


class NoCaseError(StoreError):
    """There is no case of that number."""


@dataclass(frozen=True)
class Written:
    """A step as it is stored; `said` is what it says, as JSON allows."""

    step: str
    at: datetime
    entered_at: datetime
    author: str
    said: Mapping[str, Any]
    case: int = 0
    place: int = 0


@dataclass(frozen=True)
class Known:
    """What is kept of a case for finding it: see `register_tables.cases`."""

    closed: bool = False
    closed_at: datetime | None = None
    department: str | None = None
    client: str | None = None
    callback: str | None = None


def open_case(connection: Connection, kind: str, day: date, first: Written, known: Known) -> int:
    """A new case with its first step; returns its number."""
    values = {"kind": kind, "steps": 1, "day": day, **vars(known)}
    counter = _next(connection)
    number = int(connection.execute(cases.insert().values(values).returning(cases.c.number)).scalar_one())
    _insert(connection, number, 1, first, counter)
    return number


def add(connection: Connection, number: int, seen: int, step: Written, known: Known) -> int:
    """Adds a step to a case of which ``seen`` steps were seen; returns its place.

    Raises ChangedError where there are more by now, NoCaseError where there is no such case.
    """
    counter = _next(connection)
    found = connection.execute(
        update(cases)
        .where(cases.c.number == number, cases.c.steps == seen)
        .values(steps=seen + 1, **vars(known))
    )
    if found.rowcount != 1:
        if connection.execute(select(cases.c.steps).where(cases.c.number == number)).first() is None:
            raise NoCaseError(f"there is no case {number}")
        raise ChangedError(f"case {number} was changed by somebody else meanwhile; look at it again")
    _insert(connection, number, seen + 1, step, counter)
    return seen + 1


def _next(connection: Connection) -> int:
    """The number of the next step of all. Its row lock comes before that of any case: none waits in a circle.

    Steps get their numbers in the order in which they are committed.
    """
    counted = update(register_state).values(entered=register_state.c.entered + 1)
    return int(connection.execute(counted.returning(register_state.c.entered)).scalar_one())


def _insert(connection: Connection, number: int, place: int, step: Written, counter: int) -> None:
    said = json.dumps(dict(step.said), ensure_ascii=False, sort_keys=True, default=str)
    values = {
        "case": number, "place": place, "number": counter, "step": step.step, "at": step.at,
        "entered_at": step.entered_at, "author": step.author, "said": said,
    }  # fmt: skip
    connection.execute(case_steps.insert().values(values))


Stored = dict[int, tuple[str, tuple[Written, ...]]]


def stored(connection: Connection, numbers: Collection[int]) -> Stored:
    """Kind and steps, in order, of the cases of some numbers."""
    found: Stored = {}
    for part in in_chunks(sorted(set(numbers))):
        found |= _stored(connection, cases.c.number.in_(part), case_steps.c.case.in_(part))
    return found


def stored_at(connection: Connection, counter: int, before: datetime | None = None) -> Stored:
    """All cases as they were when ``counter`` steps were entered, without those from ``before`` on."""
    said = case_steps.c.number <= counter
    return _stored(
        connection, true(), said if before is None else and_(said, case_steps.c.entered_at < before)
    )


def _stored(connection: Connection, which: ColumnElement[bool], said: ColumnElement[bool]) -> Stored:
    kinds = connection.execute(select(cases.c.number, cases.c.kind).where(which)).all()
    steps = select(case_steps).where(said).order_by(case_steps.c.case, case_steps.c.place)
    by_case: dict[int, list[Written]] = {}
    for row in connection.execute(steps):
        by_case.setdefault(row.case, []).append(_written(row))
    return {row.number: (row.kind, tuple(by_case.get(row.number, ()))) for row in kinds}


def _written(row: Row[Any]) -> Written:
    found = {name: value for name, value in row._mapping.items() if name != "number"}
    return Written(**{**found, "said": json.loads(row.said)})


@dataclass(frozen=True)
class Found:
    """A case that was looked for: its number and its day."""

    number: int
    day: date


def found(
    connection: Connection,
    *,
    closed: bool | None = None,
    departments: Collection[str] | None = None,
    clients: Collection[str] = (),
    since: date | None = None,
    days: tuple[date, date] | None = None,
    kind: str | None = None,
) -> list[Found]:
    """The cases that meet all that is given, oldest first.

    `clients`: called, or to be called; `since`: of that day or later, or still open; `days`: both included.
    """
    wanted = []
    if closed is not None:
        wanted.append(cases.c.closed == closed)
    if departments is not None:
        wanted.append(cases.c.department.in_(list(departments)))
    if clients:
        names = list(clients)
        wanted.append(or_(cases.c.client.in_(names), cases.c.callback.in_(names)))
    if since is not None:
        wanted.append(or_(cases.c.day >= since, cases.c.closed.is_(False)))
    if days is not None:
        wanted.append(cases.c.day.between(*days))
    if kind is not None:
        wanted.append(cases.c.kind == kind)
    rows = connection.execute(select(cases.c.number, cases.c.day).where(*wanted).order_by(cases.c.number))
    return [Found(row.number, row.day) for row in rows]


def calls_by_client(connection: Connection, clients: Iterable[str]) -> dict[str, list[int]]:
    """Numbers of the cases of each client, oldest first."""
    found: dict[str, list[int]] = {}
    for part in in_chunks(sorted(set(clients))):
        query = (
            select(cases.c.client, cases.c.number).where(cases.c.client.in_(part)).order_by(cases.c.number)
        )
        for row in connection.execute(query):
            found.setdefault(row.client, []).append(row.number)
    return found


def by_key(connection: Connection, keys: Collection[str]) -> dict[str, int]:
    """Case of each key that is known."""
    return {
        row.key: row.case
        for part in in_chunks(sorted(set(keys)))
        for row in connection.execute(select(case_keys).where(case_keys.c.key.in_(part)))
    }


def keys_of(connection: Connection, number: int) -> set[str]:
    """Keys by which a case is known again."""
    return set(connection.execute(select(case_keys.c.key).where(case_keys.c.case == number)).scalars())


def know(connection: Connection, number: int, keys: Iterable[str]) -> None:
    """The case is known by these keys from now on, and no other case is."""
    for key in sorted(set(keys)):
        if (
            connection.execute(update(case_keys).where(case_keys.c.key == key).values(case=number)).rowcount
            == 0
        ):
            connection.execute(case_keys.insert().values(key=key, case=number))


def begin(connection: Connection) -> int:
    """Waits for others that open cases; up to which commit of the facts messages have their cases."""
    hold(connection)
    return int(connection.execute(select(register_state.c.seen)).scalar_one())


def seen(connection: Connection) -> int:
    """Up to which commit of the facts messages have their cases."""
    return int(connection.execute(select(register_state.c.seen)).scalar_one())


def done(connection: Connection, counter: int) -> None:
    """All messages up to a commit of the facts have their cases."""
    connection.execute(update(register_state).values(seen=counter))


def entered(connection: Connection) -> int:
    """How many steps were ever added: the version of the register."""
    return int(connection.execute(select(register_state.c.entered)).scalar_one())


def waiting_clients(connection: Connection) -> set[str]:
    """Pseudonyms to which an open case refers: their numbers stay in the vault."""
    rows = connection.execute(select(cases.c.client, cases.c.callback).where(cases.c.closed.is_(False)))
    return {name for row in rows for name in (row.client, row.callback) if name is not None}


def open_cases(connection: Connection) -> int:
    """How many cases are open."""
    query = select(func.count()).select_from(cases).where(cases.c.closed.is_(False))
    return int(connection.execute(query).scalar_one())


def closed_before(connection: Connection, at: datetime) -> list[int]:
    """Numbers of the cases that were closed before an instant and still say something."""
    old = (cases.c.closed, cases.c.closed_at < at, cases.c.steps > 0)
    return list(connection.execute(select(cases.c.number).where(*old).order_by(cases.c.number)).scalars())


def forget(connection: Connection, numbers: Collection[int]) -> None:
    """Removes what cases say (steps, client). Their numbers and keys stay: no message gets a second case."""
    for part in in_chunks(numbers):
        connection.execute(delete(case_steps).where(case_steps.c.case.in_(part)))
        nobody = {"client": None, "callback": None, "department": None, "steps": 0}
        connection.execute(update(cases).where(cases.c.number.in_(part)).values(nobody))


def rekey(connection: Connection, rewritten: Callable[[str], str]) -> None:
    """Every pseudonym of the register under a new key: `Pseudonymiser.rewritten`."""
    for row in connection.execute(select(cases.c.number, cases.c.client, cases.c.callback)).all():
        names = {name: value for name, value in row._mapping.items() if name != "number" and value}
        renewed = {name: rewritten(value) for name, value in names.items()}
        if renewed != names:
            connection.execute(update(cases).where(cases.c.number == row.number).values(renewed))
    for step in connection.execute(select(case_steps.c.case, case_steps.c.place, case_steps.c.said)).all():
        if (said := rewritten(step.said)) != step.said:
            which = (case_steps.c.case == step.case, case_steps.c.place == step.place)
            connection.execute(update(case_steps).where(*which).values(said=said))
