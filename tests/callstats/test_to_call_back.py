"""*Jāatzvana*: who is on the list, who leaves it, how far it reaches back."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callstats.settings import Numbers, Settings
from callstats.to_call_back import since, to_call_back
from tests.handmade import ANNA, DAY, JURIS, at, call, callback, missed, settings, store_with, visit

TUESDAY = DAY + timedelta(1)
NOON = at("12:00", TUESDAY)
Rows = dict[str, list[dict[str, Any]]]


def asked(site: Settings, rows: Rows, now: datetime = NOON) -> list[tuple[Any, ...]]:
    with store_with(site, **rows) as store, store.reading() as facts:
        found = to_call_back(facts, site, "social", now)
    return [(one.client, one.calls, one.call_id, one.possibly) for one in found]


def lost(call_id: str, clock: str, client: str = ANNA, **more: Any) -> Rows:
    """A call that nobody answered: its row of `calls` and of `visits`."""
    when = at(clock, more.pop("day", DAY))
    unanswered = {"outcome": "unanswered", "answered_by": None}
    return {
        "calls": [call(call_id, **{"started_at": when, "caller": client, **unanswered, **more})],
        "visits": [missed(call_id, entered_at=when)],
    }


def together(*rows: Rows) -> Rows:
    found: Rows = {}
    for one in rows:
        for name, more in one.items():
            found.setdefault(name, []).extend(more)
    return found


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    return settings(tmp_path, numbers=Numbers(key_file=tmp_path / "numbers.key"))


def test_one_row_for_a_client_however_often_missed(site: Settings) -> None:
    rows = together(lost("pbx:1", "09:00"), lost("pbx:2", "10:00", JURIS), lost("pbx:3", "11:00"))
    assert asked(site, rows) == [(ANNA, 2, "pbx:3", False), (JURIS, 1, "pbx:2", False)]


def test_a_call_back_takes_a_client_off_and_a_later_missed_call_puts_one_on_again(site: Settings) -> None:
    called = {"calls": [callback("pbx:9", ANNA, "201", started_at=at("10:00"))]}
    assert asked(site, together(lost("pbx:1", "09:00"), called)) == []
    rows = together(lost("pbx:1", "09:00"), called, lost("pbx:2", "11:00"))
    assert asked(site.model_copy(update={"data": site.data / "again"}), rows) == [(ANNA, 1, "pbx:2", False)]


def test_who_was_answered_on_calling_again_does_not_wait(site: Settings) -> None:
    again = {
        "calls": [call("pbx:2", started_at=at("09:30"))],
        "visits": [visit("pbx:2", entered_at=at("09:30"))],
    }
    assert asked(site, together(lost("pbx:1", "09:00"), again)) == []


def test_another_departments_call_is_told_as_possible(site: Settings) -> None:
    called = {"calls": [callback("pbx:9", ANNA, "801", started_at=at("10:00"))]}
    assert asked(site, together(lost("pbx:1", "09:00"), called)) == [(ANNA, 1, "pbx:1", True)]


def test_who_withheld_the_number_cannot_be_called(site: Settings) -> None:
    hidden = lost("pbx:1", "09:00", "anonymous", caller_class="anonymous")
    assert asked(site, hidden) == []


def test_the_list_reaches_back_as_far_as_numbers_are_kept(site: Settings) -> None:
    friday = date(2026, 3, 6)
    assert since(site, at("12:00", friday)) == date(2026, 2, 27), "five working days: over a weekend"
    week = site.model_copy(update={"numbers": site.numbers.model_copy(update={"vault_days": 1})})
    assert since(week, at("12:00", date(2026, 3, 9))) == friday
    none = site.model_copy(update={"numbers": site.numbers.model_copy(update={"vault_days": 0})})
    assert since(none, at("12:00", friday)) == date(2026, 2, 27)
    old = lost("pbx:1", "09:00", day=date(2026, 2, 26))
    assert asked(site, old, at("12:00", friday)) == []
