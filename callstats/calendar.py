"""Working time of a site: zone, hours, holidays; half-open windows; buckets.

Instants are aware datetimes (any zone; results are UTC), days are local dates, windows are half-open. A
`department` of None means the site's own hours. A working day is a day with open hours: of the country's
working days those with hours in the week's plan, a moved working Saturday with the hours of the day it stands
for, or what the exceptions file says.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import pyarrow as pa

from callstats.errors import UsageError
from callstats.holiday_rules import EVERYBODY, NationalYear, Override, national_year, read_overrides
from callstats.rules import week_on
from callstats.settings import Department, Settings
from callstats.settings_rules import DEFAULT_HOURS, Hours, Rule
from callstats.settings_types import Window

Bucket = Literal["hour", "weekday", "day", "week", "month"]

UTC_US = pa.timestamp("us", tz="UTC")
OPEN_HOURS = pa.schema(
    [("department", pa.string()), ("day", pa.date32()), ("opens_at", UTC_US), ("closes_at", UTC_US)]
)
WORKING_DAYS = pa.schema(
    [
        ("department", pa.string()),
        ("day", pa.date32()),
        ("is_working", pa.bool_()),
        ("starts_at", UTC_US),
        ("ends_at", UTC_US),
        ("next_working_day", pa.date32()),
        ("next_working_day_ends_at", UTC_US),
    ]
)
_DAY = timedelta(days=1)
# The longest closure that is believed; beyond it hours are missing from the settings.
_LOOK_AHEAD_DAYS = 400


@lru_cache(maxsize=1 << 16)
def local_instant(zone: ZoneInfo, day: date, minute: int = 0) -> datetime:
    """UTC instant of a local clock time, `minute` (0 to 1440) after the day's midnight by the clock.

    In the doubled hour the first one; a time that the clock skips is the moment of the skip.
    """
    clock = datetime.combine(day + timedelta(minute // 1440), time(minute % 1440 // 60, minute % 60), zone)
    instant = clock.astimezone(UTC)
    back = instant.astimezone(zone)
    if back.replace(tzinfo=None) == clock.replace(tzinfo=None):
        return instant
    step = timedelta(minutes=1)  # skipped by the clock: walk back to where the new offset began
    while (instant - step).astimezone(zone).utcoffset() == back.utcoffset():
        instant -= step
    return instant


@dataclass(frozen=True)
class Calendar:
    """When a site works. Build with `Calendar.from_settings`."""

    zone: ZoneInfo
    country: str = "LV"
    hours: Hours = DEFAULT_HOURS
    rules: tuple[Rule, ...] = ()
    departments: tuple[Department, ...] = ()
    overrides: tuple[Override, ...] = ()
    follow_moved_days: bool = True
    preholiday_minus_min: int = 60
    _by_day: dict[tuple[date, str], tuple[Override, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Index the exceptions by day and unit."""
        for row in self.overrides:
            key = (row.day, row.unit)
            self._by_day[key] = (*self._by_day.get(key, ()), row)

    @classmethod
    def from_settings(cls, settings: Settings) -> Calendar:
        """The calendar of a site. Raises SettingsError when the exceptions file is missing or wrong."""
        rules = settings.calendar
        units = {entry.id for entry in settings.departments}
        return cls(
            zone=settings.zone,
            country=settings.country,
            hours=settings.hours,
            rules=settings.rules,
            departments=settings.departments,
            overrides=read_overrides(rules.overrides, units) if rules.overrides else (),
            follow_moved_days=rules.follow_moved_days,
            preholiday_minus_min=round(rules.preholiday_minus_h * 60),
        )

    def local_date(self, instant: datetime) -> date:
        """Local date of an instant. Raises UsageError for a naive datetime."""
        return self._local(instant).date()

    def day_bounds(self, day: date) -> tuple[datetime, datetime]:
        """UTC `[start, end)` of a local day: 23, 24 or 25 hours."""
        return local_instant(self.zone, day), local_instant(self.zone, day + _DAY)

    def has(self, department: str, day: date) -> bool:
        """Whether the settings have the department on this day."""
        return any(entry.id == department and entry.valid_on(day) for entry in self.departments)

    def windows(self, day: date, department: str | None = None) -> tuple[Window, ...]:
        """Open hours of a local day in minutes of the local clock, in order; () is closed."""
        rows = self._by_day.get((day, department or EVERYBODY)) or self._by_day.get((day, EVERYBODY))
        if rows:
            return tuple(row.window for row in rows if row.window)
        year = self._year(day)
        if not self._may_work(day, year):
            return ()
        moved = year.worked_instead(day) if self.follow_moved_days else None
        week = week_on(self.hours, self.rules, self.departments, department, day).week
        plan = week[(moved or day).weekday()]
        return _shorten(plan, self.preholiday_minus_min) if self.is_shortened(day) else plan

    def spans(self, day: date, department: str | None = None) -> tuple[tuple[datetime, datetime], ...]:
        """Open hours of a local day as UTC `[opens_at, closes_at)`."""
        found = (
            (local_instant(self.zone, day, w.opens), local_instant(self.zone, day, w.closes))
            for w in self.windows(day, department)
        )
        return tuple((opens, closes) for opens, closes in found if opens < closes)

    def is_shortened(self, day: date) -> bool:
        """Whether the law shortens this working day, the one before a holiday (Darba likums 135)."""
        return self._year(day).is_shortened(day, self.follow_moved_days)

    def is_national_working_day(self, day: date) -> bool:
        """Whether the country works on this day: holidays and moved days, no hours and no exceptions."""
        return self._year(day).is_working(day, self.follow_moved_days)

    def is_holiday(self, day: date) -> bool:
        """Whether a day is off by law, for one on a weekend, or as it is worked on another day."""
        year = self._year(day)
        moved = year.moved_off if self.follow_moved_days else frozenset()
        return day in year.legal or day in year.observed or day in moved

    def is_moved_working_day(self, day: date) -> bool:
        """Whether a weekend day is worked instead of another day (*pārceltā darba diena*)."""
        return self.follow_moved_days and self._year(day).worked_instead(day) is not None

    def is_working_day(self, day: date, department: str | None = None) -> bool:
        """Whether a department (or the site) is open at any time of the day."""
        return bool(self.windows(day, department))

    def is_open(self, instant: datetime, department: str | None = None) -> bool:
        """Whether an instant lies in working hours, half-open: at 17:00 sharp a day to 17:00 is over."""
        day = self.local_date(instant)
        utc = instant.astimezone(UTC)
        return any(opens <= utc < closes for opens, closes in self.spans(day, department))

    def next_working_day(self, day: date, department: str | None = None) -> date:
        """First working day after `day`. Raises UsageError when there is none within 400 days."""
        for step in range(1, _LOOK_AHEAD_DAYS + 1):
            if self.is_working_day(day + timedelta(step), department):
                return day + timedelta(step)
        who = f"department {department!r}" if department else "the site"
        raise UsageError(
            f"{who} has no working day in the {_LOOK_AHEAD_DAYS} days after {day}; check its hours"
        )

    def due_at(self, instant: datetime, department: str | None = None) -> datetime:
        """End (24:00 local, as UTC) of the first working day after the instant's local date (domain 4c)."""
        return self.day_bounds(self.next_working_day(self.local_date(instant), department))[1]

    def working_us(self, start: datetime, end: datetime, department: str | None = None) -> int:
        """Working time in `[start, end)` in whole microseconds, 0 when `end` is not later."""
        first, last = self.local_date(start), self.local_date(end)
        # in UTC: Python compares and subtracts two local times of one zone by the clock, not by time
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        total = timedelta()
        for day in days(first, last + _DAY):
            for opens, closes in self.spans(day, department):
                total += max(min(closes, end) - max(opens, start), timedelta())
        return total // timedelta(microseconds=1)

    def working_seconds(self, start: datetime, end: datetime, department: str | None = None) -> float:
        """Working time in `[start, end)` in seconds, 0.0 when `end` is not later."""
        return self.working_us(start, end, department) / 1e6

    def open_hours(self, first: date, last: date, departments: Iterable[str]) -> pa.Table:
        """Table `OPEN_HOURS` of the local days `[first, last)`: one row per department and window."""
        rows = [
            {"department": unit, "day": day, "opens_at": opens, "closes_at": closes}
            for unit in departments
            for day in days(first, last)
            for opens, closes in self.spans(day, unit)
        ]
        return pa.Table.from_pylist(rows, OPEN_HOURS)

    def working_days(self, first: date, last: date, departments: Iterable[str]) -> pa.Table:
        """Table `WORKING_DAYS` of the local days `[first, last)`: one row per department and day.

        `next_working_day` is the first working day after it (null when none comes within 400 days).
        """
        return pa.Table.from_pylist(
            [row for unit in departments for row in self._day_rows(first, last, unit)], WORKING_DAYS
        )

    def _day_rows(self, first: date, last: date, unit: str) -> list[dict[str, object]]:
        try:
            following: date | None = self.next_working_day(last - _DAY, unit)
        except UsageError:
            following = None
        rows: list[dict[str, object]] = []
        for day in reversed(list(days(first, last))):
            starts, ends = self.day_bounds(day)
            working = self.is_working_day(day, unit)
            rows.append(
                {
                    "department": unit,
                    "day": day,
                    "is_working": working,
                    "starts_at": starts,
                    "ends_at": ends,
                    "next_working_day": following,
                    "next_working_day_ends_at": self.day_bounds(following)[1] if following else None,
                }
            )
            following = day if working else following
        return rows[::-1]

    def bucket(self, instant: datetime, kind: Bucket) -> int | date:
        """Bucket of an instant by the local clock.

        hour 0-23, weekday 1-7 (Monday 1), else the first date of its day, week (Monday) or month.
        """
        if kind == "hour":
            return self._local(instant).hour
        day = self.local_date(instant)
        return day.isoweekday() if kind == "weekday" else bucket_start(day, kind)

    def bucket_bounds(self, start: date, kind: Literal["day", "week", "month"]) -> tuple[datetime, datetime]:
        """UTC `[start, end)` of the bucket that holds a local date."""
        begin = bucket_start(start, kind)
        return local_instant(self.zone, begin), local_instant(self.zone, bucket_end(begin, kind))

    def _local(self, instant: datetime) -> datetime:
        if instant.tzinfo is None:
            raise UsageError(f"{instant} has no time zone; give an aware datetime")
        return instant.astimezone(self.zone)

    def _year(self, day: date) -> NationalYear:
        return national_year(self.country, day.year)

    def _may_work(self, day: date, year: NationalYear) -> bool:
        """Not a day off; weekends are left to the hours, as a department may open on Saturdays."""
        if year.is_working(day, self.follow_moved_days):
            return True
        off = year.legal | year.observed | (year.moved_off if self.follow_moved_days else frozenset())
        return day.weekday() in year.weekend and day not in off


