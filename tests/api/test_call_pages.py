"""The calls behind a figure, one call drawn and told, and the list of those who wait for a call back."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from api import call_pages
from api.app import create_app
from callstats.cases import access_log
from callstats.cases.vault import Vault
from callstats.metrics.inputs import data_window
from callstats.settings import CONFIG_NAME, Numbers, Settings
from callstats.store import Store
from callstats.verdicts import VERDICTS, counted, verdicts
from ingest.load import load
from tests.api.asking import Asking, asking
from tests.handmade import DAY, at, attempt, call, missed, settings, store_with, visit
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
        assert 'action="/departments/social/missed/number#c-pbx%3A1"' in page
        assert '<tr id="c-pbx:1">' in page
        shown = client.post("/departments/social/missed/number", data={"call_id": "pbx:1"})
        assert 'href="/departments/social/missed?lang=en"' in shown.text, "an address that answers GET"
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
            assert "Only the calls behind one cell of the figure" in opened
            file = re.search(r'href="(/api/v1/departments/[^"]*)" download>CSV', opened)
            assert file is not None
            rows = client.get(html.unescape(file[1])).text.strip().splitlines()
            assert len(rows) - 1 == int(told)


@pytest.mark.parametrize("asked", ["place=3", "hour=9", "figure=talk_time", "figure=ring_time&weekday=8"])
def test_calls_behind_no_figure_are_refused(client: Asking, asked: str) -> None:
    assert client.get(f"/departments/social/calls?{asked}").status_code == 422


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (visit("pbx:1", in_hours=False), "Netiek vērtēts: ārpus darba laika."),
        (missed("pbx:1", in_hours=False), "Netiek vērtēts: ārpus darba laika."),
        (visit("pbx:1", external=False), "Netiek vērtēts: iekšējs zvans."),
        (
            missed("pbx:1", outcome="abandoned", wait_s=3.0),
            "Netiek vērtēts: zvanītājs pārtrauca zvanu, kad vēl bija laiks atbildēt.",
        ),
        (visit("pbx:1", ring_s=None), "Netiek vērtēts: nav nosakāms, vai atbildēts laikā."),
        (visit("pbx:1"), None),
        (missed("pbx:1"), None),
    ],
)
def test_a_call_begins_with_the_lists_verdict(
    site: Settings, row: dict[str, object], verdict: str | None
) -> None:
    store_with(site, calls=[call("pbx:1", started_at=row["entered_at"])], visits=[row]).close()
    with asking(site) as client:
        page = client.get("/calls/pbx:1?lang=lv").text
        listed = client.get("/departments/social/calls?lang=lv").text
    judged = re.findall(r"<li>([^<]*)</li>", page.partition('id="h-judged"')[2])
    if verdict is None:
        assert judged[0].startswith("Atbildēts ne vēlāk kā pēc trešā signāla (15.1.): ")
        assert "Netiek vērtēts" not in page
        return
    assert judged[0] == verdict
    assert "Atbildēts ne vēlāk kā pēc trešā signāla (15.1.)" not in page
    assert "netiek vērtēts" in listed.partition("<tbody")[2] or "iekšējs zvans" in listed


def test_the_name_asked_for_is_told_where_it_was_asked(site: Settings) -> None:
    """On an invented site the head is told of the phone that an invented employee reads is her own."""
    invented = site.model_copy(update={"simulated": True})
    rang = [attempt("pbx:1", "202", outcome="no_answer"), attempt("pbx:1", "201", position=2)]
    store_with(invented, calls=[call()], visits=[visit()], attempts=rang).close()
    with asking(invented) as client:
        client.cookies.set("who", quote("head:social:Dace V"))
        page = client.get("/calls/pbx:1?lang=en").text
        assert 'action="/calls/pbx%3A1/phone#h-whose"' in page
        assert 'href="/departments/social/calls">Calls</a>' in page
        told = []
        for phone in ("no. 1", "no. 2"):
            asked = {"phone": phone, "reason": "a complaint"}
            answer = client.post("/calls/pbx:1/phone", data=asked).text
            assert f"<option selected>{phone}</option>" in answer
            assert 'href="/calls/pbx%3A1?lang=lv"' in answer
            assert client.get("/calls/pbx%3A1?lang=en").status_code == 200
            told.append(re.sub(r".*Phone no. \d: ([^<]*)\..*", r"\1", answer, flags=re.S))
        assert told == ["extension 202; it was assigned to nobody on that day", "Līga Parauga (201)"]
        client.cookies.set("who", quote("employee:social:Līga Parauga"))
        assert "a complaint" in client.get("/mine?lang=lv").text


def test_the_list_begins_with_the_newest_and_leads_back(
    site: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_pages, "IN_PAGE", 2)
    clocks = [f"09:0{n}" for n in range(5)]
    rows = [visit(f"pbx:{n}", entered_at=at(clock)) for n, clock in enumerate(clocks)]
    # two at the same instant stand on different pages
    rows.append(visit("pbx:5", entered_at=at("09:01")))
    store_with(
        site, calls=[call(one["call_id"], started_at=one["entered_at"]) for one in rows], visits=rows
    ).close()
    newest = ["4", "3", "2", "5", "1", "0"]
    with asking(site) as client:
        page = client.get(f"/departments/social/calls?from={DAY}&verdict=in_time&lang=en").text
        seen = _calls(page)
        back: list[str] = []
        assert "Newer" not in page
        while "Older" in page:
            page = client.get(_led(page, "Older")).text
            seen += _calls(page)
        while "Newer" in page:
            back = [*_calls(page), *back]
            page = client.get(_led(page, "Newer")).text
        back = [*_calls(page), *back]
    assert seen == newest
    assert back == newest


def _calls(page: str) -> list[str]:
    return re.findall(r'href="/calls/pbx%3A(\d)"', page)


def _led(page: str, text: str) -> str:
    (found,) = re.findall(rf'href="([^"]*)">{text}<', page)
    return html.unescape(found)
