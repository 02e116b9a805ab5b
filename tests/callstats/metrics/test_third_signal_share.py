"""The third-signal share, counted by hand."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callstats.report import metrics_table
from callstats.rules import rule_on
from callstats.settings import Settings
from tests.handmade import DAY, at, missed, settings, store_with, visit

SLUG = "third_signal_share"


def figure(tmp_path: Path, *visits: dict[str, Any], site: Settings | None = None) -> dict[str, Any]:
    """The one row of the department `social`."""
    site = site or settings(tmp_path)
    with store_with(site, visits=visits) as store:
        rows = metrics_table(store, site, [SLUG], by=(), departments=["social"]).to_pylist()
    assert len(rows) == 1
    return {**rows[0], "excluded": dict(rows[0]["excluded"])}


def test_one_call_in_time_is_one_of_one_and_far_from_sure(tmp_path: Path) -> None:
    found = figure(tmp_path, visit())
    assert (found["value"], found["k"], found["n"], found["certain"]) == (1.0, 1, 1, 1)
    assert (round(found["low"], 4), found["high"]) == (0.2065, 1.0)
    assert found["rule_version"] == rule_on(settings(tmp_path), "social", DAY).version


def test_the_fourth_signal_begins_at_15_seconds(tmp_path: Path) -> None:
    found = figure(tmp_path, visit("a", ring_s=14.99), visit("b", ring_s=15.0))
    assert (found["k"], found["n"]) == (1, 2)


def test_a_department_without_calls_has_no_value(tmp_path: Path) -> None:
    found = figure(tmp_path, visit(department="finance"))
    assert (found["value"], found["low"], found["high"], found["k"], found["n"]) == (None, None, None, 0, 0)


def test_an_unanswered_call_counts_against_it(tmp_path: Path) -> None:
    found = figure(tmp_path, visit("a"), missed("b"), missed("c", outcome="busy", wait_s=0.0))
    assert (found["k"], found["n"]) == (1, 3)


def test_pausing_everybody_does_not_improve_the_figure(tmp_path: Path) -> None:
    waited = missed(
        "b", outcome="abandoned", phones_offered=0, no_phone_available=True, wait_s=40.0, ring_s=None
    )
    found = figure(tmp_path, visit("a"), waited)
    assert (found["k"], found["n"]) == (1, 2)


@pytest.mark.parametrize(("wait_s", "left_out"), [(14.99, 1), (15.0, 0)])
def test_who_gives_up_while_there_is_time_is_left_out_and_counted(
    tmp_path: Path, wait_s: float, left_out: int
) -> None:
    found = figure(tmp_path, visit("a"), missed("b", outcome="abandoned", wait_s=wait_s))
    assert found["excluded"] == ({"gave_up_early": 1} if left_out else {})
    assert found["n"] == 2 - left_out


def test_five_seconds_can_be_chosen_for_those_who_give_up(tmp_path: Path) -> None:
    site = settings(tmp_path, third_signal={"short_abandon_s": 5})
    early, later = (missed(str(wait), outcome="abandoned", wait_s=wait) for wait in (4.99, 5.0))
    found = figure(tmp_path, early, later, site=site)
    assert (found["n"], found["excluded"]) == (1, {"gave_up_early": 1})


def test_a_rule_of_the_department_moves_the_limit_for_those_who_give_up(tmp_path: Path) -> None:
    rules = [{"effective_from": "2026-01-01", "department": "social", "signals": 4}]
    site = settings(tmp_path, rules=rules)
    found = figure(tmp_path, missed("a", outcome="abandoned", wait_s=19.0), site=site)
    assert (found["value"], found["excluded"]) == (None, {"gave_up_early": 1})


def test_what_is_left_out_is_told_by_reason(tmp_path: Path) -> None:
    found = figure(
        tmp_path,
        visit("in time"),
        visit("colleague", entered_by="attended_transfer"),
        visit("blind", entered_by="blind_transfer"),
        visit("evening", in_hours=False),
        visit("staff", external=False),
        missed("menu", outcome="abandoned", phones_offered=0, wait_s=20.0),
        missed("mailbox", outcome="voicemail", phones_offered=0),
        missed("wrong number", outcome="failed", phones_offered=0),
        visit("unclear", external=None),
    )
    assert (found["k"], found["n"]) == (2, 2)
    assert found["excluded"] == {
        "out_of_hours": 1,
        "left_in_menu": 1,
        "voicemail_only": 1,
        "nothing_offered": 1,
        "scope_unknown": 1,
        "attended_transfer": 1,
    }


def test_what_cannot_be_told_is_in_neither_k_nor_n(tmp_path: Path) -> None:
    found = figure(
        tmp_path,
        visit("a"),
        visit("b", ring_s=None),
        visit("c", ring_s=15.4, third_signal_certainty="borderline"),
    )
    assert (found["k"], found["n"], found["unknown"]) == (1, 2, 1)
    assert (found["certain"], found["borderline"], found["estimated"]) == (1, 1, 0)


def test_two_rule_versions_are_both_named(tmp_path: Path) -> None:
    after = DAY + timedelta(1)
    site = settings(tmp_path, rules=[{"effective_from": after, "signals": 4}])
    found = figure(tmp_path, visit("a"), visit("b", entered_at=at(day=after)), site=site)
    assert sorted(found["rule_version"].split(", ")) == sorted(
        rule_on(site, "social", day).version for day in (DAY, after)
    )
