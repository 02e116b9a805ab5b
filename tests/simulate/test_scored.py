"""Simulated data is scored like a recording: from its plan the same judgements come out, story by story."""

from __future__ import annotations

import pytest

from callstats.settings import Settings
from tests.accuracy import report, truth
from tests.accuracy.__main__ import EXPECTED
from tests.accuracy.sources import findings
from tests.simulate.conftest import Played
from tests.simulate.recordings import folder_of


@pytest.mark.parametrize("name", ["ami", "cel+queue_log", "cdr"])
def test_a_simulated_recording_scores_as_the_recorded_one(name: str, played: Played) -> None:
    config = folder_of("a") / "callstats.toml"
    made = played("a")
    found = findings(made, name, Settings.load(config), truth.load(made, config))
    assert [t for t in report.differences(found) if t.startswith("CERTAIN")] == []
    assert report.counts({name: found})[name] == report.read_counts(EXPECTED / "sample_cdr.json")[name]
