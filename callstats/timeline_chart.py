"""A call drawn over time: one bar per phone that was offered the call, marks for answers and transfers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from callstats import phrases
from callstats.charts import AMBER, BLUE
from callstats.phrases import Language
from callstats.timeline import Step, Timeline

# Not all outcomes have a colour of their own: the words in them tell. Inks stand out in light and dark.
RANG: Final = AMBER
ANSWERED: Final = BLUE
LIGHT: Final = "#ffffff"
DARK: Final = "#1b2328"
ASKED: Final = "#c9ced1"
TALK: Final = "#9cc3de"
MARKS: Final = {"menu": "triangle-down", "queued": "diamond", "blind_transfer": "x", "attended_transfer": "x",
                "message": "square", "client_answered": "star"}  # fmt: skip
WORDS: Final[dict[str, dict[Language, str]]] = {
    "call": {"en": "call", "lv": "zvans"},
    "phone": {"en": "phone {who}", "lv": "tālrunis {who}"},
    "axis": {"en": "seconds since the call began", "lv": "sekundes kopš zvana sākuma"},
    "talk": {"en": "talk", "lv": "saruna"},
    "menu": {"en": "menu", "lv": "izvēlne"},
    "queued": {"en": "queue", "lv": "zvanu rinda"},
    "blind_transfer": {"en": "transferred", "lv": "pāradresēts"},
    "attended_transfer": {"en": "transferred", "lv": "pāradresēts"},
    "message": {"en": "voice message", "lv": "balss ziņa"},
    "client_answered": {"en": "the client answered", "lv": "atbildēja klients"},
    "rang": {"en": "rang", "lv": "zvanīja"},
    "offered": {
        "en": "was offered the call; when it rang is not told",
        "lv": "zvanu piedāvāja (zvanīšanas brīdis nav zināms)",
    },
}


def call_timeline(
    found: Timeline,
    language: Language = "en",
    *,
    zone: str = "Europe/Riga",
    employee: Callable[[str], str] = str,
) -> go.Figure:
    """A bar per phone: x in seconds since the call began, with its local time when pointed at.

    `employee` names an extension (a page may give a letter). A pale bar: when it rang, no source tells.
    """
    began: datetime = found.call["started_at"]
    figure = go.Figure()
    rows = [WORDS["call"][language]]
    for step in found.steps:
        if step.kind in ("rang", "offered", "not_rung") and step.at is not None:
            name = WORDS["phone"][language].format(who=employee(step.values["employee"]))
            if name not in rows:
                rows.append(name)
            figure.add_trace(_bar(step, name, began, ZoneInfo(zone), language))
    for step in found.steps:
        if step.kind in ("answered", "client_answered") and step.at is not None and step.until is not None:
            figure.add_trace(_talk((step.at, step.until), rows[0], began, language))
    for step in found.steps:
        if step.kind in MARKS and step.at is not None:
            figure.add_trace(_mark(step, rows[0], began, ZoneInfo(zone), language))
    figure.update_layout(
        template="none",
        barmode="overlay",
        showlegend=False,
        height=90 + 42 * len(rows),
        margin={"l": 90, "r": 96, "t": 16, "b": 48},  # right: the name of a mark at the end
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        uniformtext={"minsize": 9, "mode": "hide"},  # what a bar has no room for is told when pointed at
        separators=", " if language == "lv" else ".,",
    )
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=rows[::-1], automargin=True, ticklabelstandoff=8
    )
    figure.update_xaxes(title=WORDS["axis"][language], rangemode="tozero", automargin=True)
    return figure


def _seconds(at: datetime, began: datetime) -> float:
    return (at - began).total_seconds()


def _within(ink: str) -> dict[str, Any]:
    """Text in its bar: beside it, it would lie over the next one."""
    return {
        "textposition": "inside",
        "insidetextanchor": "start",
        "constraintext": "inside",
        "textangle": 0,
        "insidetextfont": {"color": ink},
    }


def _bar(step: Step, name: str, began: datetime, zone: ZoneInfo, language: Language) -> Any:
    assert step.at is not None
    outcome = phrases.ATTEMPTS[step.values["outcome"]][language]
    until = step.until or step.at
    what = "" if step.kind == "not_rung" else WORDS[step.kind][language] + ": "
    color = ASKED if step.kind != "rang" else ANSWERED if step.values["outcome"] == "answered" else RANG
    return go.Bar(
        orientation="h",
        y=[name],
        base=[_seconds(step.at, began)],
        x=[max((until - step.at).total_seconds(), 0.15)],  # what took no time is still to be seen
        marker={"color": color},
        width=0.6,
        text=[outcome],
        **_within(LIGHT if step.kind == "rang" else DARK),
        hovertext=f"{name}, {step.at.astimezone(zone):%H:%M:%S}: {what}{outcome}",
        hoverinfo="text",
    )


def _talk(talk: tuple[datetime, datetime], row: str, began: datetime, language: Language) -> Any:
    start, end = talk
    return go.Bar(
        orientation="h",
        y=[row],
        base=[_seconds(start, began)],
        x=[_seconds(end, start)],
        marker={"color": TALK},
        width=0.6,
        text=[WORDS["talk"][language]],
        **_within(DARK),
        hovertext=f"{WORDS['talk'][language]}: {phrases.seconds(_seconds(end, start), language)}",
        hoverinfo="text",
    )


def _mark(step: Step, row: str, began: datetime, zone: ZoneInfo, language: Language) -> Any:
    assert step.at is not None
    return go.Scatter(
        x=[_seconds(step.at, began)],
        y=[row],
        mode="markers+text",
        text=[WORDS[step.kind][language]],
        textposition="middle right",
        cliponaxis=False,
        marker={"symbol": MARKS[step.kind], "size": 12, "color": "#7d868c"},
        hovertext=f"{WORDS[step.kind][language]}, {step.at.astimezone(zone):%H:%M:%S}",
        hoverinfo="text",
    )
