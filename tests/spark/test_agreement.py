"""Every text of the program says the same on DuckDB and on Spark, over every recording and set of sources."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest

from api import calls
from callstats import (
    agreement,
    behind,
    engine,
    evidence,
    feeds,
    judge,
    own_calls,
    spark,
    spread,
    to_call_back,
    verdicts,
)
from callstats.assemble import assemble, text
from callstats.cases import crossings
from callstats.fields import TABLES
from callstats.metrics.base import cell_query, scope_steps
from callstats.metrics.inputs import data_window
from callstats.metrics.links import links_query
from callstats.metrics.registry import METRICS
from callstats.metrics.returns import returns_query
from callstats.parquet import write
from callstats.recompute import recompute
from callstats.register import contacts, opening
from callstats.report import parts_of
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
ASKED = {
    "touched days": spread._DAYS,
    "touched calls": spread._FRESH,
    "a step along the edges": spread._NEXT,
    "whether it was the last": spread._CHANGED,
    "gaps": text("feed_gaps"),
    "agreement": agreement.SQL,
    "visits": judge.ALL,
    "visits of a call": judge.OF_CALL,
    "days there are": judge.SPAN,
    "a page of visits": calls.page_sql("oldest first"),
    "a page of visits, the newest first": calls.page_sql("newest first"),
    "rows of calls": calls._OF_CALLS,
    "lines": evidence.LINES_OF_A_CALL,
    "calls that followed a case up": contacts.SQL,
    "verdicts": verdicts.SQL,
    "clients to call back": to_call_back.SQL,
    "own calls": own_calls.SQL,
    **{f"visits behind {one}": behind.behind_query(METRICS[one]) for one in behind.FIGURES},
}
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
    opening.bring_up_to_date(store, own)
    return store


@pytest.mark.parametrize("departments", [(), ("social", "pr")])
def test_every_figure_by_every_axis(twin: Twin, store: Store, departments: tuple[str, ...]) -> None:
    """What a report is added up from, by all axes at once, of the whole site and of some departments."""
    asked = [(metric, metric.axes) for metric in METRICS.values()]
    with store:
        window = data_window(store)
        assert window is not None
        with through(twin):
            parts = parts_of(store, settings(), asked, *window, departments)
    assert twin.found == []
    for metric, by in asked:
        assert cell_query(metric, by, len(departments)) in twin.compared, metric.slug
        assert parts[metric.slug].num_rows > 0 or metric.hotline_only or departments, metric.slug
    texts = (*scope_steps(len(departments)).values(), links_query(len(departments)))
    assert {judge.text(), returns_query(len(departments)), *texts} <= twin.compared


def test_what_else_is_asked_of_the_facts(twin: Twin, store: Store) -> None:
    """Days that new lines touch, gaps of feeds, how sources agree, visits, and a call with its lines."""
    with store, store.reading() as facts:
        with store.database.read() as connection:
            ends = crossings.ends(connection)
        first, after = data_window(facts) or (date.max, date.max)
        files = {one.local_date: [one] for one in facts.files("events", first, after)}
        call = facts.scan("calls")["call_id"][0].as_py()
        with store.database.read() as connection:
            cases = list(opening.cases_of(connection, range(1, 100)).values())

        noon = datetime.combine(after, time(12), UTC)

        def asked() -> dict[str, object]:
            return {
                "touched": spread._calls(facts, sorted(files), {call}, files, None),
                "gaps": feeds.gaps(ends),
                "agreement": agreement.agreement(facts, first, after).to_pylist(),
                "visits": judge.scan(facts, settings()).to_pylist(),
                "page": calls.page(facts, settings(), "social", first, after, 5, None)[0].to_pylist(),
                "newest": calls.page(
                    facts, settings(), "social", first, after, 5, None, order="newest first"
                )[0].to_pylist(),
                "followed up": contacts.seen_calls(facts, settings(), cases),
                "verdicts": verdicts.verdicts(facts, settings(), "social", first, after).to_pylist(),
                "to call back": to_call_back.to_call_back(facts, settings(), "social", noon),
                "behind": [
                    behind.behind(facts, settings(), behind.Cell(one), "social", first, after).to_pylist()
                    for one in behind.FIGURES
                ],
                "own calls": own_calls.own_calls(facts, [("201", first, None)], first, after),
                "evidence": calls.one(store, settings(), call)["evidence"],
            }

        with through(twin):
            found = asked()
        assert twin.found == []
        assert found == asked()
    assert [name for name, rows in found.items() if not rows] == []
    unseen = [name for name, text in ASKED.items() if text not in twin.compared]
    assert unseen == []
