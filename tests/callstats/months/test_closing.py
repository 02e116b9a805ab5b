"""Months that close: when, with what, what they wait for; what is stored stays as it was stored."""

import threading
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from callstats import closing, editions
from callstats.cases import months as stored
from callstats.cases import retaining
from callstats.cases.models import month_figures
from callstats.closed import Closed
from callstats.closing import close_as_it_is, close_due, due, restate
from callstats.doctor import Check, examine
from callstats.errors import ClosedMonthError, UsageError
from callstats.month_list import month_list
from callstats.report import metrics_table
from callstats.rules import rule_on
from callstats.settings import Settings
from callstats.standing import changed
from callstats.store import Store
from tests.callstats.facts import Time, batch, event, events
from tests.handmade import at, settings, visit
from tests.months import (
    APRIL,
    CLOSES,
    DUE,
    FEBRUARY,
    MARCH,
    MISSED,
    RINGS,
    THIRD,
    computed,
    march,
    speak,
    value,
)

ONE_DAY = timedelta(1)


def months_check(site: Settings, clock: Time) -> list[Check]:
    return [check for check in examine(site, clock) if "month" in check.what]


def test_a_month_closes_on_its_day_once_with_its_figures(store: Store, site: Settings, clock: Time) -> None:
    clock.at = DUE - timedelta(minutes=1)
    assert close_due(store, site) == []
    assert value(store, site)["status"] == "provisional"
    clock.at = DUE
    (edition,) = close_due(store, site)
    assert (edition.month, edition.edition, edition.closed_at) == (MARCH, 1, DUE)
    assert (edition.seen_before, edition.without, edition.reason) == (CLOSES, (), None)
    assert edition.closed_by == closing.author_here()
    assert close_due(store, site) == []

    with store.database.read() as connection:
        rows = (
            connection.execute(select(month_figures).where(month_figures.c.metric == THIRD)).mappings().all()
        )
        figures = {(row["axes"], row["department"]): dict(row) for row in rows}
        rings = stored.figures(connection, [(MARCH, 1)], RINGS, "department")
        split = stored.figures(connection, [(MARCH, 1)], RINGS, "rings")
    everybody, finance = figures["", None], figures["department", "finance"]
    assert (everybody["k"], everybody["n"], everybody["value"]) == (6, 10, 0.6)
    assert (everybody["certain"], everybody["unknown"], everybody["rule_version"]) == (
        10,
        0,
        rule_on(site, "social", MARCH).version,
    )
    assert everybody["excluded"] == '[["gave_up_early", 1]]'
    assert everybody["low"] == pytest.approx(0.3127, abs=1e-4)  # Wilson, 6 of 10
    assert everybody["high"] == pytest.approx(0.8318, abs=1e-4)
    assert (finance["value"], finance["n"], finance["excluded"]) == (None, 0, '[["gave_up_early", 1]]')
    assert {unit for axes, unit in figures if axes == "department"} == {
        "pr",
        "social",
        "finance",
        "environment",
    }
    (social,) = [row for row in rings if row["department"] == "social"]
    # 2, 4, 6, 8, 10, 12, 26, 27: median 9, nine tenths at 26 + 0.3, largest 27
    assert (social["value"], social["p90"], social["max"], social["k"]) == (9.0, pytest.approx(26.3), 27.0, 8)
    assert {row["place"]: row["n"] for row in split if row["place"]} == {"1": 2, "2": 2, "3": 2, "6": 2}


def test_calls_of_the_closing_day_are_not_in_it_whenever_it_is_closed(
    store: Store, site: Settings, clock: Time
) -> None:
    clock.at = DUE + timedelta(days=90)
    (edition,) = close_due(store, site)[:1]
    assert edition.seen_before == CLOSES
    row = value(store, site, MISSED)
    assert (row["measure"], row["k"], row["n"], row["status"]) == ("called_back", 1, 3, "closed")
    assert value(store, site, MISSED, by=("day",))["status"] == "computed"
    days = metrics_table(store, site, [MISSED], ("day",), MARCH, APRIL).to_pylist()
    assert sum(row["k"] for row in days if row["measure"] == "called_back") == 2  # as it is known today


