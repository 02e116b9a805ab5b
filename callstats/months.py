"""Months: when one closes, and how a month is written.

A month closes on the 5th working day of the next one, by the site's own working days (holidays, moved days
and exceptions included). Its figures rest on what was to be seen before that day began: calls back of that
day and after are not in them, whenever the closing is done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from callstats.calendar import Calendar, bucket_end, bucket_start, days
from callstats.errors import UsageError

WORKING_DAYS: Final = 5
_ENOUGH_DAYS: Final = 62  # a site without working days in two months has no hours: then the country's count


def closes_on(calendar: Calendar, month: date) -> date:
    """Day on which the month of this date closes: the 5th working day of the next month."""
    first = bucket_end(month, "month")
    for works in (calendar.is_working_day, calendar.is_national_working_day):
        found = [day for day in days(first, first + timedelta(_ENOUGH_DAYS)) if works(day)]
        if len(found) >= WORKING_DAYS:
            return found[WORKING_DAYS - 1]
    return first + timedelta(_ENOUGH_DAYS)


def months(start: date, end: date) -> Iterator[date]:
    """First days of the months that the local days ``[start, end)`` touch."""
    month = bucket_start(start, "month")
    while start < end and month < end:
        yield month
        month = bucket_end(month, "month")


def whole(month: date, start: date, end: date) -> bool:
    """Whether the days ``[start, end)`` hold all days of the month."""
    return start <= month and bucket_end(month, "month") <= end


def written(month: date) -> str:
    """A month as people type it: 2026-09."""
    return f"{month:%Y-%m}"


def month_of(text: str) -> date:
    """First day of a month such as 2026-09. Raises UsageError."""
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
            raise ValueError
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise UsageError(f"{text!r} is no month; write it like 2026-09") from None
