"""Every text of the program says the same on DuckDB and on Spark, over every recording and set of sources."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest

from callstats import engine, spark
from callstats.assemble import assemble
from callstats.fields import TABLES
from callstats.metrics import inputs as reading
from callstats.metrics.base import cell_query
from callstats.metrics.registry import METRICS
from callstats.parquet import write
from callstats.recompute import recompute
from callstats.report import metrics_table
from callstats.settings import Settings
from callstats.store import Store
from ingest.load import load
from tests.accuracy.sources import SETS, files, read_events
from tests.shared import ROOT
from tests.spark.conftest import through
from tests.spark.twin import Twin

SAMPLE = ROOT / "sample_cdr"
RECORDINGS = (
    SAMPLE,
    ROOT / "tests" / "recordings" / "autumn_night",
    ROOT / "tests" / "recordings" / "breaks",
)
CHOSEN = [name for name, chosen in SETS.items() if not chosen.shuffled]
TEXTS = sorted((ROOT / "callstats" / "assemble" / "sql").glob("*.sql"))


@cache
def settings() -> Settings:
    return Settings.load(SAMPLE / "callstats.toml")


def heard_by(folder: Path, name: str, pbx: str) -> pa.Table:
    """The events of one set of sources, as a PBX of that name would have them."""
    events = read_events(files(folder, SETS[name]), settings())
    at = events.schema.get_field_index("pbx")
    return events.set_column(at, events.schema.field(at), pa.array([pbx] * events.num_rows, pa.string()))


@pytest.fixture
def everything() -> pa.Table:
    """All sets of sources of all recordings, each a PBX of its own: one pass of the texts sees them all."""
    return pa.concat_tables(
        heard_by(folder, name, f"{folder.name}-{n}") for folder in RECORDINGS for n, name in enumerate(CHOSEN)
    )


def test_every_assembling_text_over_every_set_of_sources(twin: Twin, everything: pa.Table) -> None:
    with through(twin):
        tables = assemble(everything, settings())
    assert twin.found == []
    assert tables["calls"].num_rows > len(RECORDINGS) * len(CHOSEN) * 40
    unseen = [path.name for path in TEXTS if path.read_text(encoding="utf-8") not in twin.compared]
    assert unseen == [], "texts that assemble() does not run are compared nowhere"
    # the doubled hour, Riga's night of 2026-10-25: instants on both sides of the change
    night = [t for t in tables["calls"]["started_at"].to_pylist() if t.date() == date(2026, 10, 25)]
    assert {t.hour for t in night} >= {0, 1}


@pytest.mark.parametrize("name", ["cdr", "ami"])
def test_sources_that_are_not_there_are_empty_on_both(twin: Twin, name: str) -> None:
    with through(twin):
        assemble(heard_by(SAMPLE, name, "pbx").slice(0, 400), settings())
    assert twin.found == []


def test_no_event_at_all(twin: Twin) -> None:
    with through(twin):
        assert assemble(TABLES["events"].schema.empty_table(), settings())["calls"].num_rows == 0
    assert twin.found == []


def test_spark_alone_from_events_to_tables(sparks: spark.SparkSession, tmp_path: Path) -> None:
    """Without DuckDB's help between the steps; the events come in two files, as the store holds them."""
    events = heard_by(SAMPLE, "all", "pbx")
    paths = [tmp_path / "[a].parquet", tmp_path / "b c.parquet"]
    for path, rows in zip(paths, (events.slice(0, 1000), events.slice(1000)), strict=True):
        write(rows, path)
    with engine.on(lambda: spark.Session(sparks, str(tmp_path / "steps"))):
        found = assemble(paths, settings())
    assert found == assemble(paths, settings())
    assert list((tmp_path / "steps").iterdir()) == []


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The sample, and the autumn night with its 25 hours, loaded and computed."""
    own = settings().model_copy(update={"data": tmp_path / "data"})
    numbers = own.numbers.model_copy(update={"key_file": tmp_path / "numbers.key"})
    own = own.model_copy(update={"numbers": numbers})
    store = Store.open(own)
    load([SAMPLE, RECORDINGS[1]], own, store, compute=False)
    recompute(store, own)
    return store


def test_every_figure_by_every_axis(twin: Twin, store: Store) -> None:
    window = reading.data_window(store)
    assert window is not None
    start, end = window
    with through(twin), store:
        given = reading.parameters(store, settings(), start, end, settings_departments := ("social", "pr"))
        for metric in METRICS.values():
            named = reading.sources(store, settings(), start, end, metric.inputs, given)
            for name, source in named.items():
                twin.table(name, source)
            for by in [(axis,) for axis in metric.axes] + [(), ("department", "day", "hour")]:
                for departments in (0, len(settings_departments)):
                    rows = twin.query(cell_query(metric, by, departments), given)
            assert rows.num_rows > 0 or metric.hotline_only, metric.slug
            assert twin.found == [], metric.slug


def test_the_report_itself(twin: Twin, store: Store) -> None:
    with store:
        with through(twin):
            both = metrics_table(store, settings(), by=("department", "week"))
        assert both == metrics_table(store, settings(), by=("department", "week"))
    assert twin.found == []
