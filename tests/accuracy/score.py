"""Compare computed tables with the truth of a recording, fact by fact.

Every comparison is a `Finding`; all counts and lists of the report are made from findings. A fact is
*right*, *wrong*, *unknown* (the tables say nothing: null or "unknown"), *missing* (its call, visit or
attempt is not there) or *excess* (there is one too many).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any, NamedTuple

import pyarrow as pa

from tests.accuracy.truth import Attempt, Call, Visit

START_S = 2.5
LATE_TRY_S = 2.5
BOUND_S = 0.05  # the PBX hears a 180 and an answer some milliseconds after the phone says it
CERTAINTIES = ("certain", "borderline", "estimated")
Row = Mapping[str, Any]


class Finding(NamedTuple):
    """One comparison. `group` is "" for what counts, "gap" or "cut" for calls that are judged apart;
    `certainty` is None for plain facts.
    """

    truth_id: str
    story: str
    group: str
    fact: str
    place: str
    expected: str
    got: str
    certainty: str | None
    status: str
    answered: bool = False  # a third signal of an answered visit from outside

    @property
    def certain_wrong(self) -> bool:
        """The one thing that must never be."""
        return self.certainty == "certain" and self.status in ("wrong", "excess", "empty")


@dataclass(frozen=True)
class Rules:
    """How to judge: tolerance for times (s), how a number is written in the tables, where the feed was
    away, whether CDR stands alone.
    """

    tolerance_s: float
    stored: Callable[[str], str] = str
    gaps: tuple[tuple[float, float], ...] = ()
    cdr_only: bool = False


@dataclass(frozen=True)
class _Place:
    """Where a fact belongs: fills what all findings of a call share."""

    call: Call
    group: str
    name: str

    def found(
        self, fact: str, expected: object, got: object, status: str, certainty: str | None = None
    ) -> Finding:
        return Finding(
            self.call.truth_id,
            self.call.story,
            self.group,
            fact,
            self.name,
            _text(expected),
            _text(got),
            certainty,
            status,
        )


def score(expected: Sequence[Call], tables: Mapping[str, pa.Table], rules: Rules) -> list[Finding]:
    """All findings of one set of sources. `tables` holds calls, visits, attempts and, where there is one,
    messages.
    """
    calls = tables["calls"].to_pylist()
    visits, attempts = _by_call(tables["visits"]), _by_call(tables["attempts"])
    messages = _by_call(tables["messages"]) if "messages" in tables else None
    pairs, extra = match(expected, calls, rules.stored)
    found: list[Finding] = []
    for call in expected:
        row = pairs.get(call.truth_id)
        if row is None and call.cut == "crash" and rules.cdr_only:
            continue  # a call during a SIGKILL has no CDR
        key = row["call_id"] if row else None
        place = _Place(call, _group(call, rules), "call")
        found += _call_facts(place, row, rules)
        if messages is not None:
            found.append(_message_fact(place, row, messages.get(key, [])))
        found += _visit_facts(place, visits.get(key, []), attempts.get(key, []), rules)
    for row in extra:
        found.append(_excess_call(row, rules))
    return found


def match(
    expected: Sequence[Call], rows: Sequence[Row], stored: Callable[[str], str] = str
) -> tuple[dict[str, Row], list[Row]]:
    """Pair computed calls with true ones: same caller, start within 2.5 s, same dialled number before
    another one.

    What agrees in dialled number and time alone is paired last, so that a wrong caller is one wrong fact.
    Returns truth id → row, and the rows left over.
    """
    offers: list[tuple[int, float, str, int]] = []
    begun = sorted((_epoch(row["started_at"]), n) for n, row in enumerate(rows))
    for call in expected:
        caller, dialled = stored(call.caller), stored(call.dialled)
        first = bisect_left(begun, (call.started_at - START_S - 0.001, -1))
        for began, n in begun[first : bisect_right(begun, (call.started_at + START_S + 0.001, len(rows)))]:
            row, apart = rows[n], abs(began - call.started_at)
            same = row["caller"] == caller, row["dialled"] == dialled
            if apart <= START_S and any(same):
                offers.append((0 if all(same) else 1 if same[0] else 2, apart, call.truth_id, n))
    pairs: dict[str, Row] = {}
    used: set[int] = set()
    for _, _, truth_id, n in sorted(offers):
        if truth_id not in pairs and n not in used:
            pairs[truth_id] = rows[n]
            used.add(n)
    return pairs, [row for n, row in enumerate(rows) if n not in used]


def _call_facts(place: _Place, row: Row | None, rules: Rules) -> list[Finding]:
    call = place.call
    by = rules.stored(call.answered_by) if call.answered_by else None
    return [
        _fact(place, "caller", rules.stored(call.caller), row, "caller"),
        _fact(place, "dialled", rules.stored(call.dialled), row, "dialled"),
        _fact(place, "direction", call.direction, row, "direction"),
        _fact(place, "outcome", call.outcome, row, "outcome", "outcome_certainty", call.also),
        _fact(place, "answered_by", by, row, "answered_by"),
        _time(place, "answered_at", call.answered_at, row, rules),
        _fact(place, "transferred", call.transferred, row, "transferred"),
        _fact(place, "departments", list(call.departments), row, "departments"),
    ]


def _message_fact(place: _Place, row: Row | None, messages: Sequence[Row]) -> Finding:
    """How many messages with something said in them the call left."""
    expected = place.call.messages
    if row is None:
        return place.found("messages", expected, None, "missing")
    if any(m["empty"] is None for m in messages):
        return place.found("messages", expected, None, "unknown")
    got = sum(1 for m in messages if not m["empty"])
    right = got == expected or bool(place.call.cut)
    return place.found("messages", expected, got, "right" if right else "wrong")


def _visit_facts(
    place: _Place, visits: Sequence[Row], attempts: Sequence[Row], rules: Rules
) -> list[Finding]:
    ordered = sorted(visits, key=lambda v: v["visit"])
    pairs, extra = align([v.department for v in place.call.visits], [v["department"] for v in ordered])
    found: list[Finding] = []
    for n, m in pairs:
        visit, row = place.call.visits[n], None if m is None else ordered[m]
        here = _Place(place.call, place.group, f"visit {n + 1} {visit.department}")
        mine = [] if row is None else [a for a in attempts if a["visit"] == row["visit"]]
        found += _one_visit(here, visit, row, rules)
        found += _attempt_facts(here, visit, sorted(mine, key=lambda a: a["position"]))
    for m in extra:
        row = ordered[m]
        found.append(
            place.found(
                "visit", None, f"{row['department']} {row['outcome']}", "excess", row["outcome_certainty"]
            )
        )
        found += [_excess_attempt(place, a) for a in attempts if a["visit"] == row["visit"]]
    return found


def align(
    expected: Sequence[str], got: Sequence[str | None]
) -> tuple[list[tuple[int, int | None]], list[int]]:
    """Pair two sequences of departments: equal ones in order, then what is left between them by place.
    Returns (pairs, extra).
    """
    pairs: list[tuple[int, int | None]] = []
    extra: list[int] = []
    for _, i1, i2, j1, j2 in SequenceMatcher(None, list(expected), list(got), autojunk=False).get_opcodes():
        pairs += [(i, j1 + i - i1 if j1 + i - i1 < j2 else None) for i in range(i1, i2)]
        extra += range(j1 + (i2 - i1), j2)
    return pairs, extra


def _one_visit(place: _Place, visit: Visit, row: Row | None, rules: Rules) -> list[Finding]:
    third = _fact(
        place, "third_signal", visit.within_third_signal, row, "within_third_signal", "third_signal_certainty"
    )
    rotation = visit.rotation
    also = rotation.also
    facts = [
        _fact(place, "department", visit.department, row, "department"),
        _fact(place, "entered_by", visit.entered_by, row, "entered_by"),
        _fact(place, "visit_outcome", visit.outcome, row, "outcome", "outcome_certainty",
              place.call.also if visit is place.call.visits[-1] else ()),
        _fact(place, "visit_answered_by", visit.answered_by, row, "answered_by"),
        _fact(place, "external", visit.external, row, "external"),
        _ring(place, visit.ring_s, row, rules),
        *_ring_bounds(place, visit.ring_s, row),
        third._replace(answered=visit.external and visit.answered_at is not None),
        _fact(place, "rotation", rotation.kind, row, "rotation", "rotation_certainty", also),
    ]  # fmt: skip
    if rotation.causes and not rotation.also:
        facts.append(
            _fact(place, "rotation_cause", rotation.causes[0], row, "rotation_cause", None, rotation.causes)
        )
    return facts


def _attempt_facts(place: _Place, visit: Visit, rows: Sequence[Row]) -> list[Finding]:
    found: list[Finding] = []
    positions: dict[int, int] = {}
    for employee in dict.fromkeys([*(a.employee for a in visit.attempts), *(r["employee"] for r in rows)]):
        wanted = [a for a in visit.attempts if a.employee == employee]
        got = [r for r in rows if r["employee"] == employee]
        pairs, extra = align_attempts(wanted, got)
        for attempt, row in pairs:
            name = _Place(place.call, place.group, f"{place.name} → {employee}")
            found.append(_fact(name, "attempt", attempt.outcome, row, "outcome", "certainty", attempt.also))
            if row is not None:
                positions[id(attempt)] = row["position"]
        found += [_excess_attempt(place, row) for row in extra]
    order = [(a, positions.get(id(a))) for a in visit.attempts]
    if len(order) > 1 and all(p is not None for _, p in order):
        right = all(p < q for a, p in order for b, q in order if a.ended_at < b.tried_at)  # type: ignore[operator]
        found.append(
            place.found(
                "attempt_order",
                "in order",
                "in order" if right else "mixed up",
                "right" if right else "wrong",
            )
        )
    return found


def align_attempts(
    wanted: Sequence[Attempt], got: Sequence[Row]
) -> tuple[list[tuple[Attempt, Row | None]], list[Row]]:
    """Pair one employee's attempts in order at the least cost: a gap in time or another outcome costs,
    one left out costs more.
    """
    width, height = len(wanted), len(got)
    best: dict[tuple[int, int], tuple[float, tuple[tuple[int, int], ...]]] = {}
    for i in range(width, -1, -1):
        for j in range(height, -1, -1):
            if i == width or j == height:
                best[i, j] = (1.5 * (width - i + height - j), ())
                continue
            cost, path = best[i + 1, j + 1]
            best[i, j] = min(
                (cost + _distance(wanted[i], got[j]), ((i, j), *path)),
                (best[i + 1, j][0] + 1.5, best[i + 1, j][1]),
                (best[i, j + 1][0] + 1.5, best[i, j + 1][1]),
            )
    chosen = dict(best[0, 0][1])
    pairs = [(a, got[chosen[i]] if i in chosen else None) for i, a in enumerate(wanted)]
    return pairs, [row for j, row in enumerate(got) if j not in chosen.values()]


def _distance(attempt: Attempt, row: Row) -> float:
    began = row["ring_at"] or row["tried_at"]
    late = began is not None and abs(_epoch(began) - (attempt.ring_at or attempt.tried_at)) > LATE_TRY_S
    return (0.0 if row["outcome"] in (attempt.outcome, *attempt.also) else 1.0) + (1.5 if late else 0.0)


def _fact(
    place: _Place,
    fact: str,
    expected: object,
    row: Row | None,
    column: str,
    certainty: str | None = None,
    also: Iterable[object] = (),
) -> Finding:
    """Compare one column. A certain judgement that says nothing is a fault of its own ("empty")."""
    if row is None:
        return place.found(fact, expected, None, "missing")
    got = row[column]
    sure = row[certainty] if certainty else None
    if got == expected or got in tuple(also):
        # a right value under "unknown" is not stated by anyone
        return place.found(
            fact, expected, got, "unknown" if sure == "unknown" and got is not None else "right", sure
        )
    if got is None or got == "unknown":
        return place.found(fact, expected, got, "empty" if sure == "certain" else "unknown", sure)
    return place.found(fact, expected, got, "unknown" if sure == "unknown" else "wrong", sure)


def _time(place: _Place, column: str, expected: float | None, row: Row | None, rules: Rules) -> Finding:
    """Compare an instant, shown as seconds after the call's start."""
    got = None if row is None or row[column] is None else _epoch(row[column])
    begin = place.call.started_at
    shown = (
        None if expected is None else round(expected - begin, 2),
        None if got is None else round(got - begin, 2),
    )
    if row is None:
        return place.found(column, *shown, "missing")
    if expected is None or got is None:
        return place.found(
            column, *shown, "right" if expected is got else "unknown" if got is None else "wrong"
        )
    return place.found(column, *shown, "right" if abs(got - expected) <= rules.tolerance_s else "wrong")


