"""The dated limits a visit is judged by, as a table for SQL joins.

A rule for one department wins over a rule for all, whatever their dates: an exception stays an exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

import pyarrow as pa

from callstats.settings import Rule, Settings

LIMITS: Final = pa.schema(
    [
        ("department", pa.string()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
        ("period_us", pa.int64()),
        ("limit_us", pa.int64()),
        ("give_up_us", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Limit:
    """Limits of one department on one day, in microseconds.

    ``period_us`` P, ``limit_us`` N·P, ``give_up_us``: who gives up with less waiting left the department no
    chance.
    """

    period_us: int
    limit_us: int
    give_up_us: int
    signals: int


def limit_on(settings: Settings, department: str | None, day: date) -> Limit:
    """The limits in force on a local day for a department (None: for all)."""
    values = {
        "on_s": settings.cadence.on_s,
        "off_s": settings.cadence.off_s,
        "signals": settings.third_signal.signals,
        "boundary": settings.third_signal.boundary,
        "short_abandon_s": settings.third_signal.short_abandon_s,
    }
    for rule in _in_force(settings.rules, department, day):
        values |= {name: value for name in values if (value := getattr(rule, name)) is not None}
    on_us, off_us = round(float(values["on_s"] or 0) * 1e6), round(float(values["off_s"] or 0) * 1e6)
    signals, short = int(values["signals"] or 0), values["short_abandon_s"]
    period_us = on_us + off_us
    last = (signals - 1) * period_us + on_us if values["boundary"] == "end_of_tone" else signals * period_us
    return Limit(
        period_us, last, signals * period_us if short is None else round(float(short) * 1e6), signals
    )


def _in_force(rules: tuple[Rule, ...], department: str | None, day: date) -> list[Rule]:
    """Rules that hold, weakest first: all departments' before the department's own, older before newer."""
    found = [r for r in rules if r.effective_from <= day and r.department in (None, department)]
    return sorted(found, key=lambda r: (r.department is not None, r.effective_from))


def limits(settings: Settings) -> pa.Table:
    """Table `LIMITS`: one row per department and period ``[valid_from, valid_to)``."""
    edges = [date.min, *sorted({rule.effective_from for rule in settings.rules} - {date.min}), date.max]
    rows = [
        {
            "department": department,
            "valid_from": start,
            "valid_to": end,
            "period_us": limit.period_us,
            "limit_us": limit.limit_us,
            "give_up_us": limit.give_up_us,
        }
        for department in dict.fromkeys(entry.id for entry in settings.departments)
        for start, end in pairwise(edges)
        for limit in (limit_on(settings, department, start),)
    ]
    return pa.Table.from_pylist(rows, LIMITS)
