"""Who may see what: every route of the server, every role; a route that is in no row answers nobody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from starlette.routing import BaseRoute, Route

from api import access
from api.access import EVERYBODY, MATRIX
from callstats.accounts import keeping, signing
from callstats.accounts.roles import OF_DEPARTMENT, ROLES, Grant, Role
from callstats.register.opening import bring_up_to_date
from callstats.settings import Numbers, Settings
from callstats.store import Store
from tests.api import roles_told
from tests.api.asking import Asking, asking
from tests.handmade import DAY, at, call, message, settings, store_with, visit

SECRET = "trīs zaļi zirgi"
HTML = {"accept": "text/html"}
# What each route is asked in this test: method, path, and what of it belongs to `social`.
ASKED: dict[str, tuple[str, str]] = {
    "departments_page": ("GET", "/"),
    "department_page": ("GET", "/departments/social"),
    "calls_page": ("GET", "/departments/social/calls"),
    "call_page": ("GET", "/calls/pbx:1"),
    "call_phone": ("POST", "/calls/pbx:1/phone"),
    "window": ("GET", "/api/v1/window"),
    "facts_table": ("GET", "/api/v1/tables/calls"),
    "live_page": ("GET", "/live"),
    "live_part": ("GET", "/live/part"),
    "live_events": ("GET", "/live/events"),
    "remarks_page": ("GET", "/departments/social/remarks"),
    "enter_remark": ("POST", "/departments/social/remarks"),
    "withdraw_remark": ("POST", "/departments/social/remarks/1/withdraw"),
    "answer_correction": ("POST", "/departments/social/corrections/1"),
    "ask_page": ("GET", "/mine/ask?call=pbx:1"),
    "ask": ("POST", "/mine/ask"),
    "missed_page": ("GET", "/departments/social/missed"),
    "missed_number": ("POST", "/departments/social/missed/number"),
    "neutral_page": ("GET", "/departments/social/neutral"),
    "enter_neutral": ("POST", "/departments/social/neutral"),
    "withdraw_neutral": ("POST", "/departments/social/neutral/1/withdraw"),
    "figures_page": ("GET", "/departments/social/figures"),
    "overview_page": ("GET", "/overview"),
    "months_page": ("GET", "/months"),
    "health_page": ("GET", "/health"),
    "requests_page": ("GET", "/requests"),
    "enter_request": ("POST", "/requests"),
    "request_file": ("GET", "/requests/1/file"),
    "forget_number": ("POST", "/requests/1/forget"),
    "close_request": ("POST", "/requests/1/close"),
    "access_log_page": ("GET", "/access-log"),
    "account_page": ("GET", "/account"),
    "mine_page": ("GET", "/mine"),
    "sign_out": ("POST", "/signout"),
    "sign_out_everywhere": ("POST", "/signout/everywhere"),
    "register_page": ("GET", "/register"),
    "register_file": ("GET", "/register/file?format=csv"),
    "register_summary": ("GET", "/register/summary"),
    "case_page": ("GET", "/register/1"),
    "case_sound": ("GET", "/register/1/sound"),
    "search": ("POST", "/register/search"),
    "bulk_step": ("POST", "/register/steps"),
    "case_step": ("POST", "/register/1/steps"),
    "case_number": ("POST", "/register/1/number"),
    "new_case": ("POST", "/register/new"),
    "departments": ("GET", "/api/v1/departments"),
    "catalogue": ("GET", "/api/v1/metrics"),
    "figures": ("GET", "/api/v1/metrics/answered_share?department=social"),
    "all_months": ("GET", "/api/v1/months"),
    "cases": ("GET", "/api/v1/cases"),
    "department_calls": ("GET", "/api/v1/departments/social/calls"),
    "one_call": ("GET", "/api/v1/calls/pbx:1"),
    "api_case": ("GET", "/api/v1/cases/1"),
    "api_step": ("POST", "/api/v1/cases/1/steps"),
    "api_heard": ("POST", "/api/v1/cases/1/heard"),
    "api_new_case": ("POST", "/api/v1/cases"),
    "api_number": ("POST", "/api/v1/cases/1/number"),
}
REFUSED = (401, 403)
# what else they ask is said case by case (`people.may`)
OF_A_CASE = {name for name in MATRIX if name.startswith(("case_", "api_"))} | {"new_case"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A call of `social`, one of `finance`, a message forwarded to nobody yet; an account for each role."""
    folder: Path = tmp_path_factory.mktemp("access")
    found = settings(folder, numbers=Numbers(key_file=folder / "numbers.key"))
    rows = {
        "calls": [call("pbx:1"), call("pbx:2")],
        "visits": [visit("pbx:1"), visit("pbx:2", department="finance")],
        "messages": [message("pbx:3", "n1-" + "0" * 32, left_at=at("10:00"))],
    }
    with store_with(found, **rows) as store:
        bring_up_to_date(store, found)
        for role in ROLES:
            keeping.add(store, role, role.title(), SECRET, "admin")
            of = "social" if role in OF_DEPARTMENT else None
            keeping.grant(store, found, role, Grant(role, of, DAY - timedelta(400)), "admin")
        keeping.add(store, "nobody", "Has no role", SECRET, "admin")
    return found


@pytest.fixture(scope="module")
def server(site: Settings) -> Iterator[Asking]:
    with asking(site) as found:
        yield found


