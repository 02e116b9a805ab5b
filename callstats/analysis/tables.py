"""What an analyst sees of the facts: clients as pseudonyms, nobody's phone (domain/05 requirements 4, 5).

Each table is a SQL text over the stored one; columns that would name an employee are not in it at all: a
server gives nothing else away. A phone is a number within its call: 1 was tried first. The id of a call
without uniqueid is made of its channel's name (FACTS CDR 21): here it is a digest, which joins as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from callstats import judge
from callstats.engine import Source, View, literal
from callstats.facts import Facts, table
from callstats.fields import (
    ATTEMPTS,
    CALLS,
    DISAGREEMENTS,
    INT,
    JUDGED_VISITS,
    MESSAGES,
    TEXT,
    VISITS,
    Field,
    Table,
)
from callstats.settings import Settings

CLIENT_SQL: Final = "regexp_like({column}, '^n[0-9]+-[0-9a-f]{{32}}$')"  # as callstats.pseudonyms makes them
CLIENT: Final = Field(
    "client",
    TEXT,
    "the client's keyed pseudonym, equal wherever the same number called or was called; null: withheld, "
    "or no client",
)
PHONE: Final = Field("phone", INT, "employee's phone as a number within this call, in the order of trying")
PLAIN_BOX: Final = replace(
    MESSAGES["mailbox"], meaning="mailbox of the free hotline; null: another, which may be a person's"
)
_HIDDEN: Final = {
    "caller", "dialled", "answered_by", "aliases", "employee", "employees_tried", "mailbox", "msg_id",
    "uniqueid", "taken", "other",
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A table of an analyst: its columns, the stored table it is made of, and how."""

    table: Table
    stored: str
    sql: str


def _fields(*given: Field, before: str, more: tuple[Field, ...]) -> tuple[Field, ...]:
    """Those that are not hidden, with others in the place after ``before``."""
    found: list[Field] = []
    for one in given:
        if one.name not in _HIDDEN:
            found.append(one)
        if one.name == before:
            found += more
    return tuple(found)


_CALL: Final = (
    "CASE WHEN contains(call_id, '/') THEN split_part(call_id, ':', 1) || ':' || md5(call_id) "
    "ELSE call_id END"
)


def _columns(fields: tuple[Field, ...], **made: str) -> str:
    made = {"call_id": _CALL, **made}
    return ",\n    ".join(f"{made[f.name]} AS {f.name}" if f.name in made else f.name for f in fields)


_CALLS: Final = _fields(*CALLS.fields, before="direction", more=(CLIENT,))
_CLOCKS: Final = tuple(
    VISITS[name]
    for name in ("leg_ring_s", "leg_ring_min_s", "leg_ring_max_s", "ring_resolution_us", "early_media")
)  # for asking what another definition of the third signal would say
_VISITS: Final = _fields(*JUDGED_VISITS.fields, before="ring_source", more=_CLOCKS)
_ATTEMPTS: Final = _fields(*ATTEMPTS.fields, before="position", more=(PHONE,))
_MESSAGES: Final = _fields(*MESSAGES.fields, before="call_id", more=(CLIENT, PLAIN_BOX))
_DISAGREEMENTS: Final = _fields(*DISAGREEMENTS.fields, before="", more=())
_PHONE_SQL: Final = "dense_rank() OVER (PARTITION BY call_id ORDER BY first_try ASC NULLS LAST)"
_FIRST_TRY: Final = "min(visit * 1000000 + position) OVER (PARTITION BY call_id, employee)"

TOLD: Final[Mapping[str, Told]] = {
    one.table.name: one
    for one in (
        Told(
            Table("calls", CALLS.row, _CALLS),
            "calls",
            "SELECT\n    "
            + _columns(
                _CALLS,
                client=f"CASE WHEN {CLIENT_SQL.format(column='caller')} THEN caller "
                f"WHEN {CLIENT_SQL.format(column='dialled')} THEN dialled END",
            )
            + "\nFROM calls_stored",
        ),
        Told(
            Table("visits", JUDGED_VISITS.row, _VISITS),
            "visits",
            f"SELECT\n    {_columns(_VISITS)}\nFROM visits_judged",
        ),
        Told(
            Table("attempts", ATTEMPTS.row, _ATTEMPTS),
            "attempts",
            f"SELECT\n    {_columns(_ATTEMPTS, phone=_PHONE_SQL)}\n"
            f"FROM (SELECT *, {_FIRST_TRY} AS first_try FROM attempts_stored) numbered",
        ),
        Told(
            Table("messages", MESSAGES.row, _MESSAGES),
            "messages",
            "SELECT\n    "
            + _columns(
                _MESSAGES,
                client=f"CASE WHEN {CLIENT_SQL.format(column='caller')} THEN caller END",
                mailbox="CASE WHEN hotline THEN mailbox END",
            )
            + "\nFROM messages_stored",
        ),
        Told(
            Table("disagreements", DISAGREEMENTS.row, _DISAGREEMENTS),
            "disagreements",
            f"SELECT\n    {_columns(_DISAGREEMENTS)}\nFROM disagreements_stored",
        ),
    )
}


def source(facts: Facts, settings: Settings, name: str, start: date, end: date) -> View:
    """A table of `TOLD` on the local days ``[start, end)``, read from the facts when it is asked for."""
    one = TOLD[name]
    last = end - timedelta(days=1)
    stored: Source = (
        judge.visits(facts, settings, start, end)
        if name == "visits"
        else View(
            f"SELECT * FROM {name}_files WHERE {_within(start, last)}",
            {f"{name}_files": table(facts, one.stored, start, last)},
        )
    )
    return View(one.sql, {f"{name}_{'judged' if name == 'visits' else 'stored'}": stored})


def _within(start: date, last: date) -> str:
    """A closed month's file holds its other days too."""
    return f"local_date BETWEEN {literal(start)} AND {literal(last)}"
