"""The administrator's page on a recording: sources with their newest line, gaps, rejects, a trial call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, timedelta
from pathlib import Path

import pytest

from api.app import create_app
from api.keeping import told_about
from api.text import Words
from callstats import coverage, doctor
from callstats.cases import access_log
from callstats.settings import CONFIG_NAME, Settings
from callstats.store import Store
from callstats.trial_call import trial_calls
from ingest.load import load
from tests.api.asking import Asking, asking
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"
EN = {"accept": "text/html", "accept-language": "en"}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("kept")
    site = Settings.load(SAMPLE / CONFIG_NAME, folder / "data")
    broken = folder / "broken.csv"
    lines = next(SAMPLE.rglob("*Master.csv")).read_text().splitlines()
    broken.write_text("\n".join([*lines[:3], lines[3][:40], *lines[4:6]]) + "\n")
    with Store.open(site) as store:
        load([SAMPLE, broken], site, store)
    return site


@pytest.fixture(scope="module")
def client(recorded: Settings) -> Iterator[Asking]:
    with asking(create_app(recorded)) as found:
        yield found


def test_each_source_is_told_with_its_newest_line(client: Asking, recorded: Settings) -> None:
    with Store.open(recorded) as store:
        found = coverage.sources(store)
        events = store.scan("events", columns=["pbx", "source", "at"]).to_pylist()
        batches = {(row["pbx"], row["source"]) for row in events}
    assert {(one.pbx, one.source) for one in found} == batches
    assert len(found) >= 3
    for one in found:
        newest = max(row["at"] for row in events if (row["pbx"], row["source"]) == (one.pbx, one.source))
        assert one.newest == newest.astimezone(UTC)
    page = client.get("/health", headers=EN).text
    for one in found:
        assert re.search(rf"<th scope=\"row\">{one.pbx}</th><td>{one.source}</td>", page)
    assert "Rejected lines, by reason" in page


def test_a_trial_call_shows_what_each_source_said_and_no_other_call(
    client: Asking, recorded: Settings
) -> None:
    with Store.open(recorded) as store:
        calls = {row["call_id"]: row for row in store.scan("calls").to_pylist()}
        rang = [
            row
            for row in store.scan("attempts").to_pylist()
            if row["outcome"] == "answered" and len(calls[row["call_id"]]["sources"]) > 2
        ]
        row = rang[len(rang) // 2]
        started = calls[row["call_id"]]["started_at"]
        found = trial_calls(store, recorded, row["employee"], started)
        assert found[0].call_id == row["call_id"]
        spoke = {one.source for one in found[0].reports if one.said}
        assert spoke == set(calls[row["call_id"]]["sources"])
        for one in found:
            assert started <= one.started_at < started + timedelta(minutes=15)
            assert [at for each in one.reports for at, _ in each.said]
        assert trial_calls(store, recorded, "999", started) == []
    local = started.astimezone(recorded.zone)
    asked = {"phone": row["employee"], "since": f"{local:%Y-%m-%dT%H:%M}"}
    page = client.get("/health", params=asked, headers=EN).text
    assert f"{found[0].started_at.astimezone(recorded.zone):%H:%M:%S}" in page
    assert row["call_id"] not in page
    with Store.open(recorded) as store, store.database.read() as connection:
        last = access_log.listed(connection)[-1]
    assert (last.action, last.about) == (
        "trial_call_shown", f"extension {row['employee']} from {asked['since']}",
    )  # fmt: skip
    none = client.get("/health", params=asked | {"phone": "999"}, headers=EN).text
    assert "No source has reported" in none
    assert client.get("/health", params=asked | {"since": "yesterday"}).status_code == 422


def test_silent_working_days_are_told(recorded: Settings) -> None:
    with Store.open(recorded) as store:
        (one, *_) = coverage.coverage(store, recorded, date(2000, 1, 1), date(2100, 1, 1))
        spoken = coverage.lines_by_day(store, one.first, one.last)
    assert one.first <= one.last
    assert not any((one.pbx, day) in spoken for day in one.silent)
    assert all(one.first <= day <= one.last for day in one.silent)


def test_the_page_is_whole_on_an_empty_site(tmp_path: Path) -> None:
    with asking(Settings.load(SAMPLE / CONFIG_NAME, tmp_path / "data")) as client:
        page = client.get("/health", headers=EN)
    assert page.status_code == 200
    assert "No calls have been loaded yet" in page.text
    with asking(Settings.load(SAMPLE / CONFIG_NAME, tmp_path / "data")) as client:
        log = client.get("/access-log", headers=EN).text
    assert "Nobody has looked yet." in log
    assert "0 rows" not in log


@pytest.mark.parametrize(
    ("about", "latvian", "english"),
    [
        (
            "call pbx:1.2 of 2026-11-27: extension 202",
            "27.11.2026. zvans, iekšējais numurs 202",
            "call of 27 Nov 2026, extension 202",
        ),
        ("call pbx:1.2", "zvans pbx:1.2", "call pbx:1.2"),
        ("case 12", "ziņa Nr. 12", "case 12"),
        ("request 3: erasure", "pieprasījums 3: dzēšana", "request 3: erasure"),
        ("request 3", "pieprasījums 3", "request 3"),
        (
            "extension 201 from 2026-11-27T10:00",
            "iekšējais numurs 201, no 27.11.2026. 10:00",
            "extension 201 from 27 Nov 2026 10:00",
        ),
        ("register", "ziņu reģistrs", "register of messages"),
        ("anna: head of social", "anna: head of social", "anna: head of social"),
    ],
)
def test_what_a_look_was_at_is_told_in_the_pages_language(
    recorded: Settings, about: str, latvian: str, english: str
) -> None:
    assert told_about(about, Words("lv", recorded.zone)) == latvian
    assert told_about(about, Words("en", recorded.zone)) == english


def test_every_check_has_its_latvian_name(recorded: Settings) -> None:
    found = doctor.examine(recorded)
    assert [one.what for one in found if one.name is None] == []
    assert all(one.name is not None and one.name.en == one.what for one in found)
    month = doctor.Check("month 2026-10", True, "")
    assert month.name is not None
    assert month.name.lv == "mēnesis 2026-10"
    assert doctor.Check("something else", True, "").name is None
