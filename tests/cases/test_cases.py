"""Other projects' cases: no count drops, no failure without a reason, no reason without a failure."""

from __future__ import annotations

import pytest

from tests.cases import report
from tests.cases.check import Check
from tests.cases.load import files, load
from tests.cases.score import checks
from tests.shared import CASES

pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason="the cases (../shared/cases) are not beside this project"
)


@pytest.fixture(scope="module", params=files() if CASES.is_dir() else ["none"])
def scored(request: pytest.FixtureRequest) -> tuple[str, list[Check]]:
    file = request.param
    return file, list(checks(load(file)))


def test_counts_are_the_committed_ones(scored: tuple[str, list[Check]]) -> None:
    file, found = scored
    assert report.differences(file, found, report.expected()) == []


def test_each_failure_has_its_reason(scored: tuple[str, list[Check]]) -> None:
    known = report.committed(scored[1], report.expected())
    assert [c.key for c in report.unexplained(known)] == []


def test_each_reason_still_holds(scored: tuple[str, list[Check]]) -> None:
    assert report.outdated(report.committed(scored[1], report.expected())) == []


def test_what_is_left_out_says_why(scored: tuple[str, list[Check]]) -> None:
    _, found = scored
    assert found
    assert all(len(c.out) > 10 for c in found if c.out)


def test_a_dropped_fact_and_a_gained_one_are_told() -> None:
    def check(right: bool) -> Check:
        return Check("case", "file", "master", "fact", right)

    known = {"file": {"case": [1, 2]}}
    assert report.differences("file", [check(True), check(False)], known) == []
    assert "fewer" in report.differences("file", [check(False), check(False)], known)[0]
    assert "better" in report.differences("file", [check(True), check(True)], known)[0]
    assert report.differences("file", [check(False)], {}) == []
