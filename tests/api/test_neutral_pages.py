"""Neutral states as a head enters them: own department and phones, five working days back, withdrawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from callstats import neutral_desk
from callstats.settings import Numbers, Settings
from callstats.store import Store
from tests.api.asking import Asking, asking
from tests.handmade import settings, store_with, visit

PATH = "/departments/social/neutral"


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    found = settings(tmp_path, numbers=Numbers(key_file=tmp_path / "numbers.key"))
    store_with(found, visits=[visit("pbx:1")]).close()
    return found


@pytest.fixture
def client(site: Settings) -> Iterator[Asking]:
    with asking(site) as found:
        found.cookies.set("who", quote("head:social:Dace V"))
        yield found


def given(days_ago: float = 0, **more: str) -> dict[str, str]:
    start = datetime.now(ZoneInfo("Europe/Riga")) - timedelta(days=days_ago, hours=2)
    times = {"from": start, "to": start + timedelta(hours=1)}
    written = {name: f"{at:%Y-%m-%dT%H:%M}" for name, at in times.items()}
    return {"state": "reception", "reason": "pieņemšanas diena", **written, **more}


def test_a_head_enters_a_state_and_takes_it_back(client: Asking, site: Settings) -> None:
    assert client.post(PATH, data=given()).headers["location"] == PATH
    assert client.post(PATH, data=given(phone="201", state="training")).status_code == 303
    page = client.get(f"{PATH}?lang=lv").text
    assert "apmeklētāju pieņemšana" in page
    assert "tālrunim 201" in page
    assert "pieņemšanas diena" in page
    assert "Dace V" in page
    with Store.open(site) as store:
        entries = neutral_desk.listed(store, site, "social")
        assert {(one.department, one.phone, one.author) for one in entries} == {
            ("social", None, "Dace V"), (None, "201", "Dace V"),
        }  # fmt: skip
    assert client.post(f"{PATH}/1/withdraw", data={"reason": "kļūda"}).status_code == 303
    assert "apmeklētāju pieņemšana</td>" not in client.get(f"{PATH}?lang=lv").text
    again = client.post(f"{PATH}/1/withdraw", data={"reason": "kļūda"})
    assert (again.status_code, "no entry 1 is in force" in again.text) == (422, True)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (given(20), "5 working days back"),
        (given(phone="401"), "none of department"),
        (given(phone="999"), "extension of no department"),
        (given(state="holiday"), "state: 'holiday' is none"),
        (given(reason=" "), "reason: is missing"),
        (given(to="2020-01-01T10:00"), "the end comes later"),
        (given(to=""), "from, to: are missing"),
        (given(to="2099-01-01T10:00"), "is the year right"),
    ],
)
def test_what_cannot_be_entered_is_told(client: Asking, fields: dict[str, str], said: str) -> None:
    answer = client.post(PATH, data=fields)
    assert (answer.status_code, said in answer.text) == (422, True), answer.text


def test_another_departments_entries_are_neither_seen_nor_withdrawn(client: Asking) -> None:
    client.cookies.set("who", quote("head:finance:Juris V"))
    assert client.post("/departments/finance/neutral", data=given()).status_code == 303
    assert client.get(PATH).status_code == 403
    client.cookies.set("who", quote("head:social:Dace V"))
    assert "pieņemšanas diena" not in client.get(PATH).text
    answer = client.post(f"{PATH}/1/withdraw", data={"reason": "x"})
    assert (answer.status_code, "none of department" in answer.text) == (422, True)


def test_nobody_enters_without_a_name_or_from_a_foreign_page(client: Asking) -> None:
    assert client.post(PATH, data=given(), headers={"sec-fetch-site": "cross-site"}).status_code == 403
    client.cookies.clear()
    answer = client.post(PATH, data=given())
    assert (answer.status_code, "say first who you are" in answer.text) == (422, True)
