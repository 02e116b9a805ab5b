"""The reconstruction equals the simulated truth, per set of sources; what differs is explained by a rule.

`make test-simulation` runs the same with 100,000 calls (CALLSTATS_TRUTH_CALLS).
"""

from __future__ import annotations

import itertools
import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from callstats.simulate.plan import Plan
from callstats.simulate.site import write_site
from tests.accuracy.score import Finding
from tests.simulate.limits import Facts, limit
from tests.simulate.truths import SETS, judged, parts

CALLS = int(os.environ.get("CALLSTATS_TRUTH_CALLS", "2000"))
PER_DAY = 330
FIRST = date(2026, 10, 15)  # the night of 25 hours is in the shortest span
PLAN = Plan.of(FIRST, FIRST + timedelta(max(14, CALLS // PER_DAY)), CALLS, 11)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("truth") / "site"
    write_site(PLAN, folder)
    return folder


@pytest.mark.parametrize("name", SETS)
def test_the_reconstruction_equals_the_truth(
    name: str, site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = judged(site, PLAN, name, tmp_path / "data")
    with capsys.disabled():
        print(f"\n{name}: {result.told()}")
    assert result.certain_wrong == []
    assert result.unexplained == []
    assert result.calls == sum(len(calls) for calls, *_ in parts(site, PLAN))
    assert result.calls > 0.8 * CALLS
    assert result.right + result.limits.total() == result.facts
    if name in ("ami", "all"):
        assert not result.limits


def test_parts_cut_the_truth_without_losing_or_doubling_a_call(site: Path) -> None:
    ids = [call.truth_id for calls, *_ in parts(site, PLAN) for call in calls]
    assert len(ids) == len(set(ids))
    edges = [(starts_s, ends_s) for _, _, starts_s, ends_s in parts(site, PLAN)]
    assert all(one[1] == later[0] for one, later in itertools.pairwise(edges))


def test_no_limit_excuses_what_is_certain_or_what_ami_says() -> None:
    leg = {"outcome": "answered", "t_invite": 1.0, "t_180": 1.1, "t_final": 9.0}
    call = Facts.of(
        {"dialled": "60000620", "kind": "public", "outcome": "answered", "answered_by": "602", "legs": [leg]}
    )

    def found(certainty: str) -> Finding:
        return Finding("1", "in", "", "attempt", "visit 1", "unavailable", "no_answer", certainty, "wrong")

    assert limit("cel+queue_log", found("estimated"), call)
    assert limit("cel+queue_log", found("certain"), call) is None
    assert limit("ami", found("estimated"), call) is None
    assert limit("cel+queue_log", found("estimated"), None) is None
