"""What surrounds the answers: negotiation, headers, caching by version, who may ask."""

from datetime import timedelta
from pathlib import Path

import pytest

from api.app import create_app, serve
from api.errors import NotAcceptableError
from api.formats import Format, negotiated
from api.letters import letter, letters
from api.page import _in_language
from api.text import LANGUAGES, preferred, sort_key
from callstats.accounts import keeping
from callstats.accounts.roles import Grant
from callstats.clock import utc_now
from callstats.errors import UsageError
from callstats.settings import Settings
from callstats.settings_server import Server
from callstats.store import Store
from tests.api.asking import Asking, asking
from tests.handmade import DAY, call, fill, settings, store_with, visit

DEPARTMENTS = "/api/v1/departments"


def test_two_languages_at_once_do_not_mix() -> None:
    latvian, english = (_in_language(one).from_string("{{ _('Now') }}") for one in LANGUAGES)
    assert (latvian.render(), english.render(), latvian.render()) == ("Tagad", "Now", "Tagad")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        ("text/csv", "csv"),
        ("text/*", "csv"),
        ("application/*", "json"),
        ("application/vnd.apache.arrow.stream", "arrow"),
        ("text/csv;q=0.5, application/vnd.apache.arrow.stream;q=0.8", "arrow"),
        ("application/json;q=0, */*", "csv"),
        ("TEXT/CSV ; q=1.0", "csv"),
        ("text/html, */*;q=0.1", "json"),
        ("application/json;Q=0.1, text/csv;q=0.2", "csv"),
        ("application/json;q=1, text/csv;q=inf", "json"),
        ("application/json;q=nan, text/csv;q=0.1", "csv"),
    ],
)
def test_the_preferred_format_is_given(accept: str, form: Format) -> None:
    assert negotiated(accept) == form


def test_what_nobody_accepts_is_refused_with_what_there_is() -> None:
    with pytest.raises(NotAcceptableError, match="there are application/json, text/csv"):
        negotiated("image/png")
    with pytest.raises(NotAcceptableError):
        negotiated("*/*;q=nan")
    with pytest.raises(NotAcceptableError, match=r"there are application/json$"):
        negotiated("text/csv", there=("json",))


def test_an_unacceptable_format_is_a_406(client: Asking) -> None:
    answer = client.get(DEPARTMENTS, headers={"accept": "image/png"})
    assert (answer.status_code, answer.headers["content-type"]) == (406, "application/problem+json")


def test_a_name_that_is_a_formula_is_text_in_the_csv(tmp_path: Path) -> None:
    site = settings(tmp_path, departments=[{"id": "x", "name": {"lv": "=1+1", "en": "@SUM(A1)"}}], hotline={})
    with asking(site) as client:
        text = client.get(DEPARTMENTS, params={"format": "csv"}).text
    assert "'=1+1" in text
    assert "'@SUM(A1)" in text