def _shorten(plan: tuple[Window, ...], by_min: int) -> tuple[Window, ...]:
    """The windows with `by_min` minutes taken from the day's end."""
    kept = list(plan)
    while kept and by_min > 0:
        opens, closes = kept.pop()
        if closes - opens > by_min:
            return (*kept, Window(opens, closes - by_min))
        by_min -= closes - opens
    return tuple(kept)


def days(first: date, last: date) -> Iterator[date]:
    """The days of `[first, last)`."""
    return (first + timedelta(n) for n in range((last - first).days))


def bucket_start(day: date, kind: Literal["day", "week", "month"]) -> date:
    """First date of the day, week (Monday) or month that holds a date. Raises UsageError for another kind."""
    if kind == "day":
        return day
    if kind == "week":
        return day - timedelta(day.weekday())
    if kind == "month":
        return day.replace(day=1)
    raise UsageError(f"no bucket {kind!r} of dates; allowed: day, week, month")


def bucket_end(day: date, kind: Literal["day", "week", "month"]) -> date:
    """First date after the day, week or month that holds a date."""
    begin = bucket_start(day, kind)
    if kind == "month":
        return (begin + timedelta(32)).replace(day=1)
    return begin + timedelta(7 if kind == "week" else 1)


def months_before(day: date, months: int) -> date:
    """The same day some months earlier, or the last one of that month."""
    month = day.year * 12 + day.month - 1 - months
    return date(month // 12, month % 12 + 1, min(day.day, monthrange(month // 12, month % 12 + 1)[1]))
