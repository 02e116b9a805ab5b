"""Figures as Plotly charts: pages and notebooks share them.

Each function takes rows of `callstats.report.roll_up` and draws; no computing here. Colours of text, grid and
paper are left to where the chart is shown (light, dark, print). A missing value is a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from callstats.metrics.base import Language, Said

Row = Mapping[str, Any]

# Told apart with every common colour vision, 3:1 on white and on near-black; none is a warning's red.
BLUE: Final = "#2a73a8"
AMBER: Final = "#9a5f06"
GREY: Final = "#6a7379"
COLOURS: Final = (BLUE, AMBER, GREY, "#5b7f2b", "#8a4f9e", "#00807a", "#b0413e")  # of lines side by side
STYLE: Final[Mapping[str, Any]] = {  # of every chart; `callstats.pictures.template` lends it to others
    "height": 320,
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, sans-serif", "size": 13},
    "legend": {
        "orientation": "h",
        "y": 1.02,
        "yanchor": "bottom",
        "x": 0,
        "xanchor": "left",
        "traceorder": "normal",
    },
    "hoverlabel": {"font": {"family": "system-ui, sans-serif"}},
    "bargap": 0.25,
}
OFFICE: Final = (8, 16)  # first and last hour that the map of the week always shows
PALE: Final = (230, 238, 245)
DEEP: Final = (18, 74, 115)
SEPARATORS: Final[Mapping[Language, str]] = {"lv": ",\u00a0", "en": ".,"}

_CALLS: Final = Said("zvani", "calls")
_SHARE: Final = Said("īpatsvars, %", "share, %")
_OF: Final = Said("no", "of")
_HOUR: Final = Said("stunda no", "hour from")


def ready() -> None:
    """Loads what the library loads with its first chart, some tenths of a second."""
    one = framed([go.Bar(x=[1], y=["x"]), go.Scatter(x=[1], y=[1])], "lv", x={}, y={})
    one.to_json()


def framed(
    traces: Sequence[Any],
    language: Language,
    *,
    x: Mapping[str, Any],
    y: Mapping[str, Any],
    legend: bool = False,
    **layout: Any,
) -> go.Figure:
    """Traces as a figure in the style of the pages, with what is said of its axes ``x`` and ``y``.

    Everything is given at once: the library looks through all of a figure each time it is updated.
    """
    axis = {"automargin": True, "fixedrange": True}
    given = {
        "template": "none",
        "separators": SEPARATORS[language],
        "margin": {"l": 56, "r": 16, "t": 64 if legend else 16, "b": 48},
        "showlegend": legend,
        "xaxis": {**axis, **x},
        "yaxis": {**axis, **y},
    }
    return go.Figure(list(traces), {**STYLE, **given, **layout})


def _whole(most: int) -> dict[str, Any]:
    """An axis of counts from 0: no halves between small numbers."""
    return {"rangemode": "tozero", "tickformat": "d"} | ({"dtick": 1} if most <= 10 else {})


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def share_over_time(
    rows: Sequence[Row],
    axis: str,
    label: Callable[[Any], str],
    language: Language,
    target: float | None = None,
) -> go.Figure:
    """A share per day, week or month with its 95 % interval.

    A dashed line stands only where a target (0 to 1) is set.
    """
    shares = [_percent(row["value"]) for row in rows]
    trace = go.Scatter(
        x=[label(row[axis]) for row in rows],
        y=shares,
        mode="lines+markers",
        connectgaps=False,
        line={"color": BLUE, "width": 2},
        marker={"size": 7},
        error_y=interval(rows, 100),
        customdata=[[row["k"], row["n"]] for row in rows],
        hovertemplate=f"%{{x}}: %{{y:.0f}} % (%{{customdata[0]}} {_OF[language]} %{{customdata[1]}})"
        "<extra></extra>",
    )
    figure = framed(
        [trace],
        language,
        x={"type": "category", "nticks": 12},
        y={"title": _SHARE[language], "range": [0, 103], "dtick": 20},
    )
    if target is not None:
        figure.add_hline(y=100 * target, line={"dash": "dash", "color": AMBER})
    return figure


def interval(rows: Sequence[Row], scale: float = 1) -> dict[str, Any]:
    """The 95 % intervals of values as error bars, in units of 1 / ``scale``."""
    above = [None if row["high"] is None else scale * (row["high"] - row["value"]) for row in rows]
    below = [None if row["low"] is None else scale * (row["value"] - row["low"]) for row in rows]
    return {
        "type": "data",
        "symmetric": False,
        "array": above,
        "arrayminus": below,
        "color": GREY,
        "thickness": 1.2,
        "width": 3,
    }


def counts(
    rows: Sequence[Row],
    axis: str,
    names: Mapping[Any, Said],
    language: Language,
    quiet: Collection[str] = (),
) -> go.Figure:
    """How many calls ended in each way: horizontal bars, in the order of ``names`` from the top.

    The first of ``names`` is blue, others amber, those in ``quiet`` grey.
    """
    order = {name: place for place, name in enumerate(names)}
    shown = sorted((row for row in rows if row["n"]), key=lambda row: order.get(row[axis], len(order)))
    trace = go.Bar(
        x=[row["n"] for row in shown],
        y=[names[row[axis]][language] if row[axis] in names else str(row[axis]) for row in shown],
        orientation="h",
        marker={
            "color": [
                GREY if row[axis] in quiet else AMBER if order.get(row[axis], 1) else BLUE for row in shown
            ]
        },
        text=[row["n"] for row in shown],
        textposition="auto",
        textangle=0,
        hovertemplate="%{y}: %{x}<extra></extra>",
    )
    return framed(
        [trace],
        language,
        x={"title": _CALLS[language], **_whole(max((row["n"] for row in shown), default=0))},
        y={"autorange": "reversed"},
        height=max(160, 60 + 44 * len(shown)),
    )


def missed_by_hour(rows: Sequence[Row], weekdays: Sequence[str], language: Language) -> go.Figure:
    """How many calls stayed unanswered per hour and weekday, the most darkest; no call in an hour is a gap.

    ``weekdays``: names from Monday.
    """
    shown = [row for row in rows if row["n"]]
    most = max((row["k"] for row in shown), default=0)
    return _week(
        shown,
        weekdays,
        language,
        shade=lambda row: row["k"] / most if most else 0.0,
        text=lambda row: str(row["k"]),
        told=lambda row: f"{row['k']} {_OF[language]} {row['n']} ({_percent(row['value']):.0f} %)",
    )


def share_by_hour(rows: Sequence[Row], weekdays: Sequence[str], language: Language) -> go.Figure:
    """A share by hour and weekday, the largest darkest; an hour without calls is a gap."""
    shown = [row for row in rows if row["value"] is not None]
    return _week(
        shown,
        weekdays,
        language,
        shade=lambda row: row["value"],
        text=lambda row: f"{_percent(row['value']):.0f}",
        told=lambda row: f"{row['k']} {_OF[language]} {row['n']} ({_percent(row['value']):.0f} %)",
    )


def calls_per_hour(rows: Sequence[Row], weekdays: Sequence[str], language: Language) -> go.Figure:
    """Calls per open hour, by hour and weekday, the busiest darkest; an hour without calls is a gap."""
    shown = [row for row in rows if row["value"] is not None]
    most = max((row["value"] for row in shown), default=0)

    def number(value: float) -> str:
        return f"{value:.1f}".replace(".", SEPARATORS[language][0])

    def told(row: Row) -> str:
        return f"{number(row['value'])} ({row['k']} {_CALLS[language]} / {number(row['open_h'])} h)"

    return _week(
        shown,
        weekdays,
        language,
        shade=lambda row: row["value"] / most if most else 0.0,
        text=lambda row: number(row["value"]),
        told=told,
    )


def _week(
    rows: Sequence[Row],
    weekdays: Sequence[str],
    language: Language,
    *,
    shade: Callable[[Row], float],
    text: Callable[[Row], str],
    told: Callable[[Row], str],
) -> go.Figure:
    """A map of the week: ``shade`` from 0 to 1, ``text`` in the field, ``told`` where it is pointed at.

    Cells are bars: Plotly's heatmap writes inline styles, which a strict content security policy forbids.
    """
    cells = {(row["weekday"], row["hour"]): row for row in rows}
    hours = range(min([OFFICE[0], *(h for _, h in cells)]), max([OFFICE[1], *(h for _, h in cells)]) + 1)
    days = [day for day in range(1, 8) if day <= 5 or any(d == day for d, _ in cells)]

    def bar(place: int, day: int) -> go.Bar:
        found = [(hour, cells[day, hour]) for hour in hours if (day, hour) in cells]
        shades = [shade(row) for _, row in found]
        return go.Bar(
            x=[str(hour) for hour, _ in found],
            y=[0.94] * len(found),
            base=[place - 0.47] * len(found),
            width=0.96,
            marker={"color": [_shade(value) for value in shades]},
            text=[text(row) for _, row in found],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            insidetextfont={"color": [_ink(value) for value in shades]},
            customdata=[[f"{hour}–{hour + 1}", told(row)] for hour, row in found],
            hovertemplate=weekdays[day - 1] + ", %{customdata[0]}: %{customdata[1]}<extra></extra>",
        )

    names = [weekdays[day - 1] for day in days]
    return framed(
        [bar(place, day) for place, day in enumerate(days)],
        language,
        x={
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [str(hour) for hour in hours],
            "range": [-0.5, len(hours) - 0.5],
            "showgrid": False,
            "title": _HOUR[language],
        },
        y={
            "tickvals": list(range(len(days))),
            "ticktext": names,
            "range": [len(days) - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
        },
        barmode="overlay",
        uniformtext={"minsize": 9, "mode": "hide"},
    )


def _colour(share: float) -> tuple[int, ...]:
    return tuple(round(low + share * (high - low)) for low, high in zip(PALE, DEEP, strict=True))


def _shade(share: float) -> str:
    """Colour of a share from 0 (pale) to 1 (deep)."""
    return f"rgb({','.join(map(str, _colour(share)))})"


def _ink(share: float) -> str:
    """White or black, whichever stands out more on `_shade`: 4.5:1 or more (WCAG 2.2, relative luminance)."""
    parts = [value / 255 for value in _colour(share)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05
    return "#ffffff" if 1.05 / light > light / 0.05 else "#000000"


def signals(rows: Sequence[Row], limit: int, language: Language, most: int = 12) -> go.Figure:
    """Answered calls by ring signals before the answer; the limit is drawn after signal ``limit``.

    Signals beyond ``most`` are one bar.
    """
    within, after, note = (
        Said(f"ne vēlāk kā pēc {limit}. signāla", f"no later than after signal {limit}"),
        Said("vēlāk", "later"),
        Said(f"{limit}. signāls", f"signal {limit}"),
    )
    found = {row["rings"]: row["n"] for row in rows if row["rings"] is not None}
    last = min(most, max([*found, limit + 1]))
    bars = {n: found.get(n, 0) for n in range(1, last + 1)}
    beyond = sum(n for rings, n in found.items() if rings > last)
    bars[last] += beyond
    labels = {n: f"{n}+" if beyond and n == last else str(n) for n in bars}

    def bar(part: Sequence[int], name: Said, colour: str) -> go.Bar:
        return go.Bar(
            x=[labels[n] for n in part],
            y=[bars[n] for n in part],
            name=name[language],
            marker={"color": colour},
            hovertemplate="%{x}: %{y}<extra></extra>",
        )

    traces = [
        bar([n for n in bars if n <= limit], within, BLUE),
        bar([n for n in bars if n > limit], after, AMBER),
    ]
    marked = {"x": limit - 0.5, "yref": "paper"}
    return framed(
        traces,
        language,
        x={
            "type": "category",
            "categoryorder": "array",
            "categoryarray": list(labels.values()),
            "title": Said("zvana signāli līdz atbildei", "ring signals before the answer")[language],
        },
        y={"title": _CALLS[language], **_whole(max(bars.values()))},
        legend=True,
        barmode="overlay",
        shapes=[
            {
                "type": "line", "x0": limit - 0.5, "x1": limit - 0.5, "xref": "x", "y0": 0, "y1": 1,
                "yref": "y domain", "line": {"dash": "dash", "color": GREY, "width": 2},
            }
        ],
        annotations=[
            {**marked, "y": 1, "yanchor": "top", "xanchor": "left", "xshift": 6, "showarrow": False,
             "text": note[language]}
        ],
    )


def k_of_n(
    rows: Sequence[Row], axis: str, names: Mapping[str, Said], yes: Said, no: Said, language: Language
) -> go.Figure:
    """Stacked bars per place of the axis: k and the rest of n, in the order of ``names`` from the top."""
    by_name = {row[axis]: row for row in rows if row["n"]}
    shown = [by_name[name] for name in names if name in by_name]
    labels = [names[row[axis]][language] for row in shown]

    def bar(values: Sequence[int], name: Said, colour: str) -> go.Bar:
        return go.Bar(
            x=list(values),
            y=labels,
            orientation="h",
            name=name[language],
            marker={"color": colour},
            text=[value or "" for value in values],
            textposition="auto",
            textangle=0,
            cliponaxis=False,
            hovertemplate=f"%{{y}}, {name[language]}: %{{x}}<extra></extra>",
        )

    traces = [bar([r["k"] for r in shown], yes, BLUE), bar([r["n"] - r["k"] for r in shown], no, GREY)]
    return framed(
        traces,
        language,
        x={"title": _CALLS[language], **_whole(max((row["n"] for row in shown), default=0))},
        y={"autorange": "reversed"},
        legend=True,
        barmode="stack",
        height=max(200, 130 + 44 * len(shown)),
    )
