"""The judge is judged: faultless tables pass, and every kind of damage is seen as what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.accuracy import made
from tests.accuracy.rotation import Rotation
from tests.accuracy.score import Finding, Rules, align, match, score
from tests.accuracy.truth import Attempt, Call, Visit

RULES = Rules(tolerance_s=0.1)
T = 1_795_402_000.0
CITIZEN = "+37120000001"


def overflow_call() -> Call:
    """Finance lets it ring 10 s, social's second phone answers after 6 s."""
    finance = (Attempt("401", "no_answer", T + 1, T + 1.01, T + 11.01),)
    social = (
        Attempt("201", "answered_elsewhere", T + 24, T + 24.01, T + 30.01),
        Attempt("202", "answered", T + 24, T + 24.01, T + 30.01),
    )
    visits = (
        Visit(
            "finance",
            "dialled",
            "overflowed",
            None,
            None,
            True,
            10.0,
            Rotation("not_rotated", ("no_answer",)),
            finance,
        ),
        Visit("social", "overflow", "answered", "202", T + 30.01, True, 6.0, Rotation("not_needed"), social),
    )
    return Call(
        "s01.1",
        "queue_overflow",
        "inbound",
        CITIZEN,
        "67012400",
        T,
        T + 40,
        "answered",
        "202",
        T + 30.01,
        False,
        visits,
        0,
    )


def judged(change: Callable[[made.Rows], object] = lambda rows: None, rules: Rules = RULES) -> list[Finding]:
    rows = made.rows([overflow_call()])
    change(rows)
    return score([overflow_call()], made.tables(rows), rules)


def faults(change: Callable[[made.Rows], object], rules: Rules = RULES) -> list[tuple[str, str]]:
    return [(f.fact, f.status) for f in judged(change, rules) if f.status != "right"]


def test_faultless_tables_have_no_fault() -> None:
    found = judged()
    assert {f.status for f in found} == {"right"}
    assert {"outcome", "ring_s", "third_signal", "rotation", "attempt", "departments", "entered_by"} <= {
        f.fact for f in found
    }


def test_a_wrong_certain_judgement_is_certainly_wrong() -> None:
    found = judged(lambda rows: rows["visits"][1].update(within_third_signal=False))
    assert [(f.fact, f.place) for f in found if f.certain_wrong] == [("third_signal", "visit 2 social")]


@pytest.mark.parametrize("certainty", ["borderline", "estimated"])
def test_a_wrong_judgement_that_is_not_certain_is_only_wrong(certainty: str) -> None:
    found = judged(lambda rows: rows["calls"][0].update(outcome="abandoned", outcome_certainty=certainty))
    wrong = [f for f in found if f.status == "wrong"]
    assert [(f.fact, f.certain_wrong) for f in wrong] == [("outcome", False)]


def test_silence_is_unknown_and_certain_silence_is_a_fault() -> None:
    silent = {"within_third_signal": None, "third_signal_certainty": "unknown"}
    assert faults(lambda rows: rows["visits"][1].update(silent)) == [("third_signal", "unknown")]
    found = judged(lambda rows: rows["visits"][1].update(within_third_signal=None))
    assert [f.status for f in found if f.certain_wrong] == ["empty"]


def test_ring_time_has_a_tolerance() -> None:
    assert faults(lambda rows: rows["visits"][0].update(ring_s=10.09)) == []
    assert faults(lambda rows: rows["visits"][0].update(ring_s=10.2)) == [("ring_s", "wrong")]
    assert faults(lambda rows: rows["visits"][0].update(ring_s=10.2), Rules(tolerance_s=1.5)) == []


@pytest.mark.parametrize(
    ("low", "high", "holds"), [(9.0, 11.0, True), (None, 9.9, False), (10.2, None, False)]
)
def test_a_claimed_bound_of_ring_time_must_hold(low: float | None, high: float | None, holds: bool) -> None:
    found = judged(lambda rows: rows["visits"][0].update(ring_min_s=low, ring_max_s=high))
    assert [f.status == "right" for f in found if f.fact == "ring_bounds"] == [holds]


def test_a_missing_call_loses_all_its_facts() -> None:
    def drop(rows: made.Rows) -> None:
        for of in rows.values():
            of.clear()

    assert {f.status for f in judged(drop)} == {"missing"}
    assert len(judged(drop)) == len([f for f in judged() if f.fact != "attempt_order"])


