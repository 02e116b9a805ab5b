"""Figures: the values of metrics per cell, from their parts; never a mean of means, no data is null.

One table serves the command, the API, the page and the notebooks. A cell's n are the things judged; what is
left out is counted by reason, what cannot be judged is counted as ``unknown`` and belongs to neither k nor n.
Months that are closed are told as they were stored (`callstats.standing`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from heapq import merge
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from callstats import engine
from callstats.calendar import bucket_start, days
from callstats.closed import Before, Filed
from callstats.errors import UsageError
from callstats.fields import CERTAINTY, DAY, INT, SECONDS, TEXT, Field
from callstats.metrics import stats
from callstats.metrics.base import AXES, Kind, Metric, cell_query
from callstats.metrics.inputs import Facts, data_window, inputs, parameters
from callstats.metrics.registry import METRICS, metric
from callstats.settings import Settings
from callstats.standing import STANDING_FIELDS, Asked, Parts, Standing

MAX_ROWS: Final = 100_000
COUNTS: Final = pa.map_(pa.string(), pa.int64())

_AXIS_FIELDS: Final = {
    "department": Field("department", TEXT, "department id; null: the phone or queue belongs to none"),
    "hour": Field(
        "hour", INT, "hour of the local clock, 0-23; the doubled hour of the DST night is one", "h"
    ),
    "weekday": Field("weekday", INT, "1 Monday to 7 Sunday"),
    "day": Field("day", DAY, "local date"),
    "week": Field("week", DAY, "Monday of the week"),
    "month": Field("month", DAY, "first day of the month"),
}
_KEYS: Final = (
    Field("metric", TEXT, "slug of the metric"),
    Field("measure", TEXT, "which of the metric's measures"),
)
_VALUES: Final = (
    Field("from", DAY, "first local date of the figure"),
    Field("to", DAY, "first local date after it: the window is half-open"),
    Field("value", SECONDS, "a share from 0 to 1, or a median in seconds; null: no data", "unit"),
    Field("unit", TEXT, "unit of value, low, high, p90 and max", values=("share", "s")),
    Field("low", SECONDS, "lower end of the 95 % interval (share: Wilson; median: by ranks)", "unit"),
    Field("high", SECONDS, "upper end of the 95 % interval", "unit"),
    Field("k", INT, "how many of n: of a share those that pass, of times those that have one"),
    Field("n", INT, "how many were judged"),
    Field("p90", SECONDS, "90th percentile of the times; null for a share", "unit"),
    Field("max", SECONDS, "largest of the times; null for a share", "unit"),
    Field("excluded", COUNTS, "how many were left out of n, by reason"),
    *(Field(name, INT, f"judgements that are {name}") for name in CERTAINTY[:-1]),
    Field("unknown", INT, "how many cannot be judged: they are in neither k nor n"),
    Field("rule_version", TEXT, "rules the visits were judged by; several joined by a comma"),
    Field("data_version", TEXT, "version of the facts; of a closed month the one it was closed with"),
    *STANDING_FIELDS,
)


@dataclass
class _Parts:
    """Sums of one cell: state while the rows of a query are added."""

    k: int = 0
    n: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    certainty: Counter[str] = field(default_factory=Counter)
    rules: set[str] = field(default_factory=set)
    times_us: list[list[int]] = field(default_factory=list)

    def add(self, row: Mapping[str, Any], kind: Kind) -> None:
        if row["rule_version"]:
            self.rules.add(row["rule_version"])
        if row["reason"] is not None:
            self.excluded[row["reason"]] += row["n"]
            return
        self.certainty[row["certainty"]] += row["n"]
        if row["certainty"] == "unknown":
            return
        self.n += row["n"]
        if kind == "share":
            self.k += int(row["k"] or 0)
        elif row["measured"]:
            self.k += row["n"]
            self.times_us.append(row["times_us"])


def _value(parts: _Parts, kind: Kind) -> dict[str, Any]:
    """Value, interval, 90th percentile and maximum of a cell; None where there is nothing to tell it from."""
    if kind == "share":
        low, high = stats.wilson(parts.k, parts.n) or (None, None)
        return {"value": stats.share(parts.k, parts.n), "low": low, "high": high, "p90": None, "max": None}
    times = list(merge(*parts.times_us))
    interval = stats.median_interval(times) or (None, None)
    found = (stats.quantile(times, 0.5), *interval, stats.quantile(times, 0.9), stats.quantile(times, 1))
    names = ("value", "low", "high", "p90", "max")
    return {name: us / 1e6 if us is not None else None for name, us in zip(names, found, strict=True)}


def axis_field(name: str) -> Field:
    """The column of an axis: one of `AXES`, or a metric's own. Raises KeyError for an unknown name."""
    if name in _AXIS_FIELDS:
        return _AXIS_FIELDS[name]
    for one in METRICS.values():
        if one.split is not None and one.split.name == name:
            values = tuple(one.split.values)
            return Field(name, TEXT if values else INT, one.split.title["en"].lower(), values=values)
    raise KeyError(name)


