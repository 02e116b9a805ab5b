"""The head's pictures: thirteen months of the third signal, what happened to calls, thirteen weeks of hours.

Whether the last whole month differs from the one before is said only where the 95 % interval of the
difference excludes zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from api.figures import RINGS, ROTATION, THIRD, UNANSWERED, Chart, Firmness, Row, names_of
from api.site import Site
from api.text import Words
from callstats import charts
from callstats.calendar import bucket_end, bucket_start
from callstats.metrics import stats
from callstats.metrics.base import Metric, Said
from callstats.report import standing_parts, standing_rows
from callstats.rules import ThirdSignalRule, rule_on
from callstats.small_cells import hide, shown, small_units
from callstats.snapshot import Snapshot
from callstats.standing import Asked, Parts, Standing
from callstats.verdicts import VERDICT_NAMES, counted

MONTHS: Final = 13
WEEKS: Final = timedelta(weeks=13)
QUIET: Final = frozenset({"not_scored"})
OF_ANSWERS: Final = ((RINGS, ("rings",)), (ROTATION, ("rotation_cause",)))
OFFERED: Final = Said("piedāvāts kolēģim", "offered to a colleague")
NOT_OFFERED: Final = Said("nav piedāvāts kolēģim", "not offered to a colleague")


@dataclass(frozen=True)
class Change:
    """The last whole month beside the one before: the difference of the shares and its 95 % interval."""

    before: Row
    now: Row
    by: float
    low: float
    high: float

    @property
    def real(self) -> bool:
        """Whether it may be called a change."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Head:
    """The headline, rings and rotation as a whole, charts by name, the change of the last whole month."""

    third: Row
    rings: Row
    rotation: Row
    charts: dict[str, Chart]
    change: Change | None
    hours: tuple[date, date]  # the days of the hours' picture
    rule: ThirdSignalRule
    firmness: Firmness


def head_view(site: Site, facts: Snapshot, department: str, start: date, end: date, words: Words) -> Head:
    """The head's page of a department for a window ``[start, end)``: months and weeks end with it."""
    first = (site.window() or (start, end))[0]
    months, since, language = _months(first, end), max(first, end - WEEKS), words.language
    spans = {
        "window": (start, end, ((THIRD, ("outcome",)), *OF_ANSWERS)),
        "course": (months[0], end, ((THIRD, ("month",)),)),
        "hours": (since, end, ((UNANSWERED, ("weekday", "hour")),)),
    }
    read = _read(site, facts, department, spans)
    window, by_month, by_hour = (read[name] for name in spans)
    third, rings, rotation = (window.whole(one) for one in (THIRD, RINGS, ROTATION))
    verdicts = [row for row in counted(window.rows(THIRD, "outcome"), third) if row["n"]]
    signals, causes = window.rows(RINGS, "rings"), window.rows(ROTATION, "rotation_cause")
    course = by_month.rows(THIRD, "month", grid=[(month,) for month in months])
    hours = by_hour.rows(UNANSWERED, "weekday", "hour")
    rule = rule_on(site.settings, department, end - timedelta(days=1))
    drawn = (
        Chart("months", THIRD, charts.share_over_time(course, "month", _label, language), course),
        Chart(
            "verdicts",
            THIRD,
            charts.counts(verdicts, "verdict", VERDICT_NAMES, language, quiet=QUIET),
            verdicts,
        ),
        Chart("week", UNANSWERED, charts.missed_by_hour(shown(hours), words.weekdays(), language), hours),
        Chart("rings", RINGS, charts.signals(shown(signals), rule.signals, language), signals),
        Chart(
            "rotation",
            ROTATION,
            charts.k_of_n(
                shown(causes), "rotation_cause", names_of(ROTATION), OFFERED, NOT_OFFERED, language
            ),
            causes,
        ),
    )
    return Head(
        third, rings, rotation, {one.name: one for one in drawn}, _change(course, end), (since, end), rule,
        Firmness.of(site, window.standing),
    )  # fmt: skip


