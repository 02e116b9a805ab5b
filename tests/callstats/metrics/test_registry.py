"""What every metric declares, and that its SQL keeps to what both engines read the same way."""

import re
from pathlib import Path

import pytest

from callstats import judge
from callstats.errors import UsageError
from callstats.fields import TABLES
from callstats.metrics import links, registry, returns
from callstats.metrics.base import SCOPE_EXCLUSIONS, Metric, cell_query, scope_steps
from callstats.metrics.describe import definitions
from callstats.metrics.registry import METRICS, metric
from tests.shared import ROOT

FUNCTIONS = {
    "abs", "array_agg", "array_sort", "coalesce", "concat", "count", "floor", "from_utc_timestamp",
    "greatest", "hour", "lead", "least", "length", "lpad", "max", "min", "nullif", "round", "substr", "sum",
    "unix_micros",
}  # fmt: skip
TEXTS = (
    {slug: cell_query(one, one.axes, 2) for slug, one in METRICS.items()}
    | scope_steps(2)
    | {"links": links.links_query(2), "returns": returns.returns_query(2), "judge": judge.text()}
)
every_metric = pytest.mark.parametrize("one", METRICS.values(), ids=METRICS)
every_text = pytest.mark.parametrize("sql", TEXTS.values(), ids=TEXTS)


def test_every_module_is_a_metric_or_ground() -> None:
    modules = {path.stem for path in Path(registry.__file__).parent.glob("*.py")} - {"__init__"}
    assert modules == set(METRICS) | registry._GROUND


def test_an_unknown_slug_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="no metric 'x'; known: abandoned_share, answered_share"):
        metric("x")


@every_metric
def test_a_declaration_is_complete_in_both_languages(one: Metric) -> None:
    split = [one.split.title, *one.split.values.values()] if one.split else []
    measures = [text for m in one.measures for text in (m.title, m.meaning)]
    for said in (
        one.title,
        one.meaning,
        one.denominator,
        one.source,
        *one.exclusions.values(),
        *measures,
        *split,
    ):
        assert said.lv.strip()
        assert said.en.strip()
        assert said.lv != said.en
    assert one.measures
    assert "clause" in one.source.en
    assert "punkt" in one.source.lv
    assert "design" not in one.source.en
    assert set(one.inputs) <= {
        *TABLES, "scoped", "links", "returns", "open_time", "due_days", "members", "handled",
    }  # fmt: skip


@every_metric
def test_every_reason_in_the_text_is_declared(one: Metric) -> None:
    reasons = set(
        re.findall(r"THEN '([a-z_]+)'\s+(?:WHEN|END AS left_out|END AS reason|ELSE|END\b)", one.sql)
    )
    outcomes = set(one.split.values) if one.split else set()
    certainties = {"certain", "borderline", "estimated", "unknown"}
    measures = {m.name for m in one.measures}
    assert reasons - outcomes - measures - certainties - set(SCOPE_EXCLUSIONS) <= set(one.exclusions)


@every_metric
def test_a_recommendation_is_never_called_a_breach(one: Metric) -> None:
    assert not re.search("pārkāpum|breach|slikt", repr(one).lower())


@every_text
def test_only_functions_that_both_engines_know(sql: str) -> None:
    assert set(re.findall(r"\b([a-z_]+)\(", sql)) <= FUNCTIONS


@every_text
def test_only_what_both_engines_read_the_same_way(sql: str) -> None:
    assert "\\" not in sql
    assert not re.search(r"\bQUALIFY\b|::|->|\bILIKE\b|\bEXCLUDE\b|\bORDER BY\b(?!.*NULLS)", sql)
    assert not re.search(r"/ (?!nullif\(|1000000 )", sql), "division only through nullif or by a constant"


def test_no_slug_is_written_anywhere_but_in_its_modules_name() -> None:
    code = [
        *(ROOT / "callstats").rglob("*.py"),
        *(ROOT / "api").rglob("*.py"),
        *(ROOT / "api").rglob("*.html"),
    ]
    found = {
        (path.relative_to(ROOT).as_posix(), slug)
        for path in code
        for slug in METRICS
        if re.search(rf"""["']{slug}["']""", path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_the_page_of_definitions_is_current() -> None:
    """`python -m callstats.metrics.describe > docs/metrics.md` writes it anew."""
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == definitions()


def test_the_readme_has_a_line_for_every_metric() -> None:
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("there is no README.md yet")
    text = readme.read_text(encoding="utf-8")
    assert [slug for slug in METRICS if f"`{slug}`" not in text] == []
