"""The parts of closed months as they are stored, and back: nothing of what adds up is lost.

A row of `cell_query` is one bar of a histogram. Stored is one row per department, place on the metric's own
axis, measure, reason, certainty and rule: the bars of its times together, what has no time beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from callstats.cases.months import BARS
from callstats.metrics.base import Metric

LABELS: Final = ("measure", "reason", "certainty", "rule_version")
NUMBERS: Final = ("n", "k", "sum_us", "max_us")
_KINDS: Final = {"hour": pa.int64(), "weekday": pa.int64()} | dict.fromkeys(
    ("day", "week", "month"), pa.date32()
)
Row = dict[str, Any]


def part_schema(one: Metric, by: Sequence[str]) -> pa.Schema:
    """Arrow schema of the rows of `cell_query`; a metric's own axis is text."""
    return pa.schema(
        [
            *((name, _KINDS.get(name, pa.string())) for name in by),
            *((name, pa.string()) for name in LABELS),
            ("bin_us", pa.int64()),
            *((name, pa.int64()) for name in NUMBERS),
        ]
    )


def as_stored(one: Metric, by: Sequence[str], parts: pa.Table) -> list[Row]:
    """Rows of `month_parts` (month and metric apart) from parts by department and the metric's own axis."""
    keys = [*by, *LABELS, "bin_us"]
    sums = [(name, "max" if name == "max_us" else "sum") for name in NUMBERS]
    summed = parts.group_by(keys, use_threads=False).aggregate(sums)
    own = one.split.name if one.split else ""
    found: dict[tuple[Any, ...], Row] = {}
    for bar in summed.sort_by([("bin_us", "ascending")]).to_pylist():
        place = bar.get(own)
        row = {
            "department": bar["department"],
            "place": None if place is None else str(place),
            **{name: bar[name] for name in LABELS},
        }
        numbers = {name: bar[f"{name}_{how}"] for name, how in sums} | {"bin_us": bar["bin_us"]}
        if bar["bin_us"] is None:
            found[*row.values(), None] = row | {name: numbers[name] for name in NUMBERS} | {"bars": None}
            continue
        empty: Row = dict.fromkeys(NUMBERS, 0) | {"bars": {name: [] for name in BARS}}
        kept = found.setdefault((*row.values(), BARS), row | empty)
        for name in BARS:
            kept["bars"][name].append(numbers[name])
        kept |= {name: kept[name] + numbers[name] for name in ("n", "k", "sum_us")}
        kept["max_us"] = max(kept["max_us"], numbers["max_us"])
    return list(found.values())


def as_parts(one: Metric, by: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """The parts by axes ``by`` (department, month, the metric's own) from rows of `month_parts`."""
    own = one.split.name if one.split else ""
    found: list[Row] = []
    for row in rows:
        labels = {name: row["place"] if name == own else row[name] for name in by}
        labels |= {name: row[name] for name in LABELS}
        if row["bars"] is None:
            found.append(labels | {"bin_us": None} | {name: row[name] for name in NUMBERS})
            continue
        columns = (row["bars"][name] for name in BARS)
        found += [labels | dict(zip(BARS, bar, strict=True)) for bar in zip(*columns, strict=True)]
    return pa.Table.from_pylist(found, part_schema(one, by))
