"""National holidays, moved working days and shortened days, and a site's exceptions (domain 4a, 4b).

The package `holidays` gives legal holidays, observed days off and moved working days. Its trap: a moved day
off looks like a holiday by date and is told apart by its label only; only legal holidays shorten the day
before them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import holidays

from callstats.errors import SettingsError
from callstats.settings_types import Window, minutes

OVERRIDE_COLUMNS = ("date", "unit", "open", "close", "reason")
EVERYBODY = ""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class NationalYear:
    """Days off of a year and its neighbours: legal, observed, moved (day off, day worked instead)."""

    legal: frozenset[date]
    observed: frozenset[date]
    moved: tuple[tuple[date, date], ...]
    weekend: frozenset[int]

    def worked_instead(self, day: date) -> date | None:
        """The working day whose work was moved to this weekend day, or None."""
        return next((off for off, work in self.moved if work == day and day.weekday() in self.weekend), None)

    def is_working(self, day: date, follow_moved: bool = True) -> bool:
        """Whether the country works on this day."""
        if follow_moved and self.worked_instead(day):
            return True
        off = self.legal | self.observed | (self.moved_off if follow_moved else frozenset())
        return day.weekday() not in self.weekend and day not in off

    def is_shortened(self, day: date, follow_moved: bool = True) -> bool:
        """Whether a working day is shortened: a legal holiday follows it, or the day that was moved to it."""
        if not self.is_working(day, follow_moved):
            return False
        origin = self.worked_instead(day) if follow_moved else None
        return day + _DAY in self.legal or (origin is not None and origin + _DAY in self.legal)

    @property
    def moved_off(self) -> frozenset[date]:
        """Days off that are worked on another day."""
        return frozenset(off for off, _ in self.moved)


def _label_pattern(country: holidays.HolidayBase, label: str) -> re.Pattern[str] | None:
    text = getattr(country, label, None)
    return re.compile(re.escape(country.tr(text)).replace("%s", "(.+)")) if text else None


@lru_cache(maxsize=64)
def national_year(country: str, year: int) -> NationalYear:
    """Holidays of a year and of those around it, as moves and eves cross the new year."""
    found = holidays.country_holidays(country, years=range(year - 1, year + 2))
    observed_label = _label_pattern(found, "observed_label")
    moved_label = _label_pattern(found, "substituted_label")
    date_format = found.tr(getattr(found, "substituted_date_format", "")) if moved_label else ""
    legal, observed, moved = set(), set(), []
    for day, names in found.items():
        for name in names.split("; "):
            if moved_label and (match := moved_label.fullmatch(name)):
                moved.append((day, datetime.strptime(match[1], date_format).date()))
            elif observed_label and observed_label.fullmatch(name):
                observed.add(day)
            else:
                legal.add(day)
    return NationalYear(
        frozenset(legal), frozenset(observed - legal), tuple(sorted(moved)), frozenset(found.weekend)
    )


@dataclass(frozen=True)
class Override:
    """One row of the exceptions file; `window` None is closed, `unit` "" is everybody."""

    day: date
    unit: str
    window: Window | None
    reason: str


def read_overrides(path: Path, units: Iterable[str]) -> tuple[Override, ...]:
    """Exceptions from a CSV: date, unit, open, close, reason; several rows of a day are several windows.

    `unit` is a department id or empty for everybody; empty open and close mean closed. Raises SettingsError
    with one line per fault.
    """
    known = sorted(units)
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except UnicodeDecodeError:
        raise SettingsError(f"{path.name}: not UTF-8 text; save the file as UTF-8") from None
    except OSError as error:
        raise SettingsError(f"calendar.overrides: {path} cannot be read: {error.strerror}") from None
    if not rows or tuple(cell.strip() for cell in rows[0]) != OVERRIDE_COLUMNS:
        raise SettingsError(f"{path.name}: line 1: must be the heading {','.join(OVERRIDE_COLUMNS)}")
    found: list[Override] = []
    faults: list[str] = []
    for place, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row) or row[0].lstrip().startswith("#"):
            continue
        try:
            override = _override([cell.strip() for cell in row], known)
            _check_against(override, found)
        except ValueError as error:
            faults.append(f"{path.name}: line {place}: {error}")
        else:
            found.append(override)
    if faults:
        raise SettingsError("\n".join(faults))
    return tuple(sorted(found, key=lambda o: (o.day, o.unit, o.window or Window(0, 0))))


def _override(row: list[str], known: list[str]) -> Override:
    if len(row) != len(OVERRIDE_COLUMNS):
        raise ValueError(f"has {len(row)} columns; allowed: {','.join(OVERRIDE_COLUMNS)}")
    day, unit, opens, closes, reason = row
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
        raise ValueError(f"{day!r} is no date; write YYYY-MM-DD")
    try:
        parsed = date.fromisoformat(day)
    except ValueError:
        raise ValueError(f"{day!r} is no date of the calendar; write YYYY-MM-DD") from None
    if unit not in known and unit != EVERYBODY:
        raise ValueError(f"no department {unit!r}; known: {', '.join(known) or 'none'}, or empty for all")
    if bool(opens) != bool(closes):
        raise ValueError("needs both open and close, or neither for closed")
    window = Window(minutes(opens), minutes(closes)) if opens else None
    if window and window.closes <= window.opens:
        raise ValueError(f"closes at {closes}, before it opens at {opens}")
    return Override(parsed, unit, window, reason)


def _check_against(new: Override, earlier: list[Override]) -> None:
    for old in earlier:
        if (old.day, old.unit) != (new.day, new.unit):
            continue
        if old.window is None or new.window is None:
            raise ValueError(f"{new.day} is closed in one line and has another line; leave one of them")
        if new.window.opens < old.window.closes and old.window.opens < new.window.closes:
            raise ValueError(f"overlaps another line of {new.day}")
