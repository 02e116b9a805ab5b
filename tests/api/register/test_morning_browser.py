"""A specialist's morning: twenty messages checked, forwarded and partly closed by keyboard alone."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from callstats.register.desk import desk
from callstats.register.opening import bring_up_to_date
from callstats.settings import Numbers
from callstats.store import Store
from tests.api.asking import asking
from tests.api.register.test_browser import opened
from tests.api.test_page_browser import CHROMIUM, browser
from tests.handmade import at, message, settings, store_with

__all__ = ["browser"]
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)"
)


def pictured(page: Page, name: str) -> None:
    """A picture of each part of the morning, for people to look at, into the folder that `PICTURES` names."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"morning-{name}.png")


def test_twenty_messages_without_a_mouse(tmp_path: Path, browser: Browser) -> None:
    site = settings(tmp_path, numbers=Numbers(key_file=tmp_path / "numbers.key"))
    left = [message(f"pbx:{n}", f"n1-{n:032x}", left_at=at(f"10:{n:02}")) for n in range(20)]
    with store_with(site, messages=left) as store:
        assert bring_up_to_date(store, site) == 20
    with asking(site) as server:
        page, said = opened(browser, server, "/register?lang=lv")
        pictured(page, "1-begins")
        for _ in range(20):  # each is listened to: one key, and the next one
            with page.expect_navigation():
                page.keyboard.press("c")
            page.keyboard.press("ArrowDown")
        pictured(page, "2-all-checked")
        for place in range(20):  # every second one is ticked, and all of these forwarded at once
            page.locator("tr[data-row]").nth(place).focus()
            if place % 2:
                page.keyboard.press("Space")
        page.locator("tr[data-row]").nth(1).focus()
        page.keyboard.press("f")
        page.keyboard.type("Soc")
        pictured(page, "3-ticked")
        page.keyboard.press("Tab")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        pictured(page, "4-forwarded")
        assert said == []
        page.close()
    with Store.open(site) as store:
        entries = desk(store, site)
    assert Counter(one.status for one in entries) == {"checked": 10, "forwarded": 10}
    assert {one.case.department for one in entries if one.status == "forwarded"} == {"social"}
