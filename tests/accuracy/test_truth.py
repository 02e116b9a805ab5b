"""The expected facts follow the design: looked at call by call on our own sample, and rule by rule."""

from __future__ import annotations

from functools import cache

import pytest

from tests.accuracy import truth
from tests.accuracy.rotation import Offer, rotation_of, union_s
from tests.accuracy.truth import Call
from tests.shared import RECORDINGS, ROOT, needs_shared

SAMPLE = ROOT / "sample_cdr"


@cache
def calls() -> tuple[Call, ...]:
    return truth.load(SAMPLE, SAMPLE / "callstats.toml").calls


def story(name: str, place: int = 0) -> Call:
    return [c for c in calls() if c.story == name][place]


def test_every_story_is_there_and_a_pickup_is_one_call() -> None:
    assert len({c.story for c in calls()}) == 79
    assert len(calls()) == 94
    assert [c.caller for c in calls() if c.story == "pickup"] == ["+37128118062"]


@pytest.mark.parametrize(
    ("name", "departments", "outcome", "answered_by"),
    [
        ("direct_ring2", ["environment"], "answered", "804"),
        ("no_such_phone", [], "failed", None),
        ("group_all_busy", ["construction"], "busy", None),
        ("seq_nobody", ["social"], "unanswered", None),
        ("queue_overflow_to_social", ["finance", "social"], "answered", "203"),
        ("queue_member_added", ["finance"], "answered", "501"),
        ("queue_all_paused_abandon", ["finance"], "abandoned", None),
        ("ivr_then_dial", ["legal"], "answered", "602"),
        ("ivr_abandon_in_menu", ["reception"], "abandoned", None),
        ("forwarded_by_phone", ["environment", "construction"], "answered", "302"),
        ("blind_transfer_refer", ["social", "construction"], "answered", "201"),
        ("attended_transfer_feature", ["social", "construction"], "answered", "203"),
        ("pickup", ["construction"], "answered", "303"),
        ("hotline_hangup_before_beep", ["pr"], "abandoned", None),
        ("afterhours_to_hotline", ["social"], "voicemail", None),
        ("no_answer_then_voicemail", ["finance"], "voicemail", None),
        ("hotline_staff_listens", [], "voicemail", None),
        ("seq_first_switched_off", ["legal"], "answered", "602"),
    ],
)
def test_departments_outcome_and_who_answered(
    name: str, departments: list[str], outcome: str, answered_by: str | None
) -> None:
    call = story(name)
    assert (list(call.departments), call.outcome, call.answered_by) == (departments, outcome, answered_by)


@pytest.mark.parametrize(
    ("name", "visit", "attempts"),
    [
        ("seq_first_switched_off", 0, ["601 unavailable", "602 answered"]),
        ("seq_first_silent", 0, ["603 unavailable", "602 answered"]),
        ("seq_first_480", 0, ["201 unavailable", "202 answered"]),
        ("group_second_answers", 0, ["301 answered_elsewhere", "302 answered", "303 answered_elsewhere"]),
        ("group_abandon", 0, ["301 abandoned", "302 abandoned", "303 abandoned"]),
        ("pickup", 0, ["301 answered_elsewhere"]),
        ("forwarded_by_phone", 0, ["804 forwarded"]),
        ("queue_overflow_to_social", 0, ["401 no_answer", "402 no_answer", "401 no_answer"]),
        ("queue_all_paused_abandon", 0, []),
        ("blind_transfer_no_answer", 1, ["402 no_answer"]),
    ],
)
def test_attempts(name: str, visit: int, attempts: list[str]) -> None:
    assert [f"{a.employee} {a.outcome}" for a in story(name).visits[visit].attempts] == attempts


