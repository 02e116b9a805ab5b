"""The command over a month that closes: from the PBX's lines to the same figure next year, or to both."""

import contextlib
import io
import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from callstats.cases import catalog
from callstats.cases.models import month_figures
from callstats.cli import main
from callstats.settings import Settings
from callstats.store import Store
from tests.months import master, site

THIRD = "third_signal_share"
# January 2026: ten working days with ten calls each, nine answered, three of them after 13 s of ringing
JANUARY = "2026-01-01"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """January (due on 6 February) closed when it was looked at, February waits for the rest of it."""
    folder = tmp_path_factory.mktemp("town")
    site(folder)
    master(folder, date(2026, 1, 19), date(2026, 2, 4))
    assert run(folder, "ingest", str(folder / "Master.csv"))[0] == 0
    assert months(folder)[JANUARY]["status"] == "closed"
    return folder


@pytest.fixture
def folder(town: Path, tmp_path: Path) -> Path:
    shutil.copytree(town, tmp_path / "town")
    return tmp_path / "town"


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit status, output and errors of a command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(
            [*arguments, "--config", str(folder / "callstats.toml"), "--data", str(folder / "data")]
        )
    return status, out.getvalue(), err.getvalue()


def change(folder: Path, before: str, after: str) -> None:
    path = folder / "callstats.toml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def months(folder: Path) -> dict[str, dict[str, Any]]:
    status, out, err = run(folder, "metrics", THIRD, "--by", "month", "--json")
    assert (status, err) == (0, "")
    return {row["month"]: row for row in json.loads(out)}


def test_a_rule_with_a_date_after_the_month_leaves_its_figure_as_it_was(folder: Path) -> None:
    before = months(folder)[JANUARY]
    assert (before["status"], before["k"], before["n"]) == ("closed", 90, 100)
    change(folder, "[hours]", "[[rules]]\neffective_from = 2026-02-01\noff_s = 3.0\n[hours]")
    after = months(folder)
    assert after[JANUARY] == before
    assert (after["2026-02-01"]["status"], after["2026-02-01"]["k"]) == (
        "provisional",
        12,
    )  # 13 s is late now
    status, out, _ = run(folder, "metrics", THIRD, "--by", "month")
    assert (status, "90 %" in out, " closed\n" in out, " provisional\n" in out) == (0, True, True, True)


def test_a_rule_without_a_date_is_refused_by_every_command_that_shows_or_computes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(folder, "off_s = 4.0", "off_s = 3.0")
    more = master(folder, date(2026, 2, 4), date(2026, 2, 5), "more.csv")
    monkeypatch.setenv("PORT", "18471")
    for arguments in (("metrics",), ("export", "visits"), ("explain", "pbx:1"), ("serve",), ("close",)):
        status, out, err = run(folder, *arguments)
        assert (status, out) == (2, "")
        assert err.count("\n") == 1
        assert "2026-01 (cadence.off_s: 4.0 → 3.0)" in err
        assert "effective_from" in err
        assert 'callstats close --restate 2026-01 --reason "…"' in err
    status, out, err = run(folder, "ingest", str(more))
    assert (status, "new 10" in out, "2026-01 (cadence" in err) == (2, True, True)  # loaded, and not computed
    status, out, _ = run(folder, "doctor")
    assert status == 1
    assert "LOOK closed months: 2026-01: the settings say otherwise now (cadence.off_s: 4.0 → 3.0)" in out
    assert "LOOK month 2026-02: was to close on 2026-03-06: " in out
    change(folder, "off_s = 3.0", "off_s = 4.0")
    assert months(folder)[JANUARY]["k"] == 90


def test_restating_keeps_and_shows_both(folder: Path) -> None:
    change(folder, "off_s = 4.0", "off_s = 3.0")
    assert run(folder, "close", "--restate", "2026-01")[0] == 2
    assert run(folder, "close", "2026-02", "--restate", "2026-01", "--reason", "x")[0] == 2
    asked = ("close", "--restate", "2026-01", "--reason", "the exchange was measured", "--by", "Anna")
    status, out, err = run(folder, *asked)
    assert (status, err) == (1, "")  # February still waits
    (line,) = [line for line in out.splitlines() if line.startswith("2026-01")]
    assert line.split()[:2] == ["2026-01", "restated"]
    assert "Anna" in line
    assert "the exchange was measured" in line
    row = months(folder)[JANUARY]
    assert (row["k"], row["original_k"], row["status"], row["edition"]) == (60, 90, "restated", 2)
    status, out, _ = run(folder, "metrics", THIRD, "--by", "month")
    assert "60 % (at first 90 %)" in out
    assert "restated: the exchange was measured" in out
    status, out, _ = run(folder, "close", "--json")
    (january, february) = json.loads(out)
    assert [one["reason"] for one in january["editions"]] == [None, "the exchange was measured"]
    assert january["editions"][1]["changes"] == ["cadence.off_s: 4.0 → 3.0"]
    assert february["waits_for"] == ["the lines end on 2026-02-03, within it; load what came after"]


