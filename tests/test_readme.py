"""The README tells the truth: commands, dialects, figures have their lines; its numbers are current."""

from __future__ import annotations

import re

import pytest

from callstats.cli import _parser
from callstats.metrics.registry import METRICS
from ingest.dialects import dialects
from tests import readme

TEXT = readme.README.read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text of one second-level section."""
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no section {title!r}"
    return found.group(1)


def test_the_accuracy_table_is_that_of_the_committed_counts() -> None:
    assert readme.written(TEXT) == TEXT, "write it anew: python -m tests.readme"


@pytest.mark.parametrize("name", [d.name for d in dialects()])
def test_a_dialect_has_its_line(name: str) -> None:
    assert f"| `{name}` |" in section("Dialects")


@pytest.mark.parametrize("slug", sorted(METRICS))
def test_a_figure_has_its_line(slug: str) -> None:
    assert f"| `{slug}` |" in section("The figures")


def test_every_command_has_its_line_and_no_other_has() -> None:
    (commands,) = (action for action in _parser()._actions if isinstance(action.choices, dict))
    told = re.findall(r"^\| `([a-z]+)[^`]*` \|", section("A site of one's own"), re.MULTILINE)
    assert sorted(told) == sorted(commands.choices or ())


def test_every_link_into_the_tree_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert links
    assert [link for link in links if not (readme.README.parent / link).exists()] == []
