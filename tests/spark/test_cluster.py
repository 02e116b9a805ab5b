"""`compute` on Spark: the store's days, and tables written beside the store, equal to those of DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from callstats import cluster, spark
from callstats.assemble import RESULTS
from callstats.cli import main
from callstats.engine import literal
from callstats.errors import UsageError
from callstats.fields import TABLES
from callstats.recompute import recompute
from callstats.settings import Settings
from callstats.store import COMPUTED, Store
from ingest.load import load
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"
FIRST, LAST = date(2026, 11, 23), date(2026, 11, 24)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings.load(SAMPLE / "callstats.toml", tmp_path / "data")
    numbers = settings.numbers.model_copy(update={"key_file": tmp_path / "numbers.key"})
    return settings.model_copy(update={"numbers": numbers})


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """CEL and queue_log of the sample, loaded and not yet computed."""
    with Store.open(settings) as opened:
        load([SAMPLE / "cel" / "Master.csv", SAMPLE / "queue_log"], settings, opened, compute=False)
        yield opened


def rows(store: Store) -> dict[str, list[str]]:
    return {name: sorted(map(str, store.scan(name).to_pylist())) for name in COMPUTED}


def written(out: Path, name: str) -> pa.Table:
    """A written table, its files in the order of the days, rows as they stand."""
    paths = sorted((out / name).glob("day=*/*.parquet"))
    assert (out / name / "_SUCCESS").exists()
    if not paths:
        return TABLES[name].schema.empty_table()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        files = ", ".join(literal(str(path)) for path in paths)
        sql = f"SELECT * FROM read_parquet([{files}], hive_partitioning = false)"
        return connection.sql(sql).to_arrow_table()


def test_the_stores_days_computed_on_spark_equal_those_of_this_machine(
    sparks: spark.SparkSession, store: Store, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    done = cluster.compute(sparks, store, settings)
    assert FIRST in done
    computed = rows(store)
    assert computed["calls"]
    assert recompute(store, settings) == [], "the catalog knows them as computed by these rules"
    recompute(store, settings, done)
    assert rows(store) == computed
    left = [path.name for path in store.root.iterdir() if path.name.startswith((".computing", "callstats-"))]
    assert left == []


def test_tables_written_for_a_span_equal_the_stores_day_for_day(
    sparks: spark.SparkSession, store: Store, settings: Settings, tmp_path: Path
) -> None:
    recompute(store, settings)
    out, version = tmp_path / "out", store.data_version()
    cluster.write(sparks, [store.root / "events"], settings, FIRST, LAST, str(out))
    assert store.data_version() == version
    for table, _, order in RESULTS:
        found, expected = written(out, table.name), store.scan(table.name, FIRST, FIRST)
        keys = [(column, "ascending") for column in order]
        assert found.num_rows > 0 or table.name == "disagreements", table.name
        assert found.cast(table.schema).equals(expected.sort_by(keys).cast(table.schema)), table.name
    names = sorted(path.name for path in out.iterdir())
    assert names == sorted(table.name for table, _, _ in RESULTS), "its steps are gone"
    with pytest.raises(UsageError, match="is there already"):
        cluster.write(sparks, [store.root / "events"], settings, FIRST, LAST, str(out))


def test_the_command_computes_on_spark(
    sparks: spark.SparkSession,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[tuple[str, dict[str, str]]] = []

    @contextmanager
    def connected(master: str, options: dict[str, str]) -> Iterator[spark.SparkSession]:
        asked.append((master, options))
        yield sparks

    monkeypatch.setattr(cluster, "connected", connected)
    monkeypatch.setenv("CALLSTATS_NUMBERS__KEY_FILE", str(tmp_path / "numbers.key"))
    command = ["--config", str(SAMPLE / "callstats.toml"), "--data", str(store.root), "compute"]
    span = [
        "--from",
        str(FIRST),
        "--to",
        str(LAST),
        "--spark",
        "local[2]",
        "--conf",
        "spark.executor.memory=1g",
    ]
    assert main([*command, *span, "--out", str(tmp_path / "out")]) == 0
    assert asked == [("local[2]", {"spark.executor.memory": "1g"})]
    assert capsys.readouterr().out == "1 days computed\n"
    assert written(tmp_path / "out", "calls").num_rows > 0
    assert store.scan("calls").num_rows == 0