def test_what_is_closed_is_told_and_what_is_not_is_provisional(store: Store, site: Settings) -> None:
    close_due(store, site)
    rows = metrics_table(store, site, [THIRD], ("month", "department"), MARCH, date(2026, 5, 1)).to_pylist()
    found = {(row["month"], row["department"]): row for row in rows}
    social, april = found[MARCH, "social"], found[APRIL, "social"]
    assert (social["status"], social["edition"], social["closed_at"]) == ("closed", 1, DUE)
    assert (social["k"], social["n"], social["later"]) == (6, 10, False)
    assert (april["status"], april["k"], april["closed_at"], april["later"]) == ("provisional", 1, None, None)
    with store.database.read() as connection:
        (edition,) = stored.editions(connection)[MARCH]
    assert (social["data_version"], social["code_version"]) == (edition.data_version, edition.code_version)
    assert april["data_version"] == store.data_version() != social["data_version"]
    both = value(store, site, end=date(2026, 5, 1))
    assert (both["status"], both["k"], both["n"]) == ("provisional", 7, 11)  # closed parts and open ones
    part = value(store, site, end=date(2026, 3, 31))
    assert (part["status"], part["n"]) == ("computed", 0)
    assert value(store, site, start=date(2026, 1, 1), end=date(2026, 2, 1))["status"] is None
    early = value(store, site, start=date(2026, 1, 1))  # nothing was loaded of the months before
    assert (early["status"], early["k"]) == ("closed", 6)
    own = metrics_table(store, site, [RINGS], ("rings",), MARCH, APRIL, ["social"]).to_pylist()
    found_rings = {row["rings"]: (row["n"], row["status"]) for row in own if row["rings"]}
    assert found_rings == dict.fromkeys((1, 2, 3, 6), (2, "closed"))
    two = value(store, site, departments=["social", "finance"])
    assert (two["k"], two["n"], two["status"], dict(two["excluded"])) == (
        6,
        10,
        "closed",
        {"gave_up_early": 1},
    )


def test_late_lines_change_nothing_until_the_month_is_restated(
    store: Store, site: Settings, clock: Time
) -> None:
    close_due(store, site)
    assert all(check.well for check in months_check(site, clock))
    facts = march()
    facts["visits"] = [row for row in facts["visits"] if row["ring_s"] != 12.0]
    store.append_batch(batch("late"), [events(event("late", at("09:06", date(2026, 3, 30))))])
    computed(store, site, date(2026, 3, 1), date(2026, 4, 11), **facts)
    row = value(store, site)
    assert (row["k"], row["n"], row["status"], row["later"]) == (6, 10, "closed", True)
    both = value(store, site, end=date(2026, 5, 1))  # with an April that is open
    assert (both["status"], both["k"], both["later"]) == ("provisional", 7, True)
    (check,) = [check for check in months_check(site, clock) if not check.well]
    assert check.found.startswith("2026-03: lines that came after closing")
    assert "callstats close --restate 2026-03" in check.found

    clock.at += timedelta(days=40)
    with pytest.raises(UsageError, match="reason"):
        restate(store, site, [MARCH], " ", "anna")
    with pytest.raises(UsageError, match="2026-04: not closed"):
        restate(store, site, [APRIL], "why", "anna")
    (edition,) = restate(store, site, [MARCH], "lines of 30 March came late", "anna")
    assert (edition.edition, edition.closed_by, edition.closed_at) == (2, "anna", clock.at)
    row = value(store, site)
    assert (row["k"], row["n"], row["status"], row["edition"], row["later"]) == (5, 9, "restated", 2, False)
    assert (row["original_k"], row["original_n"], row["original_value"]) == (6, 10, 0.6)
    assert row["restate_reason"] == "lines of 30 March came late"
    with pytest.raises(UsageError, match="nothing to restate"):
        restate(store, site, [MARCH], "again", "anna")
    (listed,) = [row for row in month_list(store, site) if row.month == MARCH]
    assert (listed.status, listed.later) == ("restated", False)
    assert [one["reason"] for one in listed.as_json()["editions"]] == [None, "lines of 30 March came late"]
    both = value(store, site, end=date(2026, 5, 1))  # with an April that is open
    assert (both["status"], both["k"], both["original_k"], both["later"]) == ("provisional", 6, 7, False)
    assert both["restate_reason"] == "lines of 30 March came late"
    assert changed(both)
    with store.database.read() as connection:  # nothing was overwritten
        kept = [stored.figures(connection, [(MARCH, n)], THIRD, "")[0]["n"] for n in (1, 2)]
    assert kept == [10, 9]


