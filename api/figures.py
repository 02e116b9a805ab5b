"""What the page of all figures shows: one query per metric, everything else added up from its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal

import plotly.graph_objects as go

from api.site import Site
from api.text import Words
from callstats import charts
from callstats.calendar import Calendar, bucket_start, days
from callstats.cases.months import Edition
from callstats.metrics import (
    abandoned_share,
    answered_share,
    busy_hours,
    callback_latency,
    missed_called_back,
    no_phone_available_share,
    ring_time,
    rotation_coverage,
    third_signal_share,
    unanswered_share,
    wait_time,
)
from callstats.metrics.base import OUTCOME_NAMES, Metric, Said
from callstats.metrics.registry import METRICS
from callstats.months import closes_on
from callstats.report import standing_parts, standing_rows
from callstats.rules import ThirdSignalRule, rule_on
from callstats.small_cells import hide, shown, small_units
from callstats.snapshot import Snapshot
from callstats.standing import Parts, Standing, stored_axes

Step = Literal["day", "week", "month"]
STEPS: Final[tuple[Step, ...]] = ("day", "week", "month")
MOST_BUCKETS: Final = 1000
Row = dict[str, Any]

THIRD, RINGS, ROTATION = third_signal_share.METRIC, ring_time.METRIC, rotation_coverage.METRIC
ANSWERED, UNANSWERED, ABANDONED = answered_share.METRIC, unanswered_share.METRIC, abandoned_share.METRIC
MISSED, CALLBACK = missed_called_back.METRIC, callback_latency.METRIC
NO_PHONE, WAIT, BUSY = no_phone_available_share.METRIC, wait_time.METRIC, busy_hours.METRIC

# What has a drawing or a section of its own, with the axes that it takes; every other metric of the registry
# is told in a table, by its own axis.
DRAWN: Final[dict[str, tuple[str, ...]]] = {
    THIRD.slug: ("day", "week", "month"),
    ANSWERED.slug: ("outcome",),
    UNANSWERED.slug: (),
    ABANDONED.slug: (),
    BUSY.slug: ("weekday", "hour"),
    RINGS.slug: (),
    ROTATION.slug: (),
    MISSED.slug: ("follow_up",),
    CALLBACK.slug: ("contact",),
}
# what may get better first, then what only describes
OTHERS: Final = tuple(
    sorted((m for m in METRICS.values() if m.slug not in DRAWN), key=lambda m: (m.better is None, m.slug))
)
# Metric and place of its measure, in the order they are read in.
TILES: Final[tuple[tuple[Metric, int], ...]] = (
    (ANSWERED, 0),
    (UNANSWERED, 0),
    (ABANDONED, 0),
    (NO_PHONE, 0),
    (RINGS, 0),
    (WAIT, 0),
    (BUSY, 0),
    (ROTATION, 0),
    (ROTATION, 1),
    (MISSED, 0),
    (MISSED, 1),
)
LISTED: Final = ((THIRD, ("department",)), (ANSWERED, ("department",)), (UNANSWERED, ("department",)))


@dataclass(frozen=True)
class Chart:
    """One chart with what stands beside it: its rows are the table that says the same."""

    name: str
    metric: Metric
    figure: go.Figure
    rows: list[Row]


@dataclass(frozen=True)
class Firmness:
    """How firm a page's figures are: months of the window that are not closed, with the day on which each is
    to close, and those that were computed anew.
    """

    open: list[tuple[date, date]]
    restated: list[Edition]

    @classmethod
    def of(cls, site: Site, standing: Standing) -> Firmness:
        """Of the months of a window that have data."""
        calendar = Calendar.from_settings(site.settings)
        touched, editions = standing.touched(), standing.closed.editions
        return cls(
            [(month, closes_on(calendar, month)) for month in touched if month not in editions],
            [editions[month][-1] for month in touched if len(editions.get(month, ())) > 1],
        )


@dataclass(frozen=True)
class View:
    """Everything on a department's page."""

    totals: dict[str, list[Row]]
    splits: dict[str, list[Row]]
    charts: dict[str, Chart]
    rule: ThirdSignalRule
    step: Step
    firmness: Firmness

    def total(self, metric: Metric, place: int = 0) -> Row:
        """The whole window's value of a metric's measure."""
        return self.totals[metric.slug][place]


