"""The pages: both languages, what stands on them, what never does."""

import json
import re
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from api import figures, page, pages
from api.text import Words
from callstats.metrics.base import CERTAINTY_NAMES, Language
from callstats.metrics.registry import METRICS
from tests.api.asking import Asking, asking
from tests.handmade import RIGA, settings

TEMPLATES = Path(pages.__file__).parent / "templates"
PAGES = ["/", "/departments/social", "/departments/pr/figures", "/departments/finance"]


@pytest.mark.parametrize("language", ["lv", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_comes_in_both_languages(client: Asking, path: str, language: str) -> None:
    answer = client.get(path, params={"lang": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert answer.headers["content-language"] == language
    assert ("Struktūrvienības" in answer.text) == (language == "lv")


def test_every_text_of_templates_and_code_is_translated() -> None:
    with (Path(pages.__file__).parent / "locale" / "lv" / "messages.po").open("rb") as source:
        catalog = read_po(source, locale="lv")
    said = {message.id for message in catalog if message.id}
    found = extract_from_dir(
        str(TEMPLATES),
        method_map=[("**.html", "jinja2")],
        options_map={"**.html": {"trim_blocks": "true", "lstrip_blocks": "true"}},
        keywords={"_": None},
    )
    coded = extract_from_dir(
        str(TEMPLATES.parent), method_map=[("*.py", "python")], keywords={"gettext": None, "text": None}
    )
    used = {str(message) for _, _, message, _, _ in (*found, *coded)}
    assert used - said == set()
    assert said - used == set()
    for message in catalog:
        if message.id:
            assert message.string
            assert set(re.findall(r"%\(\w+\)s|%%", str(message.string))) == set(
                re.findall(r"%\(\w+\)s|%%", str(message.id))
            )


def test_the_headline_is_told_as_k_of_n_with_what_was_left_out(client: Asking) -> None:
    text = _plain(client.get("/departments/social", params={"lang": "lv"}).text)
    assert "8 no 12" in text
    assert "1 – zvanītājs pārtrauca zvanu, kad vēl bija laiks atbildēt" in text
    assert "mērķis nav noteikts" in text
    assert "izmērīts 12" in text
    english = _plain(client.get("/departments/social", params={"lang": "en"}).text)
    assert "8 of 12 calls were answered no later than after signal 3." in english
    assert "no target is set" in english


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_called_a_breach_and_nobody_is_named(client: Asking, path: str) -> None:
    text = client.get(path, params={"lang": "lv"}).text
    assert "pārkāpum" not in text.lower()
    assert "departament" not in text.replace("Komunikāciju departaments", "").lower()
    assert "n1-" not in text
    assert not re.search(r"\b(201|202|401|801)\b", _plain(text))


def test_a_department_without_calls_says_so(client: Asking) -> None:
    text = _plain(client.get("/departments/finance", params={"lang": "lv"}).text)
    assert "nav datu" in text
    assert "0 %" not in text.replace("90 %", "").replace("100 %", "")


def test_before_anything_is_loaded_the_page_says_what_to_do(empty: Asking) -> None:
    assert "callstats ingest PATH" in empty.get("/", params={"lang": "en"}).text
    assert empty.get("/departments/social").status_code == 200


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("", ["months", "verdicts", "week", "rings", "rotation"]),
        ("/figures", ["over_time", "outcomes", "busy", "follow_up"]),
    ],
)
def test_each_chart_has_its_data_and_its_table(busy_client: Asking, path: str, names: list[str]) -> None:
    text = busy_client.get(f"/departments/social{path}", params={"lang": "en"}).text
    assert re.findall(r'data-chart="(\w+)"', text) == names
    for name in names:
        found = re.search(rf'<script type="application/json" id="chart-{name}">(.*?)</script>', text, re.S)
        assert found is not None
        assert set(json.loads(found[1])) == {"data", "layout"}
        section = text[text.index(f'data-chart="{name}"') :]
        assert "<table" in section[: section.index("</section>")]


@pytest.mark.parametrize("language", ["lv", "en"])
@pytest.mark.parametrize("department", ["social", "pr"])
def test_every_figure_of_the_registry_stands_on_the_pages(
    client: Asking, department: str, language: Language
) -> None:
    """A metric needs no page work: what has no section of its own is told from its declaration."""
    pages = (client.get(f"/departments/{department}{path}?lang={language}").text for path in ("", "/figures"))
    text = unescape(_plain(" ".join(pages)))
    for one in METRICS.values():
        if one.hotline_only and department != "pr":
            assert one.title[language] not in text
            continue
        assert one.meaning[language] in text or one.slug == figures.ABANDONED.slug  # a tile only
        for measure in one.measures:
            assert one.slug in figures.DRAWN or measure.title[language] in text


def test_contact_in_time_is_told_in_words(client: Asking) -> None:
    """Juris left his message on Monday at 16:00; the environment's people called on Tuesday at 9."""
    text = _plain(client.get("/departments/pr/figures", params={"lang": "lv"}).text)
    assert "Saziņa laikā: 1 no 1" in text
    assert "mēģināts sazvanīt līdz nākamās darba dienas beigām 1" in text


def test_busy_hours_are_told_with_their_open_time(client: Asking) -> None:
    """The data end on Tuesday at 10: 9 + 2 open hours, 13 calls: 1.2 an hour."""
    text = _plain(client.get("/departments/social/figures", params={"lang": "en"}).text)
    assert "13 calls in 11 open hours" in text
    assert "1.2 per hour" in text


def test_a_name_cannot_become_markup(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    site = settings(
        tmp_path, departments=[{"id": "x", "name": {"lv": evil}, "extensions": ["1"]}], hotline={}
    )
    with asking(site) as client:
        for path in ("/", "/departments/x"):
            text = client.get(path).text
            assert evil not in text
            assert "&lt;/script&gt;" in text
    assert str(page.chart_json(_Figure())) == '{"data":[{"name":"\\u003c/script\\u003e\\u0026"}]}'


class _Figure:
    def to_json(self) -> str:
        return json.dumps({"data": [{"name": "</script>&"}]})


def test_no_page_names_another_server_or_holds_inline_code(client: Asking) -> None:
    for path in PAGES:
        text = client.get(path).text
        assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", text)
        assert not re.search(r"\son\w+=|\sstyle=", text)
        assert re.findall(r"<script(?![^>]*(?:src=|application/json))", text) == []


def test_the_language_asked_for_is_remembered(client: Asking) -> None:
    assert client.get("/", params={"lang": "en"}).cookies["lang"] == "en"
    assert '<html lang="en">' in client.get("/").text  # the client has the cookie now


def test_links_keep_the_window(client: Asking) -> None:
    text = client.get("/", params={"from": "2026-03-02", "to": "2026-03-03"}).text
    assert "/departments/social?from=2026-03-02&amp;to=2026-03-03" in text


@pytest.mark.parametrize("step", ["day", "week", "month"])
def test_the_course_of_time_can_be_shown_in_three_steps(client: Asking, step: str) -> None:
    assert client.get("/departments/social/figures", params={"step": step}).status_code == 200


def test_a_missing_page_is_a_page_for_a_person(client: Asking) -> None:
    answer = client.get("/departments/navy", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "Šādas lapas nav" in answer.text
    wrong = client.get("/departments/social", params={"step": "year"}, headers={"accept": "text/html"})
    assert (wrong.status_code, "step: " in wrong.text) == (422, True)


def test_headings_and_tables_are_in_order(client: Asking) -> None:
    for path in PAGES:
        text = client.get(path).text
        levels = [int(level) for level in re.findall(r"<h([1-6])", text)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert len(re.findall(r"<th[ >]", text)) == len(re.findall(r'<th scope="(?:col|row)"', text))
        assert 'class="skip" href="#main"' in text


def test_numbers_are_written_as_each_language_writes_them() -> None:
    latvian, english = Words("lv", RIGA), Words("en", RIGA)
    assert (latvian.number(1234.5, 1), english.number(1234.5, 1)) == ("1\u00a0234,5", "1,234.5")
    assert (latvian.percent(0.854), english.percent(None)) == ("85\u00a0%", "–")
    seconds = (None, 12.34, 59.96, 90, 4500, 7200, 200_000)
    told = [latvian.duration(s).replace("\u00a0", " ") for s in seconds]
    assert told == ["–", "12,3 s", "1 min", "2 min", "1 h 15 min", "2 h", "2 d. 8 h"]


def test_an_interval_is_never_from_nothing_to_nothing() -> None:
    words = Words("lv", RIGA)
    row = {"unit": "share", "low": 0.0003, "high": 0.0042, "mean": 0.0, "p90": 0.012}
    told = [words.end(row, name).replace("\u00a0", " ") for name in row if name != "unit"]
    assert told == ["0,0 %", "0,4 %", "0 %", "1 %"]


def test_the_hours_are_told_with_their_last_day(client: Asking) -> None:
    """The data end on Tuesday, 3 March."""
    latvian, english = (
        _plain(client.get("/departments/social", params={"lang": one}).text) for one in ("lv", "en")
    )
    assert "(02.03.2026. – 03.03.2026.). Tukšs lauks" in latvian
    assert "(2 Mar 2026 – 3 Mar 2026). An empty field" in english
    assert ".." not in latvian


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/", True),
        ("/departments/social", True),
        ("/months", True),
        ("/health", False),
        ("/access-log", False),
    ],
)
def test_only_pages_with_figures_say_what_figures_describe(client: Asking, path: str, told: bool) -> None:
    page = client.get(path, params={"lang": "lv"}).text
    assert ("Šie rādītāji raksturo struktūrvienības" in page) is told


def test_the_menu_says_where_one_is(client: Asking) -> None:
    page = client.get("/health").text
    assert re.findall(r'<a class="room" href="([^"]*)" aria-current="page">', page) == ["/health"]


def test_the_words_of_certainty_are_those_of_the_glossary() -> None:
    assert [said.lv for said in CERTAINTY_NAMES.values()] == [
        "izmērīts",
        "robežgadījums",
        "aptuvens",
        "nav nosakāms",
    ]


def _plain(text: str) -> str:
    """Text of a page without markup and without the charts' data."""
    text = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text).replace("\u00a0", " "))
