"""Neutral states from the command line to the explanation: who said so stands behind what is not scored."""

import json
from pathlib import Path

import pytest

from callstats.cli import main
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"
REASONS = '[neutral.reasons]\n"klātiene" = "in_person"\n'
# both members of finance's queue were paused, without a reason, while a client waited
UNTOLD = "|PAUSE|\n"


@pytest.fixture
def site(tmp_path: Path) -> list[str]:
    """The sample's queue_log and CEL, in which the pauses without a reason say `klātiene`."""
    config = tmp_path / "callstats.toml"
    config.write_text((SAMPLE / "callstats.toml").read_text("utf-8") + REASONS, "utf-8")
    log = (SAMPLE / "queue_log").read_text("utf-8")
    assert UNTOLD in log
    (tmp_path / "queue_log").write_text(log.replace(UNTOLD, "|PAUSE|klātiene\n"), "utf-8")
    where = ["--config", str(config), "--data", str(tmp_path / "data")]
    assert main(["ingest", str(tmp_path / "queue_log"), str(SAMPLE / "cel"), *where]) == 0
    return where


def visits(where: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> list[dict[str, object]]:
    assert main(["export", "visits", "--to", str(tmp_path / "visits.jsonl"), *where]) == 0
    capsys.readouterr()
    return [json.loads(line) for line in (tmp_path / "visits.jsonl").read_text("utf-8").splitlines()]


def test_a_pause_with_a_neutral_reason_is_quoted_by_its_lines(
    site: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (one,) = (row for row in visits(site, capsys, tmp_path) if row["neutral"])
    assert (one["department"], one["no_phone_available"]) == ("finance", True)
    assert main(["explain", str(one["call_id"]), *site]) == 0
    told = capsys.readouterr().out
    assert "everyone who could answer was in a neutral state (serving in person)" in " ".join(told.split())
    lines = (SAMPLE / "queue_log").read_text("utf-8").splitlines(keepends=True)
    said = [number for number, line in enumerate(lines, 1) if line.endswith(UNTOLD)]
    assert len(said) == 2
    for number in said:
        assert f"{number}" in told.partition("neutral state")[2]


def test_an_entered_interval_counts_from_when_it_is_entered_until_it_is_withdrawn(
    site: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def neutral() -> set[object]:
        return {row["department"] for row in visits(site, capsys, tmp_path) if row["neutral"]}

    assert neutral() == {"finance"}
    day = ["--from", "2026-11-23 00:00", "--to", "2026-11-24 00:00"]
    added = ["neutral", "add", "--department", "registry", "--state", "training", *day]
    assert main([*added, "--reason", "mācības", "--author", "kanceleja", *site]) == 0
    assert capsys.readouterr().out == "Added: 1.\n"
    assert neutral() == {"finance", "registry"}
    (call,) = {row["call_id"] for row in visits(site, capsys, tmp_path) if row["department"] == "registry"
               and row["neutral"] and row["outcome"] == "unanswered"}  # fmt: skip
    assert main(["explain", str(call), *site]) == 0
    assert "(training, entry 1)" in " ".join(capsys.readouterr().out.split())

    shorter = [*added, "--reason", "tikai līdz plkst. 1", "--supersedes", "1", *site]
    shorter[shorter.index("2026-11-24 00:00")] = "2026-11-23 01:00"
    assert main(shorter) == 0
    assert neutral() == {"finance"}
    assert main(["neutral", "withdraw", "1", "--reason", "?", *site]) == 2  # it was superseded
    assert "no entry 1 is in force" in capsys.readouterr().err
    assert main(["neutral", "withdraw", "2", "--reason", "nenotika", *site]) == 0
    capsys.readouterr()
    assert main(["neutral", "list", "--json", *site]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["neutral", "--all", "--json", *site]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["id"], row["supersedes"], row["withdrawn"]) for row in rows] == [
        (1, None, False), (2, 1, False), (3, 2, True),
    ]  # fmt: skip
    assert rows[0]["author"] == "kanceleja"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--department", "nobody"], "no department 'nobody'"),
        (["--phone", "999"], "'999' is an extension of no department"),
        (["--phone", "501", "--to", "2026-11-22 00:00"], "22 00:00 is not after from: 2026-11-23"),
        (["--phone", "501", "--to", "2062-11-23 09:00"], "is the year right?"),
        (["--phone", "501", "--from", "2062-11-23", "--to", "2062-11-24"], "is the year right?"),
        (["--phone", "501", "--from", "0001-01-01"], "is too far away"),
        (["--phone", "501", "--to", "9999-12-31 23:59-10:00"], "is too far away"),
        (["--phone", "501", "--from", "vakar"], "'vakar' is no time"),
    ],
)
def test_what_cannot_be_entered_is_told_in_one_line(
    site: list[str], wrong: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    day = ["--from", "2026-11-23 00:00", "--to", "2026-11-24 00:00"]
    assert main(["neutral", "add", "--state", "break", *day, "--reason", "r", *wrong, *site]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
