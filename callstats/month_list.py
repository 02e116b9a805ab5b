"""How the months of a store stand: closed, restated, provisional, or waiting for lines."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from callstats.calendar import Calendar, bucket_end
from callstats.cases.months import Edition
from callstats.closed import Closed
from callstats.closing import due
from callstats.editions import would_differ
from callstats.fields import DAY, FLAG, INT, NAMES, TEXT, UTC_US, Field
from callstats.in_force import changes
from callstats.metrics.base import Said
from callstats.months import closes_on, months
from callstats.settings import Settings
from callstats.store import Store

STATUSES: Final = ("closed", "restated", "provisional", "waiting")
MONTH_FIELDS: Final = (
    Field("month", DAY, "first day of the month"),
    Field(
        "status",
        TEXT,
        "closed: stored; restated: computed anew since; provisional: not due; waiting: due, lines miss",
        values=STATUSES,
    ),
    Field("closes_on", DAY, "5th working day of the next month"),
    Field("waits_for", NAMES, "what a waiting month waits for"),
    Field(
        "later",
        FLAG,
        "lines that came after closing, or a newer program, would give other figures; null: not closed",
    ),
)
EDITION_FIELDS: Final = (
    Field("edition", INT, "1 as first closed, then one more each time it is computed anew"),
    Field("closed_at", UTC_US, "when it was stored"),
    Field("closed_by", TEXT, "user who ran the command, or who was named"),
    Field("reason", TEXT, "why it was computed anew, or closed although lines were missing"),
    Field("changes", NAMES, "what the settings say otherwise than for the edition before"),
    Field("without", NAMES, "working days of which a PBX has no line"),
    Field("seen_before", DAY, "calls from this day on were not looked at"),
    Field("rules_fingerprint", TEXT, "fingerprint of the settings that were in force"),
    Field("code_version", TEXT, "program that computed it"),
    Field("data_version", TEXT, "version of the facts"),
)


@dataclass(frozen=True)
class MonthRow:
    """One month: `MONTH_FIELDS`, and its editions."""

    month: date
    status: str
    closes_on: date
    waits_for: tuple[Said, ...] = ()
    editions: tuple[Edition, ...] = ()
    later: bool | None = None

    def as_json(self) -> dict[str, Any]:
        """`MONTH_FIELDS`, and ``editions`` with `EDITION_FIELDS`."""
        return {
            "month": self.month.isoformat(),
            **{name: getattr(self, name) for name in ("status", "closes_on")},
            "waits_for": [one.en for one in self.waits_for],
            "later": self.later,
            "editions": _editions(self.editions),
        }


def month_list(store: Store, settings: Settings) -> list[MonthRow]:
    """The months from the first data to the last. Raises ClosedMonthError as `Closed.of` does."""
    closed = Closed.of(store, settings)
    calendar = Calendar.from_settings(settings)
    waiting = {one.month: one.why for one in due(store, settings)}
    spoken = months(closed.span[0], closed.span[1] + timedelta(days=1)) if closed.span else ()
    return [
        MonthRow(
            month,
            _status(closed, month, waiting),
            closes_on(calendar, month),
            waiting.get(month, ()),
            tuple(closed.editions.get(month, ())),
            would_differ(store, settings, closed, month) if month in closed.editions else None,
        )
        for month in sorted({*spoken, *closed.editions})
    ]


def _status(closed: Closed, month: date, waiting: Collection[date]) -> str:
    if month in closed.editions:
        return "restated" if len(closed.editions[month]) > 1 else "closed"
    return "waiting" if month in waiting else "provisional"


def _editions(editions: Sequence[Edition]) -> list[dict[str, Any]]:
    found, before = [], None
    for one in editions:
        end = bucket_end(one.month, "month")
        told = {field.name: getattr(one, field.name, None) for field in EDITION_FIELDS}
        told["without"] = [day.isoformat() for day in one.without]
        told["changes"] = changes(before.rules, one.rules, one.month, end) if before else []
        found.append(told)
        before = one
    return found
