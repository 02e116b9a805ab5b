"""How firm a figure is, on pages and in the API: provisional, closed, computed anew, changed since."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from callstats import closing, editions
from callstats.closing import close_due, restate
from callstats.metrics.registry import METRICS
from callstats.settings import Settings
from callstats.store import Store
from tests.api.asking import Asking, asking
from tests.callstats.facts import Time
from tests.handmade import at, settings, visit
from tests.months import computed, speak

THIRD, RINGS = "third_signal_share", "ring_time"
REASON = "rindas <laiki> laboti"  # a reason is text, not markup
CLOSED = at("08:00", date(2026, 5, 11))


def visits(in_time: int) -> list[dict[str, Any]]:
    """Of March 25 visits, some in time; one of April, one of May."""
    march = [
        visit(f"pbx:{n}", entered_at=at(f"09:{n:02}", date(2026, 3, 10)), ring_s=6.0 if n < in_time else 20.0)
        for n in range(25)
    ]
    later = [visit(f"pbx:{n}", entered_at=at("10:00", date(2026, n, 14)), ring_s=3.0) for n in (4, 5)]
    return [*march, *later]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """March closed and computed anew, April closed, May open."""
    monkeypatch.setattr(
        editions, "METRICS", {slug: METRICS[slug] for slug in (THIRD, RINGS, "answered_share")}
    )
    monkeypatch.setattr(closing, "recompute", lambda *_: [])
    found, clock = settings(tmp_path), Time(CLOSED)
    with Store.open(found, clock) as store:
        speak(store, found, date(2026, 3, 2), date(2026, 5, 16), visits=visits(20))
        assert len(close_due(store, found)) == 2
        computed(store, found, date(2026, 3, 2), date(2026, 5, 16), visits=visits(10))
        clock.at += timedelta(days=2)
        restate(store, found, [date(2026, 3, 1)], REASON, "anna")
    return found


@pytest.fixture
def client(site: Settings) -> Iterator[Asking]:
    with asking(site) as found:
        yield found


def test_the_api_tells_status_and_both_values(client: Asking) -> None:
    path, query = f"/api/v1/metrics/{THIRD}", {"by": "month", "from": "2026-03-01", "to": "2026-06-01"}
    rows = client.get(path, params=query).json()["items"]
    assert [(row["month"], row["status"], row["edition"]) for row in rows] == [
        ("2026-03-01", "restated", 2),
        ("2026-04-01", "closed", 1),
        ("2026-05-01", "provisional", None),
    ]
    assert (rows[0]["k"], rows[0]["original_k"], rows[0]["restate_reason"]) == (10, 20, REASON)
    head, first = client.get(path, params=query | {"format": "csv"}).text.splitlines()[:2]
    assert '"status","edition","closed_at","restate_reason","original_value"' in head
    assert REASON in first
    described = client.get("/api/v1/openapi.json").json()["components"]["schemas"]
    assert described["Figure"]["properties"]["status"]["anyOf"][0]["enum"] == [
        "closed",
        "restated",
        "provisional",
        "computed",
        "removed",
    ]
    assert "editions" in described["Month"]["properties"]


def test_the_api_lists_the_months_with_every_edition(client: Asking) -> None:
    months = client.get("/api/v1/months").json()["items"]
    assert [(row["month"], row["status"], row["closes_on"]) for row in months] == [
        ("2026-03-01", "restated", "2026-04-09"),
        ("2026-04-01", "closed", "2026-05-11"),
        ("2026-05-01", "waiting", "2026-06-05"),
    ]
    assert [(one["edition"], one["reason"]) for one in months[0]["editions"]] == [(1, None), (2, REASON)]
    assert months[0]["editions"][1]["closed_by"] == "anna"


def test_a_page_says_which_months_are_open_and_what_was_computed_anew(client: Asking) -> None:
    query = {"lang": "lv", "from": "2026-03-01", "to": "2026-04-01"}
    text = plain(client.get("/departments/social", params=query).text)
    assert "sākotnēji 80 %, pārrēķināts 40 % (rindas &lt;laiki&gt; laboti, 13.05.2026.)" in text
    assert "provizorisks" not in text
    assert "sākotnēji 80 %" in plain(client.get("/", params=query).text)
    query["to"] = "2026-06-01"
    for path in ("/departments/social", "/"):
        text = plain(client.get(path, params=query).text)
        assert "2026. gada maijs (slēdz 05.06.2026.)" in text
        assert "2026. gada aprīlis (" not in text
        assert "2026. gada marts: rindas" in text
    monthly = plain(client.get("/departments/social", params=query | {"step": "month", "lang": "en"}).text)
    row = monthly[monthly.index("Status") :]
    assert re.search(r"March 2026 10 25 40 % .*?at first 80 %, computed anew 40 %", row)
    assert re.search(r"April 2026 1 1 1 of 1 .*? closed", row)
    assert re.search(r"May 2026 1 1 1 of 1 .*? provisional", row)


@pytest.mark.parametrize(("language", "words"), [("lv", "pārrēķināts"), ("en", "computed anew")])
def test_the_months_have_a_page(client: Asking, language: str, words: str) -> None:
    answer = client.get("/months", params={"lang": language})
    assert (answer.status_code, words in answer.text, "<laiki>" in answer.text) == (200, True, False)


def test_a_server_whose_settings_are_not_those_of_the_closed_months_shows_none(site: Settings) -> None:
    changed = site.model_copy(update={"third_signal": site.third_signal.model_copy(update={"signals": 4})})
    with asking(changed) as client:
        answer = client.get(f"/api/v1/metrics/{THIRD}")
        page = client.get("/", headers={"accept": "text/html"})
    assert (answer.status_code, "third_signal.signals: 3 → 4" in answer.json()["detail"]) == (503, True)
    assert page.status_code == 503


def plain(text: str) -> str:
    """Text of a page without markup and without the charts' data."""
    text = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text).replace("\u00a0", " "))
