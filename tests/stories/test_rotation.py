"""One after another and all at once: rotation inside a department."""

from __future__ import annotations

import pytest

from tests.stories.told import story

WITH_INVITES = ["ami", "cel+queue_log", "all"]


@pytest.mark.parametrize("sources", [*WITH_INVITES, "cdr"])
@pytest.mark.parametrize(
    ("name", "tried", "ring_s", "in_time"),
    [
        ("seq_first_answers", ["201 answered"], 8.35, True),
        ("seq_first_no_answer", ["201 no_answer", "202 answered"], 19.0, False),
        ("seq_first_busy", ["201 busy", "202 answered"], 3.5, True),
        ("seq_two_no_answer", ["201 no_answer", "202 no_answer", "203 answered"], 33.6, False),
    ],
)
def test_sequential_rotation(sources: str, name: str, tried: list[str], ring_s: float, in_time: bool) -> None:
    call = story(name, sources=sources)
    assert call.ways == [("social", "dialled", "answered")]
    assert call.only.tried == tried
    assert call.only["rotation"] == ("rotated" if len(tried) > 1 else "not_needed")
    assert call.only["ring_s"] == pytest.approx(ring_s, abs=1.5 if sources == "cdr" else 0.1)
    assert call.only["within_third_signal"] is in_time


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_sequential_rotation_first_declines(sources: str) -> None:
    visit = story("seq_first_declines", sources=sources).only
    assert visit.tried == ["201 declined", "202 answered"]
    assert (visit["rotation"], visit["rotation_cause"]) == ("rotated", "declined")
    assert visit["ring_s"] == pytest.approx(8.5, abs=0.1)


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_sequential_rotation_first_unavailable_480(sources: str) -> None:
    visit = story("seq_first_480", sources=sources).only
    assert visit.tried == ["201 unavailable", "202 answered"]
    assert visit["rotation_cause"] == "unavailable"


def test_sequential_rotation_nobody_answers() -> None:
    call = story("seq_nobody")
    assert call["outcome"] == "unanswered"
    assert call.only.tried == ["201 no_answer", "202 busy", "203 no_answer"]
    assert call.only["rotation"] == "rotated"


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_ring_group_second_answers(sources: str) -> None:
    call = story("group_second_answers", sources=sources)
    assert (call["answered_by"], call.only["department"]) == ("302", "construction")
    assert sorted(call.only.tried) == ["301 answered_elsewhere", "302 answered", "303 answered_elsewhere"]
    assert call.only["rotation"] == "not_needed"
    assert call.only["ring_s"] == pytest.approx(6.06, abs=0.1)


def test_ring_group_one_busy_one_declines() -> None:
    visit = story("group_one_busy_one_declines").only
    assert sorted(visit.tried) == ["301 busy", "302 declined", "303 answered"]
    assert visit["rotation"] == "rotated"
    # three phones alert together: their time is counted once
    assert visit["ring_s"] == pytest.approx(9.2, abs=0.1)


@pytest.mark.parametrize("sources", [*WITH_INVITES, "cdr"])
def test_ring_group_all_busy(sources: str) -> None:
    call = story("group_all_busy", sources=sources)
    assert call["outcome"] == "busy"
    assert sorted(call.only.tried) == ["301 busy", "302 busy", "303 busy"]
    assert (call.only["rotation"], call.only["rotation_cause"]) == ("not_rotated", "busy")


def test_ring_group_caller_gives_up() -> None:
    call = story("group_abandon")
    assert call["outcome"] == "abandoned"
    assert sorted(call.only.tried) == ["301 abandoned", "302 abandoned", "303 abandoned"]
    assert call.only["rotation"] == "caller_left"
