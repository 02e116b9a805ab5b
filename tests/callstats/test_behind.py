"""The calls behind a cell are as many as the cell says, for every department, figure and place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from callstats.behind import FIGURES, Cell, behind
from callstats.errors import UsageError
from callstats.metrics.inputs import data_window
from callstats.metrics.registry import METRICS
from callstats.report import metrics_table
from callstats.settings import CONFIG_NAME, Settings
from callstats.store import Store
from ingest.load import load
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Settings]]:
    site = Settings.load(SAMPLE / CONFIG_NAME, tmp_path_factory.mktemp("behind") / "data")
    with Store.open(site) as store:
        load([SAMPLE], site, store)
        yield store, site


@pytest.mark.parametrize("figure", FIGURES)
def test_a_place_opens_as_many_calls_as_it_counts(recorded: tuple[Store, Settings], figure: str) -> None:
    store, site = recorded
    metric = METRICS[figure]
    assert metric.split is not None
    met = 0
    with store.reading() as facts:
        window = data_window(facts)
        assert window is not None
        for by in ((), (metric.split.name,), ("weekday", "hour")):
            table = metrics_table(facts, site, (figure,), ("department", *by), *window)
            for row in table.to_pylist():
                if row["measure"] != metric.measures[0].name or row["department"] is None:
                    continue
                place = row.get(metric.split.name)
                if by == (metric.split.name,) and place is None:
                    continue
                for hits in (False, True) if metric.measures[0].kind == "share" else (False,):
                    told = None if place is None else str(place)
                    cell = Cell(figure, told, row.get("weekday"), row.get("hour"), hits)
                    found = behind(facts, site, cell, row["department"], *window)
                    assert found.num_rows == row["k" if hits else "n"], (by, row)
                    met += found.num_rows
    assert met > 40


def test_a_figure_whose_calls_cannot_be_told_is_refused(recorded: tuple[Store, Settings]) -> None:
    store, site = recorded
    with store.reading() as facts:
        window = data_window(facts)
        assert window is not None
        with pytest.raises(UsageError, match="third_signal_share"):
            behind(facts, site, Cell("talk_time"), "social", *window)
