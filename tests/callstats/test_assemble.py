"""What the recordings do not hold: exact limits, dated entries, outside lines, merged calls, order."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from callstats.assemble import assemble
from callstats.fields import EVENTS, TABLES
from tests.callstats.flow import START, Flow, ami, rings_until, settings, tables


@pytest.mark.parametrize(
    ("ring", "within", "certainty", "rings"),
    [
        (2.0, True, "certain", 1),
        (4.999, True, "certain", 1),
        (5.0, True, "certain", 2),
        (14.97, True, "certain", 3),
        (14.99, True, "borderline", 3),
        (15.0, False, "borderline", 4),
        (15.03, False, "certain", 4),
    ],
)
def test_the_fourth_signal_starts_at_15_s(
    tmp_path: Path, ring: float, within: bool, certainty: str, rings: int
) -> None:
    made = tables(settings(tmp_path), ami(rings_until(round(0.01 + ring, 6))))
    (visit,) = made["visits"]
    assert visit["ring_s"] == pytest.approx(ring)
    assert (visit["within_third_signal"], visit["third_signal_certainty"], visit["rings"]) == (
        within,
        certainty,
        rings,
    )


def test_a_rule_change_holds_from_its_date_and_only_for_its_department(tmp_path: Path) -> None:
    stricter = '[[rules]]\neffective_from = 2026-11-23\ndepartment = "social"\nsignals = 2'
    later = stricter.replace("11-23", "11-24")
    other = stricter.replace("social", "finance")
    flow = ami(rings_until(12.01))
    judged = [
        tables(settings(tmp_path, rest=rest), flow)["visits"][0]["within_third_signal"]
        for rest in ("", stricter, later, other)
    ]
    assert judged == [True, False, True, True]


def test_the_boundary_at_the_end_of_the_tone_is_11_s(tmp_path: Path) -> None:
    top = '[third_signal]\nboundary = "end_of_tone"'
    judged = [
        tables(settings(tmp_path, rest=top), ami(rings_until(0.01 + ring)))["visits"][0][
            "within_third_signal"
        ]
        for ring in (10.9, 11.1)
    ]
    assert judged == [True, False]


def test_the_leg_s_clock_judges_the_answering_phone_alone(tmp_path: Path) -> None:
    flow = ami("""
        0     Newchannel ch=public state=4 caller=citizen exten=67012200
        0.01  DialBegin  ch=public to=201
        0.02  Newstate   ch=201 state=5
        15    DialEnd    ch=public to=201 status=NOANSWER
        15    Hangup     ch=201 cause=0
        15.01 DialBegin  ch=public to=202
        15.02 Newstate   ch=202 state=5
        17    Newstate   ch=202 state=6
        17    DialEnd    ch=public to=202 status=ANSWER
        30    Hangup     ch=202 cause=16
        30    Hangup     ch=public cause=16""")
    judged = [
        tables(settings(tmp_path, rest=f'[third_signal]\nclock = "{clock}"'), flow)["visits"][0]
        for clock in ("union", "leg")
    ]
    assert [v["within_third_signal"] for v in judged] == [False, True]
    assert [v["ring_s"] for v in judged] == [pytest.approx(16.96)] * 2  # what is measured stays the union


def test_departments_are_dated(tmp_path: Path) -> None:
    ended = settings(tmp_path, social="valid_to = 2026-11-23")
    (visit,) = tables(ended, ami(rings_until(3)))["visits"]
    assert visit["department"] is None
    begun = settings(tmp_path, social="valid_from = 2026-11-23")
    (visit,) = tables(begun, ami(rings_until(3)))["visits"]
    assert visit["department"] == "social"


def test_in_hours_is_half_open(tmp_path: Path) -> None:
    def at(hours: float) -> bool:
        flow = ami(rings_until(3), start=START + timedelta(hours=hours))
        return bool(tables(settings(tmp_path), flow)["visits"][0]["in_hours"])

    # 08:00 to 18:00 local is 06:00 to 16:00 UTC; a visit begins when the phone is tried, 5 ms after the call
    assert [at(-2), at(8 - 6e-3 / 3600), at(8)] == [True, True, False]


def test_an_answer_on_an_outside_line_is_never_certain(tmp_path: Path) -> None:
    text = rings_until(6).replace("201", "mobile-trunk")
    made = tables(settings(tmp_path, top='trunks = ["public", "mobile-trunk"]'), ami(text))
    (call,) = made["calls"]
    assert (call["outcome"], call["outcome_certainty"]) == ("answered", "estimated")
    assert made["attempts"] == []


def test_a_consultation_that_is_bridged_later_is_one_call(tmp_path: Path) -> None:
    flow = ami("""
        0     Newchannel       ch=public state=4 caller=citizen exten=67012200
        0.01  DialBegin        ch=public to=201
        0.02  Newstate         ch=201 state=5
        3     Newstate         ch=201 state=6
        3     DialEnd          ch=public to=201 status=ANSWER
        10    Newchannel       ch=201#2 link=201#2 state=4 caller=201 exten=401
        10.01 DialBegin        ch=201#2 link=201#2 to=401
        10.02 Newstate         ch=401 link=201#2 state=5
        14    Newstate         ch=401 link=201#2 state=6
        14    DialEnd          ch=201#2 link=201#2 to=401 status=ANSWER
        20    AttendedTransfer ch=201 to=201#2 status=Success
        20    Hangup           ch=201 cause=16
        20    Hangup           ch=201#2 link=201#2 cause=16
        40    Hangup           ch=401 cause=16
        40    Hangup           ch=public cause=16""")
    made = tables(settings(tmp_path), flow)
    (call,) = made["calls"]
    assert call["call_id"] == f"town:{flow.uid('public')}"
    assert call["aliases"] == [f"town:{flow.uid('201#2')}"]
    assert (call["answered_by"], call["transferred"], call["departments"]) == (
        "201",
        True,
        ["social", "finance"],
    )
    assert [v["entered_by"] for v in made["visits"]] == ["dialled", "attended_transfer"]


def test_equal_uniqueids_of_two_pbxs_are_two_calls(tmp_path: Path) -> None:
    made = tables(settings(tmp_path), ami(rings_until(3)), ami(rings_until(4), pbx="branch"))
    assert sorted(call["pbx"] for call in made["calls"]) == ["branch", "town"]
    assert [v["ring_s"] for v in made["visits"]] == [pytest.approx(3.99), pytest.approx(2.99)]


def test_a_group_s_ring_time_is_the_union_not_the_sum(tmp_path: Path) -> None:
    flow = ami("""
        0     Newchannel ch=public state=4 caller=citizen exten=67012200
        0.01  DialBegin  ch=public to=201
        0.01  DialBegin  ch=public to=202
        1     Newstate   ch=201 state=5
        2     Newstate   ch=202 state=5
        4     DialEnd    ch=public to=201 status=BUSY
        4     Hangup     ch=201 cause=21
        9     Newstate   ch=202 state=6
        9     DialEnd    ch=public to=202 status=ANSWER
        30    Hangup     ch=202 cause=16
        30    Hangup     ch=public cause=16""")
    (visit,) = tables(settings(tmp_path), flow)["visits"]
    assert visit["ring_s"] == pytest.approx(8.0)
    assert visit["first_ring_at"] == START + timedelta(seconds=1)
    assert (visit["rotation"], visit["answered_by"]) == ("rotated", "202")


def test_the_first_phone_that_answers_in_the_second_round_is_no_rotation_answer(tmp_path: Path) -> None:
    flow = ami("""
        0     Newchannel ch=public state=4 caller=citizen exten=67012200
        0.05  Newexten   ch=public app=Dial app_data=PJSIP/201,15 exten=67012200
        0.1   DialBegin  ch=public to=201
        0.2   Newstate   ch=201 state=5
        10    DialEnd    ch=public to=201 status=NOANSWER
        10    Hangup     ch=201 cause=0
        11.1  DialBegin  ch=public to=202
        11.2  Newstate   ch=202 state=5
        15    DialEnd    ch=public to=202 status=NOANSWER
        15    Hangup     ch=202 cause=0
        16.1  DialBegin  ch=public to=201#2
        16.2  Newstate   ch=201#2 state=5
        18    Newstate   ch=201#2 state=6
        18    DialEnd    ch=public to=201#2 status=ANSWER
        30    Hangup     ch=201#2 cause=16
        30    Hangup     ch=public cause=16""")
    (visit,) = tables(settings(tmp_path), flow)["visits"]
    assert (visit["rotation"], visit["rotation_answered"], visit["answered_by"]) == ("rotated", False, "201")


def test_a_pause_in_which_nothing_rings_is_waiting_and_not_ringing(tmp_path: Path) -> None:
    flow = ami("""
        0     Newchannel      ch=public state=4 caller=citizen exten=67012200
        1     QueueCallerJoin ch=public queue=q-social
        11    AgentCalled     ch=public to=201 queue=q-social
        11    DialBegin       ch=public to=201
        11    Newstate        ch=201 state=5
        14    Newstate        ch=201 state=6
        14    QueueCallerLeave ch=public queue=q-social
        14    DialEnd         ch=public to=201 status=ANSWER
        30    Hangup          ch=201 cause=16
        30    Hangup          ch=public cause=16""")
    (visit,) = tables(settings(tmp_path), flow)["visits"]
    assert (visit["ring_s"], visit["wait_s"]) == (pytest.approx(3.0), pytest.approx(13.0))


def test_a_queue_that_can_offer_nobody_is_a_visit_without_phones(tmp_path: Path) -> None:
    flow = ami("""
        0   Newchannel       ch=public state=4 caller=citizen exten=67012200
        1   QueueCallerJoin  ch=public queue=q-social
        20  HangupRequest    ch=public cause=16
        20  QueueCallerLeave ch=public queue=q-social
        20  Hangup           ch=public cause=16""")
    (visit,) = tables(settings(tmp_path), flow)["visits"]
    assert (visit["no_phone_available"], visit["phones_offered"], visit["outcome"]) == (True, 0, "abandoned")
    assert (visit["within_third_signal"], visit["employees_tried"]) == (False, [])


def test_a_guest_member_answers_for_the_queue_s_department(tmp_path: Path) -> None:
    flow = ami("""
        0   Newchannel       ch=public state=4 caller=citizen exten=67012400
        1   QueueCallerJoin  ch=public queue=q-finance
        1   AgentCalled      ch=public to=203 queue=q-finance
        1   DialBegin        ch=public to=203
        2   Newstate         ch=203 state=5
        5   Newstate         ch=203 state=6
        5   QueueCallerLeave ch=public queue=q-finance
        5   DialEnd          ch=public to=203 status=ANSWER
        30  Hangup           ch=203 cause=16
        30  Hangup           ch=public cause=16""")
    (visit,) = tables(settings(tmp_path), flow)["visits"]
    assert (visit["department"], visit["answered_by"]) == ("finance", "203")


def test_cel_bounds_ring_time_from_above_only(tmp_path: Path) -> None:
    def flow(answer: float) -> Flow:
        return Flow("cel").read(f"""
            0        CHAN_START ch=public caller=citizen exten=67012200
            0.01     APP_START  ch=public app=Dial app_data=PJSIP/201,30
            0.02     CHAN_START ch=201 caller=201 exten=s
            {answer} ANSWER     ch=201 app=AppDial
            60       HANGUP     ch=201 app=AppDial cause=16
            60       HANGUP     ch=public cause=16 hangup_source=PJSIP/201-00000001""")

    judged = [tables(settings(tmp_path), flow(answer))["visits"][0] for answer in (14, 20)]
    assert [(v["within_third_signal"], v["third_signal_certainty"]) for v in judged] == [
        (True, "certain"),
        (False, "estimated"),
    ]
    assert all(v["ring_min_s"] == 0 for v in judged)


def test_a_withheld_number_is_honoured_where_any_source_shows_it(tmp_path: Path) -> None:
    shown = ami(rings_until(3))
    hidden = Flow("cdr").read(
        "0 cdr ch=public to=201 caller=anonymous exten=67012200 answered=3 ended=60 status=ANSWERED app=Dial"
    )
    hidden.rows[0]["withheld"] = True
    (call,) = tables(settings(tmp_path), shown, hidden)["calls"]
    assert (call["caller"], call["caller_class"], call["sources"]) == (
        "anonymous",
        "anonymous",
        ["ami", "cdr"],
    )


def test_cdr_rows_without_ids_are_told_apart_after_a_restart(tmp_path: Path) -> None:
    row = "cdr ch=public to=201 caller=citizen exten=67012200 status=ANSWERED app=Dial app_data=PJSIP/201,30"
    flow = Flow("cdr").read(f"0 {row} answered=3 ended=60\n3600 {row} answered=3604 ended=3660")
    for event in flow.rows:
        event["uniqueid"] = event["linkedid"] = event["dest_uniqueid"] = None
    made = tables(settings(tmp_path), flow)
    assert [c["talk_s"] for c in made["calls"]] == [57.0, 56.0]


def test_clients_calling_in_on_a_short_numbered_line_are_from_outside(tmp_path: Path) -> None:
    (call,) = tables(settings(tmp_path), ami(rings_until(3).replace("ch=public", "ch=37167")))["calls"]
    assert (call["direction"], call["caller_class"]) == ("inbound", "mobile")


def test_no_events_are_no_calls(tmp_path: Path) -> None:
    made = assemble(EVENTS.schema.empty_table(), settings(tmp_path))
    assert all(made[name].num_rows == 0 and made[name].schema == TABLES[name].schema for name in made)


def test_the_order_of_events_changes_nothing(tmp_path: Path) -> None:
    events = pa.concat_tables([ami(rings_until(3)).table(), ami(rings_until(20), pbx="branch").table()])
    order = list(range(events.num_rows))
    random.Random(5).shuffle(order)
    straight, mixed = (assemble(e, settings(tmp_path)) for e in (events, events.take(order)))
    for name in straight:
        assert straight[name] == mixed[name], name


def test_a_call_over_midnight_belongs_to_the_day_it_began(tmp_path: Path) -> None:
    flow = ami(rings_until(3), start=START.replace(hour=21, minute=59, second=50))
    made = tables(settings(tmp_path), flow)
    assert {row["local_date"] for name in ("calls", "visits", "attempts") for row in made[name]} == {
        date(2026, 11, 23)
    }


def test_sources_that_disagree_are_told(tmp_path: Path) -> None:
    late = Flow("cdr").read(
        "0 cdr ch=public to=201 caller=citizen exten=67012200 answered=3 ended=75 status=ANSWERED app=Dial"
    )
    made = tables(settings(tmp_path), ami(rings_until(3)), late)
    (row,) = made["disagreements"]
    assert (row["fact"], row["taken_source"], row["other_source"], row["difference_s"]) == (
        "ended_at",
        "ami",
        "cdr",
        15.0,
    )


def test_a_step_that_cannot_do_with_the_memory_gets_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import callstats.assemble as module

    events = ami(rings_until(3)).table()
    straight = assemble(events, settings(tmp_path))
    monkeypatch.setattr(module, "MEMORY_MIB", 1)
    with caplog.at_level("WARNING", "callstats.assemble"):
        assert assemble(events, settings(tmp_path), tmp_path / "spill") == straight
    assert "twice as much" in caplog.text
