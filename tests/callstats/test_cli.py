import contextlib
import csv
import io
import json
import os
import shutil
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from callstats import closing as closing_module
from callstats import export
from callstats.cases.catalog import ConflictError
from callstats.cli import base, main
from callstats.fields import JUDGED_VISITS, TABLES
from callstats.register.table import CASES
from callstats.store import Store
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"
CONFIG = SAMPLE / "callstats.toml"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(data: Path, *arguments: str | Path) -> int:
    return main([str(part) for part in arguments] + ["--config", str(CONFIG), "--data", str(data)])


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("sample") / "data"
    with contextlib.redirect_stdout(io.StringIO()):
        assert run(data, "ingest", SAMPLE) == 0
    return data


@pytest.fixture
def loaded(data: Path, sample: Path) -> Path:
    shutil.copytree(sample, data)
    return data


def test_ingest_tells_per_file_that_nothing_vanished(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, "ingest", SAMPLE / "queue_log", SAMPLE / "cel") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert "queue_log: read 107 = kept 107 + ignored 0 + rejected 0; new 107, known 0" in lines[0]
    assert lines[-1].startswith("Together: read ")


def test_what_was_loaded_is_told_although_computing_fails(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise ConflictError("store: other processes keep changing these days")

    monkeypatch.setattr(closing_module, "recompute", fails)
    assert run(data, "ingest", SAMPLE / "queue_log") == 1
    said = capsys.readouterr()
    assert "queue_log: read 107" in said.out
    assert said.err == "callstats: store: other processes keep changing these days\n"


def test_a_fault_of_ours_is_one_line_that_quotes_nothing(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("caller 28404019")

    monkeypatch.setattr(closing_module, "recompute", fails)
    assert run(data, "ingest", SAMPLE / "queue_log") == 1
    said = capsys.readouterr()
    assert "queue_log: read 107" in said.out
    assert said.err.startswith("callstats: unexpected ValueError (closing.py, line ")
    assert len(said.err.splitlines()) == 1
    assert "28404019" not in said.err


def test_ingest_as_json_adds_up(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, "ingest", "--json", SAMPLE / "queue_log", SAMPLE / "cel") == 0
    told = json.loads(capsys.readouterr().out)
    assert [Path(file["path"]).name for file in told["files"]] == ["queue_log", "Master.csv"]
    for counts in (*told["files"], told):
        assert counts["read"] == counts["kept"] + counts["ignored"] + counts["rejected"] > 0
    assert told["read"] == sum(file["read"] for file in told["files"])


def test_rejected_input_ends_with_1_and_says_which(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "queue_log").write_bytes((SAMPLE / "queue_log").read_bytes() + b"nonsense\n")
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam,\n")
    assert run(data, "ingest", tmp_path / "queue_log") == 1
    assert "rejected 1" in capsys.readouterr().out
    assert run(data, "ingest", tmp_path / "letter.txt") == 1
    assert "letter.txt: FAILED" in capsys.readouterr().out
    assert run(data, "doctor") == 1
    assert "LOOK rejects: 1 lines" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ingest", "nowhere"], "nowhere: no such file or folder"),
        (["metrics", "no_such_metric"], "no metric 'no_such_metric'"),
        (["export", "calls", "--to", "calls.xls"], ".csv, .xlsx, .parquet, .jsonl"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_line(
    data: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, *arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["export", "nonsense"],
        ["metrics", "--from", "soon"],
        ["metrics", "--to", "9999-12-31"],
        ["metrics", "--from", "0001-01-01"],
    ],
)
def test_an_unknown_word_ends_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_a_fault_in_the_settings_ends_with_2_and_one_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "callstats.toml"
    config.write_text('timezone = "Nowhere/Town"\n[cadence]\non_s = -1\n')
    assert main(["doctor", "--config", str(config)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_options_may_stand_before_the_command(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(CONFIG), "--data", str(data), "export", "calls"]) == 0
    assert capsys.readouterr().out.startswith('"call_id"')


@pytest.mark.parametrize("table", export.EXPORTED)
def test_every_table_is_exported_in_every_form(loaded: Path, tmp_path: Path, table: str) -> None:
    names = list({**TABLES, "visits": JUDGED_VISITS, "cases": CASES}[table].names)
    for ending in export.WRITERS:
        assert run(loaded, "export", table, "--to", tmp_path / f"out{ending}") == 0
    parquet = pq.read_table(tmp_path / "out.parquet")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    objects = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert parquet.column_names == names
    assert len(rows) == len(objects) == parquet.num_rows
    if objects:
        assert list(rows[0]) == list(objects[0]) == names


def test_exported_times_are_utc_with_zone_and_lists_are_joined(loaded: Path, tmp_path: Path) -> None:
    assert run(loaded, "export", "calls", "--to", tmp_path / "calls.csv") == 0
    with (tmp_path / "calls.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all(datetime.fromisoformat(row["started_at"]).tzinfo == UTC for row in rows)
    assert all(row["started_at"].endswith("Z") for row in rows)
    assert any(";" in row["departments"] for row in rows)
    assert [row["started_at"] for row in rows] == sorted(row["started_at"] for row in rows)


def test_an_export_to_standard_output_is_csv(
    loaded: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run(loaded, "export", "visits") == 0
    rows = list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode())))
    assert rows
    assert list(rows[0]) == list(JUDGED_VISITS.names)


def test_metrics_by_department_as_text_and_as_json(loaded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from callstats.metrics.registry import METRICS

    assert run(loaded, "metrics", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["metric"] for row in rows} == set(METRICS)
    assert all(isinstance(row["excluded"], dict) for row in rows)
    slug = next(iter(METRICS))
    assert (
        run(loaded, "metrics", slug, "--by", "department,day", "--from", "2026-11-23", "--to", "2026-11-24")
        == 0
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["metric", "measure", "department", "day"]
    assert all(line.startswith(slug) for line in lines[1:])


def test_figures_are_up_to_date_after_a_crash_between_loading_and_computing(
    data: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    from callstats.settings import Settings
    from ingest.load import load

    settings = Settings.load(CONFIG, data)
    with Store.open(settings) as store:
        load([SAMPLE / "cel"], settings, store, compute=False)
    assert run(data, "export", "calls") == 0
    assert len(capsysbinary.readouterr().out.splitlines()) > 50


def test_doctor_is_content_with_the_sample(
    loaded: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # two days after it was recorded: later its month waits for lines, and its events are to go
    monkeypatch.setattr(base, "now", lambda: datetime(2026, 11, 25, 12, tzinfo=UTC))
    assert run(loaded, "doctor") == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok ") for line in lines)
    for what in (
        "configuration",
        "database",
        "data folder",
        "key",
        "data",
        "data files",
        "computed days",
        "extensions",
        "rejects",
    ):
        assert any(line.split(":")[0].endswith(what) for line in lines)


def test_doctor_finds_a_folder_that_others_may_read_and_a_key_that_is_lost(
    loaded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded.chmod(0o755)
    (loaded / "numbers.key").unlink()
    assert run(loaded, "doctor") == 1
    said = capsys.readouterr().out
    assert "LOOK data folder: " in said
    assert "(755); type: chmod 700" in said
    assert "LOOK key: " in said
    assert "is missing; restore it from the backup" in said
    assert not (loaded / "numbers.key").exists()


def test_a_lost_key_is_never_made_anew_over_stored_data(
    loaded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (loaded / "numbers.key").unlink()
    for command in (["ingest", SAMPLE / "queue_log"], ["purge"]):
        assert run(loaded, *command) == 2
        assert "is missing; restore it from the backup" in capsys.readouterr().err
    assert not (loaded / "numbers.key").exists()


def test_doctor_finds_a_file_that_is_missing(loaded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    next((loaded / "calls").glob("*.parquet")).unlink()
    assert run(loaded, "doctor") == 1
    assert "LOOK data files: 1 are missing" in capsys.readouterr().out


def test_doctor_finds_a_phone_of_no_department(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "callstats.toml"
    config.write_text(CONFIG.read_text().replace('"202", ', ""))
    main(
        [
            "ingest",
            str(SAMPLE / "queue_log"),
            str(SAMPLE / "cel"),
            "--config",
            str(config),
            "--data",
            str(data),
        ]
    )
    capsys.readouterr()
    assert main(["doctor", "--config", str(config), "--data", str(data)]) == 1
    assert "LOOK extensions: in no department: 202" in capsys.readouterr().out


def test_purge_tells_what_was_forgotten(loaded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(loaded, "purge") == 0
    assert capsys.readouterr().out.startswith("Nothing went. Days before ")


def test_a_port_that_is_none_is_told(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "http")
    assert run(data, "serve") == 2
    assert "PORT" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_that_is_taken_is_told_before_anything_is_done(
    data: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        assert run(data, command) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"callstats: port {port} of 127.0.0.1 cannot be used: Address already in use")
    assert len(said.err.splitlines()) == 1
    assert not data.exists()


def test_a_database_that_nobody_answers_for_ends_with_2(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALLSTATS_DATABASE", "postgresql://u:secret@127.0.0.1:1/x")
    assert run(data, "doctor") == 2
    error = capsys.readouterr().err
    assert "secret" not in error
    assert len(error.splitlines()) == 1


def test_the_demo_refuses_a_folder_with_other_data(tmp_path: Path) -> None:
    from callstats.demo import prepare
    from callstats.errors import UsageError

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("x")
    with pytest.raises(UsageError, match="holds other data"):
        prepare(tmp_path, None, tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").exists()


def test_the_demo_is_made_once_and_anew_when_something_changed(tmp_path: Path) -> None:
    from callstats.demo import prepare

    first = prepare(tmp_path, calls=20)
    assert not first.ready
    assert first.sample == SAMPLE
    assert first.place == tmp_path / ".demo"
    assert (first.town.simulated, first.recording.simulated) == (True, False)
    assert not prepare(tmp_path, calls=20).ready  # nobody said that it was finished
    first.finished()
    assert prepare(tmp_path, calls=20).ready
    (first.place / "old").write_text("x")
    assert not prepare(tmp_path, calls=21).ready
    assert not (first.place / "old").exists()


def test_the_demos_two_sites_hold_their_own_calls(tmp_path: Path) -> None:
    from callstats.demo import prepare, summary
    from ingest.load import load

    said = []
    for settings, files in prepare(tmp_path, calls=60).sites():
        with Store.open(settings) as store:
            assert all(report.clean for report in load([files], settings, store))
            said.append(summary(store, settings))
    assert said[0].startswith("SIMULATED DATA. ")
    assert said[1].startswith("The recording of a real PBX.\n94 calls")
    assert "94 calls" not in said[0]


def test_a_log_never_shows_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    import logging

    from callstats import log

    log.configure(logging.INFO)
    try:
        logging.getLogger("x").info("called %s", "28404019")
        raise ValueError("caller +37128404019")
    except ValueError:
        logging.getLogger("x").exception("failed")
    finally:
        logging.getLogger().handlers.clear()
    said = capsys.readouterr().err
    assert "failed" in said
    assert "28404019" not in said


def test_a_reader_that_stops_early_is_no_fault(loaded: Path) -> None:
    command = f"{sys.executable} -m callstats export attempts --config {CONFIG} --data {loaded} | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], cwd=ROOT, capture_output=True, env=os.environ
    )
    assert done.stdout.startswith(b'"call_id"')
    assert done.stderr == b""
