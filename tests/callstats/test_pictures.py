"""Charts outside the pages: a template in the house's style, and pictures without a network."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio
import pytest

from callstats import charts, pictures
from callstats.analysis.drawing import of_metric
from callstats.errors import UsageError
from callstats.metrics.base import Metric
from callstats.metrics.registry import METRICS

needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="no Chromium draws pictures here"
)


def row(**columns: object) -> dict[str, Any]:
    given = {"value": 0.5, "low": 0.4, "high": 0.6, "k": 5, "n": 10, "open_h": 2.0, "measure": "x"}
    return given | columns


def drawn(one: Metric, by: tuple[str, ...], rows: list[dict[str, Any]]) -> go.Figure:
    return of_metric(rows, one, one.measures[0], by, "en", {"social": "Social services"})


def test_the_template_is_the_style_of_the_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pio.templates, "default", pio.templates.default)
    pictures.use_template()
    layout = go.Figure().layout.template.layout
    page = charts.framed([], "en", x={}, y={}).layout
    assert (layout.font.family, layout.height, layout.bargap) == (page.font.family, page.height, page.bargap)
    assert layout.colorway[0] == charts.BLUE


@pytest.mark.parametrize("slug", sorted(METRICS))
def test_every_metric_can_be_drawn_by_every_axis(slug: str) -> None:
    one = METRICS[slug]
    places: dict[str, list[object]] = {
        "department": ["social", "pr"], "hour": [9, 10], "weekday": [1, 2],
        "day": [date(2026, 3, 2), date(2026, 3, 3)], "week": [date(2026, 3, 2), date(2026, 3, 9)],
        "month": [date(2026, 3, 1), date(2026, 4, 1)],
    }  # fmt: skip
    if one.split is not None:
        own: list[object] = [*one.split.values]
        places[one.split.name] = own[:2] or [1, 2]
    for axis in one.axes:
        figure = drawn(one, (axis,), [row(**{axis: place}) for place in places[axis]])
        assert sum(len(trace.x) for trace in figure.data) == 2
    assert drawn(one, (), [row()]).data[0].y == ("in all",)


def test_lines_side_by_side_have_names_and_one_alone_its_interval() -> None:
    one, weeks = METRICS["answered_share"], [date(2026, 3, 2), date(2026, 3, 9)]
    both = drawn(
        one, ("department", "week"), [row(department=d, week=w) for d in ("social", "pr") for w in weeks]
    )
    assert [trace.name for trace in both.data] == ["Social services", "pr"]
    (alone,) = drawn(one, ("week",), [row(week=w) for w in weeks]).data
    assert alone.error_y.array == pytest.approx((10.0, 10.0))
    assert alone.y == (50.0, 50.0)


def test_hours_and_weekdays_are_a_map() -> None:
    found = drawn(METRICS["answered_share"], ("weekday", "hour"), [row(weekday=1, hour=9)])
    assert [text for trace in found.data for text in trace.text] == ["50"]


@needs_chromium
@pytest.mark.parametrize("kind", [".png", ".svg"])
def test_a_chart_becomes_a_picture(tmp_path: Path, kind: str) -> None:
    made = pictures.picture(go.Figure(go.Bar(x=[1], y=[2])), tmp_path / f"chart{kind}")
    assert made.read_bytes().startswith((b"\x89PNG", b"<svg"))


def test_another_kind_of_picture_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.png, \.svg"):
        pictures.picture(go.Figure(), tmp_path / "chart.docx")