def default_step(start: date, end: date) -> Step:
    """Days up to a month and a half, weeks up to a year, months beyond."""
    length = (end - start).days
    return "day" if length <= 45 else "week" if length <= 370 else "month"


def drawable_step(start: date, end: date, step: Step) -> Step:
    """The step, or the next coarser one that draws the days ``[start, end)`` in `MOST_BUCKETS` or fewer."""
    length = (end - start).days
    if step == "day" and length > MOST_BUCKETS:
        step = "week"
    # a window that begins within a week touches one more
    return "month" if step == "week" and length // 7 + 2 > MOST_BUCKETS else step


def department_view(
    site: Site, facts: Snapshot, department: str, start: date, end: date, step: Step, words: Words
) -> View:
    """The figures of a department on the days ``[start, end)``; a step too fine to draw is made coarser."""
    step = drawable_step(start, end, step)
    axes = [
        (one, DRAWN.get(one.slug, (one.split.name,) if one.split else ()))
        for one in METRICS.values()
        if not one.hotline_only or department == site.settings.hotline.department
    ]
    standing = Standing.of(facts, site.settings, start, end, [department])
    asked = [(one, tuple(name for name in by if name in stored_axes(one))) for one, by in axes]
    parts = standing_parts(facts, site.settings, standing, asked)
    # a closed month is stored as a whole: what is finer is computed from its visits, apart from it
    below = [(one, tuple(name for name in by if name not in stored_axes(one))) for one, by in axes]
    finer = standing_parts(facts, site.settings, standing, [(one, by) for one, by in below if by])
    rule = rule_on(site.settings, department, end - timedelta(days=1))
    totals = {metric.slug: standing_rows(standing, parts, metric, (), [()]) for metric, _ in asked}
    language, small = words.language, small_units(site.departments, end)

    def rows(metric: Metric, *by: str, grid: Sequence[tuple[Any, ...]] = (), of: Parts = parts) -> list[Row]:
        first = metric.measures[0].name
        found = [row for row in standing_rows(standing, of, metric, by, grid) if row["measure"] == first]
        return hide(found, by, small, department)

    buckets = sorted({(bucket_start(day, step),) for day in days(start, end)})
    over_time = rows(THIRD, step, grid=buckets, of=parts if step == "month" else finer)
    outcomes = [row for row in rows(ANSWERED, "outcome") if row["outcome"] is not None]
    busy = rows(BUSY, "weekday", "hour", of=finer)
    followed = [row for row in rows(MISSED, "follow_up") if row["n"]]
    label = words.month if step == "month" else words.short_day
    drawn = (
        Chart("over_time", THIRD, charts.share_over_time(over_time, step, label, language), over_time),
        Chart("outcomes", ANSWERED, charts.counts(outcomes, "outcome", OUTCOME_NAMES, language), outcomes),
        Chart("busy", BUSY, charts.calls_per_hour(shown(busy), words.weekdays(), language), busy),
        Chart(
            "follow_up", MISSED, charts.counts(followed, "follow_up", names_of(MISSED), language), followed
        ),
    )
    splits = {
        metric.slug: [
            row for row in rows(metric, *by) if (row["n"] or row["suppressed"]) and row[by[0]] is not None
        ]
        for metric, by in asked
        if by and metric.split and by[0] == metric.split.name
    }
    firmness = Firmness.of(site, standing)
    return View(totals, splits, {chart.name: chart for chart in drawn}, rule, step, firmness)


def names_of(metric: Metric) -> dict[str, Said]:
    """Names of the places on a metric's own axis."""
    return dict(metric.split.values) if metric.split else {}


def departments_view(
    site: Site, facts: Snapshot, start: date, end: date
) -> tuple[dict[str, dict[str, Row]], Firmness]:
    """Values by department and slug of the few figures in the list of departments, and how firm they are."""
    ids = site.departments.ids
    found: dict[str, dict[str, Row]] = {name: {} for name in ids}
    standing = Standing.of(facts, site.settings, start, end)
    parts = standing_parts(facts, site.settings, standing, LISTED)
    for metric, by in LISTED:
        for row in standing_rows(standing, parts, metric, by, [(name,) for name in ids]):
            if row["department"] in found and row["measure"] == metric.measures[0].name:
                found[row["department"]][metric.slug] = row
    return found, Firmness.of(site, standing)
