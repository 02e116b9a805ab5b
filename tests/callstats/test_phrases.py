"""The sentences: both languages say the same, every value of a column has its word, numbers are local."""

import string
from collections.abc import Mapping, Sequence
from datetime import date

import pytest

from callstats import fields, phrases

CATALOGUES = {
    name: value
    for name, value in vars(phrases).items()
    if name.isupper() and isinstance(value, Mapping) and name not in ("SOURCES", "PLURALS")
}


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("name", sorted(CATALOGUES))
def test_both_languages_have_every_phrase_with_the_same_places(name: str) -> None:
    for key, texts in CATALOGUES[name].items():
        assert set(texts) == {"en", "lv"}, key
        assert _places(texts["en"]) == _places(texts["lv"]), key


@pytest.mark.parametrize(
    ("catalogue", "values"),
    [
        (phrases.ATTEMPTS, fields.ATTEMPT_OUTCOMES),
        (phrases.OUTCOMES, fields.OUTCOMES),
        (phrases.ENTERED_BY, fields.ENTERED_BY),
        (phrases.ROTATIONS, fields.ROTATIONS),
        (phrases.CERTAINTY, fields.CERTAINTY),
        (phrases.SOURCES, fields.SOURCES),
        (phrases.CAUSES, ("busy", "declined", "unavailable", "no_answer")),
    ],
)
def test_every_value_of_a_column_has_its_word(catalogue: Mapping[str, object], values: Sequence[str]) -> None:
    assert set(values) <= set(catalogue)


@pytest.mark.parametrize(
    ("n", "told"),
    [
        (0, "0 signālu"),
        (1, "1 signāls"),
        (2, "2 signāli"),
        (11, "11 signālu"),
        (21, "21 signāls"),
        (30, "30 signālu"),
    ],
)
def test_latvian_plurals(n: int, told: str) -> None:
    assert phrases.plural("signals", n, "lv") == told


@pytest.mark.parametrize(("n", "told"), [(0, "0 signals"), (1, "1 signal"), (21, "21 signals")])
def test_english_plurals(n: int, told: str) -> None:
    assert phrases.plural("signals", n, "en") == told


def test_numbers_and_dates_are_local() -> None:
    assert phrases.seconds(19.54, "lv") == "19,5 s"
    assert phrases.seconds(19.54, "en") == "19.5 s"
    assert phrases.bound(18.977, 15.0, "lv") == "18,98 s"
    assert phrases.bound(15.0, 15.0, "lv") == "15 s"
    assert phrases.day(date(2026, 11, 3), "lv") == "03.11.2026."
    assert phrases.day(date(2026, 11, 3), "en") == "3 November 2026"


def test_the_latvian_word_for_a_department_is_never_departaments() -> None:
    told = [texts["lv"] for catalogue in CATALOGUES.values() for texts in catalogue.values()]
    assert [text for text in told if "departament" in text.lower() or "pārkāpum" in text.lower()] == []


def test_a_bound_is_never_rounded_to_the_limit() -> None:
    assert phrases.bound(14.999999, 15.0, "en") == "14.999999 s"
    assert phrases.bound(14.996, 15.0, "lv") == "14,996 s"
    assert phrases.bound(14.996, None, "lv") == "15 s"
