"""The rules in force on a date, and what the same measured visit is judged to be by each: counted by hand."""

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from callstats import engine, judge
from callstats.errors import SettingsError
from callstats.report import metrics_table
from callstats.rules import hours_on, rule_on, third_signal_rules
from callstats.settings import Settings
from tests.handmade import DAY, at, missed, settings, store_with, visit

NEXT = DAY + timedelta(1)
CLOSED_AT_NOON = {"mon": [["08:00", "12:00"]], "tue": [["08:00", "12:00"]]}


def judged(site: Settings, *visits: dict[str, Any]) -> list[dict[str, Any]]:
    with store_with(site, visits=visits) as store:
        rows: list[dict[str, Any]] = judge.scan(store, site).to_pylist()
    return rows


def in_time(site: Settings, *visits: dict[str, Any]) -> list[bool]:
    return [row["within_third_signal"] for row in judged(site, *visits)]


# ---------------------------------------------------------------- the limit and the clock


@pytest.mark.parametrize(
    ("rule", "ring_s", "within"),
    [
        pytest.param({}, 14.99, True, id="before the fourth signal"),
        pytest.param({}, 15.0, False, id="the fourth signal begins"),
        pytest.param({"boundary": "end_of_tone"}, 11.0, True, id="the third tone ends"),
        pytest.param({"boundary": "end_of_tone"}, 11.01, False, id="after the third tone"),
        pytest.param({"signals": 4}, 19.99, True, id="four signals"),
        pytest.param({"signals": 4}, 20.0, False, id="the fifth begins"),
        pytest.param({"off_s": 3.0}, 12.0, False, id="a shorter period"),
        pytest.param({"off_s": 3.0}, 11.99, True, id="under it"),
    ],
)
def test_the_boundary_by_rule(tmp_path: Path, rule: dict[str, Any], ring_s: float, within: bool) -> None:
    site = settings(tmp_path, rules=[{"effective_from": DAY, **rule}])
    assert in_time(site, visit(ring_s=ring_s)) == [within]


def test_the_clock_is_all_phones_or_the_one_that_answered(tmp_path: Path) -> None:
    """Two phones in turn, 12 s and 4 s: the citizen heard 16 s, the colleague had 4."""
    stay = visit(ring_s=16.0, leg_ring_s=4.0, leg_ring_min_s=4.0, leg_ring_max_s=4.0)
    (by_union,) = judged(settings(tmp_path / "a"), stay)
    (by_leg,) = judged(settings(tmp_path / "b", third_signal={"clock": "leg"}), stay)
    assert (by_union["within_third_signal"], by_leg["within_third_signal"]) == (False, True)
    assert (by_union["rings"], by_leg["rings"]) == (4, 4)  # signals are the citizen's, whatever the clock


def test_signals_and_limit_are_told_by_the_rule_of_the_day(tmp_path: Path) -> None:
    site = settings(tmp_path, rules=[{"effective_from": NEXT, "on_s": 1.5, "off_s": 4.5, "signals": 2}])
    before, after = judged(site, visit("a", ring_s=11.9), visit("b", ring_s=11.9, entered_at=at(day=NEXT)))
    assert [(row["rings"], row["period_s"], row["limit_s"]) for row in (before, after)] == [
        (3, 5.0, 15.0),
        (2, 6.0, 12.0),
    ]
    assert before["rule_version"] != after["rule_version"]


# ---------------------------------------------------------------- dates and departments


def test_a_change_in_the_middle_of_a_month_changes_nothing_before_it(tmp_path: Path) -> None:
    visits = [visit(str(n), ring_s=13.0, entered_at=at(day=DAY + timedelta(n))) for n in range(4)]
    rule = {"effective_from": DAY + timedelta(2), "boundary": "end_of_tone"}
    assert in_time(settings(tmp_path / "a"), *visits) == [True] * 4
    assert in_time(settings(tmp_path / "b", rules=[rule]), *visits) == [True, True, False, False]


def test_an_exception_stays_an_exception_when_a_later_rule_changes_all(tmp_path: Path) -> None:
    rules = [
        {"effective_from": "2026-01-01", "department": "social", "signals": 4},
        {"effective_from": "2026-02-01", "signals": 2, "off_s": 3.0},
    ]
    site = settings(tmp_path, rules=rules)
    assert [rule_on(site, unit, DAY).signals for unit in (None, "finance", "social")] == [2, 2, 4]
    assert rule_on(site, "social", DAY).off_s == 3.0  # what the exception does not state follows all
    assert rule_on(site, "social", date(2026, 1, 31)).off_s == 4.0
    assert in_time(site, visit("a", ring_s=15.0), visit("b", ring_s=15.0, department="finance")) == [
        True,
        False,
    ]


def test_an_exception_ends_on_its_date(tmp_path: Path) -> None:
    rule = {"effective_from": "2026-01-01", "effective_to": NEXT, "department": "social", "signals": 4}
    site = settings(tmp_path, rules=[rule])
    visits = [visit("a", ring_s=16.0), visit("b", ring_s=16.0, entered_at=at(day=NEXT))]
    assert in_time(site, *visits) == [True, False]


def test_a_visit_of_no_department_follows_the_rule_for_all(tmp_path: Path) -> None:
    rules = [{"effective_from": "2026-01-01", "signals": 1}]
    site = settings(tmp_path, rules=rules)
    (row,) = judged(site, visit(department=None))
    assert (row["within_third_signal"], row["limit_s"], row["in_hours"]) == (False, 5.0, True)
    (row,) = judged(site, visit(department=None, entered_at=at("17:00")))  # the site's hours
    assert row["in_hours"] is False


