"""The table, the list of differences and the comparison with committed counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.accuracy import report
from tests.accuracy.score import Finding


def finding(
    status: str, certainty: str | None = None, fact: str = "outcome", story: str = "direct", group: str = ""
) -> Finding:
    return Finding("s01.1", story, group, fact, "call", "answered", "busy", certainty, status)


FOUND = [
    finding("right", "certain"),
    finding("right", "borderline", "third_signal"),
    finding("wrong", "estimated"),
    finding("unknown", "unknown", "rotation"),
    finding("missing", fact="attempt"),
    finding("excess", fact="call"),
    finding("right", fact="ring_s"),
]


def test_excess_is_no_fact_of_the_truth_but_is_counted() -> None:
    one = report.line("ami", FOUND)
    assert (one.facts, one.ring, one.excess, one.certain_wrong) == ((3, 6), (1, 1), 1, 0)
    assert one.judged == {"certain_right": 1, "borderline": 1, "estimated_wrong": 1, "judged_unknown": 1}


def test_what_is_judged_apart_counts_only_where_it_is_certainly_wrong() -> None:
    one = report.line("ami", [finding("wrong", "certain", group="gap"), finding("missing", group="cut")])
    assert (one.facts, one.certain_wrong) == ((0, 0), 1)


def test_the_table_has_a_line_per_set() -> None:
    told = report.table([report.line("ami", FOUND), report.line("cdr", [])]).splitlines()
    assert told[0].split()[:2] == ["sources", "facts"]
    assert "3/6  50.0 %" in told[2]
    assert told[3].startswith("cdr")


def test_certainly_wrong_differences_come_first() -> None:
    told = report.differences([*FOUND, finding("wrong", "certain", story="zz")])
    assert told[0].startswith("CERTAIN WRONG")
    assert len(told) == 5
    assert "expected answered, got busy (estimated)" in "\n".join(told)


def test_counts_survive_the_file(tmp_path: Path) -> None:
    told = report.counts({"ami": FOUND, "cdr": [finding("wrong", group="gap")]})
    report.write_counts(tmp_path / "x.json", told)
    assert report.read_counts(tmp_path / "x.json") == told
    assert list(told["cdr"]) == ["(gap)"]


def test_counts_of_other_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"columns": ["right"], "sets": {}}')
    with pytest.raises(ValueError, match="other columns"):
        report.read_counts(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (finding("right", "certain"), finding("right", "estimated"), "certain 1 → 0"),
        (finding("right", "borderline"), finding("right", "estimated"), "certain or borderline 1 → 0"),
        (finding("right", "estimated"), finding("unknown", "unknown"), "right 1 → 0"),
        (finding("unknown", "unknown"), finding("wrong", "estimated"), "wrong 0 → 1"),
    ],
)
def test_a_drop_is_told(before: Finding, after: Finding, said: str) -> None:
    worse, changed = report.drops(report.counts({"ami": [before]}), report.counts({"ami": [after]}))
    assert changed
    assert len(worse) == 1
    assert worse[0].startswith("ami: direct: ")
    assert said in worse[0]


def test_an_improvement_is_a_change_and_no_drop() -> None:
    worse, changed = report.drops(
        report.counts({"ami": [finding("wrong", "estimated")]}),
        report.counts({"ami": [finding("right", "certain")]}),
    )
    assert (worse, changed) == ([], True)


def test_a_new_excess_call_is_told_under_its_own_name() -> None:
    base = report.counts({"ami": [finding("right")]})
    worse, _ = report.drops(
        base, report.counts({"ami": [finding("right"), finding("excess", story="(no such call)")]})
    )
    assert worse == ["ami: (no such call): not among the expected counts"]


def test_the_same_counts_are_no_change() -> None:
    told = report.counts({"ami": FOUND})
    assert report.drops(told, told) == ([], False)
