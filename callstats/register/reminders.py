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

    Nothing is made for a department on its days off, outside its hours, or when nothing is due.
    """
    rows = reminders(store, settings)
    with store.database.write() as connection:
        outbox.forget(connection, _today(store, settings) - KEPT)
        return [row for row in rows if outbox.put(connection, row)]


def reminders(store: Store, settings: Settings) -> list[Row]:
    """The reminders that are to be sent at this moment, were none sent yet."""
    now, calendar = store.clock(), Calendar.from_settings(settings)
    at_work = [one for one in settings.reminders.recipients if calendar.is_open(now, one.department)]
    if not at_work:
        return []
    entries = desk(store, settings)
    today = _today(store, settings)
    return [row for one in at_work if (row := _reminder(one, entries, today, now)) is not None]


def _reminder(recipient: Recipient, entries: Iterable[Entry], today: date, now: datetime) -> Row | None:
    due = [one for one in entries if one.clock.whom == recipient.department and one.clock.urgency in URGENT]
    if not due:
        return None
    return Row(
        message_id(recipient, today),
        recipient.way,
        recipient.address,
        today,
        [_told(one) for one in due],
        now,
        now,
    )


def _told(entry: Entry) -> dict[str, Any]:
    assert entry.clock.due is not None
    return {
        "case": entry.number,
        "department": entry.clock.whom,
        "waits_for": entry.clock.waits,
        "due": entry.clock.due.day.isoformat(),
        "overdue": entry.clock.urgency == "overdue",
    }


def message_id(recipient: Recipient, day: date) -> str:
    """The identity of a recipient's reminder of a day: the same, however often it is made."""
    text = "\0".join([recipient.way, recipient.address, recipient.department, day.isoformat()])
    return f"{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}@callstats"


def recipient_of(settings: Settings, row: Row) -> Recipient | None:
    """Whose reminder it is; None: nobody's any more."""
    return next(
        (one for one in settings.reminders.recipients if message_id(one, row.day) == row.message_id), None
    )


def _today(store: Store, settings: Settings) -> date:
    return store.clock().astimezone(settings.zone).date()
