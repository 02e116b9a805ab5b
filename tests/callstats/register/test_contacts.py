"""Which calls followed a message up: by whom, how long, for which cases (design section 3, clause 17)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.callstats.register.conftest import Register
from tests.handmade import ANNA, DAY, JURIS, at, call, callback, message, visit

LEFT = at("10:00")
TUESDAY = DAY + timedelta(1)


def followed(register: Register, *calls: dict[str, Any], visits: tuple[dict[str, Any], ...] = ()) -> None:
    """Anna's message, forwarded to `social` on Monday at 11, and these calls."""
    register.told(message("pbx:1", left_at=LEFT), calls=list(calls), visits=list(visits))
    register.act(1, "forwarded", department="social", when=at("11:00"))


def seen(register: Register, number: int = 1) -> list[tuple[str, bool]]:
    return [(one.what, one.possible) for one in register.desk(closed=True)[number].follow_up.calls]


def back(call_id: str = "pbx:40", extension: str = "201", **more: Any) -> dict[str, Any]:
    return callback(call_id, more.pop("client", ANNA), extension, **({"started_at": at("12:00")} | more))


@pytest.mark.parametrize(
    ("talk_s", "what", "status", "asks"),
    [
        (30.0, "reached", "reached", 0),
        (29.9, "maybe_reached", "attempted", 1),
        (10.0, "maybe_reached", "attempted", 1),
        (9.9, "attempt", "attempted", 0),
    ],
)
def test_how_long_they_talked_tells_what_it_was(
    register: Register, talk_s: float, what: str, status: str, asks: int
) -> None:
    followed(register, back(talk_s=talk_s))
    entry = register.desk()[1]
    assert seen(register) == [(what, False)]
    assert (entry.status, len(entry.follow_up.asks)) == (status, asks)


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"outcome": "busy", "talk_s": None, "ring_s": 0.0}, True),
        ({"outcome": "unanswered", "talk_s": None, "ring_s": 10.0}, True),
        ({"outcome": "unanswered", "talk_s": None, "ring_s": 9.9}, False),
    ],
)
def test_what_is_an_attempt(register: Register, more: dict[str, Any], found: bool) -> None:
    followed(register, back(**more))
    assert seen(register) == ([("attempt", False)] if found else [])


def test_another_department_s_call_is_possible_and_counts_when_a_person_says_so(register: Register) -> None:
    followed(register, back(extension="401", talk_s=60.0))
    entry = register.desk()[1]
    assert (entry.status, seen(register), len(entry.follow_up.asks)) == ("forwarded", [("reached", True)], 1)
    register.act(1, "confirmed_reached", call_id="pbx:40")
    entry = register.desk()[1]
    assert (entry.status, entry.follow_up.asks) == ("reached", ())


def test_a_call_that_was_about_something_else_counts_no_more(register: Register) -> None:
    followed(register, back(talk_s=60.0))
    register.act(1, "dismissed", call_id="pbx:40")
    assert register.desk()[1].status == "forwarded"


def test_a_callback_department_counts_as_the_responsible_one(register: Register) -> None:
    followed(register, back(extension="801", talk_s=60.0))
    assert seen(register) == [("reached", False)]


def test_one_call_serves_every_open_message_of_the_client(register: Register) -> None:
    register.told(
        message("pbx:1", left_at=LEFT),
        message("pbx:2", left_at=at("11:00")),
        message("pbx:3", JURIS, left_at=at("11:00")),
        message("pbx:4", left_at=at("13:00")),
        calls=[back(extension="801", talk_s=60.0)],
    )
    status = {number: entry.status for number, entry in register.desk().items()}
    assert status == {1: "reached", 2: "reached", 3: "new", 4: "new"}  # 4 was left after the call
    assert [register.desk()[number].times for number in (1, 2, 3, 4)] == [(1, 3), (2, 3), (1, 1), (3, 3)]


def test_the_number_heard_in_the_message_is_looked_for_too(register: Register) -> None:
    register.told(message("pbx:1", None, caller="anonymous", left_at=LEFT))
    assert not register.case(1).callable
    from callstats.register import acts

    case = acts.heard(register.store, register.site, 1, "2600 1234", "Ilze", seen=1)
    assert case.callable
    assert acts.number_of(register.store, register.site, case) == "+37126001234"
    register.told(
        message("pbx:1", None, caller="anonymous", left_at=LEFT),
        calls=[back(extension="801", client=case.callback, talk_s=60.0)],
    )
    assert register.desk()[1].status == "reached"


