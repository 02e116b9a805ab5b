"""The bench itself: arithmetic, history, data, and that every row runs at all. No time is judged."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.compute as pc
import pytest

from benchmarks import harness
from benchmarks.__main__ import main
from benchmarks.data import KINDS, data, rows_of
from benchmarks.harness import BenchError, Outcome, Run, Sample, compared, in_turn, percentile
from benchmarks.history import Result, append, table
from benchmarks.machine import machine, revision, versions
from benchmarks.rows import ROWS
from benchmarks.rows.append import Append
from benchmarks.rows.reading import Reading
from tests.ingest.reading import dialect, result
from tests.shared import ROOT


@dataclass(frozen=True)
class Made:
    """A row that finds what it is told to."""

    outcome: Outcome | None
    name: str = "made"
    what: str = "a made-up row"
    yardstick: str = "nothing"
    at_most: float = 1.5

    def measure(self, run: Run) -> Outcome:
        if self.outcome is None:
            raise BenchError("bench: the disk | is full")
        return self.outcome


def _pairs(*seconds: tuple[float, float]) -> list[tuple[Sample, Sample]]:
    return [(Sample(ours), Sample(yardstick)) for ours, yardstick in seconds]


def test_the_ratio_is_the_median_of_the_pairs_ratios() -> None:
    found = compared(_pairs((3, 1), (4, 4), (10, 5)), "3 rows")
    assert (found.ratio, found.least, found.most) == (2.0, 1.0, 3.0)
    assert (found.ours, found.yardstick, found.size) == ("4.00 s", "4.00 s", "3 rows")


def test_a_row_is_met_at_its_limit_and_only_with_all_its_further_limits() -> None:
    exactly = compared(_pairs((3, 2)), "", limits={"peak 1 MiB of 600": True})
    assert exactly.met(1.5)
    assert not exactly.met(1.4)
    assert not compared(_pairs((3, 2)), "", limits={"peak 700 MiB of 600": False}).met(1.5)


def test_nothing_measured_is_an_error() -> None:
    with pytest.raises(BenchError, match="nothing was measured"):
        compared([], "")


def test_both_ways_are_measured_in_turn_and_the_first_pair_is_left_out() -> None:
    told: list[str] = []

    def way(name: str) -> Sample:
        told.append(name)
        return Sample(len(told))

    pairs = in_turn(lambda: way("A"), lambda: way("B"), 2)
    assert "".join(told) == "ABABAB"
    assert [(ours.wall_s, yardstick.wall_s) for ours, yardstick in pairs] == [(3, 4), (5, 6)]


@pytest.mark.parametrize(("share", "value"), [(0.95, 95), (0.5, 50), (1.0, 100), (0.001, 1)])
def test_percentiles_are_values_that_were_measured(share: float, value: float) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_the_history_is_begun_and_then_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "HISTORY.md"
    good = Result(Made(None), compared(_pairs((3, 2)), "2 rows", limits={"peak 700 MiB of 600": False}))
    bad = Result(Made(None), None, "bench: the disk | is full")
    for hour in (9, 10):
        at = datetime(2026, 11, 25, hour, tzinfo=UTC)
        append(path, [good, bad], at=at, revision="abc1234", machine="a machine", versions="Python 3")
    lines = path.read_text("utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert [line for line in lines if line.startswith("## ")] == [
        "## 2026-11-25 09:00 UTC, revision abc1234",
        "## 2026-11-25 10:00 UTC, revision abc1234",
    ]
    told = "| a made-up row | 2 rows | 3.00 s | 2.00 s (nothing) | 1.50 (1.50–1.50) | 1.5 | no | "
    assert lines.count(told + "peak 700 MiB of 600 (over) |") == 2
    assert all(line.count("|") == 9 for line in lines if line.startswith("|"))


def test_the_command_tells_rows_keeps_them_and_never_fails_by_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = tmp_path / "HISTORY.md"
    arguments = ["--folder", str(tmp_path), "--history", str(history), "--rounds", "1"]
    slow = Made(compared(_pairs((9, 1)), "a row"))
    assert main(arguments, [slow, Made(None, name="broken")]) == 0
    said = capsys.readouterr().out
    assert "| 9.00 (9.00–9.00) | 1.5 | no |" in said
    assert "not measured | bench: the disk / is full |" in said
    assert history.read_text("utf-8").count("| a made-up row |") == 2
    assert main([*arguments, "--rows", "broken"], [slow, Made(None, name="broken")]) == 0
    assert history.read_text("utf-8").count("| 9.00 (") == 1


@pytest.mark.parametrize("wrong", [["--rows", "nothing"], ["--calls", "0"], ["--calls", "many"]])
def test_wrong_usage_is_told(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_rows_have_names_of_their_own_and_a_place_in_the_table() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert table([Result(row, None, "") for row in ROWS]).count("\n") == len(ROWS) + 2
    assert all(row.at_most > 0 and row.yardstick for row in ROWS)


def test_the_machine_is_described(tmp_path: Path) -> None:
    assert " cores, " in machine(tmp_path)
    assert "pyarrow " in versions()
    assert revision()


@pytest.mark.parametrize(
    ("kind", "name"), [("cdr", "cdr_csv"), ("cel", "cel_csv"), ("queue_log", "queue_log")]
)
def test_data_are_read_without_rejects_and_no_row_is_there_twice(
    kind: str, name: str, tmp_path: Path
) -> None:
    path = data(kind, 4000, tmp_path)
    assert data(kind, 4000, tmp_path / "again").read_bytes() == path.read_bytes()
    found = result(path, dialect(name))
    assert found.read >= 4000
    assert not found.rejects
    assert pc.count_distinct(found.events["line_key"]).as_py() == found.events.num_rows
    sample = ROOT / "sample_cdr" / KINDS[kind]
    copies = found.read // len(sample.read_text("utf-8").splitlines())
    recorded = result(sample, dialect(name)).events
    for column in ("uniqueid", "caller"):
        one = pc.count_distinct(recorded[column]).as_py()
        assert pc.count_distinct(found.events[column]).as_py() > one * copies * 0.5
    assert set(found.events["kind"].to_pylist()) == set(recorded["kind"].to_pylist())


def test_calls_are_counted_as_in_the_recording() -> None:
    assert rows_of("cdr", 100) == 176
    assert rows_of("cel", 1_000_000) == 17_160_000


@pytest.mark.parametrize("kind", KINDS)
def test_a_reading_row_measures_both_ways_with_their_memory(kind: str, tmp_path: Path) -> None:
    found = Reading(kind, "what").measure(Run(200, tmp_path, rounds=1))
    assert found.ratio > 0
    (peak,) = found.limits
    assert peak.startswith("peak ")
    assert [path.name for path in tmp_path.iterdir()] == [data(kind, rows_of(kind, 200), tmp_path).name]


def test_the_append_row_measures_the_first_and_the_last_batches(tmp_path: Path) -> None:
    found = Append().measure(Run(1, tmp_path, rounds=2, batches=20))
    assert found.least <= found.most
    assert found.size == "20 batches of 1,000 rows"
    assert list(tmp_path.iterdir()) == []


def test_memory_is_that_of_the_measured_process_alone(tmp_path: Path) -> None:
    path = data("cdr", 200, tmp_path)
    much = bytearray(700 << 20)  # of ours; what is measured needs far less
    much[::4096] = bytes([1]) * len(much[::4096])
    found = harness.apart("benchmarks.rows.reading:plainly", path=str(path), folder=str(tmp_path))
    assert 20 < found.peak_mib < 600
    assert found.wall_s > 0


def test_a_measurement_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="nowhere"):
        harness.apart(
            "benchmarks.rows.reading:plainly", path=str(tmp_path / "nowhere.csv"), folder=str(tmp_path)
        )
