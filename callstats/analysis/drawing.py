"""Any metric by any axes as the chart that pages would draw of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any, Final

import plotly.graph_objects as go

from callstats import charts
from callstats.metrics.base import Language, Measure, Metric, Said

Row = Mapping[str, Any]
OVER_TIME: Final = ("day", "week", "month")
WEEKDAYS: Final = Said("P O T C P S Sv", "Mon Tue Wed Thu Fri Sat Sun")
_UNITS: Final = {
    "share": Said("īpatsvars, %", "share, %"),
    "spread": Said("mediāna, s", "median, s"),
    "count": Said("zvani", "calls"),
    "rate": Said("zvani stundā", "calls per hour"),
}
_POINTED: Final = "%{x}: %{y:.1f} (%{customdata[0]} / %{customdata[1]})<extra>%{fullData.name}</extra>"
_WHOLE: Final = Said("kopā", "in all")


def of_metric(
    rows: Sequence[Row],
    metric: Metric,
    measure: Measure,
    by: Sequence[str],
    language: Language,
    departments: Mapping[str, str],
) -> go.Figure:
    """Shown rows of one measure: by hour and weekday a map, by day, week or month a line for each place of
    the other axes, else a mark for each place; values with their 95 % interval.

    ``departments``: names that stand for the ids.
    """
    known = [row for row in rows if row["value"] is not None]
    if set(by) == {"hour", "weekday"} and measure.kind in ("share", "rate"):
        draw = charts.calls_per_hour if measure.kind == "rate" else charts.share_by_hour
        return draw(known, WEEKDAYS[language].split(), language)
    names = dict(departments)
    if metric.split is not None:
        names |= {place: said[language] for place, said in metric.split.values.items()}
    time = next((one for one in by if one in OVER_TIME), None)
    others = [one for one in by if one != time]
    lines: dict[str, list[Row]] = {}
    for row in known if time is None else rows:
        place = ", ".join(names.get(str(row[one]), str(row[one])) for one in others)
        lines.setdefault(place or _WHOLE[language], []).append(row)
    scale, unit = 100 if measure.kind == "share" else 1, _UNITS[measure.kind][language]
    if time is None:
        return _marks(lines, scale, unit, language)
    return _lines(lines, time, scale, unit, language)


def _marks(lines: Mapping[str, Sequence[Row]], scale: int, unit: str, language: Language) -> go.Figure:
    places = [place for place, rows in lines.items() for _ in rows]
    rows = [row for found in lines.values() for row in found]
    trace = go.Scatter(
        x=[scale * row["value"] for row in rows],
        y=places,
        mode="markers",
        marker={"color": charts.BLUE, "size": 9},
        error_x=charts.interval(rows, scale),
        customdata=[[row["k"], row["n"]] for row in rows],
        hovertemplate="%{y}: %{x:.1f} (%{customdata[0]} / %{customdata[1]})<extra></extra>",
    )
    return charts.framed(
        [trace],
        language,
        x={"title": unit, "rangemode": "tozero"},
        y={"autorange": "reversed", "type": "category"},
        height=max(160, 70 + 30 * len(rows)),
    )


def _lines(
    lines: Mapping[str, Sequence[Row]], time: str, scale: int, unit: str, language: Language
) -> go.Figure:
    traces = [
        go.Scatter(
            x=[row[time] for row in rows],
            y=[None if row["value"] is None else scale * row["value"] for row in rows],
            name=place,
            mode="lines+markers",
            connectgaps=False,
            line={"color": colour, "width": 2},
            error_y=charts.interval(rows, scale) if len(lines) == 1 else None,
            customdata=[[row["k"], row["n"]] for row in rows],
            hovertemplate=_POINTED,
        )
        for colour, (place, rows) in zip(cycle(charts.COLOURS), lines.items(), strict=False)
    ]
    return charts.framed(
        traces, language, x={}, y={"title": unit, "rangemode": "tozero"}, legend=len(lines) > 1
    )
