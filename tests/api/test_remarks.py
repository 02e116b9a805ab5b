"""Comments on months, contested figures, requests to correct a call, and names told for a written reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from callstats.accounts import keeping
from callstats.accounts.roles import Grant
from callstats.cases import access_log
from callstats.retention import purge
from callstats.settings import Numbers, Settings
from callstats.store import Store
from tests.api.asking import Asking, asking, sign_in_as
from tests.handmade import DAY, attempt, call, missed, settings, store_with, visit

SECRET = "trīs zaļi zirgi"
REMARKS = "/departments/social/remarks"
EN = {"accept": "text/html", "accept-language": "en"}


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    found = settings(tmp_path, numbers=Numbers(key_file=tmp_path / "numbers.key"))
    rows = {
        "calls": [call("pbx:1"), call("pbx:2", outcome="unanswered", answered_by=None)],
        "visits": [visit("pbx:1"), missed("pbx:2")],
        "attempts": [
            attempt("pbx:1", "201"),
            attempt("pbx:2", "202", outcome="no_answer"),
            attempt("pbx:2", "201", position=2, outcome="no_answer"),
        ],
    }
    with store_with(found, **rows) as store:
        people = (("dace", "Dace Vadītāja", "head"), ("anna", "Anna Darbiniece", "employee"),
                  ("juris", "Juris Darbinieks", "employee"))  # fmt: skip
        for login, name, role in people:
            keeping.add(store, login, name, SECRET, "admin")
            keeping.grant(store, found, login, Grant(role, "social", DAY), "admin")  # type: ignore[arg-type]
        keeping.give_extension(store, "anna", "201", DAY, None, "admin")
        keeping.give_extension(store, "juris", "202", DAY + timedelta(1), None, "admin")
    return found


@pytest.fixture
def client(site: Settings) -> Iterator[Asking]:
    with asking(site) as found:
        yield found


def test_a_heads_comment_stands_beside_the_months_figures(client: Asking, site: Settings) -> None:
    sign_in_as(client, site, "dace", SECRET)
    month = f"{DAY:%Y-%m-01}"
    page = client.get(f"/departments/social?from={month}", headers=EN).text
    assert "What the head says" not in page
    said = client.post(REMARKS, data={"month": month, "metric": "", "text": "Gripa; zvanīt 26001234"})
    assert said.status_code == 303, said.text
    contest = {"month": month, "metric": "third_signal_share", "text": "Nav mūsu zvani"}
    assert client.post(REMARKS, data=contest).status_code == 303
    page = client.get(f"/departments/social?from={month}", headers=EN).text
    assert "Gripa; zvanīt 26••••34 (Dace Vadītāja)" in page, "a number is masked; the kept page is made anew"
    assert "contested: " in page
    assert client.post(f"{REMARKS}/1/withdraw", data={}).status_code == 303
    assert "Gripa" not in client.get(f"/departments/social?from={month}", headers=EN).text
    assert client.post(f"{REMARKS}/1/withdraw", data={}).status_code == 422


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": "x"}, "month"),
        ({"month": "2026-03-02", "text": "x"}, "first day"),
        ({"month": "2999-01-01", "text": "x"}, "has begun"),
        ({"month": "2026-03-01", "text": "  "}, "text"),
        ({"month": "2026-03-01", "text": "x" * 1001}, "text"),
        ({"month": "2026-03-01", "text": "x", "metric": "happiness"}, "metric"),
    ],
)
def test_a_remark_that_cannot_be_is_told(
    client: Asking, site: Settings, fields: dict[str, str], said: str
) -> None:
    sign_in_as(client, site, "dace", SECRET)
    answer = client.post(REMARKS, data=fields)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_an_employee_asks_and_the_head_answers(client: Asking, site: Settings) -> None:
    sign_in_as(client, site, "anna", SECRET)
    page = client.get("/mine?lang=en").text
    assert "/mine/ask?call=pbx%3A2" in page
    form = client.get("/mine/ask?call=pbx:2&lang=en").text
    assert "What is not right" in form
    asked = {"call": "pbx:2", "text": "Biju pie apmeklētāja"}
    assert client.post("/mine/ask", data=asked).status_code == 303
    assert client.post("/mine/ask", data=asked).status_code == 422, "one at a time"
    assert "not answered yet" in client.get("/mine?lang=en").text
    assert client.get(REMARKS).status_code == 403
    sign_in_as(client, site, "dace", SECRET)
    page = client.get(f"{REMARKS}?lang=en").text
    assert "Anna Darbiniece" in page
    assert "Biju pie apmeklētāja" in page
    answer = {"accepted": "yes", "text": "Ierakstīju neitrālu stāvokli"}
    assert client.post("/departments/finance/corrections/1", data=answer).status_code == 403
    assert client.post("/departments/social/corrections/1", data=answer | {"accepted": ""}).status_code == 422
    assert client.post("/departments/social/corrections/1", data=answer).status_code == 303
    assert client.post("/departments/social/corrections/1", data=answer).status_code == 422
    sign_in_as(client, site, "anna", SECRET)
    assert "accepted: Ierakstīju neitrālu stāvokli (Dace Vadītāja)" in client.get("/mine?lang=en").text


@pytest.mark.parametrize("call_id", ["pbx:1", "pbx:2", "pbx:9", ""])
def test_nobody_asks_about_a_call_of_another(client: Asking, site: Settings, call_id: str) -> None:
    sign_in_as(client, site, "juris", SECRET)  # his phone rang in pbx:2, but it was not his yet
    assert client.get(f"/mine/ask?call={quote(call_id)}").status_code == 404
    assert client.post("/mine/ask", data={"call": call_id, "text": "x"}).status_code == 404


def test_a_name_is_told_for_a_reason_which_the_employee_reads(client: Asking, site: Settings) -> None:
    sign_in_as(client, site, "dace", SECRET)
    page = client.get("/calls/pbx:2", headers=EN).text
    assert "Anna" not in page
    assert page.count("<option>") == 2
    refused = client.post("/calls/pbx:2/phone", data={"phone": "no. 2", "reason": " "}, headers=EN)
    assert refused.status_code == 422
    none = client.post("/calls/pbx:2/phone", data={"phone": "no. 9", "reason": "x"}, headers=EN)
    assert none.status_code == 404
    asked = {"phone": "no. 2", "reason": "Klienta sūdzība 12"}
    shown = client.post("/calls/pbx:2/phone", data=asked, headers=EN)
    assert "Anna Darbiniece (201)" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    other = client.post("/calls/pbx:2/phone", data=asked | {"phone": "no. 1"}, headers=EN)
    assert "extension 202; it was assigned to nobody" in other.text, "Juris has it a day later"
    sign_in_as(client, site, "anna", SECRET)
    page = client.get("/mine", headers=EN).text
    assert "Dace Vadītāja" in page
    assert "Klienta sūdzība 12" in page
    sign_in_as(client, site, "juris", SECRET)
    assert "Klienta sūdzība 12" not in client.get("/mine", headers=EN).text
    assert client.post("/calls/pbx:2/phone", data=asked).status_code == 403, "an employee"
    with Store.open(site) as store, store.database.read() as connection:
        rows = access_log.listed(connection, "employee_named")
    assert [(one.author, one.about) for one in rows] == [
        ("Dace Vadītāja", f"call pbx:2 of {DAY}: extension 201"),
        ("Dace Vadītāja", f"call pbx:2 of {DAY}: extension 202"),
    ]


def test_a_request_goes_with_its_call(client: Asking, site: Settings) -> None:
    sign_in_as(client, site, "anna", SECRET)
    client.post("/mine/ask", data={"call": "pbx:2", "text": "x"})
    with Store.open(site) as store:
        now = store.clock()
        store.clock = lambda: now + timedelta(days=900)
        told = {one.what: one.rows for one in purge(store, site).gone}
        assert told.get("corrections") == 1
    assert "What you asked" not in client.get("/mine?lang=en").text
