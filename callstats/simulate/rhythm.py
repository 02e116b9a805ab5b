"""When a town calls: hours of a span with their weight, working hours and desks of each local day.

Everything is reckoned in whole hours of UTC, so that the night of 23 and the night of 25 hours fall out by
themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from callstats.calendar import Calendar, local_instant
from callstats.settings import Department
from callstats.simulate.town import USUAL, Town

HOUR_S: Final = 3600
# calls per hour of the local clock, any scale: in working hours, and outside them
OPEN: Final = (0.1,) * 7 + (0.4, 0.9, 1.5, 1.45, 1.2, 0.6, 0.9, 1.05, 0.85, 0.6, 0.4) + (0.3,) * 6
CLOSED: Final = (0.02, 0.012, 0.01, 0.01, 0.012, 0.02, 0.04, 0.09) + (0.12,) * 4 + (0.1,) * 6 + (
    0.09, 0.08, 0.07, 0.06, 0.04, 0.03)  # fmt: skip
WEEKDAY: Final = (1.35, 1.05, 1.0, 0.95, 0.85, 1.0, 1.0)
# January to December: the quiet of July, the heating bills of autumn
MONTH: Final = (1.0, 1.0, 1.05, 1.0, 0.95, 0.85, 0.7, 0.85, 1.15, 1.15, 1.05, 0.9)
AFTER_DAYS_OFF: Final = 1.25


@dataclass(frozen=True)
class Hour:
    """An hour of UTC: epoch `[starts_s, starts_s + 3600)`, its local day, and its share of the calls."""

    starts_s: int
    day: date
    weight: float
    clock_changes: bool  # at the end of the hour


class Rhythm:
    """Working time of a town's departments. State: caches of the calendar's answers only."""

    def __init__(self, town: Town) -> None:
        own = (unit for unit in town.units.values() if unit.hours is not None)
        departments = tuple(Department(id=unit.id, hours=unit.hours) for unit in own)
        self.zone = ZoneInfo(town.plant.timezone)
        self.calendar = Calendar(zone=self.zone, hours=USUAL, departments=departments)
        self._own = frozenset(d.id for d in departments)
        self._spans = lru_cache(maxsize=256)(self._spans_of)

    def hours(self, start: date, end: date) -> Iterator[Hour]:
        """The hours of the local days `[start, end)`."""
        at_s = self.midnight_s(start)
        end_s = self.midnight_s(end)
        while at_s < end_s:
            local = datetime.fromtimestamp(at_s, self.zone)
            later = datetime.fromtimestamp(at_s + HOUR_S, self.zone)
            changes = local.utcoffset() != later.utcoffset()
            yield Hour(at_s, local.date(), self._weight(at_s, local), changes)
            at_s += HOUR_S

    def total(self, start: date, end: date) -> float:
        """Sum of the weights of the hours of `[start, end)`."""
        return sum(hour.weight for hour in self.hours(start, end))

    def midnight_s(self, day: date) -> int:
        """Epoch instant at which a local day begins."""
        return int(local_instant(self.zone, day).timestamp())

    def is_open(self, unit: str, at_s: float) -> bool:
        """Whether a department works at an instant."""
        spans = self._spans(self._day(at_s), unit if unit in self._own else "")
        return any(opens <= at_s < closes for opens, closes in spans)

    def open_from(self, unit: str, at_s: float) -> tuple[float, float]:
        """The first open span `[opens, closes)` of a department that ends after the instant."""
        day, who = self._day(at_s), unit if unit in self._own else ""
        for step in range(32):
            for opens, closes in self._spans(day + timedelta(step), who):
                if closes > at_s:
                    return opens, closes
        return at_s, at_s + HOUR_S

    def _day(self, at_s: float) -> date:
        return _local_date(self.zone, int(at_s) // 900)

    def _spans_of(self, day: date, unit: str) -> tuple[tuple[float, float], ...]:
        spans = self.calendar.spans(day, unit or None)
        return tuple((opens.timestamp(), closes.timestamp()) for opens, closes in spans)

    def _weight(self, at_s: int, local: datetime) -> float:
        day = local.date()
        if self.calendar.is_open(datetime.fromtimestamp(at_s + HOUR_S / 2, UTC)):
            weekday = WEEKDAY[0] * AFTER_DAYS_OFF if self._after_days_off(day) else WEEKDAY[day.weekday()]
            return OPEN[local.hour] * weekday * MONTH[day.month - 1]
        return CLOSED[local.hour] * (1.0 if self.calendar.is_working_day(day) else 0.6)

    def _after_days_off(self, day: date) -> bool:
        """The first working day after at least three days off, or after any in the middle of a week."""
        before = [self.calendar.is_working_day(day - timedelta(step)) for step in (1, 2, 3)]
        return not any(before) or (not before[0] and day.weekday() != 0)


@lru_cache(maxsize=1 << 12)
def _local_date(zone: ZoneInfo, quarter: int) -> date:
    """Local date of a quarter of an hour of the epoch; no zone's midnight falls within one."""
    return datetime.fromtimestamp(quarter * 900, zone).date()
