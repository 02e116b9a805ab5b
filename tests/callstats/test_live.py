"""The live picture: what events say of phones and calls at a moment, and what is not told of few people."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from callstats.departments import Departments
from callstats.live import Live, LiveState, Now, lives, together
from callstats.settings import Department, Name, Settings

AT = datetime(2026, 3, 10, 10, 0, tzinfo=UTC)
DAY = date(2026, 3, 10)
NAME = Name(lv="x", en="x")


@pytest.fixture
def state() -> LiveState:
    """A department of three phones with a queue, and one of one phone."""
    settings = Settings(
        departments=(
            Department(id="social", name=NAME, extensions=("201", "202", "203"), queues=("q-social",)),
            Department(id="registry", name=NAME, extensions=("501",)),
        )
    )
    made = LiveState(Departments.from_settings(settings), "pbx")
    made.begin()
    return made


def said(state: LiveState, kind: str, after_s: float = 0.0, **fields: str) -> bool:
    return state.event({"event": kind, **fields}, AT + timedelta(seconds=after_s))


def phone(
    state: LiveState, uid: str, channel: str, number: str, call: str = "1", after_s: float = 0.0
) -> None:
    """A channel of a call comes to a state."""
    said(state, "Newstate", after_s, uniqueid=uid, linkedid=call, channel=channel, channelstate=number)


def social(state: LiveState) -> Now:
    return state.now(DAY, AT).departments["social"]


def test_two_phones_ring_for_one_call_that_waits(state: LiveState) -> None:
    phone(state, "2", "PJSIP/201-00000001", "5", after_s=1)
    phone(state, "3", "PJSIP/202-00000002", "5", after_s=2)
    assert social(state) == Now(2, 0, 1, AT + timedelta(seconds=1))


def test_an_answered_call_talks_and_waits_no_longer(state: LiveState) -> None:
    phone(state, "2", "PJSIP/201-00000001", "5")
    phone(state, "2", "PJSIP/201-00000001", "6")
    said(state, "Newchannel", uniqueid="1", linkedid="1", channel="PJSIP/trunk-01", channelstate="6")
    assert social(state) == Now(0, 0, 0, None), "up, and nobody to talk with yet"
    for uid in ("1", "2"):
        said(state, "BridgeEnter", uniqueid=uid, linkedid="1", bridgeuniqueid="b")
    assert social(state) == Now(0, 1, 0, None)
    said(state, "BridgeLeave", uniqueid="1", linkedid="1", bridgeuniqueid="b")
    said(state, "Hangup", uniqueid="1")
    said(state, "Hangup", uniqueid="2")
    assert social(state) == Now(0, 0, 0, None)


def test_a_caller_in_a_queue_waits_although_no_phone_rings(state: LiveState) -> None:
    said(state, "QueueCallerJoin", queue="q-social", uniqueid="1", linkedid="1")
    assert social(state) == Now(0, 0, 1, AT)
    phone(state, "2", "PJSIP/201-00000001", "5", after_s=9)
    assert social(state) == Now(1, 0, 1, AT), "the same call, since it came"
    said(state, "QueueCallerLeave", queue="q-social", uniqueid="1", linkedid="1")
    said(state, "Hangup", uniqueid="2")
    assert social(state).waiting == 0


def test_a_caller_who_hangs_up_in_a_queue_waits_no_longer(state: LiveState) -> None:
    said(state, "QueueCallerJoin", queue="q-social", uniqueid="1")
    said(state, "Hangup", uniqueid="1")
    assert social(state).waiting == 0


def test_a_snapshot_tells_what_was_going_on_before(state: LiveState) -> None:
    said(
        state,
        "CoreShowChannel",
        uniqueid="2",
        linkedid="1",
        channel="PJSIP/201-00000001",
        channelstate="6",
        bridgeid="b",
    )
    said(
        state,
        "CoreShowChannel",
        uniqueid="1",
        linkedid="1",
        channel="PJSIP/trunk-01",
        channelstate="6",
        bridgeid="b",
    )
    said(state, "QueueEntry", queue="q-social", uniqueid="7", wait="30")
    assert social(state) == Now(0, 1, 1, AT - timedelta(seconds=30))


def test_halves_of_local_channels_are_no_phones(state: LiveState) -> None:
    phone(state, "2", "Local/201@agents-00000001;1", "5")
    assert social(state).ringing == 0


def test_a_new_connection_and_a_restart_forget(state: LiveState) -> None:
    for forget in (
        state.begin,
        lambda: said(state, "Shutdown"),
        lambda: said(state, "FullyBooted", timestamp="1"),
    ):
        phone(state, "2", "PJSIP/201-00000001", "5")
        assert social(state).ringing == 1
        forget()
        assert social(state).ringing == 0
    phone(state, "2", "PJSIP/201-00000001", "5")
    said(state, "FullyBooted")
    assert social(state).ringing == 1, "the greeting of a login is no restart"
    state.end()
    assert not state.now(DAY, AT).connected


def test_of_one_phone_only_who_waits_is_told(state: LiveState) -> None:
    phone(state, "2", "PJSIP/501-00000001", "5")
    assert state.now(DAY, AT).departments["registry"] == Now(None, None, 1, AT)


def test_what_means_nothing_here_changes_nothing(state: LiveState) -> None:
    assert not said(state, "VarSet", uniqueid="1")
    said(state, "BridgeEnter", uniqueid="99", bridgeuniqueid="b")
    said(state, "Hangup", uniqueid="99")
    said(state, "Newstate", uniqueid="2", channel="\udcff", channelstate="x")
    assert social(state) == Now(0, 0, 0, None)


def test_it_is_written_and_read_again(tmp_path: Path, state: LiveState) -> None:
    said(state, "QueueCallerJoin", queue="q-social", uniqueid="1")
    (tmp_path / "pbx").mkdir()
    state.now(DAY, AT).write(tmp_path / "pbx")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "live.json").write_text('{"pbx": 1}')
    assert lives(tmp_path) == [state.now(DAY, AT)]


def test_several_pbxs_are_one_picture_and_two_collectors_of_one_are_not_added() -> None:
    def one(pbx: str, waiting: int, connected: bool = True, after_s: float = 0.0) -> Live:
        return Live(pbx, AT + timedelta(seconds=after_s), connected, {"social": Now(1, None, waiting)})

    assert together([], AT) is None
    found = together(
        [one("a", 1), one("a", 2, after_s=1), one("a", 9, connected=False, after_s=5), one("b", 4)],
        AT + timedelta(seconds=6),
    )
    assert found is not None
    assert found.departments["social"] == Now(2, None, 6)
    assert found.connected
    assert found.at == AT


def test_a_collector_that_died_hides_none_that_lives_nor_does_a_clock_that_is_ahead() -> None:
    now = AT + timedelta(minutes=5)
    dead = Live("a", AT, True, {"social": Now(9, 9, 9)})
    lives_on = Live("a", now, False, {"social": Now(1, 1, 1)})
    assert together([dead, lives_on], now) == lives_on
    ahead = together([Live("a", now + timedelta(hours=1), True, {})], now)
    assert ahead is not None
    assert ahead.at == now
    dead_and_ahead = Live("a", now + timedelta(hours=1), True, {"social": Now(9, 9, 9)})
    assert together([dead_and_ahead, lives_on], now) == lives_on


def test_a_state_of_endless_digits_is_none(state: LiveState) -> None:
    phone(state, "2", "PJSIP/201-00000001", "5" * 5000)
    assert social(state) == Now(0, 0, 0, None)


def test_who_is_parked_talks_with_nobody(state: LiveState) -> None:
    for uid, channel in (("1", "PJSIP/trunk-01"), ("2", "PJSIP/201-01")):
        phone(state, uid, channel, "6")
        said(
            state,
            "BridgeEnter",
            uniqueid=uid,
            linkedid="1",
            bridgeuniqueid="b",
            bridgetechnology="holding_bridge",
        )
    assert social(state).talking == 0
