"""The register in numbers, for the Chancellery (clauses 17, 24, 25, 28), and calls that left no message.

Shares and ages per department, no numbers of clients; suggestions and complaints as texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

from callstats.calendar import Calendar
from callstats.fields import FLAG, INT, SECONDS, TEXT, UTC_US, Field
from callstats.register.desk import Entry, desk
from callstats.settings import Settings
from callstats.snapshot import at_one_moment
from callstats.store import Store

SPAN = timedelta(days=92)


LINE_FIELDS: Final = (
    Field("department", TEXT, "department that messages were forwarded to; null: to none, or all together"),
    Field("all", FLAG, "all together"),
    Field("messages", INT, "messages of the last 92 days and open ones; empty ones left out"),
    Field("open", INT, "not closed yet"),
    Field("overdue", INT, "past the date by which the next step was due"),
    Field("forwarded_k", INT, "forwarded by the end of the next working day (clause 17)"),
    Field("forwarded_n", INT, "of so many of which it can be said"),
    Field("contacted_k", INT, "first attempt by the end of the working day after forwarding (clause 17)"),
    Field("contacted_n", INT, "of so many of which it can be said"),
    Field("to_contact_s", SECONDS, "median of the working time from leaving to the first attempt", "s"),
    Field("not_callable", INT, "nobody can be called back"),
    Field("oldest_open", UTC_US, "when the oldest open one was left"),
)


@dataclass(frozen=True)
class Share:
    """k of n; n 0: no value."""

    k: int
    n: int


@dataclass(frozen=True)
class Line:
    """A department's messages of the last quarter: counts, shares in time, working seconds, open ones' age.

    `department` None: not forwarded to a department.
    """

    department: str | None
    messages: int
    open: int
    overdue: int
    forwarded: Share
    contacted: Share
    not_callable: int
    to_contact_s: float | None
    oldest_open: datetime | None


@dataclass(frozen=True)
class Summary:
    """Per department in the settings' order, and all together; suggestions and complaints, newest first."""

    lines: tuple[Line, ...] = ()
    total: Line | None = None
    voices: tuple[Entry, ...] = field(default=())

    def as_rows(self) -> list[dict[str, Any]]:
        """Its lines with `LINE_FIELDS`; of all together no department is named."""
        lines = [*self.lines, *([self.total] if self.total else [])]
        return [
            {
                **vars(one),
                "all": one is self.total,
                **{
                    f"{name}_{part}": getattr(getattr(one, name), part)
                    for name in ("forwarded", "contacted")
                    for part in ("k", "n")
                },
            }
            for one in lines
        ]


def summary(store: Store, settings: Settings) -> Summary:
    """The register's last quarter, and what is open from before."""
    calendar = Calendar.from_settings(settings)
    since = calendar.local_date(store.clock() - SPAN)
    told = desk(store, settings, closed=True, since=since)
    entries = [one for one in told if one.case.kind == "message" and not one.case.empty]
    by: dict[str | None, list[Entry]] = {}
    for one in entries:
        by.setdefault(one.case.department, []).append(one)
    order = [*dict.fromkeys(d.id for d in settings.departments), None]
    lines = tuple(_line(name, by[name], calendar) for name in order if name in by)
    voices = [one for one in entries if one.case.category in ("suggestion", "complaint")]
    voices.sort(key=lambda one: one.case.since, reverse=True)
    return Summary(lines, _line(None, entries, calendar) if entries else None, tuple(voices))


def _line(department: str | None, entries: Sequence[Entry], calendar: Calendar) -> Line:
    open_ones = [one for one in entries if one.case.closed_at is None]
    latencies = [
        calendar.working_seconds(one.case.first_forwarded_at, first, one.case.department)
        for one in entries
        if one.case.first_forwarded_at is not None and (first := _first_contact(one)) is not None
    ]
    return Line(
        department,
        len(entries),
        len(open_ones),
        sum(one.clock.urgency == "overdue" for one in open_ones),
        _share(one.clock.forwarded_in_time for one in entries),
        _share(one.clock.contacted_in_time for one in entries),
        sum(not one.case.callable for one in entries),
        median(latencies) if latencies else None,
        min((one.case.since for one in open_ones), default=None),
    )


def _first_contact(entry: Entry) -> datetime | None:
    times = [entry.case.contacted_at, entry.follow_up.attempted_at, entry.follow_up.reached_at]
    return min((at for at in times if at is not None), default=None)


def _share(told: Iterable[bool | None]) -> Share:
    known = [one for one in told if one is not None]
    return Share(sum(known), len(known))


def without_message(store: Store, settings: Settings, days: int) -> list[dict[str, Any]]:
    """Calls to the hotline of the last days that nobody answered and that left no message, newest first.

    They have no due time: nothing was asked.
    """
    department = settings.hotline.department
    if department is None:
        return []
    today = store.clock().astimezone(settings.zone).date()
    first = today - timedelta(days=days)

    def read(facts: Any) -> list[dict[str, Any]]:
        visits = facts.scan("visits", first, today).to_pylist()
        messages = {row["call_id"] for row in facts.scan("messages", first, today).to_pylist()}
        calls = {row["call_id"]: row for row in facts.scan("calls", first, today).to_pylist()}
        return [
            {**row, "caller": calls[row["call_id"]]["caller"]}
            for row in visits
            if row["department"] == department
            and row["external"] is not False
            and row["outcome"] not in ("answered", "overflowed")
            and row["call_id"] not in messages
            and row["call_id"] in calls
        ]

    return sorted(at_one_moment(store, read), key=lambda row: row["entered_at"], reverse=True)
