"""The rules in force on a date: clause 15.1's third signal, and working hours.

One precedence for everything: the undated value, then dated rules for all departments, then what is said of
one department; of the same reach the later date wins. An exception stays an exception until its own
`effective_to` or its own next rule, whatever is decided for all. Each key goes its own way: a rule changes
only what it states.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pyarrow as pa

from callstats.settings import Department, Settings
from callstats.settings_rules import Boundary, Clock, Exclusion, Hours, Rule

THIRD_SIGNAL_RULES: Final = pa.schema(
    [
        ("department", pa.string()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
        ("limit_us", pa.int64()),
        ("period_us", pa.int64()),
        ("give_up_us", pa.int64()),
        ("clock", pa.string()),
        ("leaves_out_transfers", pa.bool_()),
        ("leaves_out_neutral", pa.bool_()),
        ("leaves_out_early", pa.bool_()),
        ("rule_version", pa.string()),
    ]
)
EVERYBODY: Final = ""  # the row for visits of no department, or of one that the settings do not know


@dataclass(frozen=True)
class ThirdSignalRule:
    """Clause 15.1's third signal as it is judged: an answer is in time when ring time is under `limit_us`."""

    on_s: float
    off_s: float
    signals: int
    boundary: Boundary
    clock: Clock
    short_abandon_s: float | None
    excluded: tuple[Exclusion, ...]

    @property
    def period_us(self) -> int:
        """P: one signal with its pause."""
        return _us(self.on_s + self.off_s)

    @property
    def limit_us(self) -> int:
        """Before the next signal starts: R < N·P; before the last one has ended: R <= (N-1)·P + on (2c)."""
        if self.boundary == "before_next":
            return self.signals * self.period_us
        return (self.signals - 1) * self.period_us + _us(self.on_s) + 1

    @property
    def give_up_us(self) -> int:
        """Who gives up with less waiting left the department no chance: N·P, or `short_abandon_s`."""
        if self.short_abandon_s is None:
            return self.signals * self.period_us
        return _us(self.short_abandon_s)

    @property
    def version(self) -> str:
        """A short hash of all that the rule says: equal rules have equal versions, on every site."""
        stated = (
            f"signals={self.signals} on={self.on_s} off={self.off_s} boundary={self.boundary} "
            f"clock={self.clock} give_up={self.give_up_us} excluded={','.join(sorted(self.excluded))}"
        )
        return hashlib.blake2b(stated.encode(), digest_size=4).hexdigest()


def rule_on(settings: Settings, department: str | None, day: date) -> ThirdSignalRule:
    """The third signal's rule for a department (None: for all) on a local day."""
    cadence, third = settings.cadence, settings.third_signal
    stated: dict[str, Any] = {"on_s": cadence.on_s, "off_s": cadence.off_s}
    for name in ("signals", "boundary", "clock", "short_abandon_s", "excluded"):
        stated[name] = getattr(third, name)
    for rule in in_force(settings.rules, department, day):
        stated |= {name: value for name in stated if (value := getattr(rule, name)) is not None}
    return ThirdSignalRule(**stated)


def hours_on(settings: Settings, department: str | None, day: date) -> Hours:
    """The week of working hours in force for a department (None: for all) on a local day."""
    return week_on(settings.hours, settings.rules, settings.departments, department, day)


def week_on(
    hours: Hours,
    rules: Iterable[Rule],
    departments: Iterable[Department],
    department: str | None,
    day: date,
) -> Hours:
    """`hours_on` from its parts; hours in a department's own period are an exception like a rule of its."""
    stated = [rule for rule in in_force(rules, department, day) if rule.hours is not None]
    for_all = [rule.hours for rule in stated if rule.department is None]
    own = [rule.hours for rule in stated if rule.department is not None]
    period = [d.hours for d in departments if d.id == department and d.hours and d.valid_on(day)]
    return [found for found in (hours, *for_all, *period, *own) if found is not None][-1]


def in_force(rules: Iterable[Rule], department: str | None, day: date) -> list[Rule]:
    """Rules that hold on a local day, weakest first."""
    found = [
        rule
        for rule in rules
        if rule.effective_from <= day
        and (rule.effective_to is None or day < rule.effective_to)
        and rule.department in (None, department)
    ]
    return sorted(found, key=lambda rule: (rule.department is not None, rule.effective_from))


def third_signal_rules(
    settings: Settings, departments: Iterable[str], start: date | None = None, end: date | None = None
) -> pa.Table:
    """Table `THIRD_SIGNAL_RULES`, one row per department and period in which nothing changes.

    Periods are half-open (null: open) and touch ``[start, end)`` where given. The row of `EVERYBODY` is for
    visits of no department.
    """
    rows = [
        {
            "department": department,
            "valid_from": first,
            "valid_to": after,
            "limit_us": rule.limit_us,
            "period_us": rule.period_us,
            "give_up_us": rule.give_up_us,
            "clock": rule.clock,
            "leaves_out_transfers": "attended_transfer" in rule.excluded,
            "leaves_out_neutral": "neutral" in rule.excluded,
            "leaves_out_early": "gave_up_early" in rule.excluded,
            "rule_version": rule.version,
        }
        for department in (EVERYBODY, *departments)
        for first, after, rule in _periods(settings, department)
        if (start is None or after is None or after > start) and (end is None or first is None or first < end)
    ]
    return pa.Table.from_pylist(rows, THIRD_SIGNAL_RULES)


def _periods(
    settings: Settings, department: str
) -> Iterator[tuple[date | None, date | None, ThirdSignalRule]]:
    edges = {
        day
        for rule in settings.rules
        if rule.department in (None, department)
        for day in (rule.effective_from, rule.effective_to)
        if day is not None
    }
    starts: list[date | None] = [None, *sorted(edges)]
    for first, after in zip(starts, [*starts[1:], None], strict=True):
        yield first, after, rule_on(settings, department or None, first or date.min)


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000)
