"""Neutral states as people enter them (clauses 7.1 and 11.8): what may be entered, by whom, how far back.

The command enters for the whole site; a head for the own department, up to five working days back, so that a
figure that was read is not changed long afterwards.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Final

from callstats.calendar import Calendar
from callstats.cases import neutral
from callstats.cases.neutral import Entry
from callstats.departments import Departments
from callstats.errors import UsageError
from callstats.settings import Settings
from callstats.settings_rules import NEUTRAL_STATES
from callstats.store import Store

LONGEST: Final = timedelta(days=366)  # an interval, and how far ahead of now it may end
BACK_DAYS: Final = 5  # working days that a head may go back


def checked(settings: Settings, entry: Entry, now: datetime) -> Entry:
    """The entry, if it can be. Raises UsageError that names the field, what is wrong and what is allowed."""
    ids = dict.fromkeys(one.id for one in settings.departments)
    start, end = (f"{at.astimezone(settings.zone):%Y-%m-%d %H:%M}" for at in (entry.from_at, entry.to_at))
    if entry.state not in NEUTRAL_STATES:
        raise UsageError(f"state: {entry.state!r} is none; there are {', '.join(NEUTRAL_STATES)}")
    if entry.department is not None and entry.department not in ids:
        raise UsageError(f"department: no department {entry.department!r}; known: {', '.join(ids) or 'none'}")
    if entry.phone is not None and all(entry.phone not in one.extensions for one in settings.departments):
        raise UsageError(f"phone: {entry.phone!r} is an extension of no department; see the settings")
    if entry.to_at <= entry.from_at:
        raise UsageError(f"to: {end} is not after from: {start}; the end comes later")
    if entry.to_at - entry.from_at > LONGEST or entry.to_at > now + LONGEST:
        raise UsageError(
            f"from, to: {start} to {end} is longer, or further ahead, than {LONGEST.days} days; "
            "is the year right?"
        )
    if not entry.reason.strip():
        raise UsageError("reason: is missing; say why, for those who read the figure")
    return entry


def first_day(settings: Settings, department: str, now: datetime) -> date:
    """The first day for which a head may still enter a state."""
    calendar = Calendar.from_settings(settings)
    day, left = calendar.local_date(now), BACK_DAYS
    while left and day > date(1970, 1, 1):
        day -= timedelta(days=1)
        left -= calendar.is_working_day(day, department)
    return day


def enter(store: Store, settings: Settings, department: str, entry: Entry) -> int:
    """A head's entry for the own department or one of its phones; returns its number. Raises UsageError."""
    checked(settings, entry, store.clock())
    if not _of(settings, department, entry):
        raise UsageError(f"phone: {entry.phone!r} is none of department {department!r}")
    first = first_day(settings, department, store.clock())
    if entry.from_at.astimezone(settings.zone).date() < first:
        raise UsageError(
            f"from: is before {first}: a state can be entered up to {BACK_DAYS} working days back; "
            "an administrator enters older ones (callstats neutral add)"
        )
    with store.database.write() as connection:
        return neutral.add(connection, entry)


def withdraw(
    store: Store, settings: Settings, department: str, number: int, reason: str, author: str
) -> None:
    """Ends an entry of the own department. Raises UsageError for another's, or one that is too old."""
    if not reason.strip():
        raise UsageError("reason: is missing; say why, for those who read the figure")
    now = store.clock()
    with store.database.write() as connection:
        found = neutral.current(connection, number)
        if not _of(settings, department, found):
            raise UsageError(f"neutral: entry {number} is none of department {department!r}")
        if found.from_at.astimezone(settings.zone).date() < first_day(settings, department, now):
            raise UsageError(
                f"neutral: entry {number} is older than {BACK_DAYS} working days; ask an administrator"
            )
        neutral.withdraw(connection, number, reason=reason, author=author, entered_at=now)


def listed(store: Store, settings: Settings, department: str) -> list[Entry]:
    """Entries in force of a department and its phones, the newest first."""
    with store.database.read() as connection:
        found = neutral.listed(connection)
    return sorted((one for one in found if _of(settings, department, one)), key=lambda one: one.from_at)[::-1]


def phones(settings: Settings, department: str, day: date) -> Collection[str]:
    """Extensions of a department on a local day."""
    return Departments.from_settings(settings).extensions(department, day)


def _of(settings: Settings, department: str, entry: Entry) -> bool:
    if entry.department is not None:
        return entry.department == department
    return entry.phone in phones(settings, department, entry.from_at.astimezone(settings.zone).date())
