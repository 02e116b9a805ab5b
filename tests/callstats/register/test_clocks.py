"""When the steps are due: hand-counted days, and why a day is not simply tomorrow (domain/04, 4c)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from callstats.calendar import Calendar
from callstats.register.clocks import clock, due_after
from callstats.register.steps import Case, Forwarding, Message, Promise
from callstats.settings import Department, Settings
from tests.handmade import RIGA, at


@pytest.fixture
def calendar(site: Settings) -> Calendar:
    return Calendar.from_settings(site)


@pytest.mark.parametrize(
    ("left", "due", "why"),
    [
        (date(2026, 3, 2), date(2026, 3, 3), ()),
        (date(2026, 3, 6), date(2026, 3, 9), ("weekend",)),
        (date(2025, 5, 1), date(2025, 5, 6), ("holiday", "weekend")),  # a moved day off, observed days
        (date(2026, 6, 19), date(2026, 6, 25), ("holiday", "weekend")),  # Midsummer
        (date(2026, 12, 23), date(2026, 12, 28), ("holiday", "weekend")),
    ],
)
def test_forwarding_is_due_at_the_end_of_the_first_working_day_after(
    calendar: Calendar, left: date, due: date, why: tuple[str, ...]
) -> None:
    found = due_after(calendar, at("10:00", left), "pr")
    assert (found.day, found.why) == (due, why)
    assert found.at.astimezone(RIGA) == datetime.combine(due + timedelta(1), datetime.min.time(), RIGA)


def test_a_moved_working_saturday_is_a_working_day(site: Settings) -> None:
    # Friday 9 May 2025; Saturday 10 May is worked instead of 2 May: the plan of that Friday holds
    found = due_after(Calendar.from_settings(site), at("10:00", date(2025, 5, 9)), "pr")
    assert (found.day, found.why) == (date(2025, 5, 10), ("moved_day",))


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 27), 23), (date(2026, 10, 23), 25)])
def test_the_end_of_a_day_holds_over_the_clock_s_nights(calendar: Calendar, day: date, hours: int) -> None:
    found = due_after(calendar, at("10:00", day), "pr")  # a Friday: due on Monday
    sunday = found.day - timedelta(1)
    assert calendar.day_bounds(sunday)[1] - calendar.day_bounds(sunday)[0] == timedelta(hours=hours)
    assert found.at.astimezone(RIGA).hour == 0


def a_case(**more: Any) -> Case:
    told = Message(left_at=at("10:00").astimezone(UTC), client="x", callable=True)
    return Case(1, "message", (), **({"message": told} | more))


def stands(calendar: Calendar, case: Case, day: date, hour: str = "12:00", **seen: Any) -> tuple[Any, ...]:
    found = clock(case, calendar, "pr", at(hour, day), **seen)
    return found.waits, found.whom, found.due and found.due.day, found.urgency


MON, TUE, WED, THU = (date(2026, 3, day) for day in (2, 3, 4, 5))


def test_what_a_case_waits_for_and_for_whom(calendar: Calendar) -> None:
    assert stands(calendar, a_case(), MON) == ("check", "pr", TUE, "later")
    assert stands(calendar, a_case(checked_at=at("11:00")), TUE) == ("forward", "pr", TUE, "today")
    assert stands(calendar, a_case(checked_at=at("11:00")), WED) == ("forward", "pr", TUE, "overdue")
    sent = {"forwarded": Forwarding(department="social"), "forwarded_at": at("09:00", TUE)}
    sent |= {"first_forwarded_at": at("09:00", TUE)}
    assert stands(calendar, a_case(**sent), TUE) == ("contact", "social", WED, "later")
    assert stands(calendar, a_case(**sent), WED, attempted_at=at("10:00", WED)) == (
        "reach",
        "social",
        None,
        "none",
    )
    assert stands(calendar, a_case(**sent), WED, reached_at=at("10:00", WED)) == (
        "close",
        "social",
        None,
        "none",
    )
    assert stands(calendar, a_case(**sent, closed_at=at("11:00", WED)), THU) == (
        "nothing",
        None,
        None,
        "none",
    )


@pytest.mark.parametrize(
    ("at_", "in_time", "next_date"),
    [(at("15:00"), True, True), (at("23:59:59", TUE), True, True), (at("00:00", WED), False, False)],
)
def test_forwarded_in_time(calendar: Calendar, at_: datetime, in_time: bool, next_date: bool) -> None:
    sent = a_case(
        forwarded=Forwarding(institution="Valsts policija"), first_forwarded_at=at_, forwarded_at=at_
    )
    found = clock(sent, calendar, "pr", at("12:00", THU))
    assert (found.forwarded_in_time, found.forwarded_next_date) == (in_time, next_date)
    assert found.contact is None  # an institution outside has its own hours


def test_over_a_weekend_the_strict_calendar_says_otherwise(calendar: Calendar) -> None:
    friday, monday = date(2026, 3, 6), date(2026, 3, 9)
    told = Message(left_at=at("10:00", friday).astimezone(UTC))
    sent = a_case(
        message=told, forwarded=Forwarding(department="social"), first_forwarded_at=at("09:00", monday)
    )
    found = clock(sent, calendar, "pr", at("12:00", monday))
    assert (found.forwarded_in_time, found.forwarded_next_date) == (True, False)


def test_contact_is_late_from_midnight_on(calendar: Calendar) -> None:
    sent = a_case(
        forwarded=Forwarding(department="social"), forwarded_at=at("09:00", TUE),
        first_forwarded_at=at("09:00", TUE),
    )  # fmt: skip
    for attempted, in_time in ((at("23:59:59", WED), True), (at("00:00", THU), False), (None, None)):
        found = clock(sent, calendar, "pr", at("12:00", WED), attempted_at=attempted)
        assert found.contacted_in_time is in_time
    assert clock(sent, calendar, "pr", at("00:00", THU)).contacted_in_time is False


def test_who_cannot_be_called_back_has_no_contact_clock_and_is_forwarded_all_the_same(
    calendar: Calendar,
) -> None:
    told = Message(left_at=at("10:00").astimezone(UTC), client="anonymous")
    found = clock(a_case(message=told), calendar, "pr", at("12:00", WED))
    assert (found.waits, found.urgency, found.contacted_in_time) == ("check", "overdue", None)


def test_a_promise_is_due_when_it_was_promised(calendar: Calendar) -> None:
    promise = Promise(promised_at=at("10:00"), by=at("16:00"), department="social", client=None)
    case = Case(1, "promise", (), promise=promise)
    assert stands(calendar, case, MON) == ("contact", "social", MON, "today")
    assert stands(calendar, case, MON, "16:00") == ("contact", "social", MON, "overdue")
    assert clock(case, calendar, "pr", at("17:00"), attempted_at=at("15:59:59")).contacted_in_time is True


def test_an_open_case_is_unresolved_after_ten_working_days(calendar: Calendar) -> None:
    assert not clock(a_case(), calendar, "pr", at("23:59", date(2026, 3, 16))).unresolved
    assert clock(a_case(), calendar, "pr", at("00:00", date(2026, 3, 17))).unresolved


def test_a_department_without_hours_is_due_by_the_site_s(site: Settings) -> None:
    closed: dict[str, list[Any]] = {day: [] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    entries = tuple(
        Department(**{**d.model_dump(exclude={"hours"}), "hours": closed}) if d.id == "social" else d
        for d in site.departments
    )
    calendar = Calendar.from_settings(site.model_copy(update={"departments": entries}))
    assert due_after(calendar, at("10:00"), "social").day == date(2026, 3, 3)


@pytest.mark.parametrize(
    ("clock_", "left", "fold", "due", "why"),
    [
        ("12:00", date(2026, 3, 8), 0, date(2026, 3, 9), ()),  # a Sunday
        ("12:00", date(2025, 5, 10), 0, date(2025, 5, 12), ("holiday",)),  # Mothers' day between
        ("00:00", date(2026, 3, 3), 0, date(2026, 3, 4), ()),  # the day has begun
        ("23:59:59", date(2026, 3, 2), 0, date(2026, 3, 3), ()),
        ("23:30", date(2026, 3, 28), 0, date(2026, 3, 30), ("weekend",)),  # Saturday before the short night
        ("04:00", date(2026, 3, 29), 0, date(2026, 3, 30), ()),  # there was no 03:30
        ("03:30", date(2026, 10, 25), 0, date(2026, 10, 26), ()),  # the first 03:30
        ("03:30", date(2026, 10, 25), 1, date(2026, 10, 26), ()),  # the second
    ],
)
def test_a_message_is_of_the_local_day_on_which_it_was_left(
    calendar: Calendar, clock_: str, left: date, fold: int, due: date, why: tuple[str, ...]
) -> None:
    found = due_after(calendar, at(clock_, left, fold), "pr")
    assert (found.day, found.why) == (due, why)
    assert found.at == at("00:00", due + timedelta(1))


def test_a_promise_for_the_doubled_hour_is_due_at_the_one_that_was_meant(calendar: Calendar) -> None:
    night = date(2026, 10, 25)
    promise = Promise(promised_at=at("10:00"), by=at("03:30", night, fold=1), department="social")
    case = Case(1, "promise", (), promise=Promise.model_validate(promise.model_dump(mode="json")))
    for fold, urgency in ((0, "today"), (1, "overdue")):
        assert clock(case, calendar, "pr", at("03:30", night, fold)).urgency == urgency


def test_a_promise_until_midnight_is_of_the_day_that_ends(calendar: Calendar) -> None:
    promise = Promise(promised_at=at("10:00"), by=at("00:00", TUE), department="social")
    assert stands(calendar, Case(1, "promise", (), promise=promise), MON)[2] == MON


def test_an_anonymous_message_that_was_forwarded_waits_for_no_contact(calendar: Calendar) -> None:
    told = Message(left_at=at("10:00").astimezone(UTC), client="anonymous")
    sent = {"forwarded": Forwarding(department="social"), "first_forwarded_at": at("11:00")}
    case = a_case(message=told, **sent)
    assert stands(calendar, case, THU) == ("close", "social", None, "none")
    assert clock(case, calendar, "pr", at("12:00", THU)).contacted_in_time is None


def test_contact_before_forwarding_is_in_time_and_a_case_waits_for_nobody_outside(calendar: Calendar) -> None:
    sent = {"forwarded": Forwarding(department="social"), "first_forwarded_at": at("15:00")}
    assert clock(a_case(**sent), calendar, "pr", at("12:00", THU), attempted_at=at("11:00")).contacted_in_time
    outside = a_case(forwarded=Forwarding(institution="VP"), first_forwarded_at=at("15:00"))
    assert stands(calendar, outside, THU) == ("contact", None, None, "none")
