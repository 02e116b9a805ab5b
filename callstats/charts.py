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
    _figure([go.Bar(x=[1], y=["x"]), go.Scatter(x=[1], y=[1]), go.Heatmap(z=[[1]])], "lv").to_json()


def _figure(traces: Sequence[Any], language: Language, *, legend: bool = False, **layout: Any) -> go.Figure:
    figure = go.Figure(list(traces))
    figure.update_layout(
        template="none",
        separators=SEPARATORS[language],
        margin={"l": 56, "r": 16, "t": 64 if legend else 16, "b": 48},
        height=320,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13},
        showlegend=legend,
        legend={
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "xanchor": "left",
            "traceorder": "normal",
        },
        hoverlabel={"font": {"family": "system-ui, sans-serif"}},
        bargap=0.25,
        **layout,
    )
    figure.update_xaxes(automargin=True, fixedrange=True)
    figure.update_yaxes(automargin=True, fixedrange=True)
    return figure


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
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [_above(row) for row in rows],
            "arrayminus": [_below(row) for row in rows],
            "color": GREY,
            "thickness": 1.2,
            "width": 3,
        },
        customdata=[[row["k"], row["n"]] for row in rows],
        hovertemplate=f"%{{x}}: %{{y:.0f}} % (%{{customdata[0]}} {_OF[language]} %{{customdata[1]}})"
        "<extra></extra>",
    )
    figure = _figure([trace], language)
    figure.update_yaxes(title=_SHARE[language], range=[0, 103], dtick=20)
    figure.update_xaxes(type="category", nticks=12)
    if target is not None:
        figure.add_hline(y=100 * target, line={"dash": "dash", "color": AMBER})
    return figure


def _above(row: Row) -> float | None:
    return None if row["high"] is None else 100 * (row["high"] - row["value"])


def _below(row: Row) -> float | None:
    return None if row["low"] is None else 100 * (row["value"] - row["low"])


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
    figure = _figure([trace], language)
    figure.update_layout(height=max(160, 60 + 44 * len(shown)))
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title=_CALLS[language], **_whole(max((row["n"] for row in shown), default=0)))
    return figure


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

    figure = _figure(
        [bar(place, day) for place, day in enumerate(days)],
        language,
        barmode="overlay",
        uniformtext={"minsize": 9, "mode": "hide"},
    )
    names = [weekdays[day - 1] for day in days]
    figure.update_yaxes(
        tickvals=list(range(len(days))),
        ticktext=names,
        range=[len(days) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
    )
    figure.update_xaxes(
        type="category",
        categoryorder="array",
        categoryarray=[str(hour) for hour in hours],
        range=[-0.5, len(hours) - 0.5],
        showgrid=False,
        title=_HOUR[language],
    )
    return figure


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
    figure = _figure(traces, language, legend=True, barmode="overlay")
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=list(labels.values()))
    figure.update_xaxes(title=Said("zvana signāli līdz atbildei", "ring signals before the answer")[language])
    figure.update_yaxes(title=_CALLS[language], **_whole(max(bars.values())))
    figure.add_vline(x=limit - 0.5, line={"dash": "dash", "color": GREY, "width": 2})
    figure.add_annotation(
        x=limit - 0.5,
        y=1,
        yref="paper",
        yanchor="top",
        xanchor="left",
        xshift=6,
        showarrow=False,
        text=note[language],
    )
    return figure


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
    figure = _figure(traces, language, legend=True, barmode="stack")
    figure.update_layout(height=max(200, 130 + 44 * len(shown)))
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title=_CALLS[language], **_whole(max((row["n"] for row in shown), default=0)))
    return figure
