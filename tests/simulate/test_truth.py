"""The reconstruction equals the simulated truth, per set of sources; what differs is explained by a rule.

`make test-simulation` runs the same with 100,000 calls (CALLSTATS_TRUTH_CALLS).
"""

from __future__ import annotations

import itertools
import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from callstats.simulate.plan import Plan, feed_breaks
from callstats.simulate.site import write_site
from tests.accuracy.score import Finding
from tests.simulate.limits import CROSSED, SPOOL, STRADDLED, Facts, limit
from tests.simulate.truths import SETS, Judged, parts, scored

CALLS = int(os.environ.get("CALLSTATS_TRUTH_CALLS", "1000"))
PER_DAY = 330
FIRST = date(2026, 10, 15)  # the night of 25 hours is in the shortest span
PLAN = Plan.of(FIRST, FIRST + timedelta(max(14, CALLS // PER_DAY)), CALLS, 11)
BROKEN = Plan.of(FIRST, FIRST + timedelta(14), max(600, CALLS // 20), 12)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("truth") / "site"
    write_site(PLAN, folder)
    return folder


@pytest.fixture(scope="module")
def results(site: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judged]:
    return scored(site, PLAN, tmp_path_factory.mktemp("events"))


@pytest.mark.parametrize("name", SETS)
def test_the_reconstruction_equals_the_truth(
    name: str, site: Path, results: dict[str, Judged], capsys: pytest.CaptureFixture[str]
) -> None:
    result = results[name]
    if CALLS > 1000:
        with capsys.disabled():
            print(f"\n{name}: {result.told()}")
    assert result.certain_wrong == []
    assert result.unexplained == []
    assert result.calls == sum(len(part.calls) for part in parts(site, PLAN))
    assert result.calls > 0.8 * CALLS
    assert result.right + result.limits.total() == result.facts
    assert result.certain > result.calls
    if name in ("ami", "all"):
        assert set(result.limits) <= {STRADDLED, CROSSED, *((SPOOL,) if name == "ami" else ())}


def test_nothing_certain_is_wrong_where_the_feed_and_the_pbx_break(tmp_path: Path) -> None:
    breaks = feed_breaks(BROKEN, stops=True)
    assert {one.kind for one in breaks} == {"gap", "stop", "crash"}
    write_site(BROKEN, tmp_path / "site", breaks=breaks)
    for name, result in scored(tmp_path / "site", BROKEN, tmp_path, breaks).items():
        assert result.certain_wrong == [], name
        assert result.unexplained == [], name
        assert result.apart or not name.startswith("ami"), name
        assert result.certain > result.calls, name


def test_parts_cut_the_truth_without_losing_or_doubling_a_call(site: Path) -> None:
    found = list(parts(site, PLAN))
    ids = [call.truth_id for part in found for call in part.calls]
    assert len(ids) == len(set(ids))
    assert all(one.ends_s == later.starts_s for one, later in itertools.pairwise(found))


def test_no_limit_excuses_what_is_certain_or_what_ami_says() -> None:
    leg = {"outcome": "answered", "t_invite": 1.0, "t_180": 1.1, "t_final": 9.0}
    call = Facts.of(
        {
            "dialled": "60000620",
            "kind": "public",
            "outcome": "answered",
            "answered_by": "602",
            "legs": [leg],
            "caller_side": {},
        }
    )

    def found(certainty: str) -> Finding:
        return Finding("1", "in", "", "attempt", "visit 1", "unavailable", "no_answer", certainty, "wrong")

    assert limit("cel+queue_log", found("estimated"), call)
    assert limit("cel+queue_log", found("certain"), call) is None
    assert limit("ami", found("estimated"), call) is None
    assert limit("cel+queue_log", found("estimated"), None) is None
