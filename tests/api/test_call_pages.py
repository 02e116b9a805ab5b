"""The calls behind a figure, one call drawn and told, and the list of those who wait for a call back."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from api.app import create_app
from callstats.cases import access_log
from callstats.cases.vault import Vault
from callstats.metrics.inputs import data_window
from callstats.settings import CONFIG_NAME, Numbers, Settings
from callstats.store import Store
from callstats.verdicts import VERDICTS, counted, verdicts
from ingest.load import load
from tests.api.asking import Asking, asking
from tests.handmade import call, missed, settings, store_with
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"
NUMBER = "+37126001234"
DEPARTMENTS = (
    "social", "construction", "finance", "registry", "legal", "culture", "environment", "reception",
)  # fmt: skip
THIRD = "/api/v1/metrics/third_signal_share"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    site = Settings.load(SAMPLE / CONFIG_NAME, tmp_path_factory.mktemp("recorded") / "data")
    with Store.open(site) as store:
        load([SAMPLE], site, store)
    return site


@pytest.fixture(scope="module")
def client(recorded: Settings) -> Iterator[Asking]:
    with asking(create_app(recorded)) as found:
        yield found


@pytest.mark.parametrize("department", DEPARTMENTS)
def test_the_calls_of_a_word_are_as_many_as_the_figure_says(
    client: Asking, recorded: Settings, department: str
) -> None:
    asked = {"department": department, "by": "outcome"}
    by_outcome = client.get(THIRD, params=asked).json()["items"]
    (whole,) = client.get(THIRD, params={"department": department, "by": ""}).json()["items"]
    told = {row["verdict"]: row["n"] for row in counted(by_outcome, whole)}
    listed = dict.fromkeys(VERDICTS, 0)
    for verdict in VERDICTS:
        rows = client.get(
            f"/api/v1/departments/{department}/calls", params={"verdict": verdict, "limit": 1000}
        ).json()["items"]
        assert {row["verdict"] for row in rows} <= {verdict}
        listed[verdict] = len(rows)
        page = client.get(f"/departments/{department}/calls", params={"verdict": verdict, "lang": "en"}).text
        assert len(re.findall(r'href="/calls/', page)) == min(len(rows), 50)
    assert listed == told
    assert told["in_time"] == whole["k"]
    with Store.open(recorded) as store, store.reading() as facts:
        window = data_window(facts)
        assert window is not None
        found = verdicts(facts, recorded, department, *window)["verdict"].to_pylist()
    assert len(found) == sum(listed.values())


def test_every_call_opens_and_shows_no_number_extension_or_folder(client: Asking, recorded: Settings) -> None:
    with Store.open(recorded) as store:
        calls = store.scan("calls").to_pylist()
    extensions = {e for one in recorded.departments for e in one.extensions}
    assert len(calls) > 80
    met = 0
    for one in calls:
        for language in ("lv", "en"):
            page = client.get(f"/calls/{quote(one['call_id'])}", params={"lang": language})
            assert page.status_code == 200, one["call_id"]
            main = page.text.partition("<main")[2]
            told = html.unescape(re.sub(r"<[^>]+>", " ", main))
            told = told.replace(one["call_id"], "")
            assert "n1-" not in told, one["call_id"]
            assert str(SAMPLE) not in told
            assert "()" not in told
            named = re.findall(r"(?:[Tt]ālrunis|[Pp]hone|[Dd]arbinieks|[Ee]mployee|[Aa]tbildēja) (\d+)", told)
            assert not set(named) & extensions, one["call_id"]
            met += len(re.findall(r"[Nn][ro]\. \d+", told))
    assert met > 300


def test_a_call_that_there_is_not(client: Asking) -> None:
    assert client.get("/calls/pbx:1.1").status_code == 404


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    return settings(tmp_path, numbers=Numbers(key_file=tmp_path / "numbers.key"))


def test_the_number_of_one_who_waits_is_shown_by_one_key_and_written_down(site: Settings) -> None:
    with Store.open(site) as store:
        vault = Vault.open(site, store.database, store.clock)
        name = vault.pseudonymiser.pseudonym(NUMBER)
        now = store.clock()
        vault.put({name: (NUMBER, now)})
    day = now.astimezone(site.zone).date()
    lost = {"started_at": now, "local_date": day, "outcome": "unanswered", "answered_by": None}
    came = {"entered_at": now, "local_date": day, "entered_date": day}
    rows = {"calls": [call("pbx:1", caller=name, **lost)], "visits": [missed("pbx:1", **came)]}
    store_with(site, **rows).close()
    with asking(site) as client:
        client.cookies.set("who", quote("head:social:Dace V"))
        page = client.get("/departments/social/missed?lang=lv").text
        assert "Jāatzvana" in page
        assert "6001234" not in page
        dashboard = client.get("/departments/social?lang=lv").text
        assert "Jāatzvana (1)" in dashboard
        assert "6001234" not in dashboard
        shown = client.post("/departments/social/missed/number", data={"call_id": "pbx:1"})
        assert f'href="tel:{NUMBER}"' in shown.text
        assert shown.headers["cache-control"] == "no-store"
        gone = client.post("/departments/social/missed/number", data={"call_id": "pbx:2"})
        assert gone.status_code == 404
        client.cookies.set("who", quote("chancellery::Kristīne K"))
        assert "Jāatzvana" not in client.get("/departments/social?lang=lv").text
        assert client.post("/departments/social/missed/number", data={"call_id": "pbx:1"}).status_code == 403
    with Store.open(site) as store, store.database.read() as connection:
        log = [(one.author, one.action, one.about) for one in access_log.listed(connection)]
    assert log == [("Dace V", "number_shown", "call pbx:1")]


@pytest.mark.parametrize("department", ["social", "construction"])
def test_a_number_of_a_table_opens_the_calls_behind_it(client: Asking, department: str) -> None:
    page = client.get(f"/departments/{department}", params={"lang": "en"}).text
    links = re.findall(r'href="(/departments/[a-z]+/calls\?[^"]*figure=[^"]*)">(\d+)<', page)
    assert len({link.split("figure=")[1].split("&")[0] for link, _ in links}) >= 1
    for link, told in links:
        address = html.unescape(link)
        opened = client.get(f"{address}&lang=en").text
        assert len(re.findall(r'href="/calls/', opened)) == min(int(told), 50), address
        if int(told):
            assert "Only the calls behind one place of the figure" in opened
            file = re.search(r'href="(/api/v1/departments/[^"]*)" download>CSV', opened)
            assert file is not None
            rows = client.get(html.unescape(file[1])).text.strip().splitlines()
            assert len(rows) - 1 == int(told)


@pytest.mark.parametrize("asked", ["place=3", "hour=9", "figure=talk_time", "figure=ring_time&weekday=8"])
def test_calls_behind_no_figure_are_refused(client: Asking, asked: str) -> None:
    assert client.get(f"/departments/social/calls?{asked}").status_code == 422
