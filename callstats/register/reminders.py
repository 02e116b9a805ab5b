"""Who is reminded of what (clauses 15.5 and 17): once a day, in the recipient's working time, or not at all.

A reminder lists what is due today and what is overdue for a department. It carries case number, department,
what is waited for and the due day; never a number, a name or what was said (clause 19).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Final

from callstats.calendar import Calendar
from callstats.cases import outbox
from callstats.cases.outbox import Row
from callstats.register.desk import Entry, desk
from callstats.settings import Settings
from callstats.settings_reminders import Recipient
from callstats.store import Store

KEPT: Final = timedelta(days=366)  # how long it stays to be seen that somebody was reminded
URGENT: Final = ("overdue", "today")


def make_reminders(store: Store, settings: Settings) -> list[Row]:
    """Puts today's reminders into the outbox, each once; returns what is new there.

    Nothing is made for a department on its days off, for an address while none of its departments is open,
    or when nothing is due.
    """
    rows = reminders(store, settings)
    with store.database.write() as connection:
        outbox.forget(connection, _today(store, settings) - KEPT)
        return [row for row in rows if outbox.put(connection, row)]


def reminders(store: Store, settings: Settings) -> list[Row]:
    """The reminders that are to be sent at this moment, were none sent yet."""
    now, calendar = store.clock(), Calendar.from_settings(settings)
    today = calendar.local_date(now)
    found: list[Row] = []
    entries: list[Entry] | None = None
    for (way, address), departments in _addresses(settings).items():
        if any(calendar.is_open(now, one) for one in departments):
            entries = desk(store, settings) if entries is None else entries
            working = [one for one in departments if calendar.is_working_day(today, one)]
            cases = [told for one in working for told in _due(one, entries, settings)]
            if cases:
                found.append(Row(message_id(way, address, today), way, address, today, cases, now, now))
    return found


def _addresses(settings: Settings) -> dict[tuple[str, str], list[str]]:
    """The departments that each way and address stands for, in the order of the settings."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in settings.reminders.recipients:
        known = found.setdefault((one.way, one.address), [])
        known += [one.department] if one.department not in known else []
    return found


def _due(department: str, entries: Iterable[Entry], settings: Settings) -> list[dict[str, Any]]:
    """What is due today or overdue for a department."""
    mine = (one for one in entries if one.clock.urgency in URGENT and _whom(one, settings) == department)
    return [_told(one, department) for one in mine]


def _whom(entry: Entry, settings: Settings) -> str | None:
    """Who is reminded of a case: who it waits for; of a department that is no more, who checks messages."""
    gone = entry.ended_department and entry.clock.whom == entry.case.department
    return settings.hotline.department if gone else entry.clock.whom


def _told(entry: Entry, department: str) -> dict[str, Any]:
    assert entry.clock.due is not None
    return {
        "case": entry.number,
        "department": department,
        "waits_for": entry.clock.waits,
        "due": entry.clock.due.day.isoformat(),
        "overdue": entry.clock.urgency == "overdue",
    }


def message_id(way: str, address: str, day: date) -> str:
    """The identity of an address's reminder of a day: the same, however often it is made."""
    text = "\0".join([way, address, day.isoformat()])
    return f"{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}@callstats"


def recipient_at_work(settings: Settings, row: Row, now: datetime) -> Recipient | None:
    """Whose reminder it is; None: nobody's any more, or none of the address's departments is open."""
    calendar = Calendar.from_settings(settings)
    address = (row.way, row.recipient)
    mine = (one for one in settings.reminders.recipients if (one.way, one.address) == address)
    return next((one for one in mine if calendar.is_open(now, one.department)), None)


def _today(store: Store, settings: Settings) -> date:
    return store.clock().astimezone(settings.zone).date()
