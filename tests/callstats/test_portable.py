"""Every SQL text keeps to the portable subset; a text that leaves it is told by the name of what it uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from api.calls import page_sql
from callstats import portable
from callstats.assemble import RESULTS, _ordered
from callstats.behind import FIGURES, behind_query
from callstats.cluster import _NEEDED, OF_SPAN
from callstats.engine import bind
from callstats.evidence import LINES_OF_A_CALL
from callstats.facts import Facts, table
from callstats.metrics.base import cell_query, scope_steps
from callstats.metrics.links import links_query
from callstats.metrics.registry import METRICS
from callstats.metrics.returns import returns_query
from callstats.portable import FUNCTIONS, TYPES, faults
from callstats.register.contacts import SQL as CONTACTS
from callstats.verdicts import SQL as VERDICTS
from tests.shared import ROOT

PARAMETER = re.compile(r"(?<!:):([a-z_]+)\b")
BEGINS = re.compile(r"\s*(?:SELECT|WITH)\s")
# Modules whose texts are put together, and are looked at as `_composed` makes them.
COMPOSED = {
    *(f"callstats/metrics/{slug}.py" for slug in METRICS),
    "callstats/metrics/base.py",
    "callstats/metrics/links.py",
    "callstats/register/contacts.py",
    "callstats/verdicts.py",
    "callstats/behind.py",
    "callstats/assemble/__init__.py",
    "callstats/cluster.py",
    "callstats/evidence.py",
    "callstats/facts.py",
    "api/calls.py",
}
# Texts that only DuckDB, or no engine of ours, ever runs.
OUTSIDE = {
    "callstats/cases/": "speaks to SQLite and PostgreSQL: catalog, vault",
    "callstats/gather.py": "the store's housekeeping: sorts the rows of files into one, computes nothing",
    "callstats/analysis/": "what analysts ask in DuckDB's words, of a store or of tables that were fetched",
    "api/table_routes.py": "gives a whole table away, computes nothing",
    "callstats/portable.py": "asks DuckDB's parser what is in a text",
}


def bound(sql: str) -> str:
    return bind(sql, dict.fromkeys(PARAMETER.findall(sql), "x"))


def _texts() -> Iterator[tuple[str, str]]:
    """Every SQL text of the program: files, composed texts, and whole statements in the code."""
    for path in sorted((ROOT / "callstats").rglob("*.sql")):
        yield path.name, path.read_text(encoding="utf-8")
    yield from _composed()
    for where, line, text in _statements():
        if text is not None and where not in COMPOSED:
            yield f"{where}:{line}", text


def _composed() -> Iterator[tuple[str, str]]:
    for slug, metric in METRICS.items():
        for axis in metric.axes:
            yield f"{slug} by {axis}", cell_query(metric, (axis,), 2)
    for name, text in (*scope_steps(2).items(), ("links", links_query(2)), ("returns", returns_query(2))):
        yield f"{name} of two departments", text
    for result, step, columns in RESULTS:
        yield f"{result.name} in order", _ordered(step, columns)
        yield f"{result.name} of a span", OF_SPAN.format(step)
    yield "calls that followed a case up", CONTACTS
    yield "verdicts", VERDICTS
    for slug in FIGURES:
        yield f"visits behind {slug}", behind_query(METRICS[slug])
    for order in ("oldest first", "newest first"):
        yield f"api/calls.py:{order}", page_sql(order)
    yield "what a cluster reads", _NEEDED
    yield "lines of a call", LINES_OF_A_CALL
    known = SimpleNamespace(until=date(2026, 11, 23), table_files=lambda *_: [Path("a.parquet")])
    yield "a table up to a day", table(cast(Facts, known), "visits").sql


def _statements() -> Iterator[tuple[str, int, str | None]]:
    """Module, line and text of what begins like a statement in the code; no text where it has gaps."""
    for folder in ("callstats", "api", "ingest"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            where = path.relative_to(ROOT).as_posix()
            if not where.startswith(tuple(OUTSIDE)):
                for node, text in _strings(ast.parse(path.read_text(encoding="utf-8"))):
                    if BEGINS.match(text):
                        yield where, node.lineno, text if isinstance(node, ast.Constant) else None


def _strings(tree: ast.Module) -> Iterator[tuple[ast.Constant | ast.JoinedStr, str]]:
    """Strings, and f-strings as far as they are the same everywhere."""
    within = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            fixed = (part.value for part in node.values if isinstance(part, ast.Constant))
            yield node, "".join(str(one) for one in fixed)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in within:
            yield node, node.value


TEXTS = dict(_texts())


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_text_keeps_to_the_portable_subset(name: str) -> None:
    assert faults(bound(TEXTS[name])) == []


def test_the_texts_are_found() -> None:
    assert {"heard.sql", "visits_measured.sql", "visits.sql", "queue_steps.sql"} <= set(TEXTS)
    assert {
        "links of two departments",
        "calls that followed a case up",
        "ring_time by hour",
        "scoped of two departments",
        "calls of a span",
    } <= set(TEXTS)
    modules = {name.rpartition(":")[0] for name in TEXTS}
    own = {
        "agreement",
        "spread",
        "judge/__init__",
        "metrics/returns",
        "metrics/inputs",
    }
    assert {f"callstats/{name}.py" for name in own} | {"api/calls.py"} <= modules


def test_no_text_goes_unseen() -> None:
    """A text with gaps stands where it is put together for the tests, or is named with the reason."""
    gaps = {where for where, _, text in _statements() if text is None} - COMPOSED
    assert gaps == set(), "put it together in _composed()"
    for name in (*OUTSIDE, *COMPOSED):
        assert (ROOT / name).exists(), name


def test_the_list_holds_nothing_that_no_text_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is no longer used leaves the list; a new one comes with a text that needs it."""
    everything = [bound(text) for text in TEXTS.values()]
    monkeypatch.setattr(portable, "FUNCTIONS", {})
    monkeypatch.setattr(portable, "TYPES", {})
    told = {fault for text in everything for fault in faults(text)}
    assert {fault.split("()")[0] for fault in told if "() is not in the list" in fault} == set(FUNCTIONS)
    assert {fault.split()[1] for fault in told if fault.startswith("type ")} == set(TYPES)


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("SELECT strftime(a, 'x') FROM t", "strftime() is not in the list"),
        ("SELECT a FROM t ORDER BY a", "ORDER BY without ASC or DESC, or without NULLS FIRST or LAST"),
        ("SELECT a FROM t ORDER BY a ASC", "ORDER BY without ASC or DESC, or without NULLS FIRST or LAST"),
        (
            "SELECT row_number() OVER (ORDER BY a NULLS LAST) FROM t",
            "ORDER BY without ASC or DESC, or without NULLS FIRST or LAST",
        ),
        ("SELECT sum(a) OVER (ORDER BY a ASC NULLS LAST) FROM t", "sum() OVER an ORDER BY without ROWS"),
        ("SELECT a / b FROM t", "a divisor that may be 0: NULLIF it"),
        ("SELECT a / 0 FROM t", "a divisor that may be 0: NULLIF it"),
        ("SELECT a // 2 FROM t", "//() is not in the list"),
        ("SELECT a % b FROM t", "a divisor that may be 0: NULLIF it"),
        ("SELECT a FROM t WHERE b = 'x\\y'", "a backslash in a literal"),
        ("SELECT a / 1000000.0 FROM t", "1000000.0 is a DECIMAL: write an exponent"),
        ("SELECT min_by(a, b) FROM t", "min_by() without FILTER (WHERE its value IS NOT NULL)"),
        (
            "SELECT min_by(a, b) FILTER (WHERE b IS NOT NULL) FROM t",
            "min_by() without FILTER (WHERE its value IS NOT NULL)",
        ),
        ("SELECT array_agg(a) FROM t", "array_agg() outside array_sort()"),
        ("SELECT array_sort(array_agg(a)) FROM t", "array_agg() without FILTER (WHERE … IS NOT NULL)"),
        ("SELECT a IN (SELECT b FROM u) FROM t", "IN (SELECT …) outside WHERE"),
        ("SELECT CAST(a AS HUGEINT) FROM t", "type HUGEINT is not in the list"),
        ("SELECT TRY_CAST(a AS BIGINT) FROM t", "TRY_CAST is not in the list"),
        ("SELECT a FROM t QUALIFY a = 1", "QUALIFY is not in the list"),
        ("SELECT a FROM t LIMIT 1", "LIMIT without ORDER BY"),
        ("SELECT a, count(*) FROM t GROUP BY ALL", "GROUP BY ALL is not in the list"),
        ("SELECT a, count(*) FROM t GROUP BY 1", "GROUP BY a place: name the column"),
        ("SELECT a FROM t FULL JOIN u ON t.a = u.a", "REGULAR FULL JOIN is not in the list"),
        ("SELECT a FROM t ASOF JOIN u ON t.a >= u.a", "ASOF INNER JOIN is not in the list"),
        ("SELECT a FROM t JOIN u USING (a)", "JOIN … USING: write ON"),
        ("SELECT a FROM t JOIN u ON EXISTS (SELECT 1 FROM v WHERE v.a = t.a)", "a subquery in ON"),
        ("SELECT a FROM t EXCEPT SELECT a FROM u", "EXCEPT is not in the list"),
        ("SELECT list_transform(a, x -> x) FROM t", "LAMBDA is not in the list"),
        ("SELECT a BETWEEN 1 AND 2 FROM t", "COMPARE_BETWEEN is not in the list"),
        ("SELECT [1, 2] FROM t", "list_value() is not in the list"),
    ],
)
def test_what_leaves_the_subset_is_named(sql: str, fault: str) -> None:
    assert fault in faults(sql)


def test_what_cannot_be_parsed_is_told() -> None:
    assert faults("SELECT FROM")[0].startswith("no SELECT that can be parsed")


def test_what_the_rules_ask_for_is_no_fault() -> None:
    sql = """SELECT a / nullif(b, 0), a / 1e6, a / CAST(nullif(b, 0) AS DOUBLE),
        min_by(a, b) FILTER (WHERE c AND a IS NOT NULL),
        array_sort(array_agg(DISTINCT a) FILTER (WHERE a IS NOT NULL)),
        sum(a) OVER (ORDER BY b ASC NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
        FROM t JOIN (SELECT b FROM u WHERE EXISTS (SELECT 1 FROM v)) w ON w.b = t.b
        WHERE t.a NOT IN (SELECT a FROM u)"""
    assert faults(sql) == []
