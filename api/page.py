"""One page being made: what every template may use, in the language that the reader prefers."""

from __future__ import annotations

import json
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlencode

import jinja2
from fastapi import Request
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from api import access, figures
from api.people import visitor_of
from api.routes import PREFIX, Windowed
from api.site import Site
from api.text import LANGUAGES, Words, preferred, translations
from callstats.metrics.base import CERTAINTY_NAMES, OUTCOME_NAMES, Language, Metric, Said
from callstats.metrics.registry import METRICS
from callstats.origin import MEANING, SIMULATED
from callstats.standing import changed, original

HERE: Final = Path(__file__).parent
COOKIE: Final = "lang"
YEAR_S: Final = 365 * 86400
# pages that stand in the heading, by the names of their routes
CASE_ROOMS: Final = ("register_page", "register_summary")
ROOMS: Final = (
    "overview_page", "live_page", "months_page", "mine_page", *CASE_ROOMS, "health_page", "access_log_page",
    "requests_page",
)  # fmt: skip


class PageQuery(Windowed):
    """What a page may be asked."""

    lang: Literal["lv", "en"] | None = None
    step: figures.Step | None = None


class Page:
    """One page being made: what every template may use.

    ``here``: where it is asked for, if not at the request's own address, which may be a form's.
    """

    def __init__(
        self, request: Request, site: Site, query: PageQuery, start: date, end: date, here: str | None = None
    ) -> None:
        language = preferred(
            query.lang, request.cookies.get(COOKIE), request.headers.get("accept-language", "")
        )
        self.request, self.site, self.query = request, site, query
        self.start, self.end = start, end
        self.visitor = visitor_of(request)
        self.words = Words(language, site.settings.zone)
        self.root: str = request.scope.get("root_path", "")
        self.here = here or request.url.path.removeprefix(self.root)

    def link(self, path: str | None = None, **changes: Any) -> str:
        """An address on this site that keeps window and step, with ``changes``."""
        shared = set(PageQuery.model_fields)  # what a page asks for itself stays on that page
        asked = self.query.model_dump(by_alias=True, exclude_none=True, mode="json", include=shared)
        asked = {name: value for name, value in (asked | changes).items() if value is not None}
        asked.pop("lang", None) if "lang" not in changes else None
        target = self.root + (path or self.here)
        return f"{target}?{urlencode(asked)}" if asked else target

    def answer(self, template: str, **values: Any) -> Response:
        """The page; a language asked for is remembered in a cookie."""
        words = self.words
        text = (
            _in_language(words.language)
            .get_template(template)
            .render(
                lang=words.language,
                languages=LANGUAGES,
                words=words,
                link=self.link,
                here=self.here,
                start=self.start,
                end=self.end,
                root=self.root,
                api=self.root + PREFIX,
                simulated=self._said(SIMULATED) if self.site.settings.simulated else None,
                simulated_meaning=self._said(MEANING),
                rooms=[one for one in ROOMS if self._opens(one)],
                visitor=self.visitor,
                sites=[
                    (path, self._said(title), path == (self.root or "/")) for path, title in self.site.links
                ],
                certainty_names=CERTAINTY_NAMES,
                outcome_names=OUTCOME_NAMES,
                chart_json=self._chart,
                data_version=self.site.store.data_version(),
                has_data=self.site.window() is not None,
                reason_of=_reason,
                place_of=_place,
                in_order=_in_order,
                metric_titles={slug: self._said(one.title) for slug, one in METRICS.items()},
                original=original,
                changed=changed,
                **values,
            )
        )
        response = HTMLResponse(text, headers={"Content-Language": words.language})
        if self.query.lang:
            response.set_cookie(COOKIE, self.query.lang, max_age=YEAR_S, samesite="lax", httponly=True)
        return response

    def _opens(self, route: str) -> bool:
        """Whether the page is for this visitor, and there is anything to see."""
        there = route not in CASE_ROOMS or self.site.settings.hotline.department is not None
        return there and access.departments_in(self.visitor, route) != ()

    def _said(self, text: Said) -> str:
        return text.en if self.words.language == "en" else text.lv

    def _chart(self, figure: Any) -> Markup:
        """A chart of simulated data says so in the picture itself: pictures are copied without their page."""
        if self.site.settings.simulated:
            figure.add_annotation(
                text=self._said(SIMULATED), showarrow=False, opacity=0.7,
                xref="paper", yref="paper", x=1, y=1, xanchor="right", yanchor="bottom",
            )  # fmt: skip
        return chart_json(figure)


@lru_cache
def _in_language(language: Language) -> jinja2.Environment:
    """The templates in a language, each compiled once.

    No overlays: these share what templates may name, and two languages at once would mix their texts.
    """
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    found.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    return found


def _reason(metric: Metric, name: str, language: str) -> str:
    said = metric.exclusions[name]
    return said.en if language == "en" else said.lv


def _place(metric: Metric, value: Any, language: Language) -> str:
    """The name of a place on a metric's own axis; a whole number is its own."""
    names = metric.split.values if metric.split else {}
    return names[value][language] if value in names else str(value)


def _in_order(metric: Metric, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows by the metric's own axis, in the order of its declaration; whole numbers as they come."""
    assert metric.split is not None
    name, places = metric.split.name, list(metric.split.values)
    return sorted(rows, key=lambda row: places.index(row[name])) if places else rows


def chart_json(figure: Any) -> Markup:
    """A chart for a script element of JSON: nothing in it can end the element."""
    text = json.dumps(json.loads(figure.to_json()), ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