@dataclass(frozen=True)
class _Asked:
    """Metrics of a department in one window: its standing, and the parts that figures are added up from."""

    standing: Standing
    parts: Parts
    department: str
    small: frozenset[str]

    @classmethod
    def of(
        cls,
        site: Site,
        facts: Snapshot,
        department: str,
        start: date,
        end: date,
        asked: Asked,
    ) -> _Asked:
        standing = Standing.of(facts, site.settings, start, end, [department])
        parts = standing_parts(facts, site.settings, standing, asked)
        return cls(standing, parts, department, small_units(site.departments, end))

    def rows(self, metric: Metric, *by: str, grid: Sequence[tuple[Any, ...]] = ()) -> list[Row]:
        """Of the first measure, by axes; a place that is not known has no row."""
        found = [
            row
            for row in standing_rows(self.standing, self.parts, metric, by, grid)
            if row["measure"] == metric.measures[0].name and None not in [row[name] for name in by]
        ]
        return hide(found, by, self.small, self.department)

    def whole(self, metric: Metric) -> Row:
        """The whole window's value."""
        return self.rows(metric, grid=[()])[0]


def _read(
    site: Site, facts: Snapshot, department: str, spans: Mapping[str, tuple[date, date, Asked]]
) -> dict[str, _Asked]:
    """By name: what is asked of its days; what is asked of the same days is read once, as on a young site.

    Parts add up over any of their axes, so a metric's axes are asked together; all of THIRD's are such that
    closed months have them stored.
    """
    wanted: dict[tuple[date, date], dict[str, tuple[Metric, tuple[str, ...]]]] = {}
    for start, end, asked in spans.values():
        found = wanted.setdefault((start, end), {})
        for one, by in asked:
            before = found.get(one.slug, (one, ()))[1]
            found[one.slug] = (one, tuple(dict.fromkeys((*before, *by))))
    read = {
        days: _Asked.of(site, facts, department, *days, list(found.values()))
        for days, found in wanted.items()
    }
    return {name: read[start, end] for name, (start, end, _) in spans.items()}


def _months(first: date, end: date) -> list[date]:
    """First days of up to `MONTHS` months that end with the window's last, from the first with data on."""
    month = (end - timedelta(days=1)).replace(day=1)
    found = [month]
    while len(found) < MONTHS and month > first:
        month = (month - timedelta(days=1)).replace(day=1)
        found.append(month)
    return found[::-1]


def changes(site: Site, facts: Snapshot, end: date) -> dict[str, Change]:
    """By department, where both have calls: the last whole month before ``end`` beside the one before."""
    last = bucket_start(end, "month") - timedelta(days=1)
    start = bucket_start(bucket_start(last, "month") - timedelta(days=1), "month")
    by = ("department", "month")
    standing = Standing.of(facts, site.settings, start, last + timedelta(days=1))
    parts = standing_parts(facts, site.settings, standing, [(THIRD, by)])
    found: dict[str, list[Row]] = {}
    for row in standing_rows(standing, parts, THIRD, by):
        if row["department"] is not None:
            found.setdefault(row["department"], []).append(row)
    told = ((name, _change(rows, end)) for name, rows in found.items())
    return {name: change for name, change in told if change is not None}


def _label(month: date) -> str:
    return f"{month:%m.%Y}"


def _change(rows: Sequence[Row], end: date) -> Change | None:
    """Of the last two whole months in a row that have calls."""
    whole = [row for row in rows if bucket_end(row["month"], "month") <= end]
    if len(whole) < 2 or not whole[-1]["n"] or not whole[-2]["n"]:
        return None
    before, now = whole[-2:]
    low, high = stats.difference(now["k"], now["n"], before["k"], before["n"])
    return Change(before, now, now["k"] / now["n"] - before["k"] / before["n"], low, high)
