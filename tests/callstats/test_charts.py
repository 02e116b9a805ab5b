"""Charts say what the figures say, and leave gaps where there is no data."""

from datetime import date
from typing import Any

import pytest

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
    figure = charts.missed_by_hour(rows, WEEKDAYS, "lv")
    assert list(figure.layout.xaxis.categoryarray) == [str(hour) for hour in range(8, 21)]
    assert list(figure.layout.yaxis.ticktext) == ["P", "O", "T", "C", "Pk", "S"]
    monday, tuesday = figure.data[:2]
    assert (list(monday.x), list(monday.text), len(tuesday.x)) == (["9"], ["1"], 0)


def test_the_busiest_hour_is_the_darkest_and_an_hour_without_calls_a_gap() -> None:
    """8 to 9: 6 calls in 2 open hours; 9 to 10: 3 in 2; 10 to 11: open, no call."""
    rows: list[dict[str, Any]] = [
        {"weekday": 1, "hour": 8, "k": 6, "n": 6, "value": 3.0, "open_h": 2.0},
        {"weekday": 1, "hour": 9, "k": 3, "n": 3, "value": 1.5, "open_h": 2.0},
        {"weekday": 1, "hour": 10, "k": 0, "n": 0, "value": None, "open_h": 2.0},
    ]
    monday = charts.calls_per_hour(rows, WEEKDAYS, "lv").data[0]
    assert (list(monday.x), list(monday.text)) == (["8", "9"], ["3,0", "1,5"])
    assert monday.customdata[0][1] == "3,0 (6 zvani / 2,0 h)"
    assert monday.marker.color[0] == "rgb(18,74,115)"
    assert charts.calls_per_hour([], WEEKDAYS, "en").data[0].x == ()


@pytest.mark.parametrize("percent", range(0, 101))
def test_numbers_in_a_field_can_be_read(percent: int) -> None:
    """Contrast by WCAG 2.2: (lighter + 0.05) / (darker + 0.05) of the relative luminances."""

    def luminance(colour: tuple[int, ...]) -> float:
        parts = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    field = luminance(tuple(int(part) for part in charts._shade(percent / 100)[4:-1].split(",")))
    ink = {"#ffffff": 1.0, "#000000": 0.0}[charts._ink(percent / 100)]
    assert (max(field, ink) + 0.05) / (min(field, ink) + 0.05) >= 4.5


def test_latvian_charts_have_a_decimal_comma() -> None:
    bars = charts.k_of_n(
        [row(c="a", k=1, n=3)], "c", {"a": Said("ā", "a")}, Said("jā", "yes"), Said("nē", "no"), "lv"
    )
    assert bars.layout.separators[0] == ","
    assert [list(trace.x) for trace in bars.data] == [[1], [2]]
    assert [trace.name for trace in bars.data] == ["jā", "nē"]
