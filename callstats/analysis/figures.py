"""A metric's figures as pages and API tell them: value, k of n, interval, certainty, what was left out.

`told_table` is the one way from a question to a table that somebody may see; the API and the notebooks share
it. `Figures` is that table in an analyst's hands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go
import pyarrow as pa

from callstats import small_cells
from callstats.analysis.drawing import of_metric
from callstats.analysis.lazy import pandas
from callstats.departments import Departments
from callstats.metrics.base import Language, Metric, Said
from callstats.report import metrics_table, told
from callstats.settings import Settings
from callstats.small_cells import shown
from callstats.snapshot import Facts

HIDDEN: Final = Said("nerāda (maz zvanu)", "hidden (few calls)")
_SHOWN: Final = ("told", "value", "low", "high", "k", "n", "left_out", "unknown", "suppressed")


def told_table(
    store: Facts,
    settings: Settings,
    slug: str,
    by: Sequence[str],
    start: date | None,
    end: date | None,
    departments: Sequence[str] | None = None,
    apart: Collection[str] = (),
) -> pa.Table:
    """`callstats.report.metrics_table` of one metric with small cells hidden (domain/05 requirement 3).

    ``apart``: departments of which nothing is told apart from their institution. Raises as `metrics_table`.
    """
    table = metrics_table(store, settings, (slug,), by, start, end, departments)
    after = table["to"][0].as_py() if table.num_rows else end
    small = small_cells.small_units(Departments.from_settings(settings), after) if after else frozenset()
    whole = departments[0] if departments is not None and len(departments) == 1 else None
    return small_cells.hidden_in(table, by, small, whole, apart)


@dataclass(frozen=True, repr=False)
class Figures:
    """Figures of one metric by some axes: `df`, `arrow` and `chart` show them, `metric` says what they mean.

    Columns: `callstats.report.figure_fields`, with their units and meanings in `fields`.
    """

    metric: Metric
    by: tuple[str, ...]
    table: pa.Table
    language: Language = "en"
    names: Mapping[str, str] | None = None  # of departments

    def df(self) -> pd.DataFrame:
        """As pandas frame; beside the columns of the API ``told`` ("14 of 17", "82 %") and ``left_out``."""
        found = pandas(self.table)
        found["told"] = [
            HIDDEN[self.language] if row["suppressed"] else told(row, self.language)
            for row in self.table.to_pylist()
        ]
        found["left_out"] = [sum((reasons or {}).values()) for reasons in found["excluded"]]
        return found

    def arrow(self) -> pa.Table:
        """As Arrow table, exactly as API and page have it."""
        return self.table

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the metric's measures, the first one first."""
        return tuple(one.name for one in self.metric.measures)

    @property
    def fields(self) -> pd.DataFrame:
        """What each column is: unit and meaning."""
        rows = [
            {"column": f.name, **{k.decode(): v.decode() for k, v in (f.metadata or {}).items()}}
            for f in self.table.schema
        ]
        return pd.DataFrame(rows, columns=["column", "unit", "meaning"]).set_index("column")

    def chart(self, measure: str | None = None) -> go.Figure:
        """As the pages draw it: over time, by hour and weekday, or per place, with its 95 % interval.

        Raises KeyError for a measure that the metric has not.
        """
        one = self.metric.measure(measure or self.measures[0])
        rows = [
            row
            for row in shown(self.table.to_pylist())
            if row["measure"] == one.name and None not in [row[name] for name in self.by]
        ]
        return of_metric(rows, self.metric, one, self.by, self.language, self.names or {})

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.table.to_pylist(maps_as_pydicts="strict"))

    def __repr__(self) -> str:
        return f"{self.metric.title[self.language]}\n{self._brief().to_string(index=False)}"

    def _repr_html_(self) -> str:
        meaning = escape(self.metric.meaning[self.language])
        return (
            f"<p><b>{escape(self.metric.title[self.language])}</b><br>{meaning}<br>"
            f"<code>{escape(self.metric.formula)}</code></p>"
            + self._brief().to_html(index=False, border=0, na_rep="–")
        )

    def _brief(self) -> pd.DataFrame:
        found = self.df()
        return found[[*self.by, "measure", *_SHOWN]].round(3)
