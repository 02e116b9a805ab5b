"""Our own sample is whole, small, ours, and its expected calls are the truth's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.accuracy import expected_calls, trim, truth
from tests.shared import RECORDINGS, ROOT, needs_shared

SAMPLE = ROOT / "sample_cdr"


def sample_files() -> list[Path]:
    return [p for p in SAMPLE.rglob("*") if p.is_file()]


def test_expected_calls_are_those_of_the_truth() -> None:
    told = truth.load(SAMPLE, SAMPLE / "callstats.toml")
    assert (SAMPLE / "expected_calls.csv").read_text(encoding="utf-8") == expected_calls.text(told.calls)


def test_the_sample_is_small() -> None:
    sizes = [p.stat().st_size for p in sample_files()]
    assert max(sizes) < 2_000_000
    assert sum(sizes) < 3_000_000


def test_trimming_drops_whole_blocks_and_keeps_the_bytes_of_the_rest() -> None:
    banner, kept = b"Asterisk Call Manager/11.0.0\r\nResponse: Success", b"Event: Newstate\r\nUniqueid: 1.1"
    blocks = [banner, b"Event: VarSet\r\nUniqueid: 1.1", kept, b"Event: CEL", b"Event: VarS" + banner, b""]
    assert trim.trim_ami(b"\r\n\r\n".join(blocks)) == b"\r\n\r\n".join(
        [banner, kept, b"Event: VarS" + banner, b""]
    )


def test_the_trimmed_stream_still_begins_with_the_banner_and_ends_whole() -> None:
    raw = (SAMPLE / "ami.raw").read_bytes()
    assert raw.startswith(b"Asterisk Call Manager/")
    assert raw.endswith(b"\r\n\r\n")


@needs_shared
def test_the_sample_is_the_trimmed_recording(tmp_path: Path) -> None:
    trim.trim(RECORDINGS / "a", tmp_path)
    made = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(made) > 15
    for path in made:
        assert (SAMPLE / path.relative_to(tmp_path)).read_bytes() == path.read_bytes(), path.name


@needs_shared
@pytest.mark.parametrize("key", ["departments", "hotline", "cadence"])
def test_the_towns_configuration_agrees_with_the_labs(key: str) -> None:
    import tomllib

    ours, theirs = (
        tomllib.loads(p.read_text(encoding="utf-8"))[key]
        for p in (SAMPLE / "callstats.toml", RECORDINGS.parent / "callstats.toml")
    )
    assert ours == theirs


def test_the_trimmed_truth_keeps_what_the_judge_reads() -> None:
    told = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))
    assert len(told["calls"]) == 95
    assert {"t0", "ami_actions", "seed"} <= told.keys()
