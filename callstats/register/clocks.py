"""When each step of a case is due (clause 17): forwarded the next day, then contacted promptly.

Forwarding is due at the end of the first working day after the message's date (of the department that checks
the messages); the first contact at the end of the responsible department's next working day after
forwarding; a promise when it was promised. All in working days of `callstats.calendar`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from callstats.calendar import Calendar, days
from callstats.errors import UsageError
from callstats.register.steps import Case

UNRESOLVED_DAYS: Final = 10  # working days after which an open case is shown as unresolved
MOMENT: Final = timedelta(microseconds=1)

Waits = Literal["check", "forward", "contact", "reach", "close", "nothing"]
Urgency = Literal["overdue", "today", "later", "none"]
Why = Literal["moved_day", "holiday", "weekend", "promised"]


@dataclass(frozen=True)
class Due:
    """When a step is due: the instant, its local day (the last one), and why it is not simply tomorrow."""

    at: datetime
    day: date
    why: tuple[Why, ...] = ()


@dataclass(frozen=True)
class Clock:
    """What a case waits for, for whom (a department; None: nobody here), and until when.

    `forward` and `contact` are the due times of these steps whether done or not; `in_time` tells of each that
    is done or past whether it was. `forwarded_next_date` is the strict reading: by the next calendar date.
    """

    waits: Waits
    whom: str | None
    due: Due | None
    urgency: Urgency
    forward: Due | None = None
    contact: Due | None = None
    forwarded_in_time: bool | None = None
    forwarded_next_date: bool | None = None
    contacted_in_time: bool | None = None
    unresolved: bool = False


def due_after(calendar: Calendar, instant: datetime, department: str | None) -> Due:
    """The end of the department's first working day after an instant's local date, and why it is that day."""
    began = calendar.local_date(instant)
    day = _next_working_day(calendar, began, department)
    return Due(calendar.day_bounds(day)[1], day, _why(calendar, began, day))


def _next_working_day(calendar: Calendar, day: date, department: str | None) -> date:
    """Of the department; of the site where the department never works (it ended, its hours are missing)."""
    try:
        return calendar.next_working_day(day, department)
    except UsageError:
        return calendar.next_working_day(day)


def _why(calendar: Calendar, began: date, day: date) -> tuple[Why, ...]:
    between = list(days(began + timedelta(1), day))
    found: list[Why] = []
    if any(calendar.is_holiday(one) for one in between):
        found.append("holiday")
    if any(one.weekday() > 4 and not calendar.is_holiday(one) for one in between):
        found.append("weekend")
    if calendar.is_moved_working_day(day):
        found.append("moved_day")
    return tuple(found)


def clock(
    case: Case,
    calendar: Calendar,
    checker: str | None,
    now: datetime,
    attempted_at: datetime | None = None,
    reached_at: datetime | None = None,
) -> Clock:
    """How a case stands at ``now``. ``checker``: the department that checks messages.

    ``attempted_at`` and ``reached_at``: what the PBX's calls show beside what people entered.
    """
    first = _earliest(attempted_at, case.contacted_at)
    reached = _earliest(reached_at, case.reached_at, *(at for at, _ in case.contacted))
    forward, contact = _forward(case, calendar, checker), _contact(case, calendar)
    waits, whom, due = _waits(case, checker, first, reached, forward, contact)
    unresolved = case.closed_at is None and not case.empty and _unresolved(case, calendar, checker, now)
    return Clock(
        waits,
        whom,
        due,
        _urgency(due, calendar, now),
        forward,
        contact,
        _in_time(case.first_forwarded_at, forward, now),
        _next_date(case, calendar, now) if forward else None,
        _in_time(first, contact, now) if case.callable or case.promise else None,
        unresolved,
    )


def _earliest(*times: datetime | None) -> datetime | None:
    return min((at for at in times if at is not None), default=None)


def _forward(case: Case, calendar: Calendar, checker: str | None) -> Due | None:
    if case.promise or case.empty:
        return None
    return due_after(calendar, case.since, checker)


def _contact(case: Case, calendar: Calendar) -> Due | None:
    if case.promise:
        by = case.promise.by
        return Due(by, calendar.local_date(by - MOMENT), ("promised",))
    if case.first_forwarded_at is None or case.department is None or case.empty:
        return None  # an institution outside has its own hours
    return due_after(calendar, case.forwarded_at or case.first_forwarded_at, case.department)


def _waits(
    case: Case,
    checker: str | None,
    first: datetime | None,
    reached: datetime | None,
    forward: Due | None,
    contact: Due | None,
) -> tuple[Waits, str | None, Due | None]:
    if case.closed_at is not None or case.merged_into is not None:
        return "nothing", None, None
    if case.empty:
        return "close", checker, None
    if reached is not None:
        return "close", case.department or checker, None
    if case.promise is None and case.forwarded is None:
        return "forward" if case.checked_at else "check", checker, forward
    if not case.callable and case.promise is None:
        return "close", case.department or checker, None
    if first is not None:
        return "reach", case.department or checker, None
    return "contact", case.department, contact


def _in_time(done: datetime | None, due: Due | None, now: datetime) -> bool | None:
    """None: neither done nor due yet."""
    if due is None:
        return None
    if done is not None:
        return done < due.at
    return False if now >= due.at else None


def _next_date(case: Case, calendar: Calendar, now: datetime) -> bool | None:
    """Strictly by the next calendar date, whatever day it is."""
    after = calendar.local_date(case.since) + timedelta(days=1)
    return _in_time(case.first_forwarded_at, Due(calendar.day_bounds(after)[1], after), now)


def _urgency(due: Due | None, calendar: Calendar, now: datetime) -> Urgency:
    if due is None:
        return "none"
    if now >= due.at:
        return "overdue"
    return "today" if due.day <= calendar.local_date(now) else "later"


def _unresolved(case: Case, calendar: Calendar, checker: str | None, now: datetime) -> bool:
    day = calendar.local_date(case.since)
    for _ in range(UNRESOLVED_DAYS):
        day = _next_working_day(calendar, day, case.department or checker)
    return now >= calendar.day_bounds(day)[1]
