"""Figures: the values of metrics per cell, from their parts; never a mean of means, no data is null.

One table serves the command, the API, the page and the notebooks. A cell's n are the things judged; what is
left out is counted by reason, what cannot be judged is counted as ``unknown`` and belongs to neither k nor n.
Parts are computed in slices of days, so that memory does not grow with the window. Months that are closed are
told as they were stored (`callstats.standing`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from callstats.calendar import bucket_end, bucket_start, days
from callstats.closed import Closed
from callstats.errors import UsageError
from callstats.fields import CERTAINTY, DAY, FLAG, INT, SECONDS, TEXT, Field
from callstats.metrics import stats
from callstats.metrics.base import AXES, UNITS, Metric, cell_query
from callstats.metrics.cells import roll_up
from callstats.metrics.inputs import Facts, data_window, parameters, prepared
from callstats.metrics.registry import METRICS, metric
from callstats.settings import Settings
from callstats.snapshot import Before, Snapshot, at_one_moment
from callstats.snapshot import Facts as SnapshotGiver
from callstats.standing import STANDING_FIELDS, Asked, Parts, Standing

__all__ = [
    "axis_field",
    "figure_fields",
    "figure_schema",
    "frame",
    "metrics_table",
    "own_cells",
    "parts_of",
    "roll_up",
    "standing_parts",
    "standing_rows",
    "told",
]

MAX_ROWS: Final = 100_000
SLICE_DAYS: Final = 31  # of all departments together
SLICE_DAYS_OF_SOME: Final = 366
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
    Field(
        "value",
        SECONDS,
        "a share from 0 to 1, a median in seconds, a number of calls, or calls per open hour; null: no data",
        "unit",
    ),
    Field("unit", TEXT, "unit of value, low, high, mean, p90 and max", values=tuple(UNITS.values())),
    Field(
        "low",
        SECONDS,
        "lower end of the 95 % interval (share: Wilson; median: by ranks; count and rate: Poisson, exact)",
        "unit",
    ),
    Field("high", SECONDS, "upper end of the 95 % interval", "unit"),
    Field("k", INT, "how many of n: of a share those that pass, of times those that have one, of calls all"),
    Field("n", INT, "how many were judged"),
    Field("mean", SECONDS, "mean of the times; null for what is no time", "unit"),
    Field("p90", SECONDS, "90th percentile of the times; null for what is no time", "unit"),
    Field("max", SECONDS, "largest of the times; null for what is no time", "unit"),
    Field("open_h", SECONDS, "open time that a rate is per; null for what is no rate", "h"),
    Field("excluded", COUNTS, "how many were left out of n, by reason"),
    *(Field(name, INT, f"judgements that are {name}") for name in CERTAINTY[:-1]),
    Field("unknown", INT, "how many cannot be judged: they are in neither k nor n"),
    Field("rule_version", TEXT, "rules the visits were judged by; several joined by a comma"),
    Field("data_version", TEXT, "version of the facts; of a closed month the one it was closed with"),
    Field(
        "suppressed",
        FLAG,
        "the numbers are hidden: few calls or few people, or a cell that would reveal those",
    ),
    *STANDING_FIELDS,
)


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
    store: SnapshotGiver,
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
    return at_one_moment(store, lambda facts: _table_of(facts, settings, chosen, by, start, end, departments))


def _table_of(
    store: Snapshot,
    settings: Settings,
    chosen: Sequence[Metric],
    by: Sequence[str],
    start: date | None,
    end: date | None,
    departments: Sequence[str] | None,
) -> pa.Table:
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
        {**row, "from": start, "to": end, "suppressed": False}
        for one in chosen
        for row in standing_rows(standing, parts, one, by, own_cells(one, by, grid, settings))
    ]
    return pa.Table.from_pylist(rows, schema)


def standing_parts(store: Snapshot, settings: Settings, standing: Standing, asked: Asked) -> Parts:
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
    store: SnapshotGiver,
    settings: Settings,
    asked: Sequence[tuple[Metric, Sequence[str]]],
    start: date,
    end: date,
    departments: Sequence[str] | None = None,
) -> dict[str, pa.Table]:
    """Parts (`cell_query`) per slug of metrics by axes on the days ``[start, end)``.

    Parts add up: `roll_up` takes any of their axes. The visits are read once for all metrics.
    """
    return at_one_moment(store, lambda facts: _parts_of(facts, settings, asked, start, end, departments))


def _parts_of(
    store: Facts,
    settings: Settings,
    asked: Sequence[tuple[Metric, Sequence[str]]],
    start: date,
    end: date,
    departments: Sequence[str] | None,
) -> dict[str, pa.Table]:
    found: dict[str, list[pa.Table]] = {one.slug: [] for one, _ in asked}
    window = data_window(store)
    given = parameters(store, settings, start, end, departments or (), window)
    needed = {name for one, _ in asked for name in one.inputs}
    there = window or (start, start)
    # nothing is outside the data; one slice tells even of nothing
    known = max(start, there[0]), min(end, there[1])
    length = SLICE_DAYS_OF_SOME if departments else SLICE_DAYS
    for first, last in [*_slices(*known, length)] or [(start, min(end, start + timedelta(1)))]:
        values = given | {"start": first, "end": last}
        with prepared(store, settings, first, last, needed, values, departments or ()) as session:
            for one, by in asked:
                query = cell_query(one, tuple(by), len(departments or ()))
                found[one.slug].append(session.query(query, values))
    return {slug: pa.concat_tables(slices) for slug, slices in found.items()}


def _slices(start: date, end: date, length: int) -> Iterator[tuple[date, date]]:
    while start < end:
        yield start, min(start + timedelta(length), end)
        start += timedelta(length)


def frame(table: pa.Table) -> pd.DataFrame:
    """A figure table as pandas frame: dates as dates, null integers kept, ``excluded`` as dict."""
    found = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get, maps_as_pydicts="strict")
    return found if isinstance(found, pd.DataFrame) else pd.DataFrame(found)


def told(row: Mapping[str, Any], language: str = "en") -> str:
    """A value in words: "14 of 17" below 20, else "82 %"; "3.2 s", "12", "1.5 per hour"; "no data"."""
    english = language == "en"
    no_data, of, point = ("no data", "of", ".") if english else ("nav datu", "no", ",")
    if row["value"] is None:
        return no_data
    if row["unit"] == "s":
        return f"{row['value']:.1f} s".replace(".", point)
    if row["unit"] == "calls":
        return f"{row['value']:.0f}"
    if row["unit"] == "calls/h":
        return f"{row['value']:.1f} {'per hour' if english else 'stundā'}".replace(".", point, 1)
    if row["n"] < stats.FEW:
        return f"{row['k']} {of} {row['n']}"
    return f"{row['value'] * 100:.0f} %"


def _window(store: Snapshot, start: date | None, end: date | None) -> tuple[date, date]:
    """The days asked for; where not named, all that there is anything of, closed months without facts too."""
    if start is not None and end is not None and end <= start:
        raise UsageError(
            f"the window {start} to {end} is empty: 'to' is the first day after it and must be later"
        )
    if start is None or end is None:
        there = _spanned(data_window(store), Closed.unchecked(store))
        if there is None:
            return (start or end or date.min,) * 2
        start, end = start or min(there[0], end or there[0]), end or max(there[1], start or there[1])
    return (start, end) if start < end else (start, start)


def _spanned(there: tuple[date, date] | None, closed: Closed) -> tuple[date, date] | None:
    """The data's window widened by the months whose facts retention removed."""
    gone = [month for month in closed.editions if closed.gone(month)]
    ends = [*(there or ()), *gone, *(bucket_end(month, "month") for month in gone)]
    return (min(ends), max(ends)) if ends else None


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
