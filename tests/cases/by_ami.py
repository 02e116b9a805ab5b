"""AMI streams → who rang, who was spoken to, transfers, how it ended.

Each phone is a department of its own, so that a transfer shows as a visit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.cases import write
from tests.cases.check import Check, compared, left_out
from tests.cases.load import Case, Row
from tests.cases.site import endpoint
from tests.cases.tables import Inputs, Told

OUTSIDE = "outside"
KINDS: Mapping[str, set[str]] = {
    "blind_transfer": {"blind_transfer"},
    "attended_transfer": {"attended_transfer"},
    "semi_attended_transfer": {"attended_transfer", "blind_transfer"},
    "blind_or_semi_attended_transfer": {"attended_transfer", "blind_transfer"},
}
ENDED = {"answered": "completed", "busy": "busy", "abandoned": "cancelled"}


def inputs(case: Case) -> Inputs:
    """The stream as a recorded connection."""
    return {"": {"ami": write.ami(case.rows("ami"))}} if case.rows("ami") else {}


def checks(case: Case, found: Mapping[str, Told]) -> Iterator[Check]:
    """The minimum score of a stream (the cases' README, 3.6), or the facts of a small AMI case."""
    ours = found[""]
    if case.kind == "ami_to_call":
        yield from _queue_case(case, ours)
        return
    states = case.facts["states"]
    talks = [s for s in states if s["state"] == "talking"]
    ends = [s for s in states if s["state"] == "ended"]
    party = _parties(case, ours)
    yield compared(case, "n_calls", len(ends), len(ours.calls))
    yield compared(case, "answered", bool(talks), any(c["outcome"] == "answered" for c in ours.calls))
    if states and states[0].get("caller"):
        yield compared(case, "caller", party(states[0]["caller"]), _caller(ours))
        offered = [s for s in states if s["state"] in ("ringing", *KINDS)]
        yield compared(case, "rung", sorted({party(t) for s in offered for t in _targets(s)}), _rung(ours))
        yield compared(case, "spoken_to", sorted({party(s["target"]) for s in talks}), _spoken_to(ours))
    yield _transfers(case, states, ours)
    ended = sorted(ENDED.get(c["outcome"], "no-answer") for c in ours.calls)
    yield compared(case, "end_reasons", sorted(str(s.get("reason")) for s in ends), ended)
    yield left_out(case, "states", "the order of states is their model; what they tell is scored above")


def _parties(case: Case, ours: Told) -> Callable[[Row], str]:
    """How a party of a state is called here: its phone's endpoint, or outside."""
    known = {endpoint(r["Channel"]) for r in case.rows("ami") if r.get("Event") == "Newchannel"} - {""}

    def party(one: Row) -> str:
        if one.get("channel"):
            name = endpoint(one["channel"])
            return OUTSIDE if name in ours.site.trunks else name
        account = one.get("account") or ""
        return account if account in known and account not in ours.site.trunks else OUTSIDE

    return party


def _targets(state: Row) -> list[Row]:
    return list(state.get("targets") or [state[key] for key in ("target",) if key in state])


def _caller(ours: Told) -> str:
    if not ours.calls:
        return "no call"
    return OUTSIDE if ours.calls[0]["direction"] == "inbound" else ours.calls[0]["caller"]


def _line_used(ours: Told, talked: bool) -> set[str]:
    """Whether an outside line took part: dialled, or the answer of a call that no employee answered."""
    answered = [c for c in ours.calls if c["outcome"] == "answered"]
    used = [c for c in answered if c["direction"] == "outbound" or c["answered_by"] is None]
    rung = [] if talked else [c for c in ours.calls if c["direction"] == "outbound"]
    return {OUTSIDE for _ in (*used, *rung)}


def _rung(ours: Told) -> list[str]:
    return sorted({a["employee"] for a in ours.attempts if a["ring_at"]} | _line_used(ours, talked=False))


def _spoken_to(ours: Told) -> list[str]:
    people = {a["employee"] for a in ours.attempts if a["outcome"] == "answered"}
    people |= {v["answered_by"] for v in ours.visits if v["answered_by"]}
    return sorted(people | _line_used(ours, talked=True))


def _transfers(case: Case, states: list[Row], ours: Told) -> Check:
    expected = [s["state"] for s in states if s["state"] in KINDS]
    got = [v["entered_by"] for v in ours.visits if v["entered_by"] in ("blind_transfer", "attended_transfer")]
    flagged = any(c["transferred"] for c in ours.calls)
    right = flagged == bool(expected) and all(set(got) & KINDS[kind] for kind in expected)
    return Check(case.id, case.file, case.status, "transfers", right, expected, [flagged, got])


def _queue_case(case: Case, ours: Told) -> Iterator[Check]:
    for expected in case.facts.get("calls", []):
        call = next((c for c in ours.calls if c["call_id"].endswith(f":{expected['callid']}")), None)
        call = ours.calls[0] if call is None and len(ours.calls) == 1 else call
        yield compared(case, "status", expected["status"], call and call["outcome"])
        yield compared(case, "answered_by", expected["answered_by"], call and call["answered_by"])
    yield left_out(case, "agents", "whether an agent is logged in is not in the tables")