@pytest.mark.parametrize(
    ("table", "change", "fact"),
    [
        ("calls", {"call_id": "pbx:other", "caller": "204", "dialled": "1"}, "call"),
        ("visits", {"visit": 3, "department": "legal"}, "visit"),
        ("attempts", {"visit": 2, "position": 3, "employee": "203"}, "attempt"),
        ("attempts", {"visit": 1, "position": 2}, "attempt"),
    ],
)
def test_one_too_many_is_an_error(table: str, change: dict[str, Any], fact: str) -> None:
    def add(rows: made.Rows) -> None:
        rows[table].append({**rows[table][0], **change})

    found = judged(add)
    assert [(f.fact, f.status) for f in found if f.status == "excess"] == [(fact, "excess")]
    assert any(f.certain_wrong for f in found)


def test_a_left_out_first_attempt_does_not_shift_the_others() -> None:
    def again(rows: made.Rows) -> None:
        rows["attempts"][0].update(tried_at=None, ring_at=None)

    assert faults(again) == []
    call = overflow_call()
    finance = call.visits[0]
    second = Attempt("401", "answered_elsewhere", T + 12, T + 12.01, T + 14)
    twice = replace(call, visits=(replace(finance, attempts=(*finance.attempts, second)), call.visits[1]))
    rows = made.rows([twice])
    del rows["attempts"][0]
    found = score([twice], made.tables(rows), RULES)
    assert [(f.fact, f.status, f.expected) for f in found if f.status != "right"] == [
        ("attempt", "missing", "no_answer")
    ]


def test_phones_tried_in_the_wrong_order_are_seen() -> None:
    call = overflow_call()
    first, later = call.visits[0].attempts[0], Attempt("402", "no_answer", T + 12, T + 12.01, T + 22)
    tried = replace(call, visits=(replace(call.visits[0], attempts=(first, later)), call.visits[1]))
    rows = made.rows([tried])
    rows["attempts"][0]["position"], rows["attempts"][1]["position"] = 2, 1
    found = score([tried], made.tables(rows), RULES)
    assert [(f.fact, f.status) for f in found if f.status != "right"] == [("attempt_order", "wrong")]


def test_calls_match_by_caller_and_time_and_a_wrong_caller_is_one_fault() -> None:
    assert faults(lambda rows: rows["calls"][0].update(caller="+37120000009")) == [("caller", "wrong")]
    assert faults(lambda rows: rows["calls"][0].update(dialled="1")) == [("dialled", "wrong")]
    late = made.rows([replace(overflow_call(), started_at=T + 3)])["calls"]
    pairs, extra = match([overflow_call()], late)
    assert pairs == {}
    assert len(extra) == 1


def test_the_nearer_of_two_calls_of_one_caller_is_taken() -> None:
    first = overflow_call()
    second = replace(first, truth_id="s01.2", started_at=T + 2)
    rows = made.rows([second, first])["calls"]
    pairs, extra = match([first, second], rows)
    assert {truth: row["call_id"] for truth, row in pairs.items()} == {
        "s01.1": "pbx:s01.1",
        "s01.2": "pbx:s01.2",
    }
    assert extra == []


def test_departments_pair_in_order_and_then_by_place() -> None:
    assert align(["a", "b"], ["a", "b"]) == ([(0, 0), (1, 1)], [])
    assert align(["a", "b"], ["b"]) == ([(0, None), (1, 0)], [])
    assert align(["a"], [None]) == ([(0, 0)], [])
    assert align(["a"], ["a", "c"]) == ([(0, 0)], [1])


def test_calls_in_a_gap_of_the_feed_are_judged_apart() -> None:
    found = judged(lambda rows: rows["calls"].clear(), Rules(tolerance_s=0.1, gaps=((T + 5, T + 6),)))
    assert {f.group for f in found} == {"gap"}


def test_a_call_under_a_crash_has_no_cdr_and_need_not_have() -> None:
    crashed = replace(overflow_call(), cut="crash")
    empty = made.tables({"calls": [], "visits": [], "attempts": [], "messages": []})
    assert score([crashed], empty, Rules(tolerance_s=1.5, cdr_only=True)) == []
    assert score([crashed], empty, RULES) != []