def test_a_month_that_waits_can_be_closed_as_it_is(folder: Path) -> None:
    status, _, err = run(folder, "close", "2026-02")
    assert (status, "--reason" in err) == (2, True)
    status, out, _ = run(folder, "close", "2026-02", "--reason", "the PBX was replaced")
    assert (status, "the PBX was replaced" in out, "waiting" in out) == (0, True, False)
    assert run(folder, "close", "september", "--reason", "x")[0] == 2


def test_late_lines_are_told_and_not_taken_in(folder: Path) -> None:
    master(folder, date(2026, 1, 12), date(2026, 1, 14), "late.csv")
    assert run(folder, "ingest", str(folder / "late.csv"))[0] == 0
    row = months(folder)[JANUARY]
    assert (row["k"], row["n"], row["later"]) == (90, 100, True)
    assert "90 %*" in run(folder, "metrics", THIRD, "--by", "month")[1]
    assert "would differ" in run(folder, "close")[1]
    assert "LOOK closed months: 2026-01: lines that came after closing" in run(folder, "doctor")[1]


@pytest.mark.parametrize(
    "command",
    [
        ("purge",),
        ("purge", "--dry-run"),
        ("compute",),
        ("compute", "--from", "2026-01-19", "--to", "2026-01-20"),
    ],
)
def test_a_change_that_touches_a_closed_month_neither_seals_nor_computes_its_days(
    folder: Path, command: tuple[str, ...]
) -> None:
    before = months(folder)[JANUARY]
    change(folder, 'extensions = ["201", "202"]', 'extensions = ["202"]')
    status, _, err = run(folder, *command)
    assert status == 2
    assert "2026-01 (departments.social.extensions: −201)" in err
    change(folder, 'extensions = ["202"]', 'extensions = ["201", "202"]')
    (day, *_) = json.loads(run(folder, "metrics", THIRD, "--by", "day", "--json")[1])
    assert (day["k"], day["n"]) == (9, 10)  # as it was measured
    assert months(folder)[JANUARY] == before


def test_verify_looks_at_what_is_stored_of_a_closed_month(folder: Path) -> None:
    status, out, _ = run(folder, "verify")
    assert status == 0
    assert "Of closed 2026-01: " in out
    settings = Settings.load(folder / "callstats.toml", folder / "data")
    with Store.open(settings) as store, store.database.write() as connection:
        mine = (month_figures.c.metric == THIRD, month_figures.c.axes == "")
        connection.execute(update(month_figures).where(*mine).values(k=91))
    status, out, _ = run(folder, "verify")
    assert status == 1
    for source in ("parts", "facts"):
        name = f"figure {THIRD} within_third_signal 2026-01 by its {source} k"
        assert f"DIFFERS {name}: served 91, computed anew 90" in out


def test_the_sources_of_an_old_month_may_come_one_after_another(tmp_path: Path) -> None:
    site(tmp_path)
    lines = master(tmp_path, date(2026, 1, 19), date(2026, 2, 4)).read_text(encoding="utf-8")
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("".join(lines.splitlines(keepends=True)[::2]), encoding="utf-8")
    second.write_text(lines, encoding="utf-8")
    for path in (first, second):
        assert run(tmp_path, "ingest", str(path))[0] == 0
    doctor = run(tmp_path, "doctor")[1]
    assert "month 2026-01: was to close on 2026-02-06: the next command that shows figures" in doctor
    january = months(tmp_path)[JANUARY]
    assert (january["n"], january["status"], january["later"]) == (100, "closed", False)
    third = tmp_path / "third.csv"
    third.write_text(lines.replace("67012200", "67012201"), encoding="utf-8")
    assert run(tmp_path, "ingest", str(third))[0] == 0  # of a month that is closed: told, and not taken in
    assert months(tmp_path)[JANUARY]["n"] == 100


def test_a_neutral_state_entered_for_a_closed_month_is_told_not_to_change_it(folder: Path) -> None:
    interval = ("--from", "2026-01-20 09:00", "--to", "2026-02-01 00:00")
    who = ("--department", "social", "--state", "training", "--reason", "x", "--author", "anna")
    status, out, err = run(folder, "neutral", "add", *who, *interval)
    assert (status, out) == (0, "Added: 1.\n")
    assert "closed already: 2026-01; the figures stay as they were stored" in err
    assert 'callstats close --restate 2026-01 --reason "…"' in err
    january = months(folder)[JANUARY]
    assert (january["n"], january["later"]) == (100, True)
    assert "closed already: 2026-01" in run(folder, "neutral", "withdraw", "1", *who[4:])[2]
    later = ("--from", "2026-02-03 09:00", "--to", "2026-02-03 12:00")
    assert run(folder, "neutral", "add", *who, *later) == (0, "Added: 3.\n", "")


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_data_file_that_is_missing_or_damaged_is_told_with_what_to_do(folder: Path, damage: str) -> None:
    settings = Settings.load(folder / "callstats.toml", folder / "data")
    with Store.open(settings) as store, store.database.read() as connection:
        path = store.root / catalog.live_files(connection, "visits")[0].path
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:20])
    for command in (("metrics", THIRD, "--by", "day"), ("rekey",)):
        status, _, err = run(folder, *command)
        assert status == 1
        assert "a data file is missing or damaged: `callstats verify` names it" in err
    status, out, _ = run(folder, "verify")
    assert status == 1
    assert f"DIFFERS file {path.relative_to(folder / 'data')}" in out