def figure_fields(by: Sequence[str]) -> tuple[Field, ...]:
    """Columns of `metrics_table` for these axes, in order, with units and meanings."""
    return (*_KEYS, *(axis_field(name) for name in by), *_VALUES)


def figure_schema(by: Sequence[str]) -> pa.Schema:
    """Arrow schema of `metrics_table`; units and meanings are the fields' metadata."""
    return pa.schema(
        [
            pa.field(f.name, f.dtype, metadata={"unit": f.unit, "meaning": f.meaning})
            for f in figure_fields(by)
        ]
    )


def metrics_table(
    store: Filed,
    settings: Settings,
    slugs: Sequence[str] | None = None,
    by: Sequence[str] = ("department",),
    start: date | None = None,
    end: date | None = None,
    departments: Sequence[str] | None = None,
) -> pa.Table:
    """The values of metrics (default all) on the local days ``[start, end)`` (default all there are).

    ``by``: axes to split by, of `AXES` or a metric's own (`Metric.axes`); without ``department`` all
    departments (or those named) are counted together. Departments, days, weeks, months and weekdays without
    any data have their row with n = 0 and a null value; hours and a metric's own axis have only the rows that
    occur. Columns: `figure_fields`.
    Raises UsageError for an unknown slug, axis or department, an empty window or too many cells, and
    ClosedMonthError where the settings would judge a closed month otherwise than it was closed.
    """
    chosen = [metric(slug) for slug in (slugs if slugs else METRICS)]
    _check(settings, chosen, by, departments)
    start, end = _window(store, start, end)
    schema = figure_schema(by)
    if start == end:
        return schema.empty_table()
    grid = _grid(settings, by, start, end, departments)
    rows_wanted = len(grid) * sum(len(one.measures) for one in chosen)
    if rows_wanted > MAX_ROWS:
        raise UsageError(
            f"{rows_wanted} rows are too many (at most {MAX_ROWS}); "
            "choose a shorter period, fewer metrics or axes"
        )
    standing = Standing.of(store, settings, start, end, departments)
    parts = standing_parts(store, settings, standing, [(one, by) for one in chosen])
    rows = [
        {**row, "from": start, "to": end}
        for one in chosen
        for row in standing_rows(standing, parts, one, by, own_cells(one, by, grid, settings))
    ]
    return pa.Table.from_pylist(rows, schema)


def standing_parts(store: Facts, settings: Settings, standing: Standing, asked: Asked) -> Parts:
    """Parts of all that is asked in the window of ``standing``: those of closed months are stored ones."""

    def compute(some: Asked, start: date, end: date, before: date | None) -> dict[str, pa.Table]:
        facts = Before(store, before) if before else store
        return parts_of(facts, settings, some, start, end, standing.departments)

    return standing.parts(asked, compute)


def standing_rows(
    standing: Standing,
    parts: Parts,
    one: Metric,
    by: Sequence[str],
    grid: Sequence[tuple[Any, ...]] = (),
) -> list[dict[str, Any]]:
    """Rows of `figure_fields` (window apart) from the parts of `standing_parts`, in cell order."""
    newest, first, now = (
        roll_up(one, by, found[one.slug], grid) if found is not None else None
        for found in (parts.newest, parts.first, parts.now)
    )
    return standing.told(one, by, newest or [], first, now)


def parts_of(
    store: Facts,
    settings: Settings,
    asked: Sequence[tuple[Metric, Sequence[str]]],
    start: date,
    end: date,
    departments: Sequence[str] | None = None,
) -> dict[str, pa.Table]:
    """Parts (`cell_query`) per slug of metrics by axes on the days ``[start, end)``, one query each.

    Parts add up: `roll_up` takes any of their axes.
    """
    given = parameters(store, settings, start, end, departments or ())
    sources = inputs(store, settings, start, end, {name for one, _ in asked for name in one.inputs}, given)
    return {
        one.slug: engine.run(
            cell_query(one, tuple(by), len(departments or ())),
            {name: sources[name] for name in (*one.inputs, "days")},
            given,
        )
        for one, by in asked
    }


