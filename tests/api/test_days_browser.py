"""Each role's day in a real browser, from signing in to an export; errors, no data, slow data, gaps.

``PICTURES=DIR`` leaves a picture of each page.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Download, Page, Route

from callstats import coverage
from callstats.accounts import keeping
from callstats.accounts.roles import OF_DEPARTMENT, ROLES, Grant
from callstats.calendar import local_instant
from callstats.cases import crossings
from callstats.metrics.inputs import data_window
from callstats.register.opening import bring_up_to_date
from callstats.settings import CONFIG_NAME, Numbers, Settings
from callstats.store import Store
from ingest.load import load
from tests.api.asking import Asking, asking
from tests.api.test_page_browser import CHROMIUM, browser
from tests.handmade import DAY, at, attempt, call, message, missed, settings, store_with, visit
from tests.shared import ROOT

__all__ = ["browser"]
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)"
)
SECRET = "trīs zaļi zirgi"
WINDOW = f"from={DAY - timedelta(1)}&to={DAY + timedelta(2)}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("days")
    found = settings(folder, numbers=Numbers(key_file=folder / "numbers.key"))
    visits, calls, attempts = [], [], []
    for n, ring_s in enumerate((2.0, 7.0, 22.0) * 6):
        visits.append(visit(f"pbx:{n}", entered_at=at(f"09:{n:02}:00"), ring_s=ring_s))
        calls.append(call(f"pbx:{n}", started_at=at(f"09:{n:02}:00")))
        attempts.append(attempt(f"pbx:{n}", "201", ring_at=at(f"09:{n:02}:00")))
    for n in range(20, 26):
        when = at(f"11:{n}:00")
        visits.append(missed(f"pbx:{n}", entered_at=when, rotation="not_rotated", rotation_cause="busy"))
        calls.append(call(f"pbx:{n}", started_at=when, outcome="unanswered", answered_by=None))
    said = [message("pbx:50", "n1-" + "0" * 32, left_at=at("10:00"))]
    with store_with(found, visits=visits, calls=calls, attempts=attempts, messages=said) as store:
        bring_up_to_date(store, found)
        for role in ROLES:
            keeping.add(store, role, f"{role.title()} Paraugs", SECRET, "admin")
            of = "social" if role in OF_DEPARTMENT else None
            keeping.grant(store, found, role, Grant(role, of, DAY - timedelta(400)), "admin")
        keeping.give_extension(store, "employee", "201", DAY - timedelta(10), None, "admin")
    return found


@pytest.fixture(scope="module")
def server(site: Settings) -> Iterator[Asking]:
    with asking(site) as found:
        yield found


@pytest.fixture
def signed_in(browser: Browser, server: Asking) -> Iterator[Callable[..., Page]]:
    """Signs a role in by the page; what the page complained of fails the test in the end."""
    said: list[str] = []
    contexts = []

    def begun(role: str, **options: object) -> Page:
        context = browser.new_context(locale="lv", accept_downloads=True, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"{server.base_url}/")
        assert "/signin" in page.url
        page.fill("[name=login]", role)
        page.fill("[name=password]", SECRET)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        return page

    yield begun
    for context in contexts:
        context.close()
    assert said == []


def pictured(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"day-{name}.png", full_page=True)


def rows_of(download: Download, folder: Path) -> int:
    """Rows of an XLSX file that was taken."""
    path = folder / download.suggested_filename
    download.save_as(path)
    book = openpyxl.load_workbook(path)
    assert "columns" in book.sheetnames
    return int(book["callstats"].max_row or 0) - 1


def took(page: Page, scope: str, folder: Path) -> int:
    with page.expect_download() as found:
        page.locator(scope).get_by_role("link", name="XLSX").first.click()
    return rows_of(found.value, folder)


def test_the_head(signed_in: Callable[..., Page], server: Asking, tmp_path: Path) -> None:
    page = signed_in("head")
    page.get_by_role("link", name="Sociālais dienests").click()
    page.goto(f"{server.base_url}/departments/social?{WINDOW}")
    page.wait_for_selector('html[data-drawn="5"]', timeout=60_000)
    assert page.locator(".big").inner_text().split("\n")[0].startswith("12 no 24")
    pictured(page, "head")
    page.get_by_role("link", name="Zvani, no kuriem šis skaitlis iegūts").click()
    page.locator("table a").last.click()  # the oldest, which a phone answered
    page.wait_for_selector('html[data-drawn="1"]', timeout=60_000)
    page.fill("[name=reason]", "Klienta sūdzība")
    with page.expect_navigation():
        page.get_by_role("button", name="Rādīt vārdu").click()
    assert "Employee Paraugs (201)" in page.inner_text("main")
    pictured(page, "head-call")
    page.goto(f"{server.base_url}/departments/social/remarks")
    page.select_option("[name=month]", index=0)
    page.fill("[name=text]", "Gripas nedēļa")
    with page.expect_navigation():
        page.get_by_role("button", name="Ierakstīt").click()
    assert "Gripas nedēļa" in page.inner_text("main"), "at once, not after the next version"
    assert took(page, "main", tmp_path) == 1


def test_the_employee(signed_in: Callable[..., Page], server: Asking, tmp_path: Path) -> None:
    page = signed_in("employee")
    page.goto(f"{server.base_url}/mine?{WINDOW}")
    assert page.locator("tbody tr").count() == 18
    page.get_by_role("link", name="Lūgt precizēt zvanu").first.click()
    page.fill("[name=text]", "Biju pie apmeklētāja")
    with page.expect_navigation():
        page.get_by_role("button", name="Lūgt").click()
    assert "vēl nav atbildēts" in page.inner_text("main")
    page.goto(f"{server.base_url}/mine?{WINDOW}")
    pictured(page, "employee")
    assert took(page, "main", tmp_path) == 18
    page.goto(f"{server.base_url}/account")
    with page.expect_navigation():
        page.get_by_role("button", name="Iziet visās ierīcēs").click()
    page.goto(f"{server.base_url}/mine")
    assert "/signin" in page.url


def test_public_relations(signed_in: Callable[..., Page], tmp_path: Path) -> None:
    page = signed_in("pr")
    assert page.url.endswith("/register")
    pictured(page, "pr")
    assert page.locator("tr[data-row]").count() == 1
    with page.expect_navigation():
        page.keyboard.press("c")  # checked
    with page.expect_download() as found:
        page.get_by_role("link", name="XLSX").first.click()
    assert found.value.suggested_filename.endswith(".xlsx")


def test_the_chancellery(signed_in: Callable[..., Page], server: Asking, tmp_path: Path) -> None:
    page = signed_in("chancellery", viewport={"width": 390, "height": 844})
    assert page.url.endswith("/overview")
    page.goto(f"{server.base_url}/overview?{WINDOW}")
    assert "12 no 24" in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    pictured(page, "chancellery")
    assert took(page, "main", tmp_path) >= 2


def test_the_analyst(signed_in: Callable[..., Page], server: Asking, tmp_path: Path) -> None:
    page = signed_in("analyst")
    page.goto(f"{server.base_url}/departments/social/calls?{WINDOW}")
    text = page.inner_text("main")
    assert "201" not in text
    pictured(page, "analyst")
    with page.expect_download() as found:
        page.get_by_role("link", name="XLSX").first.click()
    assert rows_of(found.value, tmp_path) == 24
    page.goto(f"{server.base_url}/calls/pbx:1")
    assert page.get_by_role("button", name="Rādīt vārdu").count() == 0


def test_the_administrator(signed_in: Callable[..., Page], server: Asking) -> None:
    page = signed_in("admin")
    assert page.url.endswith("/health")
    pictured(page, "admin")
    assert page.locator("table tbody tr").count() > 8
    assert page.request.get(f"{server.base_url}/departments/social").status == 403


def test_the_data_protection_officer(
    signed_in: Callable[..., Page], server: Asking, site: Settings, tmp_path: Path
) -> None:
    page = signed_in("dpo")
    assert page.url.endswith("/access-log")
    pictured(page, "dpo")
    assert "pievienoja kontu" in page.inner_text("main")
    assert took(page, "main", tmp_path) >= len(ROLES)
    page.reload()
    assert "lejupielādēja tabulu" in page.inner_text("main")


def test_errors_are_pages_in_ones_language(browser: Browser, server: Asking) -> None:
    context = browser.new_context(locale="lv")
    page = context.new_page()
    page.goto(f"{server.base_url}/signin")
    page.fill("[name=login]", "head")
    page.fill("[name=password]", "wrong password!")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert "nav pareiza" in page.locator("[role=alert]").inner_text()
    page.fill("[name=login]", "head")
    page.fill("[name=password]", SECRET)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    for path, status in (("/calls/none", 404), ("/overview", 403), ("/mine?from=x", 422)):
        answer = page.goto(f"{server.base_url}{path}")
        assert answer is not None
        assert answer.status == status
        assert page.locator("h1").count() == 1
        assert page.locator("html").get_attribute("lang") == "lv"
    context.close()


def test_slow_data_leave_a_page_that_says_so_and_is_whole_in_the_end(
    browser: Browser, server: Asking
) -> None:
    context = browser.new_context(locale="lv")
    page = context.new_page()
    held: list[Route] = []
    page.route("**/vendor/plotly.min.js", lambda route: held.append(route))
    page.goto(f"{server.base_url}/signin")
    page.fill("[name=login]", "head")
    page.fill("[name=password]", SECRET)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.goto(f"{server.base_url}/departments/social?{WINDOW}", wait_until="commit")
    page.wait_for_selector(".big")
    assert "12 no 24" in page.locator(".big").inner_text(), "the number is there before the pictures are"
    assert page.locator("h2").count() >= 7
    assert page.locator("html[data-drawn]").count() == 0
    held[0].continue_()
    page.wait_for_selector('html[data-drawn="5"]', timeout=60_000)
    context.close()


def test_a_site_without_data_has_whole_pages(browser: Browser, tmp_path: Path) -> None:
    found = settings(tmp_path, numbers=Numbers(key_file=tmp_path / "numbers.key"))
    with store_with(found) as store:
        keeping.add(store, "all", "Visas Lomas", SECRET, "admin")
        for role in ROLES:
            of = "social" if role in OF_DEPARTMENT else None
            keeping.grant(store, found, "all", Grant(role, of, DAY - timedelta(400)), "admin")
    said: list[str] = []
    with asking(found) as server:
        context = browser.new_context(locale="lv")
        page = context.new_page()
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"{server.base_url}/signin")
        page.fill("[name=login]", "all")
        page.fill("[name=password]", SECRET)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        for path in ("/", "/departments/social", "/departments/social/figures", "/departments/social/calls",
                     "/departments/social/missed", "/overview", "/mine", "/register", "/register/summary",
                     "/months", "/health", "/access-log", "/departments/social/remarks"):  # fmt: skip
            answer = page.goto(f"{server.base_url}{path}")
            assert answer is not None
            assert answer.status == 200, path
            assert page.locator("h1").count() == 1, path
        context.close()
    assert said == []
    with Store.open(found) as store:
        assert store.scan("calls").num_rows == 0


def test_gaps_of_the_feed_are_told_where_figures_are_read(browser: Browser, tmp_path: Path) -> None:
    found = Settings.load(ROOT / "sample_cdr" / CONFIG_NAME, tmp_path / "data")
    with Store.open(found) as store:
        load([ROOT / "sample_cdr"], found, store)
        with store.reading() as facts:
            window = data_window(facts)
        assert window is not None
        (one, *_) = coverage.coverage(store, found, *window)
        began = int(local_instant(found.zone, window[0], 10 * 60).timestamp() * 1e6)
        with store.database.write() as connection:  # the feed was away for five minutes of that day
            crossings.see_feeds(connection, {(one.pbx, began, began + 300_000_000)}, store.counter())
    with asking(found) as server:
        page = browser.new_page(locale="lv")
        page.goto(f"{server.base_url}/overview?from={window[0]}&to={window[1]}")
        told = page.inner_text("main")
        assert "Tiešās datu plūsmas pārtraukumi (1):" in told
        assert "10:00:00" in told
        page.close()
