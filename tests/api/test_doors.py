"""Signing in and out by the pages; tokens; what a stranger and a foreign page get."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from callstats.accounts import keeping, signing
from callstats.accounts.roles import Grant
from callstats.settings import Numbers, Settings
from callstats.store import Store
from tests.api.asking import Asking, asking
from tests.handmade import DAY, settings, store_with, visit

SECRET = "trīs zaļi zirgi"
HTML = {"accept": "text/html"}
PAGE = "/departments/social"


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    found = settings(tmp_path, numbers=Numbers(key_file=tmp_path / "numbers.key"))
    with store_with(found, visits=[visit("pbx:1")]) as store:
        keeping.add(store, "anna", "Anna Paraudziņa", SECRET, "admin")
        for role in ("head", "analyst"):
            given = Grant(role, "social" if role == "head" else None, DAY)
            keeping.grant(store, found, "anna", given, "admin")
    return found


@pytest.fixture
def client(site: Settings) -> Iterator[Asking]:
    with asking(site) as found:
        yield found


def sign_in(client: Asking, login: str = "anna", password: str = SECRET, **more: str) -> httpx2.Response:
    return client.post("/signin", data={"login": login, "password": password, **more})


def test_a_stranger_is_led_to_the_sign_in_and_back(client: Asking) -> None:
    asked = client.get(f"{PAGE}?from=2026-03-02", headers=HTML)
    assert (asked.status_code, asked.headers["location"]) == (
        303, "/signin?next=%2Fdepartments%2Fsocial%3Ffrom%3D2026-03-02",
    )  # fmt: skip
    assert client.get(PAGE).status_code == 401
    page = client.get(asked.headers["location"], headers=HTML).text
    assert 'name="next" value="/departments/social?from=2026-03-02"' in page
    assert "127.0.0.1" not in page, "there are accounts"
    done = sign_in(client, next="/departments/social?from=2026-03-02")
    assert (done.status_code, done.headers["location"]) == (303, "/departments/social?from=2026-03-02")
    cookie = done.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie  # a link in a reminder opens signed in; forms have own_form
    assert client.get(PAGE, headers=HTML).status_code == 200
    assert "Anna Paraudziņa" in client.get("/account?lang=en", headers=HTML).text


@pytest.mark.parametrize("elsewhere", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_nobody_is_sent_to_another_site_after_signing_in(client: Asking, elsewhere: str) -> None:
    assert sign_in(client, next=elsewhere).headers["location"] == "/"


def test_behind_tls_the_cookie_is_for_tls_only(client: Asking) -> None:
    done = client.post(
        "/signin", data={"login": "anna", "password": SECRET}, headers={"x-forwarded-proto": "https"}
    )
    assert "; secure" in done.headers["set-cookie"].lower()


def test_a_wrong_password_is_told_in_ones_language_and_not_what_was_wrong(client: Asking) -> None:
    told = [
        client.post(
            "/signin", data={"login": login, "password": "wrong password!"}, headers={"accept-language": "lv"}
        )
        for login in ("anna", "nobody")
    ]
    assert [one.status_code for one in told] == [401, 401]
    assert all("Lietotājvārds vai parole nav pareiza." in one.text for one in told)
    assert "set-cookie" not in told[0].headers
    for _ in range(10):
        last = sign_in(client, password="wrong password!")
    assert "mēģiniet vēlreiz pēc 15 minūtēm" in last.text
    assert sign_in(client).status_code == 401


def test_signing_out_ends_the_session_and_everywhere_all_of_them(client: Asking, site: Settings) -> None:
    sign_in(client)
    cookie = client.cookies["session"]
    assert client.post("/signout").headers["location"] == "/signin"
    assert client.get(PAGE, headers={"cookie": f"session={cookie}"}).status_code == 401
    with Store.open(site) as store:
        others = [signing.sign_in(store, "anna", SECRET) for _ in range(2)]
    headers = [{"cookie": f"session={one}"} for one in others]
    assert client.post("/signout/everywhere", headers=headers[0]).status_code == 303
    client.cookies.clear()
    assert [client.get(PAGE, headers=one).status_code for one in headers] == [401, 401]


@pytest.mark.parametrize("path", ["/signin", "/signout", "/signout/everywhere"])
def test_a_foreign_page_neither_signs_in_nor_out(client: Asking, path: str) -> None:
    sign_in(client)
    answer = client.post(
        path, data={"login": "anna", "password": SECRET}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403
    assert client.get(PAGE).status_code == 200


def test_where_there_are_accounts_nobody_is_believed(client: Asking) -> None:
    client.cookies.set("who", ":social:Anna")
    assert client.get(PAGE).status_code == 401
    assert client.get("/who").status_code == 404
    assert client.post("/who", data={"name": "Anna", "department": "social"}).status_code == 404


def test_a_token_opens_the_api_in_its_role_only(client: Asking, site: Settings) -> None:
    with Store.open(site) as store:
        token = signing.issue(store, site, "anna", "notebook", "analyst", 10, "admin")
        bearer = {"authorization": f"Bearer {token}"}
        assert client.get("/api/v1/metrics/answered_share", headers=bearer).status_code == 200
        assert client.get("/api/v1/departments/finance/calls", headers=bearer).status_code == 200
        assert client.get("/register", headers=bearer).status_code == 403
        sign_in(client)
        assert client.get("/register", headers=bearer).status_code == 403, "the token counts, not the cookie"
        client.cookies.clear()
        signing.revoke(store, 1, "admin")
    assert client.get("/api/v1/metrics/answered_share", headers=bearer).status_code == 401


def test_the_first_account_closes_the_doors_at_once(tmp_path: Path) -> None:
    found = settings(tmp_path, numbers=Numbers(key_file=tmp_path / "numbers.key"))
    store_with(found, visits=[visit("pbx:1")]).close()
    with asking(found) as client:
        assert client.get(PAGE).status_code == 200
        assert client.get("/signin").headers["location"] == "/who?next=%2F"
        with Store.open(found) as store:
            keeping.add(store, "anna", "Anna", SECRET, "admin")
        assert client.get(PAGE).status_code == 401
