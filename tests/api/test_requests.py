"""Clients' requests about their own data: the month, what is kept, the file, forgetting, closing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from callstats import data_requests
from callstats.accounts import keeping, signing
from callstats.accounts.roles import Grant
from callstats.cases import access_log
from callstats.cases.vault import Vault
from callstats.register.opening import bring_up_to_date
from callstats.rekeying import rekey
from callstats.retention import purge
from callstats.settings import Numbers, Settings
from callstats.store import Store
from tests.api.asking import Asking, asking
from tests.handmade import DAY, at, call, callback, message, settings, store_with

SECRET = "trīs zaļi zirgi"
NUMBER = "+37126001234"
EN = {"accept": "text/html", "accept-language": "en"}


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    found = settings(tmp_path, numbers=Numbers(key_file=tmp_path / "numbers.key"))
    with store_with(found) as store:
        vault = Vault.open(found, store.database, store.clock)
        client = vault.pseudonymiser.pseudonym(NUMBER)
        vault.put({client: (NUMBER, store.clock())})
        keeping.add(store, "dpo", "Dana Datu", SECRET, "admin")
        keeping.grant(store, found, "dpo", Grant("dpo", None, DAY), "admin")
    calls = [
        call("pbx:1", caller=client),
        callback("pbx:2", client, "201", started_at=at("12:00")),
        call("pbx:3"),
    ]
    store_with(found, calls=calls).close()
    return found


@pytest.fixture
def client(site: Settings) -> Iterator[Asking]:
    with asking(site) as found:
        with Store.open(site) as store:
            found.cookies.set("session", signing.sign_in(store, "dpo", SECRET))
        yield found


def entered(client: Asking, **fields: str) -> int:
    form = {"kind": "access", "number": "26001234", "received_on": "2026-11-01", "note": "Vēstule 12"}
    form |= fields
    return client.post("/requests", data=form).status_code


def test_a_request_tells_its_day_and_what_is_kept(client: Asking, site: Settings) -> None:
    assert entered(client) == 303
    page = client.get("/requests", headers=EN).text
    assert "calls 2, cases 0" in page
    assert "The number itself is in the vault." in page
    assert "1 Dec 2026" in page
    assert "26001234" not in page
    with Store.open(site) as store, store.database.read() as connection:
        told = access_log.listed(connection)[-1]
    assert (told.author, told.action, told.about) == ("Dana Datu", "data_request", "request 1: access")


@pytest.mark.parametrize(
    ("received", "last"),
    [
        ("2026-01-31", "2026-02-28"),
        ("2024-01-31", "2024-02-29"),
        ("2026-11-30", "2026-12-30"),
        ("2026-12-15", "2027-01-15"),
    ],
)
def test_the_month_ends_on_the_same_day_or_the_months_last(received: str, last: str) -> None:
    assert data_requests.due(date.fromisoformat(received)) == date.fromisoformat(last)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "curiosity"}, "kind"),
        ({"number": "nobody"}, "number"),
        ({"received_on": "2999-01-01"}, "has not come"),
        ({"received_on": "yesterday"}, "received_on"),
        ({"note": " "}, "note"),
    ],
)
def test_a_request_that_cannot_be_is_told(client: Asking, fields: dict[str, str], said: str) -> None:
    form = {"kind": "access", "number": "26777777", "received_on": "2026-11-01", "note": "x"} | fields
    answer = client.post("/requests", data=form)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert "26777777" not in answer.json()["detail"]


def test_the_file_holds_the_clients_calls_and_no_employee(client: Asking, site: Settings) -> None:
    entered(client)
    got = client.get("/requests/1/file?format=xlsx")
    sheet = openpyxl.load_workbook(BytesIO(got.content))["callstats"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert [row[0] for row in rows[1:]] == ["pbx:1", "pbx:2"]
    assert "201" not in str(rows)
    assert got.headers["cache-control"] == "no-store"
    with Store.open(site) as store, store.database.read() as connection:
        assert access_log.listed(connection)[-1].action == "data_exported"
    assert client.get("/requests/9/file").status_code == 422


def test_the_number_is_forgotten_at_once_and_the_calls_stay(client: Asking, site: Settings) -> None:
    entered(client, kind="erasure")
    assert client.post("/requests/1/forget", data={}).status_code == 303
    assert "The number itself is not kept." in client.get("/requests", headers=EN).text
    with Store.open(site) as store:
        assert Vault.open(site, store.database, store.clock).size() == 0
        assert store.scan("calls").num_rows == 3
    done = {"outcome": "Dzēsts, atbildēts"}
    assert client.post("/requests/1/close", data=done).status_code == 303
    assert client.post("/requests/1/close", data=done).status_code == 422
    assert client.post("/requests/1/forget", data={}).status_code == 422
    assert "Dzēsts, atbildēts" in client.get("/requests", headers=EN).text


def test_an_open_case_keeps_the_number(client: Asking, site: Settings) -> None:
    entered(client, kind="erasure")
    with Store.open(site) as store, store.database.read() as connection:
        pseudonym = data_requests.one(connection, 1).client
    with store_with(site, messages=[message("pbx:9", pseudonym, left_at=at("10:00"))]) as store:
        bring_up_to_date(store, site)
    answer = client.post("/requests/1/forget", data={})
    assert answer.status_code == 422
    assert "is open and needs the number" in answer.json()["detail"]


def test_a_request_follows_the_key_and_goes_a_year_after_it_is_closed(client: Asking, site: Settings) -> None:
    entered(client)
    with Store.open(site) as store:
        with store.database.read() as connection:
            before = data_requests.one(connection, 1).client
        rekey(store, site)
        with store.database.read() as connection:
            after = data_requests.one(connection, 1).client
        assert after != before
        assert data_requests.held(store, site, after).calls == 2
        data_requests.close(store, 1, "x", "Dana")
        now = store.clock()
        assert "requests" not in [one.what for one in purge(store, site).gone]
        store.clock = lambda: now + timedelta(days=400)
        assert "requests" in [one.what for one in purge(store, site).gone]
