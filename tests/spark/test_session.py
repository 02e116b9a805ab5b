"""What the engines must agree on, value by value; that a disagreement is seen; and how Spark is opened."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from callstats import engine, spark
from callstats.engine import Parameter
from callstats.errors import UsageError
from callstats.fields import INT, NAMES, SECONDS, TEXT, UTC_US
from callstats.portable import faults
from tests.spark.twin import Twin, differences

LETTERS = ["a", "b", "ā", "č", "ē", "z", "Z", "A", "Š", "š", "ž", "ķ", "", " ", "0", "10", "9", None]
# Riga: the night of 25 hours, the night of 23, an hour apart on both sides; midnights; before 1970.
INSTANTS = [
    *(datetime(2026, 10, 25, hour, minute, tzinfo=UTC) for hour in (0, 1, 2) for minute in (0, 30, 59)),
    *(datetime(2026, 3, 29, hour, minute, tzinfo=UTC) for hour in (0, 1, 2) for minute in (0, 59)),
    datetime(2026, 6, 30, 20, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 6, 30, 21, 0, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
]
NUMBERS = [0, 1, 2, 3, 5, -1, -5, 2_500_000, 14_990_000, 15_000_000, 14_999_999, 1_795_402_085_131_313, None]
HALVES = [0.5, 1.5, 2.5, -0.5, -2.5, 14.9999995, 1e-7, 123456.7890125, None]
CHANNELS = [
    "PJSIP/201-0000001f", "Local/8000@from-int;1", "SIP/anna.kalnina-a1", "DAHDI/i1/67012200-3", "x", "",
    "PJSIP/ā-1f", "AsyncGoto/PJSIP/201-00000001", None,
]  # fmt: skip

TEXTS: dict[str, str] = {
    "texts are ordered and compared by their bytes": """SELECT x,
        row_number() OVER (ORDER BY x ASC NULLS LAST) AS up,
        row_number() OVER (ORDER BY x DESC NULLS FIRST) AS down, x < 'b' AS less,
        x = 'Ā' AS same FROM letters""",
    "the smallest and largest text": """SELECT min(x) AS a, max(x) AS b, count(x) AS n,
        count(*) AS m FROM letters""",
    "a list of texts is sorted by their bytes": """SELECT
        array_sort(array_agg(DISTINCT x || ' ') FILTER (WHERE x IS NOT NULL)) AS xs FROM letters""",
    "characters, not bytes": """SELECT x, length(x) AS n, lpad(x, 3, 'ž') AS filled, substring(x, 1,
        1) AS one,
        substr(x, 2) AS rest, replace(x, 'ā', 'a') AS plain, contains('ač', x) AS held FROM letters""",
    "a null among texts": "SELECT x, x || 'y' AS joined, concat(coalesce(x, ''), 'y') AS both FROM letters",
    "LIKE knows % and _": """SELECT x, x LIKE '_' AS one, x LIKE '%0%' AS zero,
        x NOT LIKE 'a%' AS other FROM letters""",
    "patterns": """SELECT x, regexp_extract(x, '-([0-9a-f]+)$', 1) AS number, regexp_extract(x,
        '^Local/([^@;]*)', 1) AS l,
        regexp_extract(x, '^[A-Za-z0-9]+/(.*?)(-[0-9a-f]+)?$', 1) AS endpoint, regexp_like(x,
        '^[A-Z]') AS upper,
        regexp_like(x, '^.{1,3}$') AS short, split_part(x, '/', 2) AS second, split_part(x, '/', 9) AS none
        FROM channels""",
    "whole numbers divide into a double": """SELECT x, x / 2 AS half, x / 1e6 AS s, x / nullif(x - 1, 0) AS q,
        x % 50000 AS rest, x - x % 7 AS bar,
        floor(x / 1000000) = 15 AS whole, CAST(floor(x / 1e6) AS BIGINT) AS seconds FROM numbers""",
    "sums, and nothing to sum": """SELECT sum(x) AS s, sum(CASE WHEN x > 9000000000000000 THEN x END) AS none,
        min(x) AS a, max(x) AS b, greatest(min(x), NULL, 3) AS g, least(NULL, max(x)) AS l FROM numbers""",
    "a group of nulls": """SELECT x IS NULL AS nothing, bool_or(x > 0) AS one,
        bool_and(x > 0) AS every, sum(x) AS s,
        count(DISTINCT x) AS n FROM numbers GROUP BY x IS NULL""",
    "halves round away from zero": """SELECT x, round(x, 0) AS whole, round(x, 1) AS tenth,
        CAST(round(x * 1000000, 0) AS BIGINT) AS us, abs(x) AS size FROM halves""",
    "numbers as text and back": """SELECT CAST(x AS STRING) AS t, CAST(CAST(x AS STRING) AS BIGINT) AS n,
        CAST(x AS DOUBLE) AS d FROM numbers""",
    "instants, their clock and their text": """SELECT t, unix_micros(t) AS us,
        hour(from_utc_timestamp(t, :zone)) AS h,
        CAST(from_utc_timestamp(t, :zone) AS DATE) AS day,
        CAST(from_utc_timestamp(t, :zone) AS STRING) AS clock, timestamp_micros(unix_micros(t) + 1) AS later
        FROM instants""",
    "days": """SELECT CAST(from_utc_timestamp(t, :zone) AS DATE) AS day, count(*) AS n,
        count(DISTINCT hour(from_utc_timestamp(t, :zone))) AS hours FROM instants
        WHERE CAST(from_utc_timestamp(t, :zone) AS DATE) >= :day
        GROUP BY CAST(from_utc_timestamp(t, :zone) AS DATE)""",
    "nulls are placed where the order says": """SELECT x, lag(x) OVER (ORDER BY x ASC NULLS FIRST) AS before,
        lead(x) OVER (ORDER BY x DESC NULLS LAST) AS after,
        sum(x) OVER (ORDER BY x ASC NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS running,
        max(x) OVER (ORDER BY x ASC NULLS FIRST ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
        FROM numbers""",
    "the value at the smallest key": """SELECT min_by(x, n) FILTER (WHERE x IS NOT NULL) AS first_text,
        min_by(n, n) FILTER (WHERE x IS NULL AND n IS NOT NULL) AS of_null
        FROM (SELECT x, row_number() OVER (ORDER BY x DESC NULLS FIRST) AS n FROM letters) l""",
    "IN and NOT IN with nulls": """SELECT x, x IN ('a', 'b') AS among, x NOT IN ('a', 'b') AS outside,
        coalesce(x, '') <> '' AS some FROM letters
        WHERE coalesce(x, 'a') IN (SELECT x FROM letters WHERE x IS NOT NULL)
            AND coalesce(x, 'a') NOT IN (SELECT x FROM letters WHERE x LIKE '1%')""",
    "a condition that is null chooses nothing": """SELECT x,
        CASE WHEN x > 2 THEN 'more' WHEN NOT x > 2 THEN 'less' END AS c,
        CASE x WHEN 1 THEN 'one' ELSE 'other' END AS d, x > 2 OR x IS NULL AS e, nullif(x,
        1) AS f FROM numbers""",
}
PARAMETERS: dict[str, Parameter] = {"zone": "Europe/Riga", "day": date(2026, 3, 29)}


@pytest.fixture
def both(twin: Twin) -> Twin:
    twin.table("letters", pa.table({"x": pa.array(LETTERS, TEXT)}))
    twin.table("numbers", pa.table({"x": pa.array(NUMBERS, INT)}))
    twin.table("halves", pa.table({"x": pa.array(HALVES, SECONDS)}))
    twin.table("channels", pa.table({"x": pa.array(CHANNELS, TEXT)}))
    twin.table("instants", pa.table({"t": pa.array(INSTANTS, UTC_US)}))
    return twin


def test_the_engines_agree_value_by_value(both: Twin) -> None:
    for told, sql in TEXTS.items():
        assert faults(engine.bind(sql, PARAMETERS)) == [], told
        both.query(sql, PARAMETERS)
    assert both.found == []


@pytest.mark.parametrize(
    ("sql", "seen"),
    [
        ("SELECT CAST(x AS BIGINT) + CAST(x % 2 AS BIGINT) / 3.0 AS y FROM numbers", "double and decimal"),
        ("SELECT array_sort(array_agg(x)) AS y FROM letters", "rows"),
        ("SELECT row_number() OVER (ORDER BY x) AS y, x FROM letters", "rows"),
        ("SELECT x IN (SELECT x FROM letters WHERE x IS NOT NULL) AS y FROM letters", "rows"),
        ("SELECT strftime(t, '%Y') AS y FROM instants", "Spark cannot run it"),
        ("SELECT x / 0 AS y FROM numbers", "Spark cannot run it"),
        ("SELECT regexp_extract(x || chr(10), '-([0-9a-f]+)$', 1) AS y FROM channels", "rows"),
    ],
)
def test_what_leaves_the_subset_is_seen_to_differ(both: Twin, sql: str, seen: str) -> None:
    """The rules of callstats.portable have reasons: each of these differs, and the comparison sees it."""
    both.query(sql)
    assert seen in "".join(both.found)
    assert faults(sql) != [] or "chr" in sql


BASE = pa.table({"a": pa.array([1, 2, None], INT), "xs": pa.array([["a"], [], None], NAMES)})
OTHERS: dict[str, Any] = {
    "a value": pa.table({"a": pa.array([1, 3, None], INT), "xs": BASE["xs"]}),
    "a null for a value": pa.table({"a": pa.array([1, None, None], INT), "xs": BASE["xs"]}),
    "a row too many": pa.concat_tables([BASE, BASE.slice(0, 1)]),
    "a row too few": BASE.slice(1),
    "an empty list for none": pa.table({"a": BASE["a"], "xs": pa.array([["a"], [], []], NAMES)}),
    "another type": pa.table({"a": pa.array([1.0, 2.0, None], SECONDS), "xs": BASE["xs"]}),
    "another name": BASE.rename_columns(["b", "xs"]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_comparison_can_fail(name: str) -> None:
    assert differences(BASE, OTHERS[name]) != []


def test_the_comparison_knows_equals() -> None:
    assert differences(BASE, BASE.take([2, 0, 1])) == []


def test_a_text_damaged_on_one_side_is_seen(both: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutation that everything here rests on: half a second more on one engine only."""
    real = both.spark.query
    monkeypatch.setattr(both.spark, "query", lambda sql, p=None: real(sql.replace("1e6", "1.0000005e6"), p))
    both.query("SELECT x / 1e6 AS s FROM numbers")
    assert both.found


def test_named_tables_of_one_session_are_not_those_of_another(
    sparks: spark.SparkSession, tmp_path: Path
) -> None:
    with spark.Session(sparks, str(tmp_path)) as one, spark.Session(sparks, str(tmp_path)) as other:
        one.step("x", "SELECT 1 AS n")
        other.step("x", "SELECT 2 AS n")
        one.step("x", "SELECT n + 10 AS n FROM x")
        assert (
            one.query("SELECT n FROM x")["n"][0].as_py(),
            other.query("SELECT n FROM x")["n"][0].as_py(),
        ) == (11, 2)
        with pytest.raises(ValueError, match="no file and no schema"):
            one.table("y", [])
    assert list(tmp_path.iterdir()) == []


def test_without_spark_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    with pytest.raises(UsageError, match=r"callstats\[spark\]"):
        spark.connect("local[1]")
