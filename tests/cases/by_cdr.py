"""CDR rows: what they say survives the reading, and what they mean for a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tests.cases import write
from tests.cases.check import Check, compared, left_out
from tests.cases.load import Case
from tests.cases.site import endpoint
from tests.cases.tables import Inputs, Told

# A congested line is a call that failed; which of the words an outcome is depends on who looks.
OUTCOMES = {"failed": {"failed", "unavailable"}, "answered": {"answered"}, "busy": {"busy"}}


def inputs(case: Case) -> Inputs:
    """The case's rows as a CDR file."""
    return {"": {"cdr_csv": write.cdr(case.rows("cdr"))}} if case.rows("cdr") else {}


def checks(case: Case, found: Mapping[str, Told]) -> Iterator[Check]:
    """Every fact of a CDR case."""
    ours = found[""]
    for fact, expected in case.facts.items():
        if fact == "n_cdr_records":
            yield compared(case, fact, expected, len(ours.events))
        elif fact == "dispositions":
            yield _dispositions(case, ours)
        elif fact == "records":
            yield _records(case, ours)
        elif fact == "legs":
            yield _legs(case, ours)
        else:
            yield _one(case, fact, expected, ours)


def _dispositions(case: Case, ours: Told) -> Check:
    expected = case.facts["dispositions"]
    if "?" in expected:
        return left_out(case, "dispositions", "the source says nothing of them")
    return compared(case, "dispositions", expected, dict(Counter(e["status"] for e in ours.events)))


def _records(case: Case, ours: Told) -> Check:
    """What each row says, as our events keep it; channels of patterns are those of the rows."""
    rows = [
        (r["channel"], r["dstchannel"] or None, r["disposition"]) for r in write.cdr_rows(case.rows("cdr"))
    ]
    events = [
        (e["channel"], e["dest_channel"], e["status"]) for e in sorted(ours.events, key=lambda e: e["line"])
    ]
    talked = [r for r in case.rows("cdr") if r.get("dstchannel") and r.get("disposition") == "ANSWERED"]
    reached = {endpoint(r["dstchannel"]) for r in talked}
    known = {a["employee"] for a in ours.attempts if a["outcome"] in ("answered", "answered_elsewhere")}
    answered = reached - {""} <= known
    return Check(
        case.id,
        case.file,
        case.status,
        "records",
        rows == events and answered,
        [rows, reached],
        [events, known],
    )


def _legs(case: Case, ours: Told) -> Check:
    """Answered legs of one call: who spoke to whom, from when."""
    expected = [(leg["to"], leg["start"]) for leg in case.facts["legs"]]
    got = [
        (a["employee"], a["tried_at"].strftime("%Y-%m-%d %H:%M:%S"))
        for a in sorted(ours.attempts, key=lambda a: a["tried_at"])
        if a["outcome"] == "answered"
    ]
    return Check(case.id, case.file, case.status, "legs", expected == got, expected, got)


def _one(case: Case, fact: str, expected: Any, ours: Told) -> Check:
    call = ours.calls[0] if ours.calls else None
    if fact == "n_calls":
        return compared(case, fact, expected, len(ours.calls))
    if fact == "call_start":
        return compared(case, fact, expected, call and call["started_at"])
    if call is None:
        return Check(case.id, case.file, case.status, fact, False, expected, "no call")
    if fact == "outcome":
        right = call["outcome"] in OUTCOMES.get(expected, {expected})
        return Check(case.id, case.file, case.status, fact, right, expected, call["outcome"])
    if fact == "caller_number":
        return compared(case, fact, ours.number("+" + expected), call["caller"])
    return left_out(case, fact, "no such word here")
