"""The register in a real browser: by keyboard alone, on a phone's screen, without a complaint."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from callstats.register.acts import case_of
from callstats.settings import Settings
from callstats.store import Store
from tests.api.asking import Asking, asking
from tests.api.register.conftest import ILZE
from tests.api.test_page_browser import CHROMIUM, browser

__all__ = ["browser"]
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)"
)


@pytest.fixture
def server(site: Settings) -> Iterator[Asking]:
    with asking(site) as found:
        yield found


def opened(browser: Browser, server: Asking, path: str, width: int = 1280) -> tuple[Page, list[str]]:
    said: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 900})
    who = {"name": "who", "value": quote(f":{ILZE[0]}:{ILZE[1]}"), "url": str(server.base_url)}
    page.context.add_cookies([who])  # type: ignore[list-item]
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{server.base_url}{path}")
    return page, said


def done(site: Settings, number: int) -> list[str]:
    with Store.open(site) as store:
        return [one.step for one in case_of(store, number).steps if not one.undone]


def test_a_message_is_worked_by_keyboard_alone(site: Settings, server: Asking, browser: Browser) -> None:
    page, said = opened(browser, server, "/register?lang=en")
    assert page.evaluate("document.activeElement.id") == "c1"  # what is due first is in hand
    with page.expect_navigation():
        page.keyboard.press("c")
    assert done(site, 1) == ["left", "checked"]
    with page.expect_navigation():
        page.keyboard.press("u")
    assert done(site, 1) == ["left", "undone"]
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.id") == "c2"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("f")  # ticks the case and goes to the list of departments
    assert page.evaluate("document.activeElement.name") == "department"
    page.keyboard.type("Social")
    with page.expect_navigation():
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    assert done(site, 1)[-1] == "forwarded"
    page.locator("#c1").focus()
    with page.expect_navigation():
        page.keyboard.press("m")
    assert done(site, 1)[-1] == "contacted"
    with page.expect_navigation():
        page.keyboard.press("x")
    assert done(site, 1)[-1] == "closed"
    assert page.locator("#c1").count() == 0
    page.locator("#c2").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith("/register/2")
    with page.expect_navigation():
        page.keyboard.press("n")
    assert page.locator("a.number").get_attribute("href") == "tel:+37126001234"
    assert said == []
    page.close()


@pytest.mark.parametrize("language", ["lv", "en"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("path", ["/register", "/register/1", "/register/summary", "/who"])
def test_every_page_fits_its_screen(
    server: Asking, browser: Browser, path: str, width: int, language: str
) -> None:
    page, said = opened(browser, server, f"{path}?lang={language}", width)
    assert page.locator("html").get_attribute("lang") == language
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    unnamed = page.evaluate(
        """[...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
        .filter(one => !one.labels.length && !one.getAttribute("aria-label")).length"""
    )
    assert unnamed == 0
    assert said == []
    page.close()


def test_typing_in_a_field_is_no_step(site: Settings, server: Asking, browser: Browser) -> None:
    page, _ = opened(browser, server, "/register/1?lang=en")
    page.locator("textarea[name=about]").focus()
    page.keyboard.type("c x n")
    page.wait_for_timeout(200)
    assert page.locator("textarea[name=about]").input_value() == "c x n"
    assert done(site, 1) == ["left"]
    page.close()
