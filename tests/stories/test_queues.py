"""Queues: ringall, rrmemory, linear, Local members, paused, guest, overflow, timeout, abandon."""

from __future__ import annotations

import pytest

from tests.stories.told import story

WITH_INVITES = ["ami", "cel+queue_log", "all"]


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_ringall_queue_one_busy_one_answers(sources: str) -> None:
    call = story("queue_ringall", sources=sources)
    assert (call["answered_by"], call.ways) == ("202", [("social", "dialled", "answered")])
    assert sorted(call.only.tried) == ["201 answered_elsewhere", "202 answered", "203 busy"]
    assert call.only["rotation"] == "rotated"
    assert call.only["ring_s"] == pytest.approx(5.2, abs=0.1)


def test_ringall_queue_answers_in_the_second_round() -> None:
    visit = story("queue_ringall_rna_then_answer").only
    assert sorted(visit.tried[:3]) == ["201 no_answer", "202 no_answer", "203 no_answer"]
    assert sorted(visit.tried[3:]) == ["201 answered_elsewhere", "202 answered_elsewhere", "203 answered"]
    assert visit["employees_tried"] == sorted(visit["employees_tried"])
    # 15.0 s and 4.5 s of ringing; the 2 s between the rounds are waiting, not ringing
    assert visit["ring_s"] == pytest.approx(19.5, abs=0.1)
    assert visit["wait_s"] == pytest.approx(21.6, abs=0.1)


def test_ringall_queue_one_declines_one_unavailable() -> None:
    visit = story("queue_declined_then_other").only
    assert sorted(visit.tried) == ["201 answered", "202 declined", "203 unavailable"]
    assert visit["ring_s"] == pytest.approx(8.8, abs=0.1)


def test_queue_timeout_is_unanswered_and_not_abandoned() -> None:
    call = story("queue_timeout")
    assert call.ways == [("social", "dialled", "unanswered")]
    assert len(call.only.tried) == 12
    assert {t.split()[1] for t in call.only.tried} == {"no_answer"}
    assert call.only["ring_s"] == pytest.approx(54.0, abs=0.1)


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_abandon_in_the_queue_while_phones_ring(sources: str) -> None:
    call = story("queue_abandon_ringing", sources=sources)
    assert call["outcome"] == "abandoned"
    assert sorted(call.only.tried) == ["201 abandoned", "202 abandoned", "203 abandoned"]
    assert call.only["rotation"] == "caller_left"


@pytest.mark.parametrize("sources", WITH_INVITES)
@pytest.mark.parametrize(("place", "employee"), [(0, "303"), (1, "301"), (2, "302")])
def test_rrmemory_queue_takes_turns(sources: str, place: int, employee: str) -> None:
    call = story("queue_rrmemory_three_in_turn", place, sources)
    assert (call["answered_by"], call.only.tried) == (employee, [f"{employee} answered"])
    assert call.only["within_third_signal"] is True


def test_rrmemory_queue_first_lets_it_ring() -> None:
    visit = story("queue_rrmemory_rna_then_answer").only
    assert visit.tried == ["301 no_answer", "302 answered"]
    # the PBX answered at once: only the phones' ringing counts, 12.0 s and 3.4 s
    assert visit["ring_s"] == pytest.approx(15.4, abs=0.1)
    assert visit["within_third_signal"] is False


def test_abandon_in_a_queue_that_the_pbx_answered() -> None:
    call = story("queue_rrmemory_abandon")
    assert call["outcome"] == "abandoned"
    assert call.only.tried == ["303 no_answer", "301 abandoned"]
    assert call.only["rotation"] == "rotated"


def test_linear_queue_first_lets_it_ring() -> None:
    visit = story("queue_linear_rna_then_answer").only
    assert visit.tried == ["401 no_answer", "402 answered"]
    assert (visit["rotation"], visit["within_third_signal"]) == ("rotated", True)


def test_linear_queue_first_busy() -> None:
    visit = story("queue_linear_busy_then_answer").only
    assert visit.tried == ["401 busy", "402 answered"]
    assert visit["ring_s"] == pytest.approx(3.0, abs=0.1)


def test_waiting_in_the_queue_while_everybody_talks_is_no_ringing() -> None:
    visit = story("queue_linear_third_waits", 2).only
    assert visit.tried == ["401 answered"]
    assert visit["ring_s"] == pytest.approx(1.8, abs=0.1)
    assert visit["wait_s"] > 12
    assert (visit["rings"], visit["rotation"]) == (1, "not_needed")


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_paused_member_is_not_offered_the_call(sources: str) -> None:
    visit = story("queue_member_paused", sources=sources).only
    assert visit.tried == ["402 answered"]
    assert visit["rotation"] == "not_needed"


def test_abandon_while_all_members_are_paused() -> None:
    call = story("queue_all_paused_abandon")
    assert call.ways == [("finance", "dialled", "abandoned")]
    assert (call.only.tried, call.only["no_phone_available"]) == ([], True)
    assert not call.only["ring_s"]


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_guest_member_answers_for_the_queues_department(sources: str) -> None:
    call = story("queue_member_added", sources=sources)
    assert (call["answered_by"], call.ways) == ("501", [("finance", "dialled", "answered")])
    assert call.only.tried == ["401 busy", "402 busy", "501 answered"]


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_overflow_to_another_department_is_two_visits(sources: str) -> None:
    call = story("queue_overflow_to_social", sources=sources)
    assert call.ways == [("finance", "dialled", "overflowed"), ("social", "overflow", "answered")]
    assert call["departments"] == ["finance", "social"]
    finance, social = call.visits
    assert finance.tried == ["401 no_answer", "402 no_answer", "401 no_answer"]
    assert (finance["within_third_signal"], social["within_third_signal"]) == (False, True)
    assert finance["ring_s"] == pytest.approx(22.0, abs=0.1)
    assert social["ring_s"] == pytest.approx(5.7, abs=0.1)


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_members_behind_local_channels_are_one_attempt_each(sources: str) -> None:
    visit = story("queue_local_busy_decline_answer", sources=sources).only
    assert (visit["department"], visit["answered_by"]) == ("culture", "703")
    assert visit.tried == ["701 busy", "702 declined", "703 answered"]


def test_local_member_lets_it_ring() -> None:
    visit = story("queue_local_rna_then_answer").only
    assert visit.tried == ["701 no_answer", "702 answered"]
    assert visit["ring_s"] == pytest.approx(14.4, abs=0.1)