def roll_up(
    one: Metric, by: Sequence[str], parts: pa.Table, grid: Iterable[tuple[Any, ...]] = ()
) -> list[dict[str, Any]]:
    """Rows of `figure_fields` (window and data version apart) from the parts of `cell_query`, in cell order.

    ``by`` may be any of the axes the parts have, as parts add up. Cells of ``grid`` that have no parts get a
    row with n = 0 and no value.
    """
    whole_numbers = [bool(one.split and one.split.name == name and not one.split.values) for name in by]
    cells: dict[str, dict[tuple[Any, ...], _Parts]] = {
        m.name: {cell: _Parts() for cell in grid} for m in one.measures
    }
    for row in parts.to_pylist():
        cell = tuple(
            int(row[name]) if whole and row[name] is not None else row[name]
            for name, whole in zip(by, whole_numbers, strict=True)
        )
        cells[row["measure"]].setdefault(cell, _Parts()).add(row, one.measure(row["measure"]).kind)
    return [
        {
            "metric": one.slug,
            "measure": measure.name,
            **dict(zip(by, cell, strict=True)),
            "unit": measure.unit,
            "k": found.k,
            "n": found.n,
            "excluded": sorted(found.excluded.items(), key=lambda item: list(one.exclusions).index(item[0])),
            **{name: found.certainty[name] for name in CERTAINTY},
            "rule_version": ", ".join(sorted(found.rules)) or None,
            **_value(found, measure.kind),
        }
        for measure in one.measures
        for cell, found in sorted(
            cells[measure.name].items(), key=lambda item: [(v is None, v) for v in item[0]]
        )
    ]


def frame(table: pa.Table) -> pd.DataFrame:
    """A figure table as pandas frame: dates as dates, null integers kept, ``excluded`` as dict."""
    found = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get, maps_as_pydicts="strict")
    return found if isinstance(found, pd.DataFrame) else pd.DataFrame(found)


def told(row: Mapping[str, Any], language: str = "en") -> str:
    """A share in words: "14 of 17" below 20, else "82 %"; "no data" for none."""
    no_data, of, point = ("no data", "of", ".") if language == "en" else ("nav datu", "no", ",")
    if row["value"] is None:
        return no_data
    if row["unit"] == "s":
        return f"{row['value']:.1f} s".replace(".", point)
    if row["n"] < stats.FEW:
        return f"{row['k']} {of} {row['n']}"
    return f"{row['value'] * 100:.0f} %"


def _window(store: Facts, start: date | None, end: date | None) -> tuple[date, date]:
    if start is not None and end is not None and end <= start:
        raise UsageError(
            f"the window {start} to {end} is empty: 'to' is the first day after it and must be later"
        )
    if start is None or end is None:
        there = data_window(store)
        if there is None:
            return (start or end or date.min,) * 2
        start, end = start or min(there[0], end or there[0]), end or max(there[1], start or there[1])
    return (start, end) if start < end else (start, start)


def _check(
    settings: Settings, chosen: Sequence[Metric], by: Sequence[str], departments: Sequence[str] | None
) -> None:
    for one in chosen:
        unknown = [name for name in by if name not in one.axes]
        if unknown:
            raise UsageError(f"{one.slug} cannot be split by {unknown[0]!r}; allowed: {', '.join(one.axes)}")
    if len(set(by)) < len(by):
        raise UsageError(f"an axis is named twice in {','.join(by)!r}")
    known = dict.fromkeys(entry.id for entry in settings.departments)
    for name in departments or ():
        if name not in known:
            raise UsageError(f"no department {name!r}; known: {', '.join(known) or 'none'}")


def _grid(
    settings: Settings, by: Sequence[str], start: date, end: date, departments: Sequence[str] | None
) -> list[tuple[Any, ...]]:
    """Cells that are told even without data: none as soon as an axis has only the places that occur."""
    if any(name not in AXES or name == "hour" for name in by):
        return []
    units = list(departments or dict.fromkeys(entry.id for entry in settings.departments))
    cells = {
        tuple(_place(name, unit, day) for name in by)
        for unit in (units if "department" in by else [None])
        for day in (days(start, end) if set(by) - {"department"} else [start])
    }
    return sorted(cells, key=str)


def own_cells(
    one: Metric, by: Sequence[str], grid: list[tuple[Any, ...]], settings: Settings
) -> list[tuple[Any, ...]]:
    """The cells that this metric is told for: all, or those of the hotline's department."""
    if not one.hotline_only or "department" not in by:
        return grid
    place = list(by).index("department")
    return [cell for cell in grid if cell[place] == settings.hotline.department]


def _place(axis: str, unit: str | None, day: date) -> Any:
    if axis == "department":
        return unit
    if axis == "weekday":
        return day.isoweekday()
    return bucket_start(day, axis)  # type: ignore[arg-type]  # only day, week and month are left
