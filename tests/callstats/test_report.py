"""Figures over cells: windows, roll-ups, empty cells, refusals."""

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from callstats.errors import UsageError
from callstats.metrics.registry import METRICS
from callstats.report import figure_schema, frame, metrics_table, told
from callstats.store import Store
from tests.handmade import ALWAYS, DAY, at, missed, settings, store_with, visit

SLUG = "third_signal_share"


def test_every_metric_has_a_row_for_every_department(tmp_path: Path) -> None:
    site = settings(tmp_path)
    with store_with(site, visits=[visit()]) as store:
        table = metrics_table(store, site)
    assert table.schema.equals(figure_schema(("department",)))
    rows = sum(len(one.measures) * (1 if one.hotline_only else 4) for one in METRICS.values())
    assert table.num_rows == rows


def test_nothing_loaded_gives_no_rows_and_the_same_columns(tmp_path: Path) -> None:
    site = settings(tmp_path)
    with Store.open(site) as store:
        table = metrics_table(store, site, by=("day",))
    assert (table.num_rows, table.schema) == (0, figure_schema(("day",)))


def test_a_week_is_computed_from_its_calls_and_not_from_its_days(tmp_path: Path) -> None:
    site = settings(tmp_path)
    monday = [visit(f"m{n}") for n in range(9)]
    tuesday = [missed("t", entered_at=at(day=DAY + timedelta(1)))]
    with store_with(site, visits=[*monday, *tuesday]) as store:
        days = metrics_table(store, site, [SLUG], by=("day",), end=DAY + timedelta(3)).to_pylist()
        week = metrics_table(store, site, [SLUG], by=("week",)).to_pylist()
    assert [(row["day"], row["value"], row["n"]) for row in days] == [
        (DAY, 1.0, 9),
        (DAY + timedelta(1), 0.0, 1),
        (DAY + timedelta(2), None, 0),
    ]
    assert [(row["week"], row["value"]) for row in week] == [(DAY, 0.9)]  # the mean of the days would say 0.5


def test_the_window_is_half_open(tmp_path: Path) -> None:
    site = settings(tmp_path)
    visits = [visit("a"), visit("b", entered_at=at(day=DAY + timedelta(1)))]
    with store_with(site, visits=visits) as store:
        (row,) = metrics_table(store, site, [SLUG], (), DAY, DAY + timedelta(1)).to_pylist()
    assert (row["n"], row["from"], row["to"]) == (1, DAY, DAY + timedelta(1))


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), {2: 1, 4: 1}), (date(2026, 10, 25), {3: 2})],
    ids=["23 hours", "25 hours"],
)
def test_on_the_nights_the_clock_changes_the_hour_is_the_clocks(
    tmp_path: Path, day: date, hours: dict[int, int]
) -> None:
    """In spring one second before and after the skip, in autumn half past three twice: an hour apart."""
    site = settings(tmp_path, hours=ALWAYS)
    spring = day.month == 3
    first = at("02:59:59", day) if spring else at("03:30", day, fold=0)
    second = at("04:00", day) if spring else at("03:30", day, fold=1)
    assert second - first == (timedelta(seconds=1) if spring else timedelta(hours=1))
    visits = [visit("a", entered_at=first), visit("b", entered_at=second)]
    with store_with(site, visits=visits) as store:
        rows = metrics_table(store, site, [SLUG], by=("day", "hour")).to_pylist()
    assert {(row["day"], row["hour"]): row["n"] for row in rows} == {(day, h): n for h, n in hours.items()}


def test_weekdays_run_from_monday_1_to_sunday_7(tmp_path: Path) -> None:
    site = settings(tmp_path, hours=ALWAYS)
    with store_with(
        site, visits=[visit(str(n), entered_at=at(day=DAY + timedelta(n))) for n in range(7)]
    ) as store:
        rows = metrics_table(store, site, [SLUG], by=("weekday",)).to_pylist()
    assert [(row["weekday"], row["n"]) for row in rows] == [(n, 1) for n in range(1, 8)]


def test_departments_together_are_the_sum_of_their_parts(tmp_path: Path) -> None:
    site = settings(tmp_path)
    with store_with(site, visits=[visit("a"), missed("b", department="finance")]) as store:
        (row,) = metrics_table(store, site, [SLUG], by=()).to_pylist()
        (finance,) = metrics_table(store, site, [SLUG], departments=["finance"]).to_pylist()
    assert (row["k"], row["n"]) == (1, 2)
    assert (finance["department"], finance["k"], finance["n"]) == ("finance", 0, 1)


def test_a_metrics_own_axis_counts_each_outcome(tmp_path: Path) -> None:
    site = settings(tmp_path)
    visits = [visit("a"), visit("b"), missed("c"), missed("d", outcome="abandoned")]
    with store_with(site, visits=visits) as store:
        rows = metrics_table(store, site, ["answered_share"], by=("outcome",)).to_pylist()
    assert {row["outcome"]: row["n"] for row in rows} == {"answered": 2, "unanswered": 1, "abandoned": 1}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"slugs": ["speed"]}, "no metric 'speed'; known: abandoned_share"),
        ({"slugs": [SLUG], "by": ("colour",)}, "cannot be split by 'colour'; allowed: department, hour"),
        ({"slugs": [SLUG], "by": ("day", "day")}, "named twice"),
        ({"departments": ["navy"]}, "no department 'navy'; known: pr, social"),
        ({"start": DAY, "end": DAY}, "is empty"),
        ({"by": ("department", "day"), "start": date(1900, 1, 1)}, "too many"),
    ],
)
def test_a_wrong_question_is_refused_in_one_line(
    tmp_path: Path, arguments: dict[str, object], words: str
) -> None:
    site = settings(tmp_path)
    with (
        store_with(site, visits=[visit()]) as store,
        pytest.raises(UsageError, match=words.replace("(", ".")) as error,
    ):
        metrics_table(store, site, **arguments)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


def test_few_calls_are_told_as_k_of_n() -> None:
    few = {"value": 14 / 17, "unit": "share", "k": 14, "n": 17}
    many = {"value": 0.85, "unit": "share", "k": 17, "n": 20}
    none = {"value": None, "unit": "share", "k": 0, "n": 0}
    assert [told(row) for row in (few, many, none)] == ["14 of 17", "85 %", "no data"]
    assert [told(row, "lv") for row in (few, many, none)] == ["14 no 17", "85 %", "nav datu"]
    assert told({"value": 3.25, "unit": "s", "k": 1, "n": 1}, "lv") == "3,2 s"


def test_a_frame_keeps_missing_values_missing(tmp_path: Path) -> None:
    site = settings(tmp_path)
    with store_with(site, visits=[visit(in_hours=False)]) as store:
        found = frame(metrics_table(store, site, [SLUG], departments=["social"]))
    assert found["value"].isna().all()
    assert found["n"].tolist() == [0]
    assert found["excluded"].tolist() == [{"out_of_hours": 1}]


def test_figures_change_with_the_data_and_say_which_it_was(tmp_path: Path) -> None:
    site = settings(tmp_path)
    with store_with(site, visits=[visit()]) as store:
        before = metrics_table(store, site, [SLUG], by=())
        table = pa.Table.from_pylist([visit("a"), missed("b")], store.scan("visits").schema)
        store.replace_days([DAY], {"visits": table})
        after = metrics_table(store, site, [SLUG], by=())
    assert (before["n"].to_pylist(), after["n"].to_pylist()) == ([1], [2])
    assert before["data_version"] != after["data_version"]
