"""The computing rows over a town of a few hundred calls; both ways must say the same. No time is judged."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from benchmarks.harness import BenchError, Run
from benchmarks.rows import figures
from benchmarks.rows.assembling import Assembling, plain, simplest
from benchmarks.rows.figures import Figures, InDuckDB, history, in_duckdb
from benchmarks.rows.new_day import NewDay
from benchmarks.town import BLOCK, FIRST, Block, block, copied, fill
from callstats.assemble import assemble
from callstats.metrics.inputs import data_window
from callstats.store import Store

CALLS = 300
# What only the rules for all calls know: how sure it is, and how long a queue of whole seconds may have rung.
RULED = {"outcome_certainty", "ring_max_s", "certainty"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def town(folder: Path) -> Block:
    return block(folder, CALLS)


def test_the_sql_by_hand_says_of_the_simplest_calls_what_callstats_says(town: Block, tmp_path: Path) -> None:
    path = tmp_path / "simplest.parquet"
    assert simplest(town, path) > 30
    ours, theirs = assemble([path], town.settings), plain([path], town.settings)
    assert set(theirs) == {"calls", "visits", "attempts"}
    for name, rows in theirs.items():
        columns = [column for column in rows.column_names if column not in RULED]
        found = ours[name].select(columns).sort_by("call_id")
        assert found.to_pylist() == rows.select(columns).to_pylist(), name
        assert len(columns) >= len(rows.column_names) - 2
    assert len(set(theirs["calls"]["outcome"].to_pylist())) >= 3


def test_copies_are_the_same_weeks_later_with_ids_of_their_own(town: Block, tmp_path: Path) -> None:
    parts = [copied(town, "events", 2 * BLOCK, n, 3) for n in range(3)]
    assert all(part.num_rows == parts[0].num_rows for part in parts)
    every = pa.concat_tables([copied(town, "events", timedelta(0)), *parts])
    assert pc.count_distinct(every["line_key"]).as_py() == every.num_rows
    calls = copied(town, "calls", BLOCK, 1, 2)
    assert min(calls["local_date"].to_pylist()) >= FIRST + BLOCK
    assert sorted(calls["outcome"].to_pylist()) == sorted(copied(town, "calls", BLOCK)["outcome"].to_pylist())
    store_of = town.settings.model_copy(update={"data": tmp_path / "data", "database": None})
    with Store.open(store_of) as store:
        fill(store, town, 2, 2)
        assert store.scan("events").num_rows == 4 * parts[0].num_rows


def test_the_duckdb_file_says_what_the_store_says(town: Block, folder: Path) -> None:
    settings = history(folder, town, 3, 2)
    with Store.open(settings) as store:
        there = InDuckDB(store, in_duckdb(folder, settings))
        ours, theirs = (figures._figures(facts, settings, 3) for facts in (store, there))
        figures._same(ours, theirs)
        with pytest.raises(BenchError, match="differ"):
            figures._same(ours, theirs.slice(1))
        assert len(store.table_files("calls")) < 5  # months, not days


def test_the_data_window_is_exact_and_reads_files_at_the_edges_only(town: Block, folder: Path) -> None:
    with Store.open(history(folder, town, 3, 2)) as store:
        days = [
            day
            for name in ("calls", "visits", "messages")
            for day in store.scan(name)["local_date"].to_pylist()
        ]
        assert data_window(store) == (min(days), max(days) + timedelta(1))
        assert 0 < len(store.edge_files("calls")) < len(store.table_files("calls"))


@pytest.mark.parametrize("row", [Assembling(), NewDay(blocks=2)], ids=lambda row: row.name)
def test_a_row_measures_both_ways(row: Assembling | NewDay, folder: Path) -> None:
    found = row.measure(Run(CALLS, folder, rounds=1))
    assert found.ratio > 0
    assert "calls" in found.size


def test_the_figures_row_measures_both_ways(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "BLOCKS", 5)
    found = Figures().measure(Run(5 * CALLS, folder, rounds=1))
    assert found.ratio > 0
    (flat,) = found.limits
    assert flat.endswith("a tenth of the history")