@pytest.fixture(scope="module")
def as_role(site: Settings, server: Asking) -> dict[str, dict[str, str]]:
    """The header with each account's session."""
    with Store.open(site) as store:
        return {
            name: {"cookie": f"session={signing.sign_in(store, name, SECRET)}"} for name in (*ROLES, "nobody")
        }


def ask(server: Asking, route: str, headers: dict[str, str]) -> httpx2.Response:
    method, path = ASKED[route]
    with (
        httpx2.Client(base_url=server.base_url, trust_env=False, timeout=60) as client,
        client.stream(method, path, headers=headers) as answer,
    ):
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            answer.read()  # a stream would go on for minutes
        return answer


def names_of(routes: list[BaseRoute]) -> set[str]:
    """Names of all routes, those of included routers too; folders of files have none."""
    found = set()
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            found |= names_of(inner.routes)
        elif isinstance(route, Route):
            found.add(route.name)
    return found


def test_every_route_is_in_the_table_and_in_this_test(server: Asking) -> None:
    found = names_of(server.app.routes)
    assert len(found) > 25
    assert found - EVERYBODY == set(MATRIX)
    assert set(ASKED) == set(MATRIX)
    assert not EVERYBODY & set(MATRIX)


@pytest.mark.parametrize("route", sorted(MATRIX))
@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_let_in_where_the_table_says_so(
    server: Asking, as_role: dict[str, dict[str, str]], route: str, role: Role
) -> None:
    headers = as_role[role]
    if route.startswith("sign_out"):
        assert role in MATRIX[route], "its effect is tested in test_doors.py"
        return
    answer = ask(server, route, headers)
    if role not in MATRIX[route]:
        assert answer.status_code == 403, answer.text
    elif route in OF_A_CASE and MATRIX[route][role] == "own":
        assert answer.status_code in (403, 422), "the message was not forwarded to this department"
    else:
        assert answer.status_code not in REFUSED, answer.text


@pytest.mark.parametrize("route", sorted(MATRIX))
@pytest.mark.parametrize("headers", [{}, {"cookie": "session=x"}, {"authorization": "Bearer cs_x"}])
def test_who_has_not_signed_in_sees_nothing(server: Asking, route: str, headers: dict[str, str]) -> None:
    assert ask(server, route, headers).status_code == 401


@pytest.mark.parametrize("route", sorted(set(MATRIX)))
def test_an_account_without_a_role_sees_nothing(
    server: Asking, as_role: dict[str, dict[str, str]], route: str
) -> None:
    answer = ask(server, route, as_role["nobody"])
    assert answer.status_code == 403
    assert "no role today" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/departments/finance",
        "/api/v1/metrics/answered_share?department=finance",
        "/api/v1/metrics/answered_share?department=social&department=finance",
        "/api/v1/departments/finance/calls",
        "/api/v1/calls/pbx:2",
        "/departments/finance/calls",
        "/departments/finance/figures",
        "/departments/finance/missed",
        "/departments/finance/neutral",
        "/calls/pbx:2",
    ],
)
def test_a_head_sees_no_other_department(
    server: Asking, as_role: dict[str, dict[str, str]], path: str
) -> None:
    with httpx2.Client(base_url=server.base_url, trust_env=False, timeout=60) as client:
        assert client.get(path, headers=as_role["head"]).status_code == 403
        figures = client.get("/api/v1/metrics/answered_share", headers=as_role["head"]).json()["items"]
        assert {row["department"] for row in figures} == {"social"}
        page = client.get("/", headers=as_role["head"]).text
        assert 'href="/departments/social"' in page
        assert "/departments/finance" not in page


def test_what_is_kept_for_one_is_not_shown_to_another(
    server: Asking, site: Settings, as_role: dict[str, dict[str, str]]
) -> None:
    """The same cookie, the same address: only what its owner may see today."""
    asked = {"url": "/departments/social", "headers": as_role["head"]}
    with httpx2.Client(base_url=server.base_url, trust_env=False, timeout=60) as client:
        assert client.get(**asked).status_code == 200  # type: ignore[arg-type]
        with Store.open(site) as store:
            today = store.clock().astimezone(site.zone).date()
            keeping.end_role(store, "head", "head", "social", today - timedelta(1), "admin")
        try:
            assert client.get(**asked).status_code == 403  # type: ignore[arg-type]
        finally:
            with Store.open(site) as store:
                keeping.grant(store, site, "head", Grant("head", "social", today), "admin")
        assert client.get(**asked).status_code == 200  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("role", "home"),
    [
        ("employee", "/register"), ("pr", "/register"), ("admin", "/health"), ("dpo", "/access-log"),
    ],
)  # fmt: skip
def test_everybody_is_led_to_a_page_of_ones_own(
    server: Asking, as_role: dict[str, dict[str, str]], role: str, home: str
) -> None:
    answer = ask(server, "departments_page", as_role[role])
    assert (answer.status_code, answer.headers["location"]) == (303, home)


def test_a_route_without_a_row_answers_nobody(
    server: Asking, as_role: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(access.MATRIX, "health_page")
    assert ask(server, "health_page", as_role["admin"]).status_code == 403


def test_the_document_says_what_the_table_says() -> None:
    assert roles_told.DOC.read_text(encoding="utf-8") == roles_told.told(), (
        "python -m tests.api.roles_told writes it anew"
    )