def _ring(place: _Place, expected: float | None, row: Row | None, rules: Rules) -> Finding:
    """Compare ring time (s). Where nothing rang, null and 0 are both right and the fact is not told as
    ring time.
    """
    fact = "no_ring" if expected is None else "ring_s"
    shown = None if expected is None else round(expected, 2)
    if row is None:
        return place.found(fact, shown, None, "missing")
    got = row["ring_s"]
    if got is None:
        return place.found(fact, shown, None, "right" if expected is None else "unknown")
    right = abs(got - (expected or 0.0)) <= rules.tolerance_s
    return place.found(fact, shown, round(got, 2), "right" if right else "wrong")


def _ring_bounds(place: _Place, expected: float | None, row: Row | None) -> list[Finding]:
    """A bound that is claimed must hold, for certainty rests on it. No claim, no finding."""
    claimed = (None, None) if row is None else (row["ring_min_s"], row["ring_max_s"])
    if claimed == (None, None):
        return []
    low, high = claimed
    true = expected or 0.0
    holds = (low is None or low - BOUND_S <= true) and (high is None or true <= high + BOUND_S)
    shown = f"{low} to {high}"
    return [place.found("ring_bounds", round(true, 2), shown, "right" if holds else "wrong")]


def _excess_call(row: Row, rules: Rules) -> Finding:
    begin = _epoch(row["started_at"])
    end = _epoch(row["ended_at"]) if row["ended_at"] else begin
    away = any(begin <= stop + START_S and start - START_S <= end for start, stop in rules.gaps)
    said = f"{row['direction']} {row['caller']} → {row['dialled']} {row['outcome']}"
    return Finding(
        row["call_id"],
        "(no such call)",
        "gap" if away else "",
        "call",
        "call",
        "none",
        said,
        row["outcome_certainty"],
        "excess",
    )


def _excess_attempt(place: _Place, row: Row) -> Finding:
    silent = row["outcome"] in (None, "unknown")
    return place.found(
        "attempt", None, f"{row['employee']} {row['outcome']}", "excess", None if silent else row["certainty"]
    )


def _group(call: Call, rules: Rules) -> str:
    return "cut" if call.cut else "gap" if call.overlaps(rules.gaps) else ""


def _by_call(table: pa.Table) -> dict[str | None, list[Row]]:
    found: dict[str | None, list[Row]] = defaultdict(list)
    for row in table.to_pylist():
        found[row["call_id"]].append(row)
    return found


def _epoch(at: datetime | None) -> float:
    return float("-inf") if at is None else at.timestamp()


def _text(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
