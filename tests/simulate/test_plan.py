"""The plan of a simulated town: rising times, the week's rhythm, shares, seeds, and that nothing is held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from callstats.errors import UsageError
from callstats.simulate.pauses import LUNCH, VISITORS
from callstats.simulate.plan import Plan, feed_breaks
from callstats.simulate.story import QueueAction, Story
from callstats.simulate.town import HOTLINE

RIGA = ZoneInfo("Europe/Riga")
QUARTER = Plan.of(date(2026, 9, 1), date(2026, 12, 1), 9000, 1)


@pytest.fixture(scope="module")
def everything() -> list[Story | QueueAction]:
    return list(QUARTER.stories())


@pytest.fixture(scope="module")
def stories(everything: list[Story | QueueAction]) -> list[Story]:
    return [one for one in everything if isinstance(one, Story)]


def local(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, RIGA)


def per_day(stories: list[Story]) -> Counter[date]:
    return Counter(local(one.at_s).date() for one in stories)


def test_times_rise_within_the_span(everything: list[Story | QueueAction]) -> None:
    times = [one.at_s for one in everything]
    assert times == sorted(times)
    assert local(times[0]).date() >= date(2026, 9, 1)
    assert local(times[-1]).date() <= date(2026, 12, 1)


def test_about_as_many_calls_as_asked_for(stories: list[Story]) -> None:
    assert 0.85 * 9000 < len(stories) < 1.15 * 9000


def test_mondays_are_the_busiest_and_weekends_quiet(stories: list[Story]) -> None:
    days = per_day(stories)
    week = [days[date(2026, 9, 7) + timedelta(n)] for n in range(7)]
    assert week[0] == max(week)
    assert max(week[5:]) < min(week[:5]) / 2


def test_a_holiday_is_as_quiet_as_a_sunday_and_its_eve_is_short(stories: list[Story]) -> None:
    days = per_day(stories)
    assert days[date(2026, 11, 18)] < days[date(2026, 11, 17)] / 2  # Wednesday, the day of the republic
    eve = [local(s.at_s).hour for s in stories if local(s.at_s).date() == date(2026, 11, 17)]
    usual = [local(s.at_s).hour for s in stories if local(s.at_s).date() == date(2026, 11, 24)]
    assert eve.count(16) < usual.count(16)


def test_the_lunch_hour_dips(stories: list[Story]) -> None:
    hours = Counter(local(s.at_s).hour for s in stories)
    assert hours[12] < 0.7 * hours[10]
    assert hours[12] < hours[14]
    assert hours[3] < 0.05 * hours[10]


def test_the_night_of_25_hours_has_calls_over_both_its_changes(stories: list[Story]) -> None:
    change_s = datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()
    before = [s for s in stories if change_s - 60 < s.at_s < change_s]
    assert len(before) >= 3


@pytest.mark.parametrize(
    ("tag", "low", "high"),
    [
        ("in", 0.4, 0.7),
        ("menu", 0.1, 0.25),
        ("inside", 0.03, 0.08),
        ("out", 0.03, 0.08),
        ("message", 0.03, 0.09),
        ("callback", 0.02, 0.07),
        ("called back", 0.03, 0.12),
        ("transfer", 0.003, 0.02),
        ("pickup", 0.002, 0.02),
        ("forward", 0.0003, 0.01),
        ("empty", 0.001, 0.01),
        ("hang-up", 0.001, 0.01),
    ],
)
def test_each_kind_of_story_has_its_share(stories: list[Story], tag: str, low: float, high: float) -> None:
    share = Counter(s.tag for s in stories)[tag] / len(stories)
    assert low < share < high


def test_callbacks_are_dialled_in_every_form_and_by_a_click(stories: list[Story]) -> None:
    back = [s for s in stories if s.tag.startswith(("callback", "called back"))]
    forms = {"+" if s.dialled[0] == "+" else len(s.dialled) for s in back if s.kind == "staff"}
    assert forms == {"+", 8, 9, 13}
    assert any(s.kind == "click_to_call" for s in back)
    kinds = Counter(acts[0].kind for s in back for phone, acts in s.phones.items() if phone == "public")
    assert set(kinds) == {"answer", "busy", "ring", "decline", "unavailable"}


def test_callbacks_are_made_in_working_hours_only(stories: list[Story]) -> None:
    back = [s for s in stories if s.tag.startswith("call") and s.caller not in ("125", "126")]
    assert all(8 <= local(s.at_s).hour < 18 and local(s.at_s).weekday() < 5 for s in back)


def test_two_messages_may_have_one_callback(stories: list[Story]) -> None:
    left = Counter(s.caller for s in stories if s.dialled == HOTLINE and s.tag == "message")
    called = Counter(s.dialled[-8:] for s in stories if s.tag == "callback")
    assert any(n > 1 and called[caller[-8:]] == 1 for caller, n in left.items())


def test_some_call_again_and_some_are_withheld(stories: list[Story]) -> None:
    inbound = [s for s in stories if s.kind == "public"]
    assert Counter(s.caller for s in inbound).most_common(1)[0][1] >= 3
    assert {s.withheld for s in inbound} == {"", "plain", "asserted"}


def test_finance_pauses_together_and_says_why(everything: list[Story | QueueAction]) -> None:
    pauses = [a for a in everything if isinstance(a, QueueAction)]
    assert {a.reason for a in pauses if a.action == "pause"} >= {LUNCH, VISITORS}
    day = [a for a in pauses if a.queue == "q-finance" and local(a.at_s).date() == date(2026, 9, 8)]
    assert [a.action for a in day] == ["pause", "pause", "unpause", "unpause"]
    assert not [a for a in pauses if local(a.at_s).date() == date(2026, 11, 18)]
    assert {a.action for a in pauses} == {"pause", "unpause", "add", "remove"}


def test_utilities_answers_better_after_its_change_of_shifts(stories: list[Story]) -> None:
    middle = date(2026, 10, 16)

    def manned(late: bool) -> float:
        acts = [
            s.phones["121"][0].kind
            for s in stories
            if s.dialled == "60000120"
            and (local(s.at_s).date() >= middle) == late
            and local(s.at_s).hour in range(8, 15)
        ]
        return acts.count("answer") / len(acts)

    assert manned(late=True) > manned(late=False) + 0.15


def test_the_first_phone_of_legal_is_off_and_another_is_silent(stories: list[Story]) -> None:
    assert {s.phones["601"][0].kind for s in stories if s.dialled == "60000610"} == {"off"}
    assert {s.phones["603"][0].kind for s in stories if s.dialled == "60000620"} == {"silent"}


def test_the_same_seed_makes_the_same_plan_and_another_does_not() -> None:
    def first(seed: int) -> list[Story | QueueAction]:
        return list(islice(Plan.of(date(2026, 9, 1), date(2026, 10, 1), 3000, seed).stories(), 500))

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_a_long_plan_begins_at_once_and_holds_little() -> None:
    plan = Plan.of(date(2024, 1, 1), date(2027, 1, 1), 50_000_000, 1, size=2)
    made: Iterator[Story | QueueAction] = plan.stories()
    assert len(list(islice(made, 2000))) == 2000


def test_a_large_plan_gets_a_large_town() -> None:
    small = Plan.of(date(2026, 1, 1), date(2026, 4, 1), 30_000, 1).town
    large = Plan.of(date(2026, 1, 1), date(2026, 4, 1), 600_000, 1).town
    assert small.size == 1
    assert 8 <= large.size <= 40


def test_breaks_of_the_feed_lie_apart_and_in_working_hours() -> None:
    spans = feed_breaks(QUARTER, stops=True)
    assert Counter(one.kind for one in spans) == {"gap": 6, "stop": 1, "crash": 1}
    assert all(one.to_s < later.from_s for one, later in pairwise(spans))
    assert {one.kind for one in feed_breaks(QUARTER)} == {"gap"}
    assert all(local(one.from_s).weekday() < 5 for one in spans)


def test_an_empty_span_and_no_calls_are_refused() -> None:
    with pytest.raises(UsageError, match="holds no day"):
        Plan.of(date(2026, 1, 1), date(2026, 1, 1), 10, 1)
    with pytest.raises(UsageError, match="at least 1"):
        Plan.of(date(2026, 1, 1), date(2026, 1, 2), 0, 1)