def test_a_change_that_touches_a_closed_month_is_refused_until_it_is_restated(
    store: Store, site: Settings, tmp_path: Path
) -> None:
    close_due(store, site)
    changed = settings(tmp_path, cadence={"off_s": 3.0})
    with pytest.raises(ClosedMonthError) as caught:
        metrics_table(store, changed, [THIRD])
    text = str(caught.value)
    assert "2026-03 (cadence.off_s: 4.0 → 3.0)" in text
    assert "effective_from" in text
    assert 'callstats close --restate 2026-03 --reason "…"' in text
    assert "\n" not in text
    dated = settings(tmp_path, rules=[{"effective_from": APRIL, "off_s": 3.0}])
    assert value(store, dated) == value(store, site)
    restate(store, changed, [MARCH], "a new cadence", "anna")
    row = value(store, changed)
    assert (row["status"], row["original_k"], row["later"]) == ("restated", 6, False)
    (listed,) = [row for row in month_list(store, changed) if row.month == MARCH]
    assert listed.as_json()["editions"][1]["changes"] == ["cadence.off_s: 4.0 → 3.0"]
    with pytest.raises(ClosedMonthError, match=r"cadence.off_s: 3.0 → 4.0"):
        value(store, site)


def test_months_that_a_change_touches_are_restated_together_or_not_at_all(
    store: Store, site: Settings, clock: Time, tmp_path: Path
) -> None:
    speak(store, site, date(2026, 4, 13), date(2026, 5, 12))
    clock.at = at("12:00", date(2026, 5, 12))
    assert len(close_due(store, site)) == 2
    changed = settings(tmp_path, third_signal={"signals": 4})
    with pytest.raises(ClosedMonthError, match="2026-04 "):
        restate(store, changed, [MARCH], "four signals", "anna")
    assert all(len(found) == 1 for found in Closed.unchecked(store).editions.values())
    assert len(restate(store, changed, [MARCH, APRIL], "four signals", "anna")) == 2
    assert Closed.of(store, changed).edition(APRIL).edition == 2


def test_what_cannot_be_measured_anew_is_not_restated(store: Store, site: Settings, tmp_path: Path) -> None:
    close_due(store, site)
    with store.database.write() as connection:
        retaining.seal(connection, date(2026, 3, 3))
    finance, rule = ["301", "302", "309"], {"signals": 4}
    moved = [{**entry.model_dump(), **({"extensions": finance} if entry.id == "finance" else {})}
             for entry in site.departments]  # fmt: skip
    with pytest.raises(UsageError, match=r"before 2026-03-03 are sealed .*finance\.extensions: .*\+309"):
        restate(store, settings(tmp_path, departments=moved), [MARCH], "moved", "anna")
    assert len(Closed.unchecked(store).editions[MARCH]) == 1
    restate(store, settings(tmp_path, third_signal=rule), [MARCH], "four signals", "anna")  # only judged
    assert len(Closed.unchecked(store).editions[MARCH]) == 2


