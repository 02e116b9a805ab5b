"""What a closed month is made of: the figures of every metric and the parts that they add up from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import pyarrow as pa

from callstats.calendar import bucket_end
from callstats.cases.months import Edition
from callstats.closed import Closed, code_version
from callstats.fields import CERTAINTY
from callstats.in_force import fingerprint, in_force
from callstats.metrics.base import Metric
from callstats.metrics.registry import METRICS
from callstats.parts import as_parts, as_stored
from callstats.report import own_cells, parts_of, roll_up
from callstats.settings import Settings
from callstats.snapshot import Before, Snapshot
from callstats.store import Store

Rows = list[dict[str, Any]]
_VALUES: Final = (
    "unit",
    "value",
    "low",
    "high",
    "k",
    "n",
    "mean",
    "p90",
    "max",
    "open_h",
    "excluded",
    *CERTAINTY,
    "rule_version",
)
_FIGURE: Final = ("metric", "measure", *_VALUES)


def made(
    store: Store,
    settings: Settings,
    month: date,
    number: int,
    seen_before: date,
    without: Sequence[date],
    author: str,
    reason: str | None,
) -> tuple[Edition, Rows, Rows]:
    """An edition with its figures and parts, computed from the facts of this moment."""
    end = bucket_end(month, "month")
    rules = in_force(settings, month, end)
    with store.reading() as facts:
        figures, parts = _figures(facts, settings, month, end, seen_before)
    edition = Edition(
        month=month,
        edition=number,
        closed_at=store.clock(),
        closed_by=author,
        reason=reason,
        seen_before=seen_before,
        without=tuple(without),
        rules=rules,
        rules_fingerprint=fingerprint(rules),
        code_version=code_version(),
        data_version=facts.data_version(),
        counter=facts.counter,
        entered=facts.entered,
    )
    return edition, figures, parts


def _figures(
    facts: Snapshot, settings: Settings, month: date, end: date, seen_before: date
) -> tuple[Rows, Rows]:
    """Figures of every metric: all departments together and each, whole and along the metric's own axis."""
    asked = [(one, ("department", *_own_axis(one))) for one in METRICS.values()]
    found = parts_of(Before(facts, seen_before), settings, asked, month, end)
    figures = _rolled(found, settings, month, end)
    parts = [{"metric": one.slug, **row} for one, by in asked for row in as_stored(one, by, found[one.slug])]
    return figures, parts


def _rolled(found: Mapping[str, pa.Table], settings: Settings, month: date, end: date) -> Rows:
    """The figures that parts by slug add up to."""
    units = list(
        dict.fromkeys(
            entry.id
            for entry in settings.departments
            if (entry.valid_from or date.min) < end and (entry.valid_to or date.max) > month
        )
    )
    return [
        {**{name: row[name] for name in _FIGURE}, "axes": ",".join(by), "department": row.get("department"),
         "place": _place(row, _own_axis(one), by)}
        for one in METRICS.values()
        if one.slug in found
        for by in _all_axes(one)
        for row in roll_up(one, by, found[one.slug], own_cells(one, by, _cells(by, units), settings))
    ]  # fmt: skip


def from_parts(settings: Settings, closed: Closed, month: date) -> Rows:
    """The figures that the stored parts of a month's newest edition add up to."""
    found = {
        slug: as_parts(one, ("department", *_own_axis(one)), closed.parts(slug, [month], "newest"))
        for slug, one in METRICS.items()
        if closed.has(month, slug)
    }
    return _rolled(found, settings, month, bucket_end(month, "month"))


def as_closed(store: Store, settings: Settings, closed: Closed, month: date) -> Rows:
    """The figures of a closed month computed anew, with nothing seen that its closing did not see."""
    seen_before = closed.edition(month).seen_before
    with store.reading() as facts:
        return _figures(facts, settings, month, bucket_end(month, "month"), seen_before)[0]


def stored_figures(closed: Closed, month: date, like: Sequence[dict[str, Any]]) -> Rows:
    """The figures of a month's newest edition, of the metrics and axes that ``like`` has."""
    asked = dict.fromkeys((row["metric"], row["axes"]) for row in like)
    return [
        {name: row[name] for name in (*_FIGURE, "axes", "department", "place")}
        for slug, axes in asked
        for row in closed.figures(slug, axes, [month], "newest")
    ]


def _own_axis(one: Metric) -> tuple[str, ...]:
    return (one.split.name,) if one.split else ()


def _all_axes(one: Metric) -> list[tuple[str, ...]]:
    own = _own_axis(one)
    return list(dict.fromkeys([(), ("department",), own, ("department", *own)]))


def _cells(by: tuple[str, ...], units: Sequence[str]) -> list[tuple[Any, ...]]:
    """Cells that are stored even without data."""
    if by == ("department",):
        return [(unit,) for unit in units]
    return [] if by else [()]


def _place(row: dict[str, Any], own: Sequence[str], by: Sequence[str]) -> str | None:
    return next((str(row[name]) for name in own if name in by and row[name] is not None), None)


def differs(closed: Closed, edition: Edition, figures: Sequence[dict[str, Any]]) -> bool:
    """Whether figures are other than those of the month's newest edition."""
    before = stored_figures(closed, edition.month, figures)
    return sorted(map(repr, map(_ordered, before))) != sorted(map(repr, map(_ordered, figures)))


def would_differ(store: Store, settings: Settings, closed: Closed, month: date) -> bool:
    """Whether a closed month computed today would have other figures than its newest edition."""
    if not closed.changed(month):
        return False
    return differs(closed, closed.edition(month), as_closed(store, settings, closed, month))


def _ordered(row: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(row.items())
