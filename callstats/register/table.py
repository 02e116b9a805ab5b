"""The register as a table: for export, programs, notebooks. Neither numbers nor what was said are in it."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import pyarrow as pa

from callstats.calendar import Calendar
from callstats.columns import DAY, FLAG, INT, SECONDS, TEXT, UTC_US, Field, Table
from callstats.register.desk import STATUSES, Entry, desk
from callstats.settings import Settings
from callstats.store import Store

FIRST: Final = date(1970, 1, 1)
CASES: Final = Table(
    "cases",
    "one message of the hotline, or one promised callback, in the register (clauses 15.5 and 17)",
    (
        Field("case", INT, "number of the case"),
        Field("kind", TEXT, "a message, or a promised callback", values=("message", "promise")),
        Field("status", TEXT, "the furthest that the case has come", values=STATUSES),
        Field("call_id", TEXT, "the call that left the message; null where no call is known"),
        Field("mailbox", TEXT, "mailbox of the message"),
        Field("left_at", UTC_US, "when the message was left, or the promise given"),
        Field("local_date", DAY, "local date of 'left_at'"),
        Field("duration_s", SECONDS, "length of the recording", "s"),
        Field("empty", FLAG, "shorter than 3 s: in no denominator"),
        Field("callable", FLAG, "somebody can be called back"),
        Field("department", TEXT, "department that is to contact the client"),
        Field("institution", TEXT, "institution outside this PBX that it was forwarded to"),
        Field("category", TEXT, "question, suggestion, complaint, thanks or fault"),
        Field("urgent", FLAG, "marked as urgent"),
        Field("reg_no", TEXT, "number in the municipality's document register"),
        Field("checked_at", UTC_US, "when it was listened to"),
        Field("forwarded_at", UTC_US, "when it was first forwarded"),
        Field("forward_due_at", UTC_US, "end of the first working day after the message's date"),
        Field("forwarded_in_time", FLAG, "forwarded by then; null: not due yet, or nothing to forward"),
        Field("forwarded_next_date", FLAG, "forwarded by the next calendar date, strictly"),
        Field("attempted_at", UTC_US, "first attempt to contact the client, seen by the PBX or entered"),
        Field("reached_at", UTC_US, "first talk, seen by the PBX or entered"),
        Field("contact_due_at", UTC_US, "end of the department's next working day after forwarding"),
        Field("contacted_in_time", FLAG, "first attempt by then; null: not due yet, or nobody to contact"),
        Field("attempted_working_s", SECONDS, "working time from forwarding to the first attempt", "s"),
        Field("waits_for", TEXT, "what the case waits for"),
        Field("due_at", UTC_US, "when that is due"),
        Field("overdue", FLAG, "it is over"),
        Field("closed_at", UTC_US, "when it was closed"),
        Field("closing_reason", TEXT, "why"),
    ),
)


def cases_table(store: Store, settings: Settings) -> pa.Table:
    """Table `CASES` of the whole register, by number."""
    entries = desk(store, settings, closed=True, since=settings.messages.since or FIRST)
    calendar = Calendar.from_settings(settings)
    rows = [_row(entry, calendar) for entry in sorted(entries, key=lambda one: one.number)]
    return pa.Table.from_pylist(rows, CASES.schema)


def _row(entry: Entry, calendar: Calendar) -> dict[str, Any]:
    case, clock = entry.case, entry.clock
    attempts = [case.contacted_at, entry.follow_up.attempted_at]
    first = min((at for at in attempts if at is not None), default=None)
    talks = [case.reached_at, entry.follow_up.reached_at]
    forwarded = case.first_forwarded_at
    return {
        "case": case.number,
        "kind": case.kind,
        "status": entry.status,
        "call_id": case.message.call_id if case.message else None,
        "mailbox": case.message.mailbox if case.message else None,
        "left_at": case.since,
        "local_date": calendar.local_date(case.since),
        "duration_s": case.message.duration_s if case.message else None,
        "empty": case.empty,
        "callable": case.callable,
        "department": case.department,
        "institution": case.forwarded.institution if case.forwarded else None,
        "category": case.category,
        "urgent": case.urgent,
        "reg_no": case.reg_no,
        "checked_at": case.checked_at,
        "forwarded_at": forwarded,
        "forward_due_at": clock.forward.at if clock.forward else None,
        "forwarded_in_time": clock.forwarded_in_time,
        "forwarded_next_date": clock.forwarded_next_date,
        "attempted_at": first,
        "reached_at": min((at for at in talks if at is not None), default=None),
        "contact_due_at": clock.contact.at if clock.contact else None,
        "contacted_in_time": clock.contacted_in_time,
        "attempted_working_s": calendar.working_seconds(forwarded, first, case.department)
        if forwarded and first and forwarded <= first
        else None,
        "waits_for": clock.waits if clock.waits != "nothing" else None,
        "due_at": clock.due.at if clock.due else None,
        "overdue": clock.urgency == "overdue",
        "closed_at": case.closed_at,
        "closing_reason": case.closing.reason if case.closing else None,
    }
