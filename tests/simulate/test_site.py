"""`callstats simulate`: files as a site has them, the same for the same arguments, nobody's folder harmed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from callstats.cli import main
from callstats.settings import Settings
from callstats.simulate.site import PROVENANCE, SOURCES
from ingest.reader import identify

SPAN = ("--from", "2026-10-24", "--until", "2026-11-03", "--calls", "120")


def simulate(to: Path, *more: str) -> int:
    return main(["simulate", "--to", str(to), *SPAN, *more])


def bytes_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_source_is_written_and_identified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(tmp_path / "town") == 0
    assert "SIMULATED" in capsys.readouterr().out
    settings = Settings.load(tmp_path / "town" / "callstats.toml")
    assert settings.simulated
    kinds = {
        name: identify(tmp_path / "town" / files[0], settings).name
        for name, files in SOURCES.items()
        if files
    }
    assert kinds == {
        "cdr": "cdr_custom", "cdr_csv": "cdr_csv", "cel": "cel_csv", "queue_log": "queue_log", "ami": "ami",
    }  # fmt: skip
    assert list((tmp_path / "town" / "voicemail").rglob("msg*.txt"))
    assert (tmp_path / "town" / PROVENANCE).read_text(encoding="utf-8").startswith("# SIMULATED")
    truth = (tmp_path / "town" / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(truth) > 90
    assert all(json.loads(line)["t_start"] for line in truth)


def test_logs_are_rotated_by_month_or_day(tmp_path: Path) -> None:
    def rotated(how: str) -> list[str]:
        assert simulate(tmp_path / how, "--rotate", how, "--sources", "queue_log") == 0
        return sorted(path.name for path in (tmp_path / how).glob("queue_log-*"))

    assert rotated("month") == ["queue_log-20261101"]
    assert rotated("never") == []
    assert {"queue_log-20261028", "queue_log-20261029", "queue_log-20261030"} <= set(rotated("day"))


def test_rotated_parts_make_the_whole(tmp_path: Path) -> None:
    for how in ("day", "never"):
        assert simulate(tmp_path / how, "--rotate", how, "--sources", "cdr") == 0
    parts = sorted((tmp_path / "day" / "cdr_custom").glob("Master.csv-*"))
    parts.append(tmp_path / "day" / "cdr_custom" / "Master.csv")
    whole = (tmp_path / "never" / "cdr_custom" / "Master.csv").read_bytes()
    assert b"".join(part.read_bytes() for part in parts) == whole


def test_the_same_arguments_write_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", "4"), ("b", "4"), ("c", "5")):
        assert simulate(tmp_path / name, "--seed", seed) == 0
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")
    assert bytes_of(tmp_path / "a") != bytes_of(tmp_path / "c")


def test_an_earlier_simulation_makes_way_and_other_things_do_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(tmp_path / "town") == 0
    (tmp_path / "town" / "cel" / "left").write_text("x")
    assert simulate(tmp_path / "town", "--sources", "cdr") == 0
    assert not (tmp_path / "town" / "cel").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("x")
    capsys.readouterr()
    assert simulate(tmp_path / "mine") == 2
    assert "holds other things" in capsys.readouterr().err
    assert (tmp_path / "mine" / "letter.txt").read_text() == "x"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--sources", "cdr,fax"), "fax: no such source"),
        (("--sources", ","), "name at least one of cdr"),
        (("--calls", "0"), "at least 1"),
        (("--parts", "1000"), "1 to 900 parts"),
    ],
)
def test_wrong_arguments_are_one_clear_line(
    tmp_path: Path, more: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(tmp_path / "town", *more) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "town" / "truth.jsonl").exists()


def test_breaks_are_told_in_the_provenance(tmp_path: Path) -> None:
    assert simulate(tmp_path / "town", "--breaks", "--sources", "ami,cdr") == 0
    told = (tmp_path / "town" / PROVENANCE).read_text(encoding="utf-8")
    assert all(f"- {kind}: 2026-" in told for kind in ("gap", "stop", "crash"))
