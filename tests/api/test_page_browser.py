"""The dashboard in a real browser: charts drawn, nothing complained of, nothing asked of another server."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from callstats.settings import Settings
from tests.api.asking import asking

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHARTS = {"": 5, "/figures": 4}  # drawn on each page of a department

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium's sandbox does not run as root
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*sandbox, "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("language", ["lv", "en"])
@pytest.mark.parametrize("path", CHARTS)
def test_the_dashboard_is_drawn_without_a_complaint(
    busy: Settings, browser: Browser, path: str, language: str, width: int
) -> None:
    heading = {"lv": "Sociālais dienests", "en": "Social services"}[language]
    said: list[str] = []
    with asking(busy) as server:
        page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme="dark" if width < 500 else "light"
        )
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{server.base_url}/departments/social{path}?lang={language}")
        page.wait_for_selector(f'html[data-drawn="{CHARTS[path]}"]', timeout=60_000)
        assert page.locator("html").get_attribute("lang") == language
        assert page.locator("h1").inner_text().endswith(heading)
        assert page.locator(".chart .main-svg").first.is_visible()
        drawn = page.locator(".chart:has(svg.main-svg .trace)").count()
        assert drawn == CHARTS[path]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert {url.split("/")[2] for url in asked} == {str(server.base_url).split("/")[2]}
        page.close()
    assert said == []


@pytest.mark.parametrize("language", ["lv", "en"])
def test_the_list_of_departments_is_whole_on_a_phone(site: Settings, browser: Browser, language: str) -> None:
    """A caption or a column that is cut off says something else than it should."""
    with asking(site) as server:
        page = browser.new_page(viewport={"width": 390, "height": 900})
        page.goto(f"{server.base_url}/?lang={language}")
        cut = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).length"
        assert page.locator(".scroll").count() > 0
        assert page.evaluate(cut) == 0
        page.close()


def test_the_keyboard_reaches_content_and_tables(site: Settings, browser: Browser) -> None:
    with asking(site) as server:
        page = browser.new_page()
        page.goto(f"{server.base_url}/departments/social?lang=en")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        table = page.locator("section[aria-labelledby=h-rings] table")
        assert not table.is_visible()
        page.locator("section[aria-labelledby=h-rings] summary").first.focus()
        page.keyboard.press("Enter")
        assert table.is_visible()
        page.close()


def test_a_picture_of_few_calls_is_not_drawn_and_the_page_says_why(site: Settings, browser: Browser) -> None:
    with asking(site) as server:
        page = browser.new_page()
        page.goto(f"{server.base_url}/departments/social?lang=en")
        week = page.locator("section[aria-labelledby=h-week]")
        assert week.locator(".chart").count() == 0
        assert "Too few data" in week.inner_text()
        assert page.locator("section[aria-labelledby=h-verdicts] .chart").count() == 1, "a total is told"
        page.close()