def test_a_month_waits_for_its_lines_and_says_so(site: Settings, clock: Time) -> None:
    with Store.open(site, clock) as store:
        assert due(store, site) == []  # nothing was ever loaded
        gone = (date(2026, 3, 11), date(2026, 3, 12))
        speak(store, site, date(2026, 3, 2), date(2026, 3, 28), gone, visits=[visit()])
        (waiting,) = due(store, site)
        assert tuple(one.en for one in waiting.why) == (
            "the lines end on 2026-03-27, within it; load what came after",
            "PBX pbx has no line of 2 working days (2026-03-11, 2026-03-12); load them",
        )
        assert (waiting.due_on, waiting.without) == (CLOSES, gone)
        assert close_due(store, site) == []
        (check,) = [check for check in months_check(site, clock) if not check.well]
        assert check.found.startswith("was to close on 2026-04-09: the lines end on 2026-03-27")
        assert 'callstats close 2026-03 --reason "…"' in check.found
        (row,) = month_list(store, site)
        assert (row.status, row.waits_for) == ("waiting", waiting.why)
        with pytest.raises(UsageError, match="2026-02 is not due: it closes on 2026-03-06"):
            close_as_it_is(store, site, FEBRUARY, "why", "anna")
        with pytest.raises(UsageError, match="reason"):
            close_as_it_is(store, site, MARCH, "", "anna")
        edition = close_as_it_is(store, site, MARCH, "the recorder was broken", "anna")
        assert (edition.without, edition.reason, edition.edition) == (gone, "the recorder was broken", 1)
        with pytest.raises(UsageError, match="closed already"):
            close_as_it_is(store, site, MARCH, "again", "anna")
        assert value(store, site)["status"] == "closed"


def test_days_that_are_not_computed_are_waited_for(store: Store, site: Settings) -> None:
    store.append_batch(batch("more"), [events(event("more", at("09:00", date(2026, 3, 10))))])
    (waiting,) = due(store, site)
    assert tuple(one.en for one in waiting.why) == (
        "1 of its days are not computed; the next command that shows figures does it",
    )


def test_a_day_on_which_a_feed_only_began_and_ended_has_no_line(site: Settings, clock: Time) -> None:
    silent = date(2026, 3, 12)
    with Store.open(site, clock) as store:
        speak(store, site, date(2026, 3, 2), date(2026, 4, 11), [silent], visits=[visit()])
        ends = [event(kind, at("09:00", silent), kind=kind) for kind in ("disconnected", "connected")]
        store.append_batch(batch("ends"), [events(*ends)])
        computed(store, site, date(2026, 3, 2), date(2026, 4, 11), visits=[visit()])
        (waiting,) = due(store, site)
    assert waiting.without == (silent,)


@pytest.mark.parametrize("way", ["close", "restate"])
def test_two_processes_that_close_at_once_make_one_edition(
    database_url: str, tmp_path: Path, clock: Time, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = settings(tmp_path, database=database_url)
    changed = settings(tmp_path, database=database_url, third_signal={"signals": 4})
    with Store.open(site, clock) as store:
        speak(store, site, date(2026, 3, 2), date(2026, 4, 11), **march())
        if way == "restate":
            close_due(store, site)
    together, met, real = threading.Barrier(2, timeout=300), threading.Event(), editions.made
    done: list[Any] = []

    def made(*arguments: Any) -> Any:
        """Both have computed before either stores; who has to try again does so alone."""
        found = real(*arguments)
        if not met.is_set():
            together.wait()
            met.set()
        return found

    def work() -> None:
        with Store.open(site, clock) as mine:
            try:
                done.extend(
                    close_due(mine, site)
                    if way == "close"
                    else restate(mine, changed, [MARCH], "why", "anna")
                )
            except UsageError as error:
                done.append(error)  # the second to restate finds nothing to do

    monkeypatch.setattr(closing, "made", made)
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in done if not isinstance(one, UsageError)]) == 1
    with Store.open(site, clock) as store:
        assert len(Closed.unchecked(store).editions[MARCH]) == (1 if way == "close" else 2)
