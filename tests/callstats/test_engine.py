"""SQL texts over named tables: parameters, macros, and the way back into declared types."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from callstats.engine import Session, bind, conform, literal, run
from callstats.fields import NAMES, TEXT, UTC_US


def test_a_quote_in_a_parameter_stays_text() -> None:
    found = run("SELECT :who AS who", {}, {"who": "O'Hara"})
    assert found["who"].to_pylist() == ["O'Hara"]


def test_a_parameter_is_a_whole_word_and_a_cast_is_none() -> None:
    assert bind("SELECT :day, :days, x::date, ':' || y", {"day": 1}) == "SELECT 1, :days, x::date, ':' || y"


def test_a_value_that_looks_like_a_parameter_is_not_replaced_again() -> None:
    assert bind("SELECT :a, :b", {"a": ":b", "b": 2}) == "SELECT ':b', 2"


def test_literals_read_the_same_in_every_engine() -> None:
    assert [literal(v) for v in (None, True, 1, 1.5, date(2026, 11, 23))] == [
        "NULL",
        "TRUE",
        "1",
        "1.5e0",
        "DATE '2026-11-23'",
    ]


def test_a_number_with_a_fraction_is_no_decimal() -> None:
    assert [literal(v) for v in (10.0, 1e-7, -0.25)] == ["10.0e0", "1e-07", "-0.25e0"]
    typed = run("SELECT :a AS a, :b AS b", {}, {"a": 10.0, "b": 1e-7})
    assert typed.schema.types == [pa.float64(), pa.float64()]
    with pytest.raises(ValueError, match="finite"):
        literal(float("nan"))


def test_a_backslash_is_refused_because_engines_read_it_differently() -> None:
    with pytest.raises(ValueError, match="backslash"):
        literal("a\\b")


def test_local_time_in_the_doubled_hour_follows_the_instant() -> None:
    autumn = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    table = pa.table({"t": pa.array(autumn, UTC_US)})
    sql = """SELECT CAST(from_utc_timestamp(t, :zone) AS STRING) AS local, unix_micros(t) AS us
        FROM x ORDER BY us ASC NULLS LAST"""
    found = run(sql, {"x": table}, {"zone": "Europe/Riga"})
    assert found["local"].to_pylist() == ["2026-10-25 03:30:00", "2026-10-25 03:30:00"]
    assert found["us"].to_pylist() == [int(t.timestamp()) * 10**6 for t in autumn]


def test_parquet_files_and_arrow_tables_read_alike(tmp_path: Path) -> None:
    table = pa.table({"n": [1, 2, 3]})
    pq.write_table(table.slice(0, 1), tmp_path / "a.parquet")
    pq.write_table(table.slice(1), tmp_path / "b.parquet")
    sql = "SELECT sum(n) AS n FROM x"
    assert run(sql, {"x": table}) == run(sql, {"x": sorted(tmp_path.glob("*.parquet"))})


def test_no_file_at_all_is_an_empty_table_of_the_schema() -> None:
    with Session() as session:
        session.table("x", [], pa.schema([("n", pa.int64())]))
        assert session.query("SELECT count(*) AS n FROM x")["n"].to_pylist() == [0]
        with pytest.raises(ValueError, match="no file and no schema"):
            session.table("y", [])


def test_sessions_share_a_database_and_see_nothing_of_each_other(tmp_path: Path) -> None:
    def one(n: int) -> list[int]:
        with Session() as session:
            session.table("x", pa.table({"n": [n]}))
            session.step("kept", "SELECT n FROM x")
            return [int(v) for _ in range(20) for v in session.query("SELECT n FROM kept")["n"].to_pylist()]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(64))) == [[n] * 20 for n in range(64)]
    with Session() as session, pytest.raises(duckdb.CatalogException):
        session.query("SELECT n FROM kept")


def test_conform_turns_microseconds_into_instants_and_ordered_texts_into_lists() -> None:
    raw = pa.table(
        {
            "who": pa.array([["000001 b", "000002 a"], None, []], pa.list_(pa.string())),
            "at": pa.array([1, None, 2_000_000], pa.int64()),
            "extra": [1, 2, 3],
        }
    )
    found = conform(raw, pa.schema([("at", UTC_US), ("who", NAMES)]))
    assert found.column_names == ["at", "who"]
    assert found["who"].to_pylist() == [["b", "a"], [], []]
    assert found["at"].to_pylist()[2] == datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)
    with pytest.raises(KeyError):
        conform(raw, pa.schema([("missing", TEXT)]))
