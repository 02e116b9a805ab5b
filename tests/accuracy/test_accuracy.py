"""The reconstruction against the truth: our sample always, the shared recordings where they are.

One rule has no exception: no judgement marked certain is wrong, whatever the sources.
"""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest

from callstats.assemble import assemble
from callstats.settings import Settings
from tests.accuracy import report, truth
from tests.accuracy.__main__ import EXPECTED, config_of, main
from tests.accuracy.score import Finding
from tests.accuracy.sources import SETS, files, findings, read_events, shuffled
from tests.shared import RECORDINGS, ROOT, needs_shared

SAMPLE = ROOT / "sample_cdr"
OWN = ROOT / "tests" / "recordings"
EVERY = [
    pytest.param(SAMPLE, id="sample"),
    pytest.param(OWN / "autumn_night", id="autumn_night"),
    pytest.param(OWN / "breaks", id="breaks"),
    pytest.param(RECORDINGS / "a", id="a", marks=needs_shared),
    pytest.param(RECORDINGS / "c", id="c", marks=needs_shared),
]
LIMITED = EVERY[1:]


@cache
def found(folder: Path, name: str) -> list[Finding]:
    config = config_of(folder)
    return findings(folder, name, Settings.load(config), truth.load(folder, config))


def reached(folder: Path, name: str) -> report.Line:
    return report.line(name, found(folder, name))


def share(pair: tuple[int, int]) -> float:
    return pair[0] / pair[1]


@pytest.mark.parametrize("folder", EVERY)
@pytest.mark.parametrize("name", SETS)
def test_no_certain_judgement_is_wrong(folder: Path, name: str) -> None:
    assert [t for t in report.differences(found(folder, name)) if t.startswith("CERTAIN")] == []


@pytest.mark.parametrize("folder", EVERY)
@pytest.mark.parametrize("name", SETS)
def test_not_worse_than_the_committed_counts(folder: Path, name: str) -> None:
    committed = report.read_counts(EXPECTED / f"{folder.name}.json")
    worse, _ = report.drops({name: committed[name]}, report.counts({name: found(folder, name)}))
    assert worse == []


@pytest.mark.parametrize("folder", EVERY)
def test_the_order_of_files_and_lines_changes_nothing(folder: Path) -> None:
    assert report.counts({"x": found(folder, "all shuffled")}) == report.counts({"x": found(folder, "all")})


@pytest.mark.parametrize("name", ["ami", "cel+queue_log", "cdr", "cdr_csv", "all"])
def test_equal_events_in_any_order_give_equal_tables(name: str) -> None:
    settings = Settings.load(config_of(SAMPLE))
    events = read_events(files(SAMPLE, SETS[name]), settings)
    first = rows(assemble(events, settings))
    for seed in range(5):
        again = rows(assemble(shuffled(events, random.Random(seed)), settings))
        assert {table: again[table] ^ first[table] for table in first} == {table: set() for table in first}


def rows(tables: dict[str, pa.Table]) -> dict[str, set[str]]:
    return {name: set(map(repr, table.to_pylist())) for name, table in tables.items()}


@pytest.mark.parametrize("folder", LIMITED)
def test_ami_tells_everything_outside_its_gaps(folder: Path) -> None:
    assert report.differences(found(folder, "ami"), apart=False) == []
    unsure = [f for f in found(folder, "ami") if not f.group and f.certainty not in (None, "certain")]
    # a message and a hang-up at the beep look the same in AMI (FACTS, CDR 22): how much was said is estimated
    spoken = {f.truth_id for f in found(folder, "ami") if f.fact == "outcome" and f.expected == "voicemail"}
    assert {f.story for f in unsure if f.truth_id not in spoken} <= {"direct_183_instead_of_180"}
    assert {f.fact for f in unsure if f.truth_id in spoken} <= {"outcome", "visit_outcome"}


@pytest.mark.parametrize("folder", LIMITED)
def test_cel_with_queue_log_tells_98_percent(folder: Path) -> None:
    assert share(reached(folder, "cel+queue_log").facts) >= 0.98


@pytest.mark.parametrize("folder", LIMITED)
def test_cdr_alone_tells_95_percent_and_80_percent_of_third_signals(folder: Path) -> None:
    one = reached(folder, "cdr")
    assert share(one.facts) >= 0.95
    assert share(one.third) >= 0.80


def test_the_command_reports_and_compares(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(SAMPLE), "--set", "cdr"]) == 0
    said = capsys.readouterr().out
    assert "sample_cdr: 94 calls" in said
    assert "certain wrong" in said


def test_a_folder_without_a_recording_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 2
    assert "callstats.toml" in capsys.readouterr().err
