"""No judgement marked certain may be wrong: where a source is silent, cut, or says less than it seems."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.callstats.flow import START, Flow, ami, rings_until, settings, tables

LONG_RING = """
        0      Newchannel  ch=public state=4 caller=citizen exten=67012200
        0.003  Newexten    ch=public app=Dial app_data=PJSIP/201,30 exten=67012200
        0.005  DialBegin   ch=public to=201
        40     Hangup      ch=201 cause=0
        40     Hangup      ch=public cause=16"""


@pytest.mark.parametrize(
    ("feed", "certain"),
    [
        ("", True),  # nothing known of connections: it was there
        ("-100 connected\n9000 disconnected", True),
        ("10 disconnected\n20 connected", False),
        ("-100 connected\n10 disconnected\n20 connected\n900 disconnected", False),
        ("-100 connected\n5 connected\n10 disconnected\n900 disconnected", True),  # a second one bridges it
        ("-200 disconnected\n-100 connected", True),
        ("50 connected\n60 disconnected", False),
    ],
)
def test_a_silent_phone_is_told_only_by_a_feed_that_listened(
    tmp_path: Path, feed: str, certain: bool
) -> None:
    # another call rings aloud: this feed carries ringing at all
    later = Flow(start=START + timedelta(hours=1)).read(rings_until(3))
    attempt = tables(settings(tmp_path), Flow().read(feed + LONG_RING), later)["attempts"][0]
    assert (attempt["certainty"] == "certain") is certain
    assert attempt["outcome"] == ("unavailable" if certain else "no_answer")


def test_a_feed_that_hides_ringing_says_nothing_of_silence(tmp_path: Path) -> None:
    (attempt,) = tables(settings(tmp_path), ami(LONG_RING))["attempts"]
    assert (attempt["outcome"], attempt["certainty"]) == ("no_answer", "estimated")


def test_a_time_out_just_before_another_s_answer_is_no_loss_to_it(tmp_path: Path) -> None:
    flow = ami("""
        0     Newchannel ch=public state=4 caller=citizen exten=67012200
        0.05  Newexten   ch=public app=Dial app_data=PJSIP/201,15 exten=67012200
        0.1   DialBegin  ch=public to=201
        0.2   Newstate   ch=201 state=5
        15.1  DialEnd    ch=public to=201 status=NOANSWER
        15.1  Hangup     ch=201 cause=0
        15.2  DialBegin  ch=public to=202
        15.25 Newstate   ch=202 state=5
        15.9  Newstate   ch=202 state=6
        15.9  DialEnd    ch=public to=202 status=ANSWER
        30    HangupRequest ch=public cause=16
        30    Hangup     ch=202 cause=16
        30    Hangup     ch=public cause=16""")
    made = tables(settings(tmp_path), flow)
    assert [a["outcome"] for a in made["attempts"]] == ["no_answer", "answered"]
    assert (made["visits"][0]["rotation"], made["visits"][0]["rotation_certainty"]) == ("rotated", "certain")


def test_who_hangs_up_on_the_busy_tone_was_told_busy(tmp_path: Path) -> None:
    flow = ami("""
        0    Newchannel    ch=public state=4 caller=citizen exten=67012200
        0.05 Newexten      ch=public app=Dial app_data=PJSIP/201,15 exten=67012200
        0.1  DialBegin     ch=public to=201
        0.2  DialEnd       ch=public to=201 status=BUSY
        0.2  Hangup        ch=201 cause=17
        0.3  Newexten      ch=public app=Busy exten=67012200
        4    HangupRequest ch=public cause=16
        4    Hangup        ch=public cause=16""")
    (call,) = tables(settings(tmp_path), flow)["calls"]
    assert (call["outcome"], call["outcome_certainty"]) == ("busy", "certain")


def test_phones_of_two_departments_that_ring_together_are_two_visits_and_one_ringing(tmp_path: Path) -> None:
    flow = ami("""
        0    Newchannel ch=public state=4 caller=citizen exten=67012200
        0.05 Newexten   ch=public app=Dial app_data=PJSIP/201&PJSIP/401&PJSIP/202,15 exten=67012200
        0.1  DialBegin  ch=public to=201
        0.1  DialBegin  ch=public to=401
        0.1  DialBegin  ch=public to=202
        0.2  Newstate   ch=201 state=5
        0.2  Newstate   ch=401 state=5
        0.2  Newstate   ch=202 state=5
        6    Newstate   ch=202 state=6
        6    DialEnd    ch=public to=202 status=ANSWER
        6.01 DialEnd    ch=public to=201 status=CANCEL
        6.01 Hangup     ch=201 cause=26
        6.01 DialEnd    ch=public to=401 status=CANCEL
        6.01 Hangup     ch=401 cause=26
        30   HangupRequest ch=public cause=16
        30   Hangup     ch=202 cause=16
        30   Hangup     ch=public cause=16""")
    made = tables(settings(tmp_path), flow)
    assert [(v["department"], v["entered_by"], v["outcome"]) for v in made["visits"]] == [
        ("social", "dialled", "answered"),
        ("finance", "dialled", "unanswered"),
    ]
    assert made["visits"][1]["outcome_certainty"] == "estimated"
    assert made["calls"][0]["ring_s"] == pytest.approx(5.8)


def test_a_dial_that_was_over_before_the_phone_came_up_was_not_answered(tmp_path: Path) -> None:
    flow = ami("""
        0     Newchannel    ch=public state=4 caller=citizen exten=67012200
        0.05  Newexten      ch=public app=Dial app_data=PJSIP/201,15 exten=67012200
        0.1   DialBegin     ch=public to=201
        0.2   Newstate      ch=201 state=5
        6     HangupRequest ch=public cause=127
        6.001 DialEnd       ch=public to=201 status=CANCEL
        6.002 Newstate      ch=201 state=6
        6.01  Hangup        ch=201 cause=127
        6.02  Hangup        ch=public cause=127""")
    made = tables(settings(tmp_path), flow)
    assert (made["calls"][0]["outcome"], made["attempts"][0]["outcome"]) == ("abandoned", "abandoned")


@pytest.mark.parametrize(("answered", "app"), [("0", "Dial"), ("3", "Dial"), ("1", "Queue")])
def test_the_pbx_s_own_answer_is_no_measure_in_a_cdr(tmp_path: Path, answered: str, app: str) -> None:
    row = f"0 cdr ch=public to=201 caller=citizen exten=67012200 context=in answered={answered} ended=60"
    (visit,) = tables(settings(tmp_path), Flow("cdr").read(f"{row} status=ANSWERED app={app} app_data=x,30"))[
        "visits"
    ]
    assert visit["outcome"] == "answered"
    assert visit["third_signal_certainty"] in ("estimated", "unknown")


def test_who_declined_before_the_next_was_tried_is_no_rotation(tmp_path: Path) -> None:
    flow = ami("""
        0     Newchannel ch=public state=4 caller=citizen exten=67012200
        0.05  Newexten   ch=public app=Dial app_data=PJSIP/201,15 exten=67012200
        0.1   DialBegin  ch=public to=201
        0.11  Newstate   ch=201 state=5
        0.95  DialEnd    ch=public to=201 status=NOANSWER
        0.95  Hangup     ch=201 cause=21
        0.96  DialBegin  ch=public to=202
        0.98  DialEnd    ch=public to=202 status=BUSY
        0.98  Hangup     ch=202 cause=17
        1     Hangup     ch=public cause=17""")
    made = tables(settings(tmp_path), flow)
    assert [a["outcome"] for a in made["attempts"]] == ["declined", "busy"]
    assert made["visits"][0]["rotation"] == "not_rotated"


def test_a_member_who_declined_does_not_tell_when_another_answered(tmp_path: Path) -> None:
    """In the CDR a member let go at the answer and one who declined before it look alike."""
    queue = "caller=citizen exten=67012200 context=ivr app=Queue app_data=q-social,t,,,60"
    flow = Flow("cdr").read(f"""
        0   cdr ch=public to=201 {queue} answered=0 ended=60 status=ANSWERED
        0   cdr ch=public to=202 {queue} answered=0 ended=4 status=CANCEL""")
    (visit,) = tables(settings(tmp_path), flow)["visits"]
    assert (visit["outcome"], visit["answered_by"]) == ("answered", "201")
    assert visit["ring_max_s"] is None or visit["ring_max_s"] >= 60
    assert visit["third_signal_certainty"] in ("estimated", "unknown")


def test_a_call_still_running_is_not_surely_unanswered(tmp_path: Path) -> None:
    flow = Flow("cel").read("""
        0    CHAN_START ch=public caller=citizen exten=67012200
        0.01 APP_START  ch=public app=Dial app_data=PJSIP/201,30
        0.02 CHAN_START ch=201 caller=201 exten=s""")
    (visit,) = tables(settings(tmp_path), flow)["visits"]
    assert visit["third_signal_certainty"] != "certain"
