"""One PBX's CDR and CEL of the same calls: each read on its own, and whether the two readings agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.cases import write
from tests.cases.check import Check, compared, left_out
from tests.cases.load import Case, Row, side_rows
from tests.cases.site import endpoint
from tests.cases.tables import Inputs, Told

BRIDGES = "which channels shared a bridge is not in the tables"


def rows(cases: Sequence[Case]) -> Iterator[Row]:
    """Every row of the files that the cases refer to: they are one site's."""
    for name in {case.input[key] for case in cases for key in ("cdr_file", "cel_file") if key in case.input}:
        for found in side_rows(name).values():
            yield from found


def _part(case: Case, kind: str) -> list[Row]:
    return side_rows(case.input[f"{kind}_file"]).get(case.input["linkedid"], [])


def inputs(case: Case) -> Inputs:
    """The two readings, apart."""
    written = {"cel": {"cel_csv": write.cel(_part(case, "cel"))}}
    return {**written, "cdr": {"cdr_csv": write.cdr(_part(case, "cdr"))}} if _part(case, "cdr") else written


def checks(case: Case, found: Mapping[str, Told]) -> Iterator[Check]:
    """Every fact of a pair, and the agreement of our two readings."""
    live, read = found["cel"], found.get("cdr")
    yield compared(case, "n_cel_rows", case.facts["n_cel_rows"], len(live.events) + len(live.rejects))
    yield from _cel(case, live)
    yield compared(case, "n_cdr_rows", case.facts["n_cdr_rows"], len(read.events) if read else 0)
    if read is None:
        return
    yield from _cdr(case, read)
    both = case.facts.get("called_party_answered")
    if both is not None:
        yield compared(case, "called_party_answered", [both, both], [_answered(live), _answered(read)])
    yield from _agreement(case, live, read)


def _answered(ours: Told) -> bool:
    return any(call["outcome"] == "answered" for call in ours.calls)


def _cel(case: Case, ours: Told) -> Iterator[Check]:
    facts = case.facts["cel"]
    kinds = Counter(e["kind"] for e in ours.events)
    begun = [e for e in ours.events if e["kind"] == "CHAN_START"]
    times = sorted(e["at"] for e in ours.events)
    got: dict[str, Any] = {
        "called_party_answered": _answered(ours),
        "forward_events": kinds["FORWARD"],
        "first_event": times[0],
        "last_event": times[-1],
        "ended": all(call["ended_at"] for call in ours.calls) and bool(ours.calls),
        "real_channels_created": len({e["uniqueid"] for e in begun if not e["channel"].startswith("Local/")}),
    }
    for fact, expected in facts.items():
        yield (
            compared(case, f"cel.{fact}", expected, got[fact])
            if fact in got
            else left_out(case, f"cel.{fact}", BRIDGES)
        )


def _cdr(case: Case, ours: Told) -> Iterator[Check]:
    facts = case.facts["cdr"]
    rung = {"outside" if endpoint(name) in ours.site.trunks else endpoint(name) for name in facts["rung"]} - {
        ""
    }
    seen = {a["employee"] for a in ours.attempts} | {
        "outside" for c in ours.calls if c["direction"] == "outbound"
    }
    if "outside" in rung and not any(c["direction"] == "outbound" for c in ours.calls):
        seen |= {"outside"}  # an attempt is an employee's phone: a divert to a line has none
    got: dict[str, Any] = {
        "dispositions": dict(Counter(e["status"] for e in ours.events)),
        "last_apps": dict(Counter(e["app"] or "" for e in ours.events)),
        "called_party_answered": _answered(ours),
        "talk_s_longest_row": _talk_s(ours),
        "voicemail_row": bool(ours.messages),
    }
    for fact, expected in facts.items():
        if fact == "rung":
            yield compared(case, "cdr.rung", sorted(rung), sorted(seen))
        elif fact in got:
            yield compared(case, f"cdr.{fact}", expected, got[fact])


def _talk_s(ours: Told) -> int:
    """The longest row's billsec, where a person answered: a machine's is no talk."""
    return max(e["billsec_us"] or 0 for e in ours.events) // 1_000_000 if _answered(ours) else 0


def _agreement(case: Case, live: Told, read: Told) -> Iterator[Check]:
    """What the two readings say of a call; the CDR is asked only for what it can tell."""
    yield compared(case, "both.calls", len(live.calls), len(read.calls))
    if len(live.calls) == len(read.calls) == 1:
        one, other = live.calls[0], read.calls[0]
        for fact in ("caller", "direction", "answered_by"):
            yield compared(case, f"both.{fact}", one[fact], other[fact])
        if other["dialled"] is None:
            yield left_out(
                case, "both.dialled", "a CDR that names an extension does not tell what was dialled"
            )
        else:
            yield compared(case, "both.dialled", one["dialled"], other["dialled"])
        yield compared(case, "both.answered", one["outcome"] == "answered", other["outcome"] == "answered")
