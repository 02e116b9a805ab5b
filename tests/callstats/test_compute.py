"""`compute`: what it asks for, and the days it computes on this machine."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from callstats.cases import catalog
from callstats.cli import main
from callstats.settings import Settings
from callstats.store import Store
from ingest.load import load
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"
SPAN = ["--from", "2026-11-23", "--to", "2026-11-24"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--from", "2026-11-23"], "give --from and, after it, --to"),
        (["--from", "2026-11-23", "--to", "2026-11-23"], "give --from and, after it, --to"),
        ([*SPAN, "--out", "x"], "--out goes with --spark MASTER"),
        ([*SPAN, "--scratch", "x"], "--scratch goes with --spark MASTER"),
        ([*SPAN, "--spark", "yarn", "--events", "x"], "--events needs --out"),
        (["--spark", "yarn", "--out", "x"], "--out needs --from and --to"),
        ([*SPAN, "--spark", "yarn", "--conf", "memory"], "write it like spark.executor.memory=4g"),
    ],
)
def test_what_does_not_go_together_is_told(
    given: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["--config", str(SAMPLE / "callstats.toml"), "--data", str(tmp_path)]
    assert main([*config, "compute", *given]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_the_days_named_are_computed_and_only_those(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALLSTATS_NUMBERS__KEY_FILE", str(tmp_path / "numbers.key"))
    config = ["--config", str(SAMPLE / "callstats.toml"), "--data", str(tmp_path / "data")]
    settings = Settings.load(SAMPLE / "callstats.toml", tmp_path / "data")
    with Store.open(settings) as store:
        load([SAMPLE / "queue_log"], settings, store, compute=False)
        assert main([*config, "compute", "--from", "2026-11-24", "--to", "2026-11-25"]) == 0
        assert store.scan("calls").num_rows == 0
        assert main([*config, "compute", *SPAN]) == 0
        assert set(store.scan("calls")["local_date"].to_pylist()) == {date(2026, 11, 23)}
        assert main([*config, "compute", "--from", "2000-01-01", "--to", "2030-01-01"]) == 0
        with store.database.read() as connection:  # no rows of days that nobody spoke on
            known = catalog.known_days(connection, date(2000, 1, 1), date(2030, 1, 1))
    assert {day.local_date for day in known} == {date(2026, 11, n) for n in range(21, 26)}
    assert capsys.readouterr().out == "1 days computed\n" * 2 + "5 days computed\n"
