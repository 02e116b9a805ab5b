"""What an attacker of the accounts tried: persons in calls, small units, searches, names, bodies, resets."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path

import pyarrow as pa
import pytest

from api.register import SEARCHES
from callstats.accounts import keeping, passwords, signing
from callstats.accounts.roles import Grant
from callstats.accounts.signing import SignInError
from callstats.cases import access_log
from callstats.errors import UsageError
from callstats.export import write_csv
from callstats.register.opening import bring_up_to_date
from callstats.settings import Numbers, Settings
from callstats.store import Store
from tests.api.asking import Asking, asking, sign_in_as
from tests.handmade import DAY, at, attempt, call, message, missed, settings, store_with, visit

SECRET = "trīs zaļi zirgi"
EN = {"accept": "text/html", "accept-language": "en"}


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    """`social` had phone 401 until the day before; it is of `finance` since."""
    found = settings(
        tmp_path,
        numbers=Numbers(key_file=tmp_path / "numbers.key"),
        departments=[
            {"id": "social", "extensions": ["201", "202", "203", "401"], "valid_to": DAY},
            {"id": "social", "extensions": ["201", "202", "203"], "valid_from": DAY},
            {"id": "finance", "extensions": ["402"], "valid_to": DAY},
            {
                "id": "finance",
                "extensions": ["401", "402"],
                "valid_from": DAY,
                "valid_to": DAY + timedelta(30),
            },
            {"id": "pr"},
            {"id": "environment", "extensions": ["801", "802", "803"]},
        ],
    )
    rows = {
        "calls": [call("pbx:1", dialled="67012203", dialled_class="own")],
        "visits": [visit("pbx:1"), missed("pbx:2", department="finance")],
        "attempts": [attempt("pbx:1", "201")],
        "messages": [message("pbx:3", "n1-" + "0" * 32, left_at=at("10:00"))],
    }
    with store_with(found, **rows) as store:
        bring_up_to_date(store, found)
        for login, role, of in (
            ("head", "head", "social"), ("pr", "pr", None), ("kanceleja", "chancellery", None),
            ("analyst", "analyst", None),
        ):  # fmt: skip
            keeping.add(store, login, login.title(), SECRET, "admin")
            keeping.grant(store, found, login, Grant(role, of, DAY - timedelta(9)), "admin")  # type: ignore[arg-type]
    return found


@pytest.fixture
def client(site: Settings) -> Iterator[Asking]:
    with asking(site) as found:
        yield found


def test_a_head_does_not_touch_a_phone_that_went_to_others(client: Asking, site: Settings) -> None:
    sign_in_as(client, site, "head", SECRET)
    page = client.get("/departments/social/neutral", headers=EN).text
    assert "phone 201" in page
    assert "phone 401" not in page
    with Store.open(site) as store:
        now = store.clock().astimezone(site.zone)
    form = {"phone": "401", "state": "training", "reason": "x", "from": f"{now:%Y-%m-%dT08:00}",
            "to": f"{now:%Y-%m-%dT09:00}"}  # fmt: skip
    answer = client.post("/departments/social/neutral", data=form)
    assert answer.status_code == 422
    assert "phone" in answer.json()["detail"]


def test_a_direct_number_is_not_told_on_a_calls_page(client: Asking, site: Settings) -> None:
    for who in ("analyst", "head"):
        sign_in_as(client, site, who, SECRET)
        page = client.get("/calls/pbx:1", headers=EN).text
        assert "67012203" not in page
        assert "direct number" in page


@pytest.mark.parametrize("end", ["", "&to=2026-05-01", "&to=2027-01-01"])
def test_no_window_tells_a_small_unit_apart(client: Asking, site: Settings, end: str) -> None:
    sign_in_as(client, site, "kanceleja", SECRET)
    path = f"/api/v1/metrics/third_signal_share?department=finance&by={end}"
    assert client.get(path).status_code == 403
    assert client.get(f"/departments/finance?lang=en{end}").status_code == 403


def test_a_second_role_does_not_open_the_list_to_small_units(client: Asking, site: Settings) -> None:
    with Store.open(site) as store:
        keeping.grant(store, site, "kanceleja", Grant("admin", None, DAY), "admin")
    sign_in_as(client, site, "kanceleja", SECRET)
    page = client.get("/", headers=EN)
    assert page.status_code in (200, 303)
    assert "/departments/finance" not in page.text


def test_searches_by_number_are_written_down_and_bounded(client: Asking, site: Settings) -> None:
    sign_in_as(client, site, "pr", SECRET)
    got = [
        client.post("/register/search", data={"number": f"2600{n:04}"}).status_code
        for n in range(SEARCHES + 2)
    ]
    assert got == [303] * SEARCHES + [403, 403]
    with Store.open(site) as store, store.database.read() as connection:
        rows = access_log.listed(connection, "number_searched")
    assert len(rows) == SEARCHES
    assert all("2600" not in one.about for one in rows)


def test_a_closed_cases_number_needs_a_reason_that_says_something(client: Asking, site: Settings) -> None:
    sign_in_as(client, site, "pr", SECRET)
    for reason, status in ((" ", (403,)), ("x" * 501, (422, 403))):
        case = client.get("/api/v1/cases/1").json()
        if case["status"] != "closed":
            body = {"step": "closed", "said": {"reason": "answered_otherwise"}, "seen": case["steps"]}
            client.post("/api/v1/cases/1/steps", json=body)
        closed = client.get("/api/v1/cases/1").json()["status"] == "closed"
        answer = client.post("/api/v1/cases/1/number", json={"reason": reason})
        assert answer.status_code in ((*status, 404) if not closed else status)


def test_nobody_has_the_name_of_another_or_of_the_program(site: Settings) -> None:
    with Store.open(site) as store:
        for name in ("Head", "head", "callstats", "This machine's user"):
            with pytest.raises(UsageError, match="taken"):
                keeping.add(store, "another", name, None, "admin")


def test_a_password_that_is_reset_meanwhile_begins_no_session(
    site: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(site) as store:
        real = passwords.right

        def reset_first(password: str, kept: str | None) -> bool:
            found = real(password, kept)
            keeping.set_password(store, "head", "pavisam cita parole", "admin")
            return found

        monkeypatch.setattr(passwords, "right", reset_first)
        with pytest.raises(SignInError):
            signing.sign_in(store, "head", SECRET)
        monkeypatch.setattr(passwords, "right", real)
        assert signing.sign_in(store, "head", "pavisam cita parole")


def test_a_token_does_not_act_as_a_browser(client: Asking, site: Settings) -> None:
    with Store.open(site) as store:
        token = signing.issue(store, site, "head", "report", "head", 5, "admin")
        session = signing.sign_in(store, "head", SECRET)
    bearer = {"authorization": f"Bearer {token}"}
    assert client.get("/account", headers=bearer).status_code == 403
    assert client.post("/signout/everywhere", headers=bearer).status_code == 403
    assert client.get("/account", headers={"cookie": f"session={session}"}).status_code == 200


def test_another_applications_cookie_signs_nobody_out(client: Asking, site: Settings) -> None:
    with Store.open(site) as store:
        session = signing.sign_in(store, "head", SECRET)
    headers = {"cookie": f"bad[name]=1; x=; session={session}; other=a b"}
    assert client.get("/account", headers=headers).status_code == 200


def test_a_body_that_is_too_long_is_not_read(client: Asking) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post("/api/v1/cases", content=b"[" + b"1," * (2 << 20), headers=headers)
    assert answer.status_code in (400, 413)


def test_a_formula_behind_a_semicolon_is_none() -> None:
    out = BytesIO()
    write_csv(pa.table({"a": ["x;=1+1;y", "ok; fine", "a-b"]}), out)
    rows = list(csv.reader(StringIO(out.getvalue().decode()), delimiter=";"))
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert "x;'=1+1;y" in out.getvalue().decode()
    assert "a-b" in out.getvalue().decode()


def test_who_took_calls_as_a_file_is_written_down_each_time(client: Asking, site: Settings) -> None:
    sign_in_as(client, site, "head", SECRET)
    path = f"/api/v1/departments/social/calls?from={DAY}&format=csv"
    for _ in range(2):
        assert client.get(path).status_code == 200
    with Store.open(site) as store, store.database.read() as connection:
        rows = access_log.listed(connection, "table_exported")
    assert [one.about.split("_")[:2] for one in rows] == [["calls", "social"]] * 2