@pytest.mark.parametrize(
    ("name", "visit", "ring_s", "in_time"),
    [
        ("seq_two_no_answer", 0, 33.6, False),
        ("direct_183_instead_of_180", 0, 6.2, True),
        ("direct_edge_14.6", 0, 15.4, False),
        ("seq_first_silent", 0, 3.9, True),
        ("queue_overflow_to_social", 1, 5.7, True),
        ("pickup", 0, 6.5, True),
        ("queue_timeout", 0, 54.0, False),
    ],
)
def test_ring_time_is_the_union_of_alerting(name: str, visit: int, ring_s: float, in_time: bool) -> None:
    found = story(name).visits[visit]
    assert found.ring_s == pytest.approx(ring_s, abs=0.05)
    assert found.within_third_signal is in_time


def test_how_a_visit_begins() -> None:
    began = {c.story: [v.entered_by for v in c.visits] for c in calls()}
    assert began["ivr_then_queue"] == ["menu"]
    assert began["queue_overflow_to_social"] == ["dialled", "overflow"]
    assert began["forwarded_by_phone"] == ["dialled", "forward"]
    assert began["blind_transfer_feature"] == ["dialled", "blind_transfer"]
    assert began["attended_transfer_feature"] == ["dialled", "attended_transfer"]


def test_direction_numbers_and_staff_calls() -> None:
    assert [
        (c.direction, c.caller, c.dialled) for c in calls() if c.story == "hotline_called_back_by_other_unit"
    ] == [
        ("inbound", "+37126539508", "80000000"),
        ("outbound", "501", "+37126539508"),
    ]
    click = story("hotline_callback_click_to_call", 1)
    assert (click.direction, click.caller, click.answered_by, click.visits) == (
        "outbound",
        "804",
        "+37122914298",
        (),
    )
    inside = story("internal_call")
    assert (inside.direction, inside.visits[0].external) == ("internal", False)
    assert story("withheld_number").caller == "anonymous"
    assert story("withheld_with_pai").caller == "+37122435371"


def test_union_counts_overlaps_once_and_stops_at_the_answer() -> None:
    assert union_s([], None) is None
    assert union_s([(0, 5), (3, 8), (10, 12)], None) == pytest.approx(10)
    assert union_s([(0, 5), (3, 8)], 6) == pytest.approx(6)
    assert union_s([(0, 5), (7, 9)], 5) == pytest.approx(5)


@pytest.mark.parametrize(
    ("offers", "phones", "kind"),
    [
        ([("a", "answered", 0)], 1, "not_needed"),
        ([("a", "busy", 0)], 1, "no_second_member"),
        ([("a", "busy", 0)], 3, "not_rotated"),
        ([("a", "no_answer", 0), ("b", "abandoned", 15)], 3, "rotated"),
        ([("a", "abandoned", 0)], 3, "caller_left"),
        ([("a", "abandoned", 0), ("b", "busy", 0)], 3, "rotated"),
        ([("a", "answered_elsewhere", 0), ("b", "answered", 0)], 3, "not_needed"),
        ([("a", "no_answer", 0), ("a", "no_answer", 20)], 3, "not_rotated"),
        ([("a", "forwarded", 0)], 3, "not_needed"),
    ],
)
def test_rotation_classes(offers: list[tuple[str, str, float]], phones: int, kind: str) -> None:
    alerted = [Offer(e, outcome, t, outcome not in ("busy", "forwarded")) for e, outcome, t in offers]
    assert rotation_of(alerted, phones).kind == kind


def test_all_phones_busy_is_no_rotation() -> None:
    assert rotation_of([Offer(e, "busy", 0.0, False) for e in "abc"], 3).kind == "not_rotated"


@needs_shared
def test_breaks_of_the_pbx_and_of_the_feed() -> None:
    told = truth.load(RECORDINGS / "c", RECORDINGS.parent / "callstats.toml")
    assert {(c.story, c.cut) for c in told.calls if c.cut} == {
        ("direct_no_answer", "restart"),
        ("seq_two_no_answer", "restart"),
        ("no_answer_then_voicemail", "crash"),
        ("queue_declined_then_other", "crash"),
    }
    assert len(told.gaps) == 7
    assert sum(c.overlaps(told.gaps) for c in told.calls) == 44
