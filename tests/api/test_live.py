"""What happens now: as the collector told it, for who may see it, said to be old when it is."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from api import live_pages
from callstats.accounts import keeping
from callstats.accounts.roles import Grant, Role
from callstats.feed_status import FeedStatus, State
from callstats.live import Live, Now
from callstats.settings import Numbers, Settings
from callstats.settings_ami import Journal
from callstats.store import Store
from tests.api.asking import Asking, asking, sign_in_as
from tests.api.test_page_browser import CHROMIUM, browser
from tests.handmade import settings, store_with, visit

__all__ = ["browser"]
PASSWORD = "four words beside others"


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    """A site of four departments whose calls are of today."""
    made = settings(
        tmp_path,
        numbers=Numbers(key_file=tmp_path / "numbers.key"),
        journal=Journal(folder=tmp_path / "journal"),
    )
    now = datetime.now(UTC).replace(microsecond=0)
    today = now.astimezone(made.zone).date()
    given = {"entered_at": now, "local_date": today, "entered_date": today, "in_hours": True}
    store_with(
        made, visits=[visit("pbx:1", ring_s=2.0, **given), visit("pbx:2", ring_s=40.0, **given)]
    ).close()
    return made


@pytest.fixture
def client(site: Settings) -> Iterator[Asking]:
    with asking(site) as found:
        yield found


def tell(
    site: Settings, age_s: float = 0.0, connected: bool = True, fault: str | None = None, **units: Now
) -> None:
    """What a collector would tell, so many seconds ago."""
    folder = site.journal.folder / "pbx"
    folder.mkdir(parents=True, exist_ok=True)
    at = datetime.now(UTC) - timedelta(seconds=age_s)
    Live("pbx", at, connected, units).write(folder)
    state: State = "connected" if connected else "down"
    FeedStatus("pbx", "pbx", state, at, at, fault=fault).write(folder)


def test_without_a_collector_it_says_so(client: Asking) -> None:
    text = client.get("/live?lang=en").text
    assert "No collector is running here" in text
    assert "Social" in text, "the departments and today's figures are there all the same"


def test_the_moment_and_todays_figures(client: Asking, site: Settings) -> None:
    tell(site, social=Now(2, 1, 3, datetime.now(UTC)), environment=Now(None, None, 1))
    text = client.get("/live/part?lang=en").text
    row = text[text.index("Social") :].partition("</tr>")[0]
    assert ">2</td>" in row
    assert ">1</td>" in row
    assert "<strong>3</strong>" in row
    assert "1 of 2" in row or "–" in row, "today's calls may lie outside working hours"
    assert "longest since" in row
    assert "<html" not in text
    small = text[text.index("Environment") :].partition("</tr>")[0]
    assert small.count("–") >= 2, "of one phone only who waits is told"


def test_how_old_it_is_is_said(client: Asking, site: Settings) -> None:
    tell(site, age_s=45, social=Now(2, 1, 3))
    text = client.get("/live/part?lang=en").text
    assert "Nothing has been heard for" in text
    assert re.search(r"for 4\d\.\d", text)


def test_a_pbx_that_is_not_heard(client: Asking, site: Settings) -> None:
    tell(site, connected=False, fault="10.0.0.1:5038: nobody listens there", social=Now(2, 1, 3))
    text = client.get("/live/part?lang=en").text
    assert "The PBX is not heard" in text
    assert "nobody listens there" in text
    assert ">2</td>" not in text, "what was before is not now"


def test_a_head_sees_the_own_department_and_the_chancellery_no_small_one(
    client: Asking, site: Settings
) -> None:
    tell(site, social=Now(0, 0, 0), environment=Now(None, None, 0))
    who: tuple[tuple[str, Role, str | None], ...] = (
        ("maris", "head", "social"), ("karlis", "chancellery", None), ("zane", "admin", None),
    )  # fmt: skip
    with Store.open(site) as store:
        for login, role, department in who:
            keeping.add(store, login, login.upper(), PASSWORD, "test")
            keeping.grant(store, site, login, Grant(role, department, date(2026, 1, 1)), "test")
    sign_in_as(client, site, "maris", PASSWORD)
    text = client.get("/live?lang=en").text
    assert "Social" in text
    assert "Finance" not in text
    sign_in_as(client, site, "karlis", PASSWORD)
    text = client.get("/live?lang=en").text
    assert "Social" in text
    assert "Environment" not in text
    sign_in_as(client, site, "zane", PASSWORD)
    assert client.get("/live").status_code == 403


def test_it_is_told_again_as_it_changes(client: Asking, site: Settings) -> None:
    tell(site, social=Now(1, 0, 0))
    with client.stream("GET", "/live/events?lang=en") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        seen, lines = "", answer.iter_lines()
        while ">1</td>" not in seen:
            seen += next(lines)
        tell(site, social=Now(7, 0, 0))
        seen = ""
        while ">7</td>" not in seen:
            seen += next(lines)
    for _ in range(100):
        if client.app.state.live_streams == 0:
            break
        time.sleep(0.1)
    assert client.app.state.live_streams == 0, "who left is not told any more"


def test_who_signed_out_is_told_no_more(
    client: Asking, site: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_pages, "TICK_S", 0.05)
    tell(site, social=Now(1, 0, 0))
    with Store.open(site) as store:
        keeping.add(store, "maris", "Māris", PASSWORD, "test")
        keeping.grant(store, site, "maris", Grant("head", "social", date(2026, 1, 1)), "test")
    sign_in_as(client, site, "maris", PASSWORD)
    with client.stream("GET", "/live/events") as answer:
        lines = answer.iter_lines()
        next(lines)
        with Store.open(site) as store:
            keeping.end(store, "maris", "test")
        rest = list(lines)  # it ends long before its five minutes
    assert rest


def test_too_many_streams_are_refused(client: Asking, site: Settings) -> None:
    client.app.state.live_streams = 100
    assert client.get("/live/events").status_code == 503


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)")
def test_in_the_browser_it_changes_by_itself_and_without_streams_too(
    browser: Browser, client: Asking, site: Settings
) -> None:
    tell(site, social=Now(1, 0, 0))
    page = browser.new_page()
    page.goto(f"{client.base_url}/live?lang=en")
    ringing = page.locator("tr", has_text="Social").locator("td").first
    expect(ringing).to_have_text("1")
    tell(site, social=Now(5, 0, 0))
    expect(ringing).to_have_text("5")
    client.app.state.live_streams = 100  # no stream is given any more
    page.reload()
    tell(site, social=Now(6, 0, 0))
    expect(ringing).to_have_text("6", timeout=30_000)
    page.close()
