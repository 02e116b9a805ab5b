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
    assert report.differences(report.counts({file: found}), report.expected()) == []


def test_each_failure_has_its_reason(scored: tuple[str, list[Check]]) -> None:
    assert [c.key for c in report.unexplained(scored[1])] == []


def test_each_reason_still_holds(scored: tuple[str, list[Check]]) -> None:
    assert report.outdated(scored[1]) == []


def test_what_is_left_out_says_why(scored: tuple[str, list[Check]]) -> None:
    _, found = scored
    assert found
    assert all(len(c.out) > 10 for c in found if c.out)