def test_a_client_who_called_again_and_was_answered_there_is_reached(register: Register) -> None:
    again = call("pbx:50", started_at=at("13:00"), caller=ANNA)
    followed(register, again, visits=(visit("pbx:50", entered_at=at("13:00"), department="social"),))
    assert seen(register) == [("called_again", False)]
    assert register.desk()[1].status == "reached"


def test_a_client_who_called_another_department_says_nothing_of_the_message(register: Register) -> None:
    again = call("pbx:50", started_at=at("13:00"), caller=ANNA)
    followed(register, again, visits=(visit("pbx:50", entered_at=at("13:00"), department="finance"),))
    assert seen(register) == []


def test_calls_of_other_days_are_found_and_none_from_before_the_message(register: Register) -> None:
    followed(
        register,
        back("pbx:39", started_at=at("09:59"), talk_s=60.0),
        back("pbx:41", started_at=at("09:00", TUESDAY)),
    )
    (one,) = register.desk()[1].follow_up.calls
    assert one.call_id == "pbx:41"


def test_a_case_is_never_closed_by_itself(register: Register) -> None:
    followed(register, back(talk_s=600.0))
    register.later(days=30)
    entry = register.desk()[1]
    assert (entry.status, entry.clock.waits, entry.clock.unresolved) == ("reached", "close", True)


@pytest.mark.parametrize(
    ("talk_s", "said", "status"),
    [
        (20.0, "confirmed_reached", "reached"),
        (20.0, "confirmed_attempt", "attempted"),
        (20.0, "dismissed", "forwarded"),
        (60.0, "confirmed_attempt", "attempted"),  # the client's voicemail answered
        (5.0, "confirmed_reached", "reached"),
    ],
)
def test_what_a_person_says_of_a_call_decides(
    register: Register, talk_s: float, said: str, status: str
) -> None:
    followed(register, back(talk_s=talk_s))
    register.act(1, said, call_id="pbx:40")
    entry = register.desk()[1]
    assert (entry.status, entry.follow_up.asks) == (status, ())
    register.act(1, "undone", place=3)
    assert register.case(1).calls == {}


def test_an_estimated_call_asks_and_counts_meanwhile(register: Register) -> None:
    followed(register, back(talk_s=60.0, outcome_certainty="estimated"))
    entry = register.desk()[1]
    assert (entry.status, [one.call_id for one in entry.follow_up.asks]) == ("reached", ["pbx:40"])


def test_after_a_talk_that_counts_nothing_later_is_asked(register: Register) -> None:
    followed(
        register,
        back("pbx:40", talk_s=20.0),
        back("pbx:41", started_at=at("13:00"), talk_s=60.0),
        back("pbx:42", started_at=at("14:00"), talk_s=20.0),
    )
    assert [one.call_id for one in register.desk()[1].follow_up.asks] == ["pbx:40"]


@pytest.mark.parametrize(
    ("clock", "day", "in_time"), [("23:59:59", TUESDAY, True), ("00:00", TUESDAY + timedelta(1), False)]
)
def test_a_call_over_midnight_is_of_the_day_on_which_it_began(
    register: Register, clock: str, day: Any, in_time: bool
) -> None:
    began = at(clock, day)
    followed(register, back(started_at=began, ended_at=began + timedelta(minutes=5), talk_s=280.0))
    entry = register.desk()[1]
    assert entry.clock.contact is not None
    assert (entry.clock.contact.day, entry.clock.contacted_in_time) == (TUESDAY, in_time)
    assert entry.follow_up.attempted_at == began


def test_a_call_at_the_very_moment_of_the_message_follows_it(register: Register) -> None:
    followed(register, back("pbx:39", started_at=LEFT - timedelta(microseconds=1)), back(started_at=LEFT))
    assert [one.call_id for one in register.desk()[1].follow_up.calls] == ["pbx:40"]


def test_one_call_through_two_departments_is_one_in_the_order_of_their_beginnings(register: Register) -> None:
    again = call("pbx:50", started_at=at("13:00"), caller=ANNA)
    visits = tuple(
        visit("pbx:50", visit=number, entered_at=at(clock), department=department)
        for number, (clock, department) in enumerate((("13:00", "social"), ("13:10", "environment")), 1)
    )
    followed(register, again, back(started_at=at("13:05")), visits=visits)
    found = register.desk()[1].follow_up.calls
    assert [(one.call_id, one.at) for one in found] == [("pbx:50", at("13:00")), ("pbx:40", at("13:05"))]
