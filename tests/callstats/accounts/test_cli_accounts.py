"""`callstats account`: from the first administrator to a revoked token."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from callstats.cli import main
from tests.handmade import settings
from tests.shared import ROOT

CONFIG = ROOT / "sample_cdr" / "callstats.toml"


def run(data: Path, *arguments: str) -> int:
    return main(["account", *arguments, "--config", str(CONFIG), "--data", str(data)])


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("trīs zaļi zirgi\n"))


@pytest.mark.usefixtures("typed")
def test_the_first_administrator_and_what_follows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = settings(tmp_path).data
    assert run(data, "add", "anna", "--name", "Anna Paraudziņa", "--role", "admin") == 0
    assert run(data, "grant", "anna", "head", "--department", "social", "--from", "2026-01-01") == 0
    assert run(data, "add", "dati", "--name", "Notebooks", "--role", "analyst", "--no-password") == 0
    capsys.readouterr()
    assert run(data, "list") == 0
    shown = capsys.readouterr().out
    assert "head of social from 2026-01-01" in shown
    assert "zirgi" not in shown
    assert run(data, "token", "dati", "--role", "analyst", "--name", "weekly report", "--days", "10") == 0
    secret = capsys.readouterr().out.strip()
    assert secret.startswith("cs_")
    assert run(data, "tokens") == 0
    listed = capsys.readouterr().out
    assert "weekly report" in listed
    assert secret not in listed
    assert run(data, "revoke-token", "1") == 0
    assert run(data, "revoke", "anna", "head", "--department", "social") == 0
    assert run(data, "end", "dati") == 0
    capsys.readouterr()
    assert run(data, "list") == 0
    assert "ended" in capsys.readouterr().out


@pytest.mark.usefixtures("typed")
def test_what_cannot_be_leaves_no_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = settings(tmp_path).data
    assert run(data, "add", "anna", "--name", "Anna", "--role", "head") == 2
    assert "head needs a department" in capsys.readouterr().err
    assert run(data, "list") == 0
    assert "anna" not in capsys.readouterr().out
    assert run(data, "password", "nobody") == 2
    assert "account 'nobody' is none" in capsys.readouterr().err