@pytest.mark.parametrize("path", ["/", DEPARTMENTS, "/static/page.css", "/nothing", "/vendor/plotly.min.js"])
def test_every_answer_has_the_security_headers(client: Asking, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == (
        "'none'",
        "'self'",
        "'self'",
    )
    assert (policy["frame-ancestors"], policy["connect-src"]) == ("'none'", "'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "cache-control" in headers


def test_an_answer_is_kept_until_the_data_change(client: Asking, site: Settings) -> None:
    path = "/api/v1/departments/social/calls?limit=1000"
    first = client.get(path)
    tag = first.headers["etag"]
    again = client.get(path, headers={"if-none-match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    with Store.open(site) as store:
        fill(store, visits=[visit("pbx:99")])
    client.app.state.site._seen = (-1e9, "")  # half a second later
    after = client.get(path, headers={"if-none-match": tag})
    assert after.status_code == 200
    assert after.headers["etag"] != tag
    assert len(after.json()["items"]) != len(first.json()["items"])


def test_an_answer_is_kept_neither_over_midnight_nor_over_other_exceptions(tmp_path: Path) -> None:
    exceptions = tmp_path / "exceptions.csv"
    exceptions.write_text("date,unit,open,close,reason\n", encoding="utf-8")
    site = settings(tmp_path, calendar={"overrides": exceptions})
    store_with(site, visits=[visit()], calls=[call()]).close()
    with asking(site) as client:
        there = client.app.state.site

        def in_hours() -> tuple[str, int]:
            there._seen = (-1e9, "")  # half a second later
            found = client.get("/api/v1/metrics/answered_share?by=")
            return found.headers["etag"], found.json()["items"][0]["n"]

        first, n = in_hours()
        assert (in_hours(), n) == ((first, 1), 1)
        exceptions.write_text("date,unit,open,close,reason\n2026-03-02,,,,remonts\n", encoding="utf-8")
        closed, n = in_hours()
        assert (closed != first, n) == (True, 0)
        there.store.clock = lambda: utc_now() + timedelta(days=1)
        assert in_hours()[0] != closed


def test_what_differs_by_format_or_language_is_kept_apart(client: Asking) -> None:
    json, csv = (
        client.get(DEPARTMENTS, headers={"accept": kind}) for kind in ("application/json", "text/csv")
    )
    assert json.headers["content-type"] != csv.headers["content-type"]
    latvian, english = (client.get("/", headers={"accept-language": code}) for code in ("lv", "en"))
    assert 'lang="lv"' in latvian.text
    assert 'lang="en"' in english.text
    assert "accept-language" in latvian.headers["vary"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:8000", 200),
        ("localhost:8000", 200),
        ("[::1]:8000", 200),
        ("LOCALHOST", 200),
        ("127.0.0.1:8301@evil", 421),
        ("127.0.0.1:", 421),
        ("localhost:80:80", 421),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
def test_only_this_machine_is_served(client: Asking, host: str, status: int) -> None:
    assert client.get(DEPARTMENTS, headers={"host": host}).status_code == status


@pytest.mark.parametrize("path", [DEPARTMENTS, "/", "/static/page.css", "/vendor/plotly.min.js", "/nothing"])
def test_head_is_get_without_the_body(client: Asking, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    for name in ("etag", "content-length", "content-type", "content-security-policy"):
        assert head.headers.get(name) == got.headers.get(name)
    assert int(head.headers["content-length"]) == len(got.content)


def test_the_server_refuses_to_listen_elsewhere(site: Settings) -> None:
    open_wide = site.model_copy(update={"server": Server(address="0.0.0.0")})
    with pytest.raises(UsageError, match=r"no accounts yet, so the pages are shown on 127\.0\.0\.1 only"):
        serve(open_wide)
    with Store.open(site) as store:
        keeping.add(store, "anna", "Anna", "trīs zaļi zirgi", "admin")
    with pytest.raises(UsageError, match="no accounts yet"):  # nobody who could administer
        serve(open_wide)
    with Store.open(site) as store:
        keeping.grant(store, site, "anna", Grant("admin", None, DAY), "admin")
    with pytest.raises(UsageError, match=r"passwords would cross the network readable; give server\.cert"):
        serve(open_wide)


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "via", "x-real-ip"])
def test_nobody_who_comes_through_a_proxy_is_believed_without_an_account(client: Asking, header: str) -> None:
    assert client.get(DEPARTMENTS).status_code == 200
    assert client.get(DEPARTMENTS, headers={header: "10.1.2.3"}).status_code == 401


def test_the_names_of_the_settings_are_served_and_ask_for_an_account(site: Settings) -> None:
    named = site.model_copy(update={"server": Server(names=("callstats.novads.example",))})
    with asking(named) as client:
        for host in ("callstats.novads.example", "CALLSTATS.novads.example:443"):
            assert client.get(DEPARTMENTS, headers={"host": host}).status_code == 401
        assert client.get(DEPARTMENTS, headers={"host": "novads.example"}).status_code == 421
        assert client.get(DEPARTMENTS).status_code == 200


def test_a_fault_of_ours_tells_nothing_of_the_data(site: Settings, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(site)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("28404019 called")

    with asking(app) as client:
        answer = client.get("/broken")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "28404019" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "unforeseen RuntimeError at /broken" in caplog.text


@pytest.mark.parametrize(
    ("query", "cookie", "accept", "language"),
    [
        (None, None, "", "lv"),
        (None, None, "de-DE,de;q=0.9", "lv"),
        (None, None, "de, en-GB;q=0.8, lv;q=0.3", "en"),
        (None, "lv", "en", "lv"),
        ("en", "lv", "lv", "en"),
        ("xx", None, "en;q=x, en", "en"),
    ],
)
def test_the_language_asked_for_wins(
    query: str | None, cookie: str | None, accept: str, language: str
) -> None:
    assert preferred(query, cookie, accept) == language


def test_names_are_sorted_by_the_latvian_alphabet() -> None:
    assert sorted(["Čiekurs", "Dome", "Cēsis", "Ābele", "Būvvalde", "Zeme", "Žagata"], key=sort_key) == [
        "Ābele", "Būvvalde", "Cēsis", "Čiekurs", "Dome", "Zeme", "Žagata",
    ]  # fmt: skip


def test_letters_go_on_after_z() -> None:
    assert [letter(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_who_picks_a_call_up_comes_after_those_tried() -> None:
    tried = [{"visit": 1, "position": 2, "employee": "202"}, {"visit": 1, "position": 1, "employee": "203"}]
    assert letters(tried, [{"visit": 1, "answered_by": "201"}]) == {"203": "A", "202": "B", "201": "C"}
