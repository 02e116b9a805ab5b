"""Simulated calls say so wherever they are shown, and never share a page with real ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from api.app import Neighbour, create_app
from callstats.metrics.base import Said
from callstats.origin import HEADER
from callstats.settings import Settings
from tests.api.asking import Asking, asking
from tests.handmade import call, settings, store_with, visit

LINKS = (("/", Said("Izdomāta", "Invented")), ("/recording/", Said("Ieraksts", "Recording")))
EVERYWHERE = (
    "/", "/departments/social", "/departments/nobody", "/api/v1/departments", "/api/v1/metrics",
    "/api/v1/metrics/answered_share", "/api/v1/months", "/api/v1/departments/social/calls",
    "/api/v1/calls/pbx:1", "/static/page.css",
)  # fmt: skip


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Asking]:
    """A simulated site with one call, and beside it a recorded one with two."""
    town = settings(tmp_path / "town").model_copy(update={"simulated": True})
    recording = settings(tmp_path / "recording")
    with_calls(town, 1)
    with_calls(recording, 2)
    beside = [Neighbour("/recording", LINKS[1][1], recording)]
    with asking(create_app(town, beside, LINKS)) as found:
        yield found


def with_calls(site: Settings, number: int) -> None:
    ids = [f"pbx:{n}" for n in range(1, number + 1)]
    store_with(site, calls=[call(i) for i in ids], visits=[visit(i) for i in ids]).close()


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_answer_of_a_simulated_site_has_the_header_and_none_of_the_other(
    pair: Asking, path: str
) -> None:
    assert pair.get(path).headers[HEADER] == "true"
    assert HEADER not in pair.get(f"/recording{path}").headers
    assert pair.get(path).status_code == pair.get(f"/recording{path}").status_code


@pytest.mark.parametrize("path", ["/", "/departments/social", "/departments/nobody"])
@pytest.mark.parametrize(("language", "said"), [("lv", "Simulēti dati"), ("en", "Simulated data")])
def test_a_page_says_it_in_both_languages(pair: Asking, path: str, language: str, said: str) -> None:
    asked = {"params": {"lang": language}, "headers": {"accept": "text/html"}}
    page = pair.get(path, **asked).text  # type: ignore[arg-type]
    assert f'<p class="simulated" role="note"><span class="wide"><strong>{said}.</strong>' in page
    assert f"<title>{said}: " in page
    assert said not in pair.get(f"/recording{path}", **asked).text  # type: ignore[arg-type]


def test_a_chart_says_it_in_its_picture(pair: Asking) -> None:
    def notes(page: str) -> list[str]:
        text = page.partition('id="chart-months">')[2].partition("</script>")[0]
        return [note["text"] for note in json.loads(text)["layout"].get("annotations", [])]

    assert "Simulated data" in notes(pair.get("/departments/social", params={"lang": "en"}).text)
    assert "Simulated data" not in notes(
        pair.get("/recording/departments/social", params={"lang": "en"}).text
    )


@pytest.mark.parametrize(
    "path", ["/api/v1/metrics/answered_share", "/api/v1/calls/pbx:1", "/api/v1/metrics", "/api/v1/months"]
)
def test_json_says_it(pair: Asking, path: str) -> None:
    assert pair.get(path).json()["simulated"] is True
    assert "simulated" not in pair.get(f"/recording{path}").json()


def test_csv_and_arrow_have_a_column(pair: Asking) -> None:
    path = "/api/v1/departments/social/calls"
    heading, row = pair.get(path, params={"format": "csv"}).text.splitlines()
    assert heading.endswith(',"simulated"')
    assert row.endswith(",true")
    with pa.ipc.open_stream(pair.get(path, params={"format": "arrow"}).content) as stream:
        assert stream.read_all()["simulated"].to_pylist() == [True]
    assert "simulated" not in pair.get(f"/recording{path}", params={"format": "csv"}).text


def test_each_site_counts_its_own_calls_and_links_to_the_other(pair: Asking) -> None:
    def told(root: str) -> int:
        rows = pair.get(f"{root}/api/v1/metrics/answered_share", params={"by": ""}).json()["items"]
        return int(rows[0]["n"])

    assert (told(""), told("/recording")) == (1, 2)
    assert '<a href="/recording/">Recording</a>' in pair.get("/", params={"lang": "en"}).text
    assert '<a href="/">Invented</a>' in pair.get("/recording/", params={"lang": "en"}).text


def test_a_neighbours_page_links_within_itself(pair: Asking) -> None:
    page = pair.get("/recording/departments/social").text
    assert 'href="/recording/static/page.css"' in page
    assert 'src="/recording/vendor/plotly.min.js"' in page
    assert 'href="/recording/api/v1/metrics/' in page
    for path in ("/recording/static/page.css", "/recording/vendor/plotly.min.js"):
        assert pair.get(path).status_code == 200


def test_a_visitor_may_be_one_of_the_invented_people_where_all_is_invented(pair: Asking) -> None:
    asked = {"params": {"lang": "lv"}, "headers": {"accept": "text/html"}}
    page = pair.get("/who", **asked).text  # type: ignore[arg-type]
    assert 'name="name" value="Līga Parauga"><input type="hidden" name="role" value="employee">' in page
    assert "Līga Parauga" not in pair.get("/recording/who", **asked).text  # type: ignore[arg-type]
    person = {"name": "Līga Parauga", "role": "employee", "department": "social"}
    assert pair.post("/who", data=person).headers["location"] == "/"
    assert pair.get("/").headers["location"] == "/register", "an employee sees cases, not figures"
    assert pair.get("/departments/social").status_code == 403
