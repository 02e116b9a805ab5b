"""Charts say what the figures say, and leave gaps where there is no data."""

from datetime import date
from typing import Any

from callstats import charts
from callstats.metrics.base import OUTCOME_NAMES, Said

WEEKDAYS = ["P", "O", "T", "C", "Pk", "S", "Sv"]


def row(**values: Any) -> dict[str, Any]:
    found = {"value": None, "low": None, "high": None, "k": 0, "n": 0, **values}
    if found["n"]:
        found["value"] = found["k"] / found["n"]
        found["low"], found["high"] = found["value"] / 2, (1 + found["value"]) / 2
    return found


def test_a_day_without_calls_is_a_gap() -> None:
    rows = [
        row(day=date(2026, 3, 2), k=1, n=2),
        row(day=date(2026, 3, 3)),
        row(day=date(2026, 3, 4), k=0, n=1),
    ]
    figure = charts.share_over_time(rows, "day", str, "lv")
    (line,) = figure.data
    assert list(line.y) == [50.0, None, 0.0]
    assert list(line.error_y.array) == [25.0, None, 50.0]
    assert line.connectgaps is False
    assert len(figure.layout.shapes) == 0  # no target is set


def test_a_target_is_drawn_only_where_one_is_set() -> None:
    figure = charts.share_over_time([row(day=date(2026, 3, 2), k=1, n=2)], "day", str, "en", target=0.8)
    assert [shape.y0 for shape in figure.layout.shapes] == [80.0]


def test_outcomes_stand_in_the_order_of_their_names() -> None:
    rows = [row(outcome="busy", n=2), row(outcome="answered", k=3, n=3), row(outcome="failed")]
    (bars,) = charts.counts(rows, "outcome", OUTCOME_NAMES, "en").data
    assert list(zip(bars.y, bars.x, strict=True)) == [("answered", 3), ("busy", 2)]


def test_the_limit_stands_between_its_signal_and_the_next() -> None:
    rows = [row(rings=n, n=count) for n, count in ((1, 5), (3, 2), (4, 1))]
    figure = charts.signals(rows, 3, "en")
    within, later = figure.data
    assert list(zip(within.x, within.y, strict=True)) == [("1", 5), ("2", 0), ("3", 2)]
    assert list(zip(later.x, later.y, strict=True)) == [("4", 1)]
    assert [shape.x0 for shape in figure.layout.shapes] == [2.5]  # the axis counts its places from 0


def test_many_signals_end_in_one_bar() -> None:
    _, later = charts.signals([row(rings=n, n=1) for n in (1, 12, 13, 40)], 3, "en").data
    assert (later.x[-1], later.y[-1]) == ("12+", 3)


def test_without_answered_calls_the_signals_are_drawn_empty() -> None:
    within, later = charts.signals([], 3, "en").data
    assert (sum(within.y), sum(later.y)) == (0, 0)


def test_the_week_shows_office_hours_and_whatever_lies_outside() -> None:
    rows = [row(weekday=1, hour=9, k=1, n=4), row(weekday=6, hour=20, k=1, n=1), row(weekday=2, hour=9)]
    figure = charts.hour_by_weekday(rows, WEEKDAYS, "lv")
    assert list(figure.layout.xaxis.categoryarray) == [str(hour) for hour in range(8, 21)]
    assert list(figure.layout.yaxis.ticktext) == ["P", "O", "T", "C", "Pk", "S"]
    monday, tuesday = figure.data[:2]
    assert (list(monday.x), list(monday.text), len(tuesday.x)) == (["9"], ["1/4"], 0)


def test_latvian_charts_have_a_decimal_comma() -> None:
    bars = charts.k_of_n(
        [row(c="a", k=1, n=3)], "c", {"a": Said("ā", "a")}, Said("jā", "yes"), Said("nē", "no"), "lv"
    )
    assert bars.layout.separators[0] == ","
    assert [list(trace.x) for trace in bars.data] == [[1], [2]]
    assert [trace.name for trace in bars.data] == ["jā", "nē"]
