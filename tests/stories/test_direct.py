"""Direct calls, one phone: answered in this ring or that, short, abandoned, busy, off, silent, 183."""

from __future__ import annotations

import pytest

from tests.stories.told import story

WITH_RINGING = ["ami", "all"]
WITH_INVITES = ["ami", "cel+queue_log", "cel+queue_log+cdr", "all"]
EVERY = [*WITH_INVITES, "cdr"]


@pytest.mark.parametrize("sources", EVERY)
@pytest.mark.parametrize(
    ("name", "employee", "ring_s", "rings"),
    [
        ("direct_ring1", "801", 2.0, 1),
        ("direct_ring2", "804", 7.6, 2),
        ("direct_ring3", "803", 12.8, 3),
        ("direct_ring4", "802", 17.5, 4),
        ("direct_ring6", "805", 28.8, 6),
    ],
)
def test_direct_call_answered_in_ring(
    sources: str, name: str, employee: str, ring_s: float, rings: int
) -> None:
    call = story(name, sources=sources)
    assert (call["direction"], call["outcome"], call["answered_by"]) == ("inbound", "answered", employee)
    assert call.ways == [("environment", "dialled", "answered")]
    assert call.only.tried == [f"{employee} answered"]
    assert call.only["ring_s"] == pytest.approx(ring_s, abs=1.5 if sources == "cdr" else 0.1)
    assert call.only["within_third_signal"] is (rings <= 3)
    if sources != "cdr":
        assert call.only["rings"] == rings
    assert call.only["rotation"] == "not_needed"


def test_direct_call_answered_in_the_second_ring() -> None:
    call = story("direct_ring2")
    assert (call.only["rings"], call.only["within_third_signal"]) == (2, True)
    assert call.only["third_signal_certainty"] == "certain"


@pytest.mark.parametrize("name", ["direct_edge_14.6", "direct_edge_15.4"])
def test_answer_just_after_the_third_signal_is_late(name: str) -> None:
    # the phone's own delay came on top: 15.4 s and 16.3 s of ringing
    assert story(name).only["within_third_signal"] is False
    assert story(name).only["third_signal_certainty"] == "certain"


def test_whole_seconds_are_borderline_near_the_limit() -> None:
    near = story("direct_edge_14.6", sources="cdr").only
    assert near["third_signal_certainty"] != "certain"


@pytest.mark.parametrize("sources", EVERY)
def test_short_call_is_an_answered_call(sources: str) -> None:
    call = story("short_call", sources=sources)
    assert (call["outcome"], call["answered_by"]) == ("answered", "806")
    assert call["talk_s"] == pytest.approx(0.3, abs=1.0 if sources == "cdr" else 0.1)


def test_caller_hangs_up_after_the_talk() -> None:
    call = story("direct_caller_hangs_up")
    assert (call["outcome"], call.only["ring_s"]) == ("answered", pytest.approx(3.4, abs=0.1))
    assert call["talk_s"] == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_abandon_while_ringing(sources: str) -> None:
    call = story("direct_abandon", sources=sources)
    assert call["outcome"] == "abandoned"
    assert call.only.tried == ["806 abandoned"]
    assert (call.only["rotation"], call.only["within_third_signal"]) == ("caller_left", False)


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_cancel_at_once_is_abandoned_too(sources: str) -> None:
    call = story("cancel_at_once", sources=sources)
    assert (call["outcome"], call.only.tried) == ("abandoned", ["806 abandoned"])
    assert call.only["ring_s"] == pytest.approx(0.5, abs=0.1)


def test_nobody_answers_one_phone() -> None:
    call = story("direct_no_answer")
    assert (call["outcome"], call.only.tried) == ("unanswered", ["805 no_answer"])
    assert (call.only["rotation"], call.only["rotation_cause"]) == ("not_rotated", "no_answer")


@pytest.mark.parametrize("sources", EVERY)
def test_busy_phone_of_a_department_of_one(sources: str) -> None:
    call = story("norotation_busy", sources=sources)
    assert (call["outcome"], call.only.tried) == ("busy", ["501 busy"])
    assert (call.only["department"], call.only["rotation"]) == ("registry", "no_second_member")


def test_unanswered_phone_of_a_department_of_one() -> None:
    call = story("norotation_no_answer")
    assert (call["outcome"], call.only["rotation"]) == ("unanswered", "no_second_member")


def test_number_without_a_phone_fails_and_visits_nobody() -> None:
    call = story("no_such_phone")
    assert (call["outcome"], call.visits) == ("failed", ())


def test_phone_that_is_switched_off_is_unavailable_and_the_next_one_answers() -> None:
    call = story("seq_first_switched_off")
    assert call.ways == [("legal", "dialled", "answered")]
    assert call.only.tried == ["601 unavailable", "602 answered"]
    assert (call.only["rotation"], call.only["rotation_cause"]) == ("rotated", "unavailable")


@pytest.mark.parametrize("sources", WITH_RINGING)
def test_silent_phone_never_alerted_so_its_time_is_no_ringing(sources: str) -> None:
    call = story("seq_first_silent", sources=sources)
    assert call.only.tried == ["603 unavailable", "602 answered"]
    assert call.only["ring_s"] == pytest.approx(3.9, abs=0.1)
    assert call.only["wait_s"] == pytest.approx(18.9, abs=0.1)
    assert (call.only["within_third_signal"], call.only["rings"]) == (True, 1)


@pytest.mark.parametrize("sources", ["cel+queue_log", "cel+queue_log+cdr", "cdr"])
def test_without_ami_a_silent_phone_looks_like_a_ringing_one_and_nothing_is_certain(sources: str) -> None:
    call = story("seq_first_silent", sources=sources)
    assert call.only["third_signal_certainty"] != "certain"
    assert all(a["certainty"] != "certain" for a in call.only.attempts if a["employee"] == "603")


def test_phone_that_alerts_with_183_rang_and_is_told_so() -> None:
    call = story("direct_183_instead_of_180", sources="ami")
    assert (call["outcome"], call.only.tried) == ("answered", ["801 answered"])
    assert call.only["ring_s"] == pytest.approx(6.2, abs=0.1)
    assert call.only["ring_source"] == "ami_183"
    assert call.only["within_third_signal"] is True
