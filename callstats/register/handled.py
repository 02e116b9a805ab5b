"""How messages were handled, as a table that a metric's text reads: the register's clocks, computed once.

One row per message of the hotline that has a case. Working time is that of the department that checks
messages up to forwarding, and of the responsible department from then on (clause 17, design section 3).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from callstats.calendar import Calendar
from callstats.columns import DAY, FLAG, INT, TEXT, UTC_US, Field, Table
from callstats.facts import Facts
from callstats.register.clocks import clock
from callstats.register.contacts import FollowUp, seen_calls
from callstats.register.opening import case_from
from callstats.register.steps import Case
from callstats.settings import Settings

__all__ = ["HANDLED", "handled"]

HORIZON: Final = timedelta(days=31)
HANDLED: Final = Table(
    "handled",
    "one message of the hotline with what people and the PBX's calls made of it",
    (
        Field("department", TEXT, "department that checks messages"),
        Field("responsible", TEXT, "department that it was forwarded to; null: none, or an institution"),
        Field("local_date", DAY, "local date of the message"),
        Field("left_at", UTC_US, "when it was left"),
        Field("empty", FLAG, "under 3 s: nothing was said"),
        Field("callable", FLAG, "somebody can be called back"),
        Field("checked_us", INT, "working time until it was listened to", "us"),
        Field("forwarded_us", INT, "working time until it was forwarded", "us"),
        Field(
            "forwarded_in_time", FLAG, "by the end of the first working day after its date; null: not due yet"
        ),
        Field("forwarded_next_date", FLAG, "by the next calendar date, strictly; null: not due yet"),
        Field("contacted_us", INT, "working time from forwarding to the first contact", "us"),
        Field(
            "contacted_in_time", FLAG, "by the end of the next working day after forwarding; null: not due"
        ),
        Field("contact_certainty", TEXT, "certainty of the first contact", values=("certain", "estimated")),
    ),
)


def handled(facts: Facts, settings: Settings, start: date, end: date, now: datetime) -> pa.Table:
    """Table `HANDLED` of the messages left on the local days ``[start, end)``, as it was at ``now``."""
    calendar = Calendar.from_settings(settings)
    cases = [case_from(number, kind, steps) for number, (kind, steps) in facts.case_steps().items() if steps]
    wanted = [
        case
        for case in cases
        if case.message is not None
        and case.merged_into is None
        and start <= calendar.local_date(case.since) < end
    ]
    seen = seen_calls(facts, settings, wanted, until=end + HORIZON) if wanted else {}
    rows = [_row(case, seen.get(case.number, FollowUp()), calendar, settings, now) for case in wanted]
    return pa.Table.from_pylist(rows, HANDLED.schema)


def _row(
    case: Case, follow_up: FollowUp, calendar: Calendar, settings: Settings, now: datetime
) -> dict[str, Any]:
    checker = settings.hotline.department
    told = clock(case, calendar, checker, now, follow_up.attempted_at, follow_up.reached_at)
    entered, forwarded = case.contacted_at, case.first_forwarded_at
    first = min((at for at in (entered, follow_up.attempted_at) if at is not None), default=None)
    sure = first is not None and (first == entered or _certain(follow_up, first))
    return {
        "department": checker,
        "responsible": case.department,
        "local_date": calendar.local_date(case.since),
        "left_at": case.since.astimezone(UTC),
        "empty": case.empty,
        "callable": case.callable,
        "checked_us": _working(calendar, case.since, case.checked_at, checker),
        "forwarded_us": _working(calendar, case.since, forwarded, checker),
        "forwarded_in_time": told.forwarded_in_time,
        "forwarded_next_date": told.forwarded_next_date,
        "contacted_us": _working(calendar, forwarded, first, case.department) if case.department else None,
        "contacted_in_time": told.contacted_in_time,
        "contact_certainty": "certain" if first is None or sure else "estimated",
    }


def _certain(follow_up: FollowUp, at: datetime) -> bool:
    return any(one.at == at and one.certainty == "certain" for one in follow_up.calls)


def _working(
    calendar: Calendar, start: datetime | None, end: datetime | None, department: str | None
) -> int | None:
    """Working microseconds; 0 where the client was called before the message was forwarded."""
    return None if start is None or end is None else calendar.working_us(start, end, department)