def test_equal_rules_have_one_version_and_every_stated_key_changes_it(tmp_path: Path) -> None:
    def version(**rule: Any) -> str:
        return rule_on(settings(tmp_path, rules=[{"effective_from": DAY, **rule}]), "social", DAY).version

    changes: list[dict[str, Any]] = [
        {"on_s": 2.0},
        {"off_s": 3.0},
        {"signals": 2},
        {"boundary": "end_of_tone"},
        {"clock": "leg"},
        {"short_abandon_s": 5},
        {"excluded": ["attended_transfer"]},
    ]
    versions = [version(), *(version(**change) for change in changes)]
    assert len(set(versions)) == len(versions)
    assert version() == version(signals=3) == rule_on(settings(tmp_path), "finance", DAY).version


def test_the_rules_as_a_table_touch_the_days_asked_for(tmp_path: Path) -> None:
    site = settings(tmp_path, rules=[{"effective_from": day, "signals": 2} for day in (DAY, NEXT)])
    periods = third_signal_rules(site, ["social"], DAY, NEXT).to_pylist()
    assert [(row["department"], row["valid_from"], row["valid_to"]) for row in periods] == [
        ("", DAY, NEXT),
        ("social", DAY, NEXT),
    ]
    assert third_signal_rules(site, ["social"]).num_rows == 6


# ---------------------------------------------------------------- what is left out


@pytest.mark.parametrize(
    ("third_signal", "n", "excluded"),
    [
        ({}, 1, {"attended_transfer": 1, "gave_up_early": 1}),
        ({"excluded": ["gave_up_early"]}, 2, {"gave_up_early": 1}),
        ({"excluded": "attended_transfer"}, 2, {"attended_transfer": 1}),
        ({"excluded": []}, 3, {}),
        ({"short_abandon_s": 5}, 2, {"attended_transfer": 1}),
    ],
)
def test_what_is_left_out_can_be_chosen(
    tmp_path: Path, third_signal: dict[str, Any], n: int, excluded: dict[str, int]
) -> None:
    site = settings(tmp_path, third_signal=third_signal)
    visits = [
        visit("a"),
        visit("colleague", entered_by="attended_transfer"),
        missed("gave up", outcome="abandoned", wait_s=8.0),
    ]
    with store_with(site, visits=visits) as store:
        share, unanswered = (
            metrics_table(store, site, [slug], by=(), departments=["social"]).to_pylist()[0]
            for slug in ("third_signal_share", "unanswered_share")
        )
    assert (share["n"], dict(share["excluded"])) == (n, excluded)
    assert (unanswered["k"], unanswered["n"]) == (1, 3)  # who is left out there stays in here


# ---------------------------------------------------------------- hours


def test_hours_change_on_their_date(tmp_path: Path) -> None:
    site = settings(tmp_path, rules=[{"effective_from": NEXT, "hours": CLOSED_AT_NOON}])
    afternoons = [visit(str(n), entered_at=at("14:00", DAY + timedelta(n))) for n in range(2)]
    assert [row["in_hours"] for row in judged(site, *afternoons)] == [True, False]


def test_a_departments_own_hours_win_over_new_hours_for_all(tmp_path: Path) -> None:
    own = {"mon": [["10:00", "14:00"]]}
    rules: list[dict[str, Any]] = [
        {"effective_from": "2026-01-01", "department": "finance", "hours": own},
        {"effective_from": DAY, "hours": CLOSED_AT_NOON},
    ]
    departments = settings(tmp_path).model_dump(mode="json")["departments"]
    environment = next(one for one in departments if one["id"] == "environment")
    environment["hours"] = own
    for one in departments:
        if one is not environment:
            one.pop("hours")
    site = settings(tmp_path, rules=rules, departments=departments)
    found = {unit: hours_on(site, unit, DAY).mon for unit in ("social", "finance", "environment", None)}
    assert found["finance"] == found["environment"] == ((600, 840),)
    assert found["social"] == found[None] == ((480, 720),)


# ---------------------------------------------------------------- faults, and the query


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (
            [{"effective_from": "2026-03-02", "effective_to": "2026-03-02"}],
            "first day no longer in force and must be later",
        ),
        (
            [{"effective_from": "2026-03-02", "signals": 2}, {"effective_from": "2026-03-02", "signals": 4}],
            r"rules\[1\].signals: rules\[0\] states it from the same day",
        ),
        ([{"effective_from": "2026-03-02", "excluded": ["tea"]}], "excluded"),
    ],
)
def test_a_rule_that_contradicts_is_refused(tmp_path: Path, rules: list[dict[str, Any]], words: str) -> None:
    text = "".join(
        "[[rules]]\n"
        + "".join(
            f"{key} = {value if key.startswith('effective') or not isinstance(value, str) else repr(value)}\n"
            for key, value in rule.items()
        )
        for rule in rules
    )
    path = tmp_path / "callstats.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=words):
        Settings.load(path, tmp_path / "data")


def test_a_filter_by_department_and_day_reaches_the_files(tmp_path: Path) -> None:
    """One department's month out of a long history is read by row groups, not judged whole."""
    site = settings(tmp_path)
    asked = "SELECT within_third_signal, in_hours, rotation FROM visits WHERE department = 'social'"
    facts = store_with(site, visits=[visit("a"), visit("b", department="finance")])
    with facts as store, engine.Session() as run:
        run.table("visits", judge.visits(store, site, DAY, NEXT, ["social"]))
        plan = run.query(f"EXPLAIN (FORMAT json) {asked}")["explain_value"][0].as_py()
    (scan,) = re.findall(r'"Function": "READ_PARQUET".*?"Filters": "([^"]*)"', plan, re.DOTALL)
    assert "department = 'social'" in scan
