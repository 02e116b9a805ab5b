"""CEL → calls: Wazo's call logs, the acceptance features, Asterisk's unit tests, NethVoice's transfers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.cases import write
from tests.cases.check import Check, compared, left_out
from tests.cases.load import Case
from tests.cases.matching import instant, same
from tests.cases.site import endpoint
from tests.cases.tables import Inputs, Row, Told

# A difference of definition: their answer is the caller's channel entering the bridge, ours the phone's.
BRIDGE_S = 1.0
NAMES = "people's names are never kept"
WAZO = "an identity or label of Wazo's own directory"
NO_ENDPOINT = "tables name phones by extension, not by SIP endpoint"
OWN_EVENT = "carried by a user event that only Wazo writes"
OUT: Mapping[str, str] = {
    "caller_name": NAMES, "dialled_name": NAMES, "dest_name": NAMES,
    "dialled_context": "contexts are not in the tables",
    "caller_line": NO_ENDPOINT, "dest_line": NO_ENDPOINT, "tenant_uuid": WAZO, "dest_details": WAZO,
    "caller_internal_context": WAZO, "dialled_internal_context": WAZO, "dest_internal_context": WAZO,
    "caller_user_uuid": WAZO, "dest_user_uuid": WAZO, "participant_user_uuids": WAZO, "participants": WAZO,
    "dest_participant": WAZO, "user_field": "the user field is not in the tables", "blocked": OWN_EVENT,
    "recordings": "sound files are not read",
}  # fmt: skip
# With Wazo's own events only these are comparable (the cases' README, 3.4).
ALWAYS = frozenset(
    {"n_calls", "caller_number", "dialled_number", "answered", "answered_at", "call_start", "call_end"}
)
DIRECTORY = frozenset({"caller_internal_exten", "dialled_internal_exten", "dest_internal_exten"})
CAUSES: Mapping[int, str] = {
    17: "busy",
    21: "declined",
    **dict.fromkeys((1, 3, 18, 19, 20, 34), "unavailable"),
}
NOBODY = frozenset({"no_answer", "answered_elsewhere", "abandoned"})


def inputs(case: Case) -> Inputs:
    """The case's rows as a CEL file."""
    return {"": {"cel_csv": write.cel(case.rows("cel"))}} if case.rows("cel") else {}


def checks(case: Case, found: Mapping[str, Told]) -> Iterator[Check]:
    """Every fact of a CEL case."""
    ours, facts = found[""], case.facts
    for fact in facts:
        if fact == "calls":
            yield from _calls(case, ours)
        elif fact == "not_calls":
            yield left_out(case, fact, "their tool was told to look at the last rows only")
        elif fact == "events":
            kinds = Counter(e["kind"] for e in ours.events)
            yield compared(case, fact, facts[fact], {k: kinds.get(k) for k in facts[fact]})
        elif fact in OF_ALL:
            yield compared(case, fact, facts[fact], OF_ALL[fact](ours))
        elif fact == "dialled_legs":
            yield _legs(case, ours)
        elif fact == "conversation_segments":
            yield _talkers(case, ours)
        elif fact == "n_segments":
            yield left_out(case, fact, "tables tell who answered whom of the call, not each pair that spoke")
        else:
            yield _one(case, fact, facts[fact], ours.calls[0] if ours.calls else None, ours)


def _person_answered(ours: Told) -> bool:
    return any(a["outcome"] == "answered" for a in ours.attempts)


OF_ALL: Mapping[str, Callable[[Told], Any]] = {
    "n_calls": lambda ours: len(ours.calls),
    "n_events": lambda ours: len(ours.events),
    "answered_by_a_person": _person_answered,
}


def dest(call: Row, ours: Told) -> str | None:
    """Where a call ended: who answered it (last), else the last phone tried, else what was dialled."""
    _, attempts = ours.of(call)
    answered = [a["employee"] for a in attempts if a["outcome"] == "answered"]
    found = answered[-1:] or [a["employee"] for a in attempts][-1:]
    dialled: str | None = call["dialled"]
    return dialled if call["direction"] == "outbound" or not found else found[0]


def _one(case: Case, fact: str, expected: Any, call: Row | None, ours: Told) -> Check:
    if fact in OUT:
        return left_out(case, fact, OUT[fact])
    if case.needs.get("wazo_custom_cel") and fact not in ALWAYS:
        return left_out(case, fact, OWN_EVENT)
    if fact in DIRECTORY and case.needs.get("directory"):
        return left_out(case, fact, "needs the directory of Wazo")
    if call is None:
        return Check(case.id, case.file, case.status, fact, False, expected, "no call")
    if fact == "answered_at":
        return _answered_at(case, expected, call)
    if fact not in OF_CALL:
        return left_out(case, fact, "no such word here")
    got = OF_CALL[fact](call, ours)
    if fact.endswith(("_number", "_exten")) and isinstance(expected, str):
        expected = ours.number(expected) or None
    return compared(case, fact, expected, got)


OF_CALL: Mapping[str, Callable[[Row, Told], Any]] = {
    "caller_number": lambda call, ours: call["caller"],
    "dialled_number": lambda call, ours: call["dialled"],
    "dest_number": dest,
    "dialled_internal_exten": lambda call, ours: call["dialled"],
    "caller_internal_exten": lambda call, ours: call["caller"],
    "dest_internal_exten": dest,
    "direction": lambda call, ours: call["direction"],
    "call_start": lambda call, ours: call["started_at"],
    "call_end": lambda call, ours: call["ended_at"],
    "answered": lambda call, ours: call["outcome"] == "answered",
}


def _answered_at(case: Case, expected: Any, call: Row) -> Check:
    """Answered or not must agree; the moment, within the second that lies between answer and bridge."""
    theirs, mine = instant(expected), instant(call["answered_at"])
    close = theirs is not None and mine is not None and 0 <= (theirs - mine).total_seconds() <= BRIDGE_S
    right = close if theirs and mine else theirs is None and mine is None
    return Check(case.id, case.file, case.status, "answered_at", right, expected, mine)


def _calls(case: Case, ours: Told) -> Iterator[Check]:
    """Calls of a list, each found by its start."""
    for place, expected in enumerate(case.facts["calls"]):
        started = expected["call_start"]
        call = next((c for c in ours.calls if same(started, c["started_at"])), None)
        for fact, value in expected.items():
            found = _one(case, fact, value, call, ours)
            yield Check(**{**vars(found), "fact": f"calls[{place}].{fact}"})


def _legs(case: Case, ours: Told) -> Check:
    """Dialled phones: who answered, and what a cause means for who did not. Bridges are not in the tables."""
    expected = case.facts["dialled_legs"]
    attempts = {a["employee"]: a["outcome"] for a in ours.attempts}
    right = len(attempts) == len(expected) and all(
        attempts.get(endpoint(leg["channel"])) in _allowed(leg) for leg in expected
    )
    return Check(case.id, case.file, case.status, "dialled_legs", right, expected, attempts)


def _allowed(leg: Row) -> frozenset[str]:
    if leg["answered"]:
        return frozenset({"answered"})
    told = CAUSES.get(leg.get("hangup_cause") or 0)
    return frozenset({told}) if told else NOBODY


def _talkers(case: Case, ours: Told) -> Check:
    """Who was spoken to, of the pairs that spoke."""
    expected = sorted({segment["to"]["number"] for segment in case.facts["conversation_segments"]})
    got = sorted({a["employee"] for a in ours.attempts if a["outcome"] == "answered"})
    return compared(case, "conversation_segments", expected, got)
