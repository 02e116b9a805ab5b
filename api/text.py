"""Words and numbers of the pages: translations, Latvian and English forms, sorting."""

from __future__ import annotations

import gettext
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, get_day_names
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from callstats.metrics import stats
from callstats.metrics.base import Language

LANGUAGES: Final[tuple[Language, ...]] = ("lv", "en")
_LOCALES: Final[dict[Language, Locale]] = {"lv": Locale("lv"), "en": Locale("en", "GB")}
_CATALOGS: Final = Path(__file__).parent / "locale"
_LATVIAN: Final = "aābcčdeēfgģhiījkķlļmnņopqrsštuūvwxyzž"
_ORDER: Final = {letter: place for place, letter in enumerate(_LATVIAN)}
NBSP: Final = "\u00a0"


@lru_cache(maxsize=len(LANGUAGES))
def translations(language: Language) -> gettext.NullTranslations:
    """The catalog of a language, compiled from its ``.po``; English is the language of the source."""
    path = _CATALOGS / language / "messages.po"
    if not path.exists():
        return gettext.NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def preferred(query: str | None, cookie: str | None, accept: str) -> Language:
    """The language to show: asked for, else remembered, else the browser's first of ours, else Latvian."""
    for wanted in (query, cookie, *_accepted(accept)):
        for language in LANGUAGES:
            if wanted == language:
                return language
    return "lv"


def _accepted(header: str) -> list[str]:
    weighed = []
    for part in header.split(","):
        name, _, quality = part.strip().partition(";q=")
        try:
            weighed.append((-float(quality or 1), name.split("-")[0].strip().lower()))
        except ValueError:
            continue
    return [name for _, name in sorted(weighed, key=lambda item: item[0])]


class Words:
    """Formats of one language."""

    def __init__(self, language: Language, zone: ZoneInfo) -> None:
        self.language = language
        self.zone = zone
        self.locale = _LOCALES[language]
        self.texts = translations(language)

    def number(self, value: float, digits: int = 0) -> str:
        """1234.5 as "1 234,5"."""
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return str(format_decimal(value, pattern, locale=self.locale))

    def percent(self, value: float | None, digits: int = 0) -> str:
        """0.85 as "85 %"; a dash for None."""
        return "–" if value is None else f"{self.number(100 * value, digits)}{NBSP}%"

    def points(self, share: float) -> str:
        """A difference of shares in percentage points: 0.052 as "+5,2", with its sign."""
        text = self.number(100 * abs(share), 1)
        return text if share == 0 else f"{'+' if share > 0 else '−'}{text}"

    def duration(self, seconds: float | None) -> str:
        """12.34 as "12,3 s", 4500 as "1 h 15 min", 200000 as "2 d. 7 h"; a dash for None."""
        if seconds is None:
            return "–"
        if round(seconds, 1) < 60:
            return f"{self.number(seconds, 1)}{NBSP}s"
        minutes = round(seconds / 60)
        if minutes < 60:
            return f"{minutes}{NBSP}min"
        hours, rest = divmod(minutes, 60)
        if hours < 48:
            return f"{hours}{NBSP}h" + (f" {rest}{NBSP}min" if rest else "")
        days, hours = divmod(round(minutes / 60), 24)
        return f"{days}{NBSP}{'d.' if self.language == 'lv' else 'd'}" + (f" {hours}{NBSP}h" if hours else "")

    def day(self, value: date) -> str:
        """A date: "23.11.2026." or "23 Nov 2026"."""
        return str(
            format_date(value, "dd.MM.yyyy." if self.language == "lv" else "d MMM yyyy", locale=self.locale)
        )

    def days(self, values: Iterable[date]) -> str:
        """Dates one after the other."""
        return ", ".join(map(self.day, values))

    def short_day(self, value: date) -> str:
        """A date without the year, for an axis."""
        return str(format_date(value, "dd.MM." if self.language == "lv" else "d MMM", locale=self.locale))

    def month(self, value: date) -> str:
        """A month: "2026. gada novembris" or "November 2026"."""
        pattern = "yyyy. 'gada' LLLL" if self.language == "lv" else "LLLL yyyy"
        return str(format_date(value, pattern, locale=self.locale))

    def moment(self, value: datetime) -> str:
        """An instant on the local clock."""
        pattern = "dd.MM.yyyy. HH:mm:ss" if self.language == "lv" else "d MMM yyyy HH:mm:ss"
        return str(format_datetime(value, pattern, tzinfo=self.zone, locale=self.locale))

    def minute(self, value: datetime) -> str:
        """An instant on the local clock, to the minute: for what people do."""
        pattern = "dd.MM.yyyy. HH:mm" if self.language == "lv" else "d MMM yyyy HH:mm"
        return str(format_datetime(value, pattern, tzinfo=self.zone, locale=self.locale))

    def clock(self, value: datetime) -> str:
        """The local time of day, to the second."""
        return f"{value.astimezone(self.zone):%H:%M:%S}"

    def local(self, value: datetime) -> date:
        """Local date of an instant."""
        return value.astimezone(self.zone).date()

    def weekdays(self) -> list[str]:
        """Names of the weekdays from Monday."""
        names = get_day_names("abbreviated", "stand-alone", self.locale)
        return [str(names[place]) for place in range(7)]

    def end(self, row: dict[str, Any], name: str) -> str:
        """An end of a value's interval (`low`, `high`), or its `mean`, `p90`, `max`; a dash for None.

        A share under 1 % has a decimal: no interval of calls that there were is from 0 % to 0 %.
        """
        value = row[name]
        if value is None:
            return "–"
        if row["unit"] == "share":
            return self.percent(value, 1 if 0 < value < 0.01 else 0)
        return self.duration(value) if row["unit"] == "s" else self.number(value, 1)

    def told(self, row: dict[str, Any]) -> str:
        """A value in words: "14 no 17" below 20, "85 %" from there, a duration, a number, or "nav datu"."""
        if row["value"] is None:
            return self.texts.gettext("no data")
        if row["unit"] == "s":
            return self.duration(row["value"])
        if row["unit"] == "calls":
            return self.number(row["value"])
        if row["unit"] == "calls/h":
            return self.texts.gettext("%(number)s per hour") % {"number": self.number(row["value"], 1)}
        if row["n"] < stats.FEW:
            return self.texts.gettext("%(k)s of %(n)s") % {"k": row["k"], "n": row["n"]}
        return self.percent(row["value"])


def sort_key(name: str) -> list[tuple[int, str]]:
    """Sorts names by the Latvian alphabet (č after c); it holds the English order too."""
    return [(_ORDER.get(letter, 99 if letter.isalpha() else -1), letter) for letter in name.lower()]
