"""Who answered a call: told to the direct head after a written reason, and to the employee who asked it.

The log's row is the employee's own too: *Mani zvani* lists who looked at which call, when and why (domain/05
requirement 4).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, select

from callstats.accounts.periods import within
from callstats.cases import access_log
from callstats.cases.access_log import Access
from callstats.cases.account_tables import account_extensions, accounts
from callstats.errors import UsageError
from callstats.store import Store

ACTION: Final = "employee_named"
ABOUT: Final = re.compile(r"call (\S+) of (\d{4}-\d\d-\d\d): extension (\S+)")
LONGEST: Final = 500


@dataclass(frozen=True)
class Look:
    """Somebody looked at who answered a call of one's own."""

    at: datetime
    author: str
    call_id: str
    day: date
    reason: str


def named(store: Store, call_id: str, day: date, extension: str, author: str, reason: str) -> str | None:
    """The name of whose phone rang on a local day; None: nobody was given it. The look is written down first.

    Raises UsageError without a reason.
    """
    why = " ".join(reason.split())
    if not why or len(why) > LONGEST:
        raise UsageError(f"reason: say in 1 to {LONGEST} characters why the name is needed")
    about = f"call {call_id} of {day}: extension {extension}"
    with store.database.write() as connection:
        access_log.note(connection, Access(store.clock(), author, ACTION, about, why))
        rows = connection.execute(
            select(accounts.c.name, account_extensions.c.valid_from, account_extensions.c.valid_to)
            .join(accounts, accounts.c.id == account_extensions.c.account)
            .where(account_extensions.c.extension == extension)
        ).all()
    return next((str(one.name) for one in rows if within(day, one.valid_from, one.valid_to)), None)


def looks(connection: Connection, spans: Sequence[tuple[str, date, date | None]]) -> list[Look]:
    """Who looked at calls of extensions on the days they were one's own, the newest first."""
    found = []
    for row in access_log.listed(connection, ACTION):
        match = ABOUT.fullmatch(row.about)
        if match is None:
            continue
        call_id, told, extension = match.groups()
        day = date.fromisoformat(told)
        if any(extension == one and within(day, start, end) for one, start, end in spans):
            found.append(Look(row.at, row.author, call_id, day, row.reason or ""))
    return found[::-1]
