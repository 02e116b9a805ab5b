"""A department's month, all metrics, beside the same texts over the same tables in a DuckDB file."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

import duckdb
import pyarrow as pa

from benchmarks.harness import BenchError, Outcome, Run, Sample, compared, in_turn
from benchmarks.town import BLOCK, BLOCKS, Block, block, copied, days_of, first_day
from callstats.engine import View, literal
from callstats.gather import gather
from callstats.report import metrics_table
from callstats.settings import Settings
from callstats.snapshot import Snapshot
from callstats.store import Store

__all__ = ["TABLES", "Figures", "InDuckDB", "history", "in_duckdb"]

TABLES: Final = ("calls", "visits", "messages", "queue_steps")
DEPARTMENT: Final = "social"
FLAT: Final = 1.25  # times as long as with a tenth of the history, still called flat
LATER: Final = datetime(2030, 1, 1, tzinfo=UTC)  # every month of the store ended long ago


@dataclass(frozen=True)
class Figures:
    """Four weeks of one department near the end of three years, and of a tenth of them."""

    name: str = "figures"
    what: str = "a department's month, all metrics"
    yardstick: str = "the same SQL on a DuckDB file"
    at_most: float = 1.5

    def measure(self, run: Run) -> Outcome:
        """See `Row.measure`."""
        a_block = max(1, run.calls // BLOCKS)
        town = block(run.folder, a_block)
        copies = max(1, round(a_block / town.calls))
        long = history(run.folder, town, BLOCKS, copies)
        short = history(run.folder, town, max(4, BLOCKS // 10), copies)
        filed = in_duckdb(run.folder, long)
        with Store.open(long) as store, Store.open(short) as small:
            there = InDuckDB(store, filed)
            _same(_figures(store, long, BLOCKS), _figures(there, long, BLOCKS))
            pairs = in_turn(
                lambda: _timed(store, long, BLOCKS), lambda: _timed(there, long, BLOCKS), run.rounds
            )
            flat = in_turn(
                lambda: _timed(store, long, BLOCKS),
                lambda: _timed(small, short, max(4, BLOCKS // 10)),
                run.rounds,
            )
        grown = median(whole.wall_s / tenth.wall_s for whole, tenth in flat)
        cpu = median(mine.cpu_s / theirs.cpu_s for mine, theirs in pairs)
        calls = town.calls * copies
        return compared(
            pairs,
            f"{calls:,} calls in these four weeks, {calls * BLOCKS:,} in all",
            limits={f"{grown:.2f} times a tenth of the history": grown <= FLAT},
            notes=[
                f"processor time {cpu:.2f}",
                f"{town.calls:,} simulated calls, in each four weeks {copies} times as computed tables",
            ],
        )


def history(folder: Path, town: Block, blocks: int, copies: int) -> Settings:
    """A store with computed tables of so many times four weeks, its months gathered; made if missing."""
    home = folder / f"facts-{town.calls}-{copies}-{blocks}"
    settings = town.settings.model_copy(update={"data": home, "database": None})
    if not home.exists():
        draft = settings.model_copy(update={"data": folder / f".{home.name}.tmp"})
        shutil.rmtree(draft.data, ignore_errors=True)
        with Store.open(draft, lambda: LATER) as store:
            for number in range(blocks):
                tables = {
                    name: pa.concat_tables(
                        copied(town, name, number * BLOCK, copy, copies) for copy in range(copies)
                    )
                    for name in TABLES
                }
                within = {name: _within(rows, number) for name, rows in tables.items()}
                store.replace_days(days_of(number), within)
            gather(store, all_of_it=True)
            store.sweep(timedelta(0))
        draft.data.rename(home)
    return settings


def _within(rows: pa.Table, number: int) -> pa.Table:
    """Rows of the four weeks themselves: a call may end, or a queue speak, after their last midnight."""
    first, end = first_day(number), first_day(number + 1)
    kept = [first <= day < end for day in rows["local_date"].to_pylist()]
    return rows.filter(pa.array(kept, pa.bool_()))


def in_duckdb(folder: Path, settings: Settings) -> Path:
    """A DuckDB file with the tables of a store, in the order of its files; made if missing."""
    path = folder / f"{settings.data.name}.duckdb"
    if not path.exists():
        draft = path.with_name(f".{path.name}.tmp")
        draft.unlink(missing_ok=True)
        with Store.open(settings) as store, duckdb.connect(str(draft)) as file:
            file.execute("SET TimeZone = 'UTC'")
            for name in TABLES:
                files = ", ".join(literal(str(one)) for one in store.table_files(name))
                if not files:
                    raise BenchError(f"bench: the town has no {name}; give more calls")
                file.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet([{files}])")
        draft.rename(path)
    return path


class InDuckDB(Snapshot):
    """The facts of a store, read from the DuckDB file that holds the same. State: where that is."""

    def __init__(self, store: Store, path: Path) -> None:
        super().__init__(store.root, store.database, store.timezone)
        self.path = path

    def table_files(self, name: str, first: date | None = None, last: date | None = None) -> Any:
        """A table of the file in place of Parquet files, bounded by the same days."""
        days = [f"local_date >= {literal(first)}"] if first else []
        days += [f"local_date <= {literal(last)}"] if last else []
        where = f" WHERE {' AND '.join(days)}" if days else ""
        return View(
            f"SELECT * FROM read_duckdb({literal(str(self.path))}, table_name={literal(name)}){where}", {}
        )

    def edge_files(self, name: str) -> Any:
        """The whole table: its first and last day are in the file's own statistics."""
        return self.table_files(name)


def _figures(facts: Store | Snapshot, settings: Settings, blocks: int) -> pa.Table:
    start = first_day(blocks - 2)  # what follows from these calls happens within the last four weeks
    return metrics_table(facts, settings, start=start, end=start + BLOCK, departments=[DEPARTMENT])


def _same(ours: pa.Table, theirs: pa.Table) -> None:
    """Both ways must say the same, or their times say nothing. Raises BenchError."""
    if not ours.equals(theirs) or not any(ours["n"].to_pylist()):
        raise BenchError("bench: the figures of the store and of the DuckDB file differ, or are of nothing")


def _timed(facts: Store | Snapshot, settings: Settings, blocks: int) -> Sample:
    wall, cpu = time.perf_counter(), time.process_time()
    _figures(facts, settings, blocks)
    return Sample(time.perf_counter() - wall, time.process_time() - cpu)
