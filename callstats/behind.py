"""The visits behind one cell of a figure: the same judged rows that the figure counts, told one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from callstats.errors import UsageError
from callstats.facts import Facts
from callstats.metrics import ring_time, rotation_coverage, third_signal_share, unanswered_share
from callstats.metrics.base import Metric
from callstats.metrics.inputs import data_window, parameters, prepared
from callstats.metrics.registry import METRICS
from callstats.settings import Settings

# whose judged rows name their visit: one row of the first measure per visit that is judged
FIGURES: Final = tuple(
    one.METRIC.slug for one in (third_signal_share, unanswered_share, ring_time, rotation_coverage)
)


@dataclass(frozen=True)
class Cell:
    """A cell: of which figure, at which place of its own axis, weekday (1 Monday), hour; hits: those of k."""

    figure: str
    place: str | None = None
    weekday: int | None = None
    hour: int | None = None
    hits: bool = False


def behind_query(metric: Metric) -> str:
    """One statement: call_id, visit, split, hit, weekday and local hour of each visit that counts in n."""
    return (
        f"WITH judged AS (\n{metric.sql.strip()}\n)\n"
        "SELECT j.call_id, j.visit, j.split, j.hit, d.weekday,\n"
        "       hour(from_utc_timestamp(j.at, :timezone)) AS hour\n"
        "FROM judged j JOIN days d ON j.local_date = d.day\n"
        "WHERE j.local_date >= :start AND j.local_date < :end\n"
        f"  AND j.measure = '{metric.measures[0].name}'\n"
        "  AND j.reason IS NULL AND j.certainty <> 'unknown'\n"
        "ORDER BY j.call_id ASC NULLS LAST, j.visit ASC NULLS LAST"
    )


def behind(facts: Facts, settings: Settings, cell: Cell, department: str, start: date, end: date) -> pa.Table:
    """Visits (call_id, visit) of a department on the days ``[start, end)`` that a cell counts.

    Raises UsageError for a figure whose calls cannot be told.
    """
    if cell.figure not in FIGURES:
        raise UsageError(f"figure: {cell.figure!r} is none of {', '.join(FIGURES)}")
    metric = METRICS[cell.figure]
    given = parameters(facts, settings, start, end, [department], data_window(facts))
    with prepared(facts, settings, start, end, set(metric.inputs), given, [department]) as session:
        found = session.query(behind_query(metric), given)
    wanted = {"split": cell.place, "weekday": cell.weekday, "hour": cell.hour, "hit": cell.hits or None}
    for name, value in wanted.items():
        if value is not None:
            found = found.filter(pc.fill_null(pc.equal(found[name], value), False))
    return found.select(["call_id", "visit"])
