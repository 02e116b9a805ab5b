"""Every page by axe-core, light and dark, wide and narrow: WCAG 2.1 A and AA."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from callstats.accounts import keeping
from callstats.accounts.roles import Grant
from callstats.register.opening import bring_up_to_date
from callstats.settings import Numbers, Settings
from tests.api.asking import Asking, asking
from tests.api.test_page_browser import CHROMIUM, browser
from tests.handmade import DAY, at, attempt, call, message, missed, settings, store_with, visit

__all__ = ["browser"]
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)"
)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
PAGES = (
    "/", "/departments/social", "/departments/social/figures", "/departments/social/calls",
    "/departments/social/missed", "/calls/pbx:1", "/months", "/register", "/register/1", "/register/summary",
    "/who", "/health", "/access-log", "/mine", "/departments/social/neutral", "/departments/social/remarks",
    "/departments/navy", "/overview", "/requests", "/live",
)  # fmt: skip
SIGNED_IN = ("/signin", "/account", "/mine", "/mine/ask?call=pbx:1", "/calls/pbx:1")
TUESDAY = DAY + timedelta(1)
SECRET = "trīs zaļi zirgi"


def filled(folder: Path) -> Settings:
    found = settings(folder, numbers=Numbers(key_file=folder / "numbers.key"))
    rows = {
        "calls": [call("pbx:1"), call("pbx:2", outcome="unanswered", answered_by=None)],
        "visits": [visit("pbx:1"), missed("pbx:2"), visit("pbx:4", entered_at=at("11:00", TUESDAY))],
        "attempts": [attempt("pbx:1", "201")],
        "messages": [message("pbx:3", "n1-" + "0" * 32, left_at=at("10:00"))],
    }
    with store_with(found, **rows) as store:
        bring_up_to_date(store, found)
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    with asking(filled(tmp_path_factory.mktemp("accessible"))) as found:
        yield found


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """A site with an account."""
    site = filled(tmp_path_factory.mktemp("closed"))
    with store_with(site) as store:
        keeping.add(store, "anna", "Anna Paraudziņa", SECRET, "admin")
        keeping.grant(store, site, "anna", Grant("head", "social", DAY), "admin")
        keeping.give_extension(store, "anna", "201", DAY, None, "admin")
    with asking(site) as found:
        yield found


def faults(browser: Browser, server: Asking, path: str, width: int, scheme: str, who: str = "") -> list[str]:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    if who:
        context.add_cookies([{"name": "who", "value": quote(who), "url": str(server.base_url)}])
    page = context.new_page()
    page.goto(f"{server.base_url}{path}")
    page.wait_for_load_state("networkidle")
    found = Axe().run(page, options=RULES).response["violations"]
    context.close()
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_fault(browser: Browser, server: Asking, path: str, width: int, scheme: str) -> None:
    assert faults(browser, server, path, width, scheme, ":pr:Ilze P") == []


@pytest.mark.parametrize("path", SIGNED_IN)
def test_a_page_of_who_signs_in_has_no_fault(browser: Browser, closed: Asking, path: str) -> None:
    page = browser.new_page()
    page.goto(f"{closed.base_url}/signin?next={quote(path)}")
    if path != "/signin":
        page.fill("[name=login]", "anna")
        page.fill("[name=password]", SECRET)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.url.endswith(path)
    found = Axe().run(page, options=RULES).response["violations"]
    page.close()
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []


def test_the_checker_finds_a_fault_where_there_is_one(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content('<html lang="lv"><title>x</title><main><img src="data:,"></main></html>')
    assert "image-alt" in [one["id"] for one in Axe().run(page, options=RULES).response["violations"]]
    page.close()
