"""From parts to the values of cells: sums of parts, then one value each; never a mean of means."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from callstats.fields import CERTAINTY
from callstats.metrics import stats
from callstats.metrics.base import Kind, Metric

HOUR_US: Final = 3_600_000_000
_SUMS: Final = [("n", "sum"), ("k", "sum"), ("sum_us", "sum"), ("max_us", "max")]
_LABELS: Final = ("measure", "reason", "certainty", "rule_version")


@dataclass
class _Parts:
    """Sums of one cell: state while the rows of a query are added."""

    k: int = 0
    n: int = 0
    open_us: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    certainty: Counter[str] = field(default_factory=Counter)
    rules: set[str] = field(default_factory=set)

    def add(self, row: Mapping[str, Any], kind: Kind) -> None:
        if row["rule_version"]:
            self.rules.add(row["rule_version"])
        if row["reason"] is not None:
            self.excluded[row["reason"]] += row["n_sum"]
        elif row["certainty"] is None:
            self.open_us += row["sum_us_sum"]
        else:
            self.certainty[row["certainty"]] += row["n_sum"]
            if row["certainty"] != "unknown":
                self.n += row["n_sum"]
                self.k += row["k_sum"] if kind == "share" else row["n_sum"] if kind != "spread" else 0


@dataclass
class _Bars:
    """The histogram of a cell's times: lower ends of its bars ascending, how many, their sums."""

    counts: list[int] = field(default_factory=list)
    sums_us: list[int] = field(default_factory=list)
    max_us: int = 0


def roll_up(
    one: Metric, by: Sequence[str], parts: pa.Table, grid: Iterable[tuple[Any, ...]] = ()
) -> list[dict[str, Any]]:
    """Rows of `report.figure_fields` (window and data version apart) from the parts of `cell_query`, by cell.

    ``by`` may be any of the axes the parts have, as parts add up. Cells of ``grid`` that have no parts get a
    row with n = 0 and no value.
    """
    cells: dict[str, dict[tuple[Any, ...], _Parts]] = {
        m.name: {cell: _Parts() for cell in grid} for m in one.measures
    }
    kinds = {m.name: m.kind for m in one.measures}
    whole = [bool(one.split and one.split.name == name and not one.split.values) for name in by]

    def cell_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(
            int(row[name]) if number and row[name] is not None else row[name]
            for name, number in zip(by, whole, strict=True)
        )

    for row in _summed(parts, [*by, *_LABELS]).to_pylist():
        cells[row["measure"]].setdefault(cell_of(row), _Parts()).add(row, kinds[row["measure"]])
    bars: defaultdict[tuple[str, tuple[Any, ...]], _Bars] = defaultdict(_Bars)
    if "spread" in kinds.values():
        for row in _times(parts, by).to_pylist():
            found = bars[row["measure"], cell_of(row)]
            found.counts.append(row["n_sum"])
            found.sums_us.append(row["sum_us_sum"])
            found.max_us = max(found.max_us, row["max_us_max"])
    reasons = {reason: place for place, reason in enumerate(one.exclusions)}
    return [
        {
            "metric": one.slug,
            "measure": measure.name,
            **dict(zip(by, cell, strict=True)),
            "unit": measure.unit,
            "n": found.n,
            "excluded": sorted(found.excluded.items(), key=lambda item: reasons[item[0]]),
            **{name: found.certainty[name] for name in CERTAINTY},
            "rule_version": ", ".join(sorted(found.rules)) or None,
            **_EMPTY,
            **_value(measure.kind, found, bars.get((measure.name, cell), _Bars())),
        }
        for measure in one.measures
        for cell, found in sorted(
            cells[measure.name].items(), key=lambda item: [(v is None, v) for v in item[0]]
        )
    ]


_EMPTY: Final = dict.fromkeys(("value", "low", "high", "mean", "p90", "max", "open_h"))


def _summed(parts: pa.Table, keys: list[str]) -> pa.Table:
    return parts.group_by(keys, use_threads=False).aggregate(_SUMS)


def _times(parts: pa.Table, by: Sequence[str]) -> pa.Table:
    """Bars of what counts, ascending within each cell."""
    rows = parts.filter(
        pa.compute.and_(
            pa.compute.and_(pa.compute.is_null(parts["reason"]), pa.compute.is_valid(parts["bin_us"])),
            pa.compute.not_equal(parts["certainty"], "unknown"),
        )
    )
    return _summed(rows, [*by, "measure", "bin_us"]).sort_by([("bin_us", "ascending")])


def _value(kind: Kind, parts: _Parts, bars: _Bars) -> dict[str, Any]:
    """Value, k, interval and what else the kind has; None where there is nothing to tell it from."""
    if kind == "share":
        low, high = stats.wilson(parts.k, parts.n) or (None, None)
        return {"k": parts.k, "value": stats.share(parts.k, parts.n), "low": low, "high": high}
    if kind == "count":
        low, high = stats.poisson(parts.k) if parts.n else (None, None)
        return {"k": parts.k, "value": float(parts.k) if parts.n else None, "low": low, "high": high}
    if kind == "rate":
        hours = parts.open_us / HOUR_US
        if not hours or not parts.n:
            return {"k": parts.k, "open_h": hours or None}
        value, low, high = (number / hours for number in (parts.k, *stats.poisson(parts.k)))
        return {"k": parts.k, "value": value, "low": low, "high": high, "open_h": hours}
    times = stats.Spread([s / n for s, n in zip(bars.sums_us, bars.counts, strict=True)], bars.counts)
    if not times.n:
        return {"k": 0}
    low, high = times.median_interval() or (None, None)
    found = {
        "value": times.quantile(0.5),
        "low": low,
        "high": high,
        "mean": sum(bars.sums_us) / times.n,
        "p90": times.quantile(0.9),
        "max": bars.max_us,
    }
    return {"k": times.n} | {name: None if us is None else us / 1e6 for name, us in found.items()}
