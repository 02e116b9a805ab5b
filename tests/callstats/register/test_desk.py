"""What lies on a desk: which cases, in which order, how far each has come."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from callstats.register import acts
from callstats.register.desk import filtered, receivers
from callstats.register.table import cases_table
from callstats.settings import Department
from tests.callstats.register.conftest import NOW, Register
from tests.handmade import ANNA, DAY, JURIS, at, call, callback, message, visit

THURSDAY = NOW.date()  # 5 March 2026


def test_a_case_is_as_far_as_its_furthest_step(register: Register) -> None:
    register.told(message("pbx:1"))
    found = [register.desk()[1].status]
    for step, said in (
        ("checked", {}),
        ("forwarded", {"department": "social"}),
        ("attempted", {}),
        ("contacted", {"how": "email"}),
        ("called_again", {}),
        ("closed", {"reason": "settled"}),
        ("reopened", {}),
    ):
        register.act(1, step, **said)
        found.append(register.desk(closed=True)[1].status)
    assert found == ["new", "checked", "forwarded", "attempted", "contacted", "reached", "closed", "reached"]


def test_urgent_ones_come_first_then_what_is_due_first_and_closed_ones_last(register: Register) -> None:
    wednesday = DAY + timedelta(2)
    register.told(
        message("pbx:1", left_at=at("09:00", THURSDAY)),  # due on Friday
        message("pbx:2", JURIS, left_at=at("10:00", wednesday)),  # due today
        message("pbx:3", JURIS, left_at=at("09:00", wednesday)),  # due today, older
        message("pbx:4", JURIS, left_at=at("11:00", THURSDAY)),  # urgent
        message("pbx:5", JURIS, left_at=at("08:00")),  # overdue, but closed
        message("pbx:6", JURIS, left_at=at("12:00", wednesday), empty=True),  # never due
    )
    cases = {register.case(n).message.call_id: n for n in range(1, 7)}  # type: ignore[union-attr]
    register.act(cases["pbx:4"], "described", urgent=True)
    register.act(cases["pbx:5"], "described", urgent=True)
    register.act(cases["pbx:5"], "closed", reason="settled")
    found = [entry.case.message.call_id for entry in register.desk(closed=True).values()]  # type: ignore[union-attr]
    assert found == ["pbx:4", "pbx:3", "pbx:2", "pbx:1", "pbx:6", "pbx:5"]


def test_an_empty_message_waits_apart_without_a_due_time_and_is_closed_at_once(register: Register) -> None:
    register.told(message("pbx:1", empty=True, duration_s=2.0))
    register.later(days=60)
    clock = register.desk()[1].clock
    assert (clock.waits, clock.whom, clock.due, clock.urgency) == ("close", "pr", None, "none")
    assert (clock.forward, clock.forwarded_in_time, clock.contacted_in_time) == (None, None, None)
    assert not clock.unresolved
    register.act(1, "closed", reason="empty")
    assert register.desk() == {}


def test_closed_cases_of_a_month_are_shown_when_asked_for_and_open_ones_always(register: Register) -> None:
    register.told(message("pbx:1"), message("pbx:2", JURIS, left_at=at("11:00")))
    register.act(1, "closed", reason="settled")
    assert list(register.desk()) == [2]
    assert list(register.desk(closed=True)) == [2, 1]
    register.now[0] = at("12:00", DAY + timedelta(31))
    assert list(register.desk(closed=True)) == [2, 1]
    register.now[0] = at("12:00", DAY + timedelta(32))
    assert list(register.desk(closed=True)) == [2]
    assert list(register.desk(closed=True, since=DAY)) == [2, 1]
    assert list(register.desk(clients=[ANNA])) == [1]  # who looks for a client sees closed ones of any time
    assert list(register.desk(numbers=[1, 99])) == [1]


def test_a_department_sees_what_was_forwarded_to_it_and_no_longer_what_went_on(register: Register) -> None:
    register.told(message("pbx:1"), message("pbx:2", JURIS, left_at=at("11:00")))
    register.act(1, "forwarded", department="social")
    register.act(2, "forwarded", department="social")
    register.act(2, "forwarded", department="finance")
    assert list(register.desk(departments=["social"])) == [1]
    assert list(register.desk(departments=["finance"])) == [2]
    register.act(2, "undone", place=3)
    assert sorted(register.desk(departments=["social"])) == [1, 2]
    register.act(1, "forwarded", institution="Valsts policija")
    assert list(register.desk(departments=["social"])) == [2]


def test_which_case_of_a_client_it_is_counts_closed_ones_and_nobody_who_withheld_a_number(
    register: Register,
) -> None:
    register.told(
        message("pbx:1"),
        message("pbx:2", left_at=at("11:00")),
        message("pbx:3", "anonymous", callable=False, left_at=at("12:00")),
        message("pbx:4", "anonymous", callable=False, left_at=at("13:00")),
        message("pbx:5", None, left_at=at("14:00")),
    )
    register.act(1, "closed", reason="settled")
    assert {n: one.times for n, one in register.desk().items()} == {
        2: (2, 2),
        3: (1, 1),
        4: (1, 1),
        5: (1, 1),
    }


def test_a_message_that_was_two_cases_is_one_of_its_client(register: Register) -> None:
    alone = message("pbx:1", msg_id="m-1", left_at=at("10:00:20")) | {"call_id": None}
    register.told(message("pbx:1", msg_id=None), alone)
    assert register.desk()[1].times == (1, 2)
    register.told(message("pbx:1", msg_id="m-1"))
    assert {n: one.times for n, one in register.desk(closed=True, since=DAY).items()} == {1: (1, 1)}


def test_other_callers_who_withheld_their_number_are_not_this_one_calling_again(register: Register) -> None:
    register.told(
        message("pbx:1", "anonymous", callable=False),
        calls=[call("pbx:50", started_at=at("13:00"), caller="anonymous", caller_class="anonymous")],
        visits=[visit("pbx:50", entered_at=at("13:00"), department="social")],
    )
    register.act(1, "forwarded", department="social", when=at("11:00"))
    entry = register.desk()[1]
    assert (entry.follow_up.calls, entry.status) == ((), "forwarded")


def test_calls_followed_one_client_s_open_cases_only_while_they_were_open(register: Register) -> None:
    register.told(message("pbx:1"), message("pbx:2", left_at=at("11:00")))
    register.act(1, "closed", reason="other", when=at("12:00"))
    register.told(
        message("pbx:1"),
        message("pbx:2", left_at=at("11:00")),
        calls=[callback("pbx:40", ANNA, "801", started_at=at("12:00"))],
    )
    found = register.desk(closed=True)
    assert [len(found[n].follow_up.calls) for n in (1, 2)] == [0, 1]
    register.act(1, "reopened")
    assert [one.status for one in register.desk().values()] == ["reached", "reached"]


def test_a_text_is_looked_for_in_what_people_wrote(register: Register) -> None:
    register.told(*(message(f"pbx:{n}", left_at=at(f"1{n}:00")) for n in range(1, 4)))
    register.act(1, "described", about="Bedre Ozolu ielā", reg_no="3-12/7")
    register.act(2, "noted", text="ozolu iela, zvanīt vakarā")
    register.act(3, "forwarded", department="social")
    entries = list(register.desk().values())

    def found(**asked: Any) -> list[int]:
        return sorted(one.number for one in filtered(entries, **asked))

    assert found(text="OZOLU iel") == [1, 2]
    assert found(text="3-12/7") == [1]
    assert found(text="ozolu vakarā") == [2]
    assert found(status=["forwarded"]) == [3]
    assert found(whom="pr") == [1, 2]
    assert found(whom="social", text="ozolu") == []


def test_a_case_whose_department_ended_says_so_until_it_is_forwarded_or_closed(register: Register) -> None:
    register.told(message("pbx:1"))
    register.act(1, "forwarded", department="finance")
    assert not register.desk()[1].ended_department
    ended = tuple(
        Department(**{**d.model_dump(), "valid_to": THURSDAY + timedelta(1)}) if d.id == "finance" else d
        for d in register.site.departments
    )
    register.site = register.site.model_copy(update={"departments": ended})
    assert not register.desk()[1].ended_department  # its last day
    assert receivers(register.site, THURSDAY) == ["pr", "social", "finance", "environment"]
    register.later(days=1)
    assert register.desk()[1].ended_department
    assert receivers(register.site, THURSDAY + timedelta(1)) == ["pr", "social", "environment"]
    due = register.desk()[1].clock.due
    assert due is not None
    assert due.day == date(2026, 3, 6)  # by the site's working days
    register.act(1, "closed", reason="settled")
    assert not register.desk(closed=True)[1].ended_department


def test_a_promise_by_e_mail_is_due_like_any_other(register: Register) -> None:
    case = acts.open_promise(
        register.store, register.site, "Andris", by=at("16:00", THURSDAY), department="social", form="email"
    )
    clock = register.desk()[case.number].clock
    assert (clock.waits, clock.whom, clock.urgency) == ("contact", "social", "today")
    register.later(hours=4)
    clock = register.desk()[case.number].clock
    assert (clock.urgency, clock.contacted_in_time) == ("overdue", False)
    register.act(case.number, "contacted", how="email", when=at("15:59", THURSDAY))
    clock = register.desk()[case.number].clock
    assert (clock.waits, clock.due, clock.contacted_in_time) == ("close", None, True)


@pytest.mark.parametrize("form", ["call", "email"])
def test_the_calls_of_a_promise_are_matched_like_those_of_a_message(register: Register, form: str) -> None:
    case = acts.open_promise(
        register.store, register.site, "Andris", by=at("16:00", THURSDAY), department="social", form=form,
        number="26001234", promised_at=at("09:00", THURSDAY),
    )  # fmt: skip
    assert case.client is not None
    before, after = (
        callback(name, case.client, "201", started_at=at(clock, THURSDAY))
        for name, clock in (("pbx:39", "08:59"), ("pbx:40", "10:00"))
    )
    register.told(calls=[before, after])
    entry = register.desk()[case.number]
    assert [one.call_id for one in entry.follow_up.calls] == ["pbx:40"]
    assert (entry.status, entry.clock.contacted_in_time, entry.clock.waits) == ("reached", True, "close")
    (row,) = cases_table(register.store, register.site).to_pylist()
    assert (row["kind"], row["contacted_in_time"]) == ("promise", True)
