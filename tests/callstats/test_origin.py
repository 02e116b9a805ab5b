"""What is simulated says so in every output of the command."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from callstats.cli import main
from callstats.origin import labelled, notice
from callstats.settings import Settings
from callstats.store import Store
from tests import months
from tests.handmade import call, settings, store_with, visit

CONFIG = """
simulated = {simulated}
[[departments]]
id = "social"
extensions = ["201"]
"""


@pytest.fixture(params=[True, False])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[bool, list[str]]:
    """Whether a site with one call is simulated, and the options that name it."""
    store_with(settings(tmp_path), calls=[call()], visits=[visit()]).close()
    config = tmp_path / "callstats.toml"
    config.write_text(CONFIG.format(simulated=str(request.param).lower()), encoding="utf-8")
    return request.param, ["--config", str(config), "--data", str(tmp_path / "data")]


def test_metrics_say_it(site: tuple[bool, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    simulated, options = site
    assert main(["metrics", "answered_share", *options]) == 0
    assert capsys.readouterr().out.startswith("SIMULATED DATA. ") is simulated
    assert main(["metrics", "answered_share", "--json", *options]) == 0
    assert all(row.get("simulated", False) is simulated for row in json.loads(capsys.readouterr().out))


def test_an_export_says_it_in_every_row(site: tuple[bool, list[str]], tmp_path: Path) -> None:
    simulated, options = site
    assert main(["export", "calls", "--to", str(tmp_path / "calls.csv"), *options]) == 0
    with (tmp_path / "calls.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all(row.get("simulated") == ("true" if simulated else None) for row in rows)


def test_the_label_is_put_on_once_and_on_nothing_real() -> None:
    table = pa.table({"a": [1, 2]})
    assert labelled(table, False) is table
    once = labelled(table, True)
    assert once["simulated"].to_pylist() == [True, True]
    assert labelled(once, True) is once


@pytest.mark.parametrize(("language", "said"), [("lv", "SIMULĒTI DATI"), ("en", "SIMULATED DATA")])
def test_the_notice_is_one_line_in_both_languages(language: str, said: str) -> None:
    assert notice(True, language).startswith(said)
    assert notice(True, language).count("\n") == 1
    assert notice(False, language) == ""


@pytest.mark.parametrize("simulated", [True, False])
def test_every_command_that_tells_of_calls_says_it(
    simulated: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    path = months.site(tmp_path, f"simulated = {str(simulated).lower()}\n{months.CONFIG}")
    options = ["--config", str(path), "--data", str(tmp_path / "data")]
    assert main(["ingest", str(months.master(tmp_path, date(2026, 1, 19), date(2026, 1, 20))), *options]) == 0
    with Store.open(Settings.load(path, tmp_path / "data")) as store:
        call_id = store.scan("calls")["call_id"][0].as_py()
    capsys.readouterr()
    for command in (["close"], ["verify"], ["explain", call_id]):
        main([*command, *options])
        assert capsys.readouterr().out.startswith("SIMULATED DATA. ") is simulated
    for command in (["close"], ["verify"]):
        main([*command, "--json", *options])
        told = json.loads(capsys.readouterr().out)
        assert (told[0] if command == ["close"] else told).get("simulated", False) is simulated
