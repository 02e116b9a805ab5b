"""What `doctor` says of the live feed, and what it gives to paste."""

from __future__ import annotations

import configparser
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callstats import cli, coverage
from callstats.cases import feeds_live
from callstats.cases.feeds_live import Cursor, Heard
from callstats.doctor_feed import found, to_paste
from callstats.feed_status import FeedStatus, State
from callstats.feeds import see
from callstats.retention import purge
from callstats.settings import Settings
from callstats.settings_ami import AmiServer, Journal
from callstats.store import Store
from tests.callstats.facts import site

NOW = datetime(2026, 3, 10, 10, 0, tzinfo=UTC)
NOW_US = int(NOW.timestamp() * 1e6)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return site(tmp_path).model_copy(
        update={"ami": (AmiServer(host="10.0.0.1"),), "journal": Journal(folder=tmp_path / "journal")}
    )


def tell(settings: Settings, state: State = "connected", age_s: float = 1.0, **more: Any) -> None:
    """What a collector told, so many seconds ago."""
    folder = settings.journal.folder / "pbx"
    folder.mkdir(parents=True, exist_ok=True)
    at = NOW - timedelta(seconds=age_s)
    FeedStatus("pbx", "pbx", state, at, at, peer="10.0.0.1:5038", version="9.0.0", heard_at=at, **more).write(
        folder
    )


def looked(settings: Settings) -> dict[str, tuple[bool, str]]:
    with Store.open(settings, lambda: NOW) as store:
        return {what: (well, said) for what, well, said in found(store, settings)}


def test_without_a_manager_in_the_settings_nothing_is_asked(tmp_path: Path) -> None:
    assert looked(site(tmp_path)) == {}


def test_a_feed_that_was_never_collected(settings: Settings) -> None:
    well, said = looked(settings)["live feed pbx"]
    assert not well
    assert "start callstats collect" in said


def test_a_feed_that_is_heard(settings: Settings) -> None:
    tell(settings)
    well, said = looked(settings)["live feed pbx"]
    assert well
    assert "connected to 10.0.0.1:5038" in said


@pytest.mark.parametrize(
    ("state", "age_s", "more", "words"),
    [
        ("refused", 1, {"fault": "the PBX refuses the user"}, "refuses the user"),
        ("connected", 600, {}, "does not run since"),
        ("stopped", 1, {}, "does not run since"),
        ("connected", 1, {"lacks": ("read: call",)}, "lacks read: call"),
        ("disk", 1, {"fault": "the journal cannot be written"}, "cannot be written"),
    ],
)
def test_what_is_wrong_is_said(
    settings: Settings, state: State, age_s: float, more: dict[str, object], words: str
) -> None:
    tell(settings, state, age_s, **more)
    well, said = looked(settings)["live feed pbx"]
    assert not well
    assert words in said


def test_a_journal_that_nobody_takes_in(settings: Settings) -> None:
    tell(settings)
    (settings.journal.folder / "pbx" / "00000007.journal").write_bytes(b"x" * 100)
    well, said = looked(settings)["journal"]
    assert not well
    assert "callstats intake" in said
    with Store.open(settings) as store, store.database.write() as connection:
        feeds_live.move(connection, Cursor("pbx", 7, 3, 1, 9, NOW))
    assert looked(settings)["journal"][0]


def test_gaps_of_the_last_days_are_counted_and_an_open_feed_is_none(settings: Settings) -> None:
    with Store.open(settings, lambda: NOW) as store:
        with store.database.write() as connection:
            hour = 3_600_000_000
            first = Heard("pbx", "pbx/1", NOW_US - 5 * hour, NOW_US - 3 * hour)
            second = Heard("pbx", "pbx/2", NOW_US - 2 * hour, NOW_US - 1_000_000)
            feeds_live.note(connection, [first, second], 1)
        see(store)
    well, said = looked(settings)["gaps"]
    assert well
    assert said.startswith("1 in the last 7 days, 3600 s")
    tell(settings)
    with Store.open(settings, lambda: NOW) as store:
        day = NOW.date()
        assert coverage._heard_now(store, settings) == {"pbx"}
        assert coverage.coverage(store, settings, day, day + timedelta(1)) == [], "no line, no PBX"


def test_the_lines_to_paste_are_of_the_form_that_asterisk_reads(settings: Settings) -> None:
    text = to_paste(settings)
    lines = [line for line in text.splitlines() if line.startswith(("[", ";")) or " = " in line]
    parsed = configparser.RawConfigParser(strict=False, comment_prefixes=(";",))
    parsed.read_string("\n".join(lines))
    assert parsed["callstats"]["read"] == "call,agent,user,cdr,system,reporting,dialplan"
    assert parsed["callstats"]["write"] == "reporting"
    assert parsed["general"]["timestampevents"] == "yes"
    assert "address-of-this-machine" in parsed["callstats"]["permit"]
    assert "manager_custom.conf" in text
    assert "cel_general_custom.conf" in text
    assert "cdr_general_custom.conf" in text
    assert "test call" in text


def test_doctor_prints_them_when_asked_and_when_nothing_is_heard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["doctor", "--data", str(tmp_path / "d")]) == 1
    assert "To paste" not in capsys.readouterr().out
    cli.main(["doctor", "--paste", "--data", str(tmp_path / "d")])
    assert "To paste" in capsys.readouterr().out
    (tmp_path / "callstats.toml").write_text('[[ami]]\nsecret = "s3cret-of-the-manager"\n')
    cli.main(["doctor", "--data", str(tmp_path / "d")])
    said = capsys.readouterr().out
    assert "LOOK live feed pbx: not collected yet" in said
    assert "To paste" in said
    assert "s3cret-of-the-manager" not in said


def test_two_managers_of_one_name_are_a_fault_of_the_settings() -> None:
    with pytest.raises(ValueError, match=r"ami\[1\].pbx: 'pbx' is ami\[0\] already"):
        Settings(ami=(AmiServer(), AmiServer(port=5039)))


def test_retention_forgets_connections_whose_events_are_gone_but_the_newest(settings: Settings) -> None:
    old, older = NOW_US - 200 * 86_400_000_000, NOW_US - 300 * 86_400_000_000
    with Store.open(settings, lambda: NOW) as store:
        with store.database.write() as connection:
            feeds_live.note(
                connection, [Heard("pbx", "pbx/1", older, older), Heard("pbx", "pbx/2", old, old)], 1
            )
        purge(store, settings)
        with store.database.read() as connection:
            assert [one.name for one in feeds_live.heard(connection)] == ["pbx/2"]
