"""Of every metric: nothing is null, one is one, and parts of any cut add up to the whole."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import hypothesis
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats import report
from callstats.metrics.base import Metric
from callstats.metrics.registry import METRICS
from callstats.report import metrics_table, parts_of, roll_up
from callstats.rules import rule_on
from callstats.settings import Settings
from callstats.store import Store
from tests.handmade import (
    ANNA,
    DAY,
    JURIS,
    at,
    call,
    callback,
    message,
    missed,
    settings,
    store_with,
    visit,
)

DEPARTMENTS = ("social", "finance", "pr")
FIRST, DAYS = date(2026, 12, 24), 20  # over the year's end
KEPT = ("value", "low", "high", "k", "n", "mean", "p90", "max", "open_h", "excluded", "certain", "unknown")


def some(random: Random, number: int) -> dict[str, list[dict[str, Any]]]:
    """A call with what comes of it, drawn from all that a figure may have to tell apart."""
    opens = datetime(FIRST.year, FIRST.month, FIRST.day, 5, tzinfo=UTC)
    begin = opens + timedelta(days=random.randrange(DAYS), seconds=random.randrange(12 * 3600))
    name, client = f"pbx:{number}", random.choice([ANNA, JURIS, "n1-cc", None])
    outcome = random.choice(["answered"] * 4 + ["abandoned", "unanswered", "busy", "voicemail", None])
    ring = random.choice([None, random.random() * 40])
    seen = {
        "entered_at": begin,
        "department": random.choice([*DEPARTMENTS, None]),
        "outcome": outcome,
        "outcome_certainty": random.choice(["certain", "certain", "estimated", "unknown"]),
        "ring_s": ring,
        "wait_s": random.choice([None, random.random() * 200]),
        "talk_s": random.random() * 900 if outcome == "answered" else None,
        "external": random.choice([True, True, True, False, None]),
        "phones_offered": random.choice([0, 1, 2]),
        "no_phone_available": random.choice([False, False, True, None]),
        "rotation": random.choice(["rotated", "not_rotated", "not_needed", "no_second_member", "unknown"]),
        "rotation_cause": random.choice(["busy", "no_answer"]),
        "ring_source": random.choice(["ami", "cel", "cdr", "none"]),
    }
    rows = {
        "visits": [visit(name, **seen)],
        "calls": [call(name, started_at=begin, caller=client, outcome=outcome)],
    }
    if random.random() < 0.3:
        kind = random.choice(["blind_transfer", "attended_transfer", "forward", "overflow"])
        rows["visits"].append(
            visit(name, **seen | {"visit": 2, "department": random.choice(DEPARTMENTS), "entered_by": kind})
        )
    if random.random() < 0.3:
        extension = random.choice(["201", "401", "801", "999"])
        started = begin + timedelta(hours=random.randrange(60))
        rows["calls"].append(callback(f"{name}b", client or ANNA, extension, started_at=started))
    if random.random() < 0.2:
        rows["messages"] = [message(f"{name}m", client, left_at=begin, empty=random.random() < 0.2)]
    return rows


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A store of 400 calls over a year's end, and its settings."""
    folder = tmp_path_factory.mktemp("town")
    week = {day: [["08:00", "12:30"], ["13:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    site = settings(folder, hours=week)
    random, rows = Random(17), {"visits": [], "calls": [], "messages": []}  # type: ignore[var-annotated]
    for number in range(400):
        for table, found in some(random, number).items():
            rows[table] += found
    with store_with(site, **rows) as store:
        yield store, site


def by_all(one: Metric) -> tuple[str, ...]:
    """Fine cells: the more parts, the more there is to add up."""
    return tuple(axis for axis in one.axes if axis not in ("month", "weekday"))


def told(one: Metric, parts: pa.Table) -> list[dict[str, Any]]:
    """What the parts amount to, all cells together."""
    return [{name: row[name] for name in KEPT} for row in roll_up(one, (), parts, [()])]


@hypothesis.settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_parts_of_any_cut_add_up_to_the_whole(town: tuple[Store, Settings], data: st.DataObject) -> None:
    """Any windows of days, any groups of departments, fine cells: the sums say what was said at once."""
    store, site = town
    end = FIRST + timedelta(DAYS)
    inner = data.draw(st.sets(st.integers(1, DAYS - 1), max_size=2))
    edges = [FIRST, *(FIRST + timedelta(n) for n in sorted(inner)), end]
    of = data.draw(st.lists(st.integers(0, 1), min_size=4, max_size=4))
    names = ["pr", "social", "finance", "environment"]
    groups = [[name for name, group in zip(names, of, strict=True) if group == n] for n in sorted(set(of))]
    whole = parts_of(store, site, [(one, ()) for one in METRICS.values()], FIRST, end, names)
    fine = [(one, by_all(one)) for one in METRICS.values()]
    cuts = [
        parts_of(store, site, fine, start, stop, group) for start, stop in pairwise(edges) for group in groups
    ]
    for slug, one in METRICS.items():
        assert told(one, pa.concat_tables(cut[slug] for cut in cuts)) == told(one, whole[slug])


def test_slices_change_nothing(town: tuple[Store, Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    store, site = town
    whole = metrics_table(store, site).to_pylist()
    monkeypatch.setattr(report, "SLICE_DAYS", 3)
    assert metrics_table(store, site).to_pylist() == whole


def test_a_week_over_the_years_end_is_the_sum_of_its_days(town: tuple[Store, Settings]) -> None:
    """The week from Monday 28 December to Sunday 3 January is one, and each of its calls in it."""
    store, site = town
    monday, sunday = date(2026, 12, 28), date(2027, 1, 4)
    weeks = metrics_table(store, site, by=("week",)).to_pylist()
    alone = metrics_table(store, site, None, (), monday, sunday).to_pylist()
    names = ("metric", "measure", *KEPT)
    found = [{name: row[name] for name in names} for row in weeks if row["week"] == monday]
    assert found == [{name: row[name] for name in names} for row in alone]
    days = metrics_table(store, site, None, ("day",), monday, sunday).to_pylist()
    for row in alone:
        parts = [
            day["n"] for day in days if (day["metric"], day["measure"]) == (row["metric"], row["measure"])
        ]
        assert (len(parts), sum(parts)) == (7, row["n"])


def test_a_department_without_calls_has_null_and_not_zero(tmp_path: Path) -> None:
    site = settings(tmp_path)
    rows = {"visits": [visit("a")], "calls": [call("a"), call("z", started_at=at("12:00"))]}
    with store_with(site, **rows) as store:
        found = metrics_table(store, site, departments=["finance"]).to_pylist()
        found += metrics_table(store, site, None, (), departments=["finance"]).to_pylist()
    assert {row["metric"] for row in found} == set(METRICS)
    for row in found:
        assert {row[name] for name in ("value", "low", "high", "mean", "p90", "max")} == {None}
        assert (row["k"], row["n"], row["certain"], row["unknown"], row["excluded"]) == (0, 0, 0, 0, [])


# What one answered call, and a message that was called back, has nothing to say about.
SILENT = {
    "abandoned_wait_s", "answered_again", "answered_after_rotation", "answered_there", "called_back",
    "connected", "internal_answered", "internal_wait_s", "missed_again_24h", "offered_to_colleague",
    "open_age_s", "outgoing",
    *(one.name for one in METRICS["message_handling"].measures),  # nobody works a register here
}  # fmt: skip


@pytest.mark.parametrize("unit", ["social", "pr"])
def test_of_one_call_everything_is_one(tmp_path: Path, unit: str) -> None:
    """One answered call, one message that was called back: n = 1 and a value wherever it counts."""
    site = settings(tmp_path)
    later = call("z", started_at=at("12:00", DAY + timedelta(40)), caller="x")
    rows = {
        "visits": [visit("a", talk_s=60.0)],
        "calls": [call("a"), later, callback("o", ANNA, "801", started_at=at("11:00"))],
        "messages": [message("a")],
    }
    with store_with(site, **rows) as store:
        found = metrics_table(store, site, None, (), DAY, DAY + timedelta(1), departments=[unit]).to_pylist()
    for row in found:
        if METRICS[row["metric"]].hotline_only != (unit == "pr") or row["measure"] in SILENT:
            assert row["value"] is None
        else:
            assert (row["n"], row["value"] is None, row["certain"] + row["estimated"]) == (1, False, 1)
            assert (row["low"] is None) == (row["unit"] == "s")  # the interval of a share or rate is wide


def test_the_histogram_does_not_grow_with_the_calls(tmp_path: Path) -> None:
    """2,000 ring times under 20 s are at most 400 bars of 0.05 s, and keep their mean to the microsecond."""
    site, random = settings(tmp_path), Random(3)
    times = [random.randrange(20_000_000) / 1e6 for _ in range(2000)]
    with store_with(site, visits=[visit(f"pbx:{n}", ring_s=s) for n, s in enumerate(times)]) as store:
        one = METRICS[next(slug for slug in METRICS if slug.startswith("ring"))]
        parts = parts_of(store, site, [(one, ())], DAY, DAY + timedelta(1))[one.slug]
        (row,) = roll_up(one, (), parts)
    assert parts.num_rows <= 400
    exact = sorted(times)
    assert abs(row["value"] - (exact[999] + exact[1000]) / 2) < 0.05
    assert row["mean"] == pytest.approx(sum(times) / 2000, abs=1e-6)
    assert row["max"] == max(times)


def test_rows_of_two_rules_and_a_missed_call_stand_in_one_cell(tmp_path: Path) -> None:
    site = settings(tmp_path, rules=[{"effective_from": DAY + timedelta(1), "signals": 4}])
    rows = [visit("a"), missed("b", entered_at=at(day=DAY + timedelta(1))), visit("c", department=None)]
    with store_with(site, visits=rows) as store:
        found = metrics_table(store, site, ["answered_share"], ("department",)).to_pylist()
    (social,) = (row for row in found if row["department"] == "social")
    assert (social["k"], social["n"]) == (1, 2)
    versions = {rule_on(site, "social", DAY + timedelta(n)).version for n in (0, 1)}
    assert set(social["rule_version"].split(", ")) == versions
    (nobody,) = (row for row in found if row["department"] is None)
    assert (nobody["k"], nobody["n"], dict(nobody["excluded"])) == (1, 1, {})
