"""The pages for people: the departments, and one dashboard per department, in Latvian and English."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

import jinja2
import plotly
from fastapi import APIRouter, FastAPI, Query, Request
from markupsafe import Markup
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from api import figures
from api.routes import PREFIX, SiteOf, Windowed
from api.site import Site, site_of
from api.text import LANGUAGES, Words, preferred, sort_key
from callstats.metrics.base import CERTAINTY_NAMES, OUTCOME_NAMES, Language, Metric, Said
from callstats.month_list import month_list
from callstats.origin import MEANING, SIMULATED
from callstats.standing import changed, original

HERE: Final = Path(__file__).parent
STATIC_PATHS: Final = ("/static/", "/vendor/", "/api/v1/openapi.json")
PLOTLY: Final = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
COOKIE: Final = "lang"
YEAR_S: Final = 365 * 86400

router = APIRouter(include_in_schema=False)
_templates: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
)


class PageQuery(Windowed):
    """What a page may be asked."""

    lang: Literal["lv", "en"] | None = None
    step: figures.Step | None = None


@router.get("/", name="departments_page")
def departments_page(request: Request, site: SiteOf, query: Annotated[PageQuery, Query()]) -> Response:
    """The departments by name; no ranking."""
    start, end = _window(site, query)
    page = _Page(request, site, query, start, end)
    names = {name: site.departments.name(name, page.words.language) for name in site.departments.ids}
    rows, firmness = figures.departments_view(site, start, end)
    return page.answer(
        "departments.html",
        rows=rows,
        firmness=firmness,
        names=dict(sorted(names.items(), key=lambda item: sort_key(item[1]))),
        listed=[metric for metric, _ in figures.LISTED],
    )


@router.get("/departments/{department}", name="department_page")
def department_page(
    request: Request, site: SiteOf, department: str, query: Annotated[PageQuery, Query()]
) -> Response:
    """One department's figures."""
    site.department(department)
    start, end = _window(site, query)
    page = _Page(request, site, query, start, end)
    step = query.step or figures.default_step(start, end)
    return page.answer(
        "department.html",
        department=department,
        title=site.departments.name(department, page.words.language),
        view=figures.department_view(site, department, start, end, step, page.words),
        is_hotline=department == site.settings.hotline.department,
        steps=figures.STEPS,
        m=figures,
        plotly_marks=plotly_marks(),
    )


@router.get("/months", name="months_page")
def months_page(request: Request, site: SiteOf, query: Annotated[PageQuery, Query()]) -> Response:
    """How the months stand, the newest first."""
    start, end = _window(site, query)
    rows = month_list(site.store, site.settings)
    return _Page(request, site, query, start, end).answer("months.html", rows=rows[::-1])


@router.get("/vendor/plotly.min.js")
def plotly_file() -> Response:
    """Plotly's own file, out of the installed package: nothing comes from another server."""
    return FileResponse(PLOTLY, media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})


def _window(site: Site, query: PageQuery) -> tuple[date, date]:
    """The window asked for; without one the month of the last data and the two before it."""
    if query.start or query.end:
        return query.window(site)
    start, end = site.days(None, None)
    month = (end - timedelta(days=1)).replace(day=1)
    for _ in range(2):
        month = (month - timedelta(days=1)).replace(day=1)
    return max(start, month), end


def problem_page(request: Request, status: int, detail: str) -> Response:
    """A fault as a page for a person; ``detail`` is in English, as it names parameters."""
    lang = request.query_params.get("lang")
    query = PageQuery.model_validate({"lang": lang if lang in LANGUAGES else None})
    page = _Page(request, site_of(request), query, date.min, date.min)
    response = page.answer("problem.html", status=status, detail=detail)
    response.status_code = status
    return response


class _Page:
    """One page being made: what every template may use."""

    def __init__(self, request: Request, site: Site, query: PageQuery, start: date, end: date) -> None:
        language = preferred(
            query.lang, request.cookies.get(COOKIE), request.headers.get("accept-language", "")
        )
        self.request, self.site, self.query = request, site, query
        self.start, self.end = start, end
        self.words = Words(language, site.settings.zone)
        self.root: str = request.scope.get("root_path", "")

    def link(self, path: str | None = None, **changes: Any) -> str:
        """An address on this site that keeps window and step, with ``changes``."""
        asked = self.query.model_dump(by_alias=True, exclude_none=True, mode="json")
        asked = {name: value for name, value in (asked | changes).items() if value is not None}
        asked.pop("lang", None) if "lang" not in changes else None
        target = self.root + path if path else self.request.url.path
        return f"{target}?{urlencode(asked)}" if asked else target

    def answer(self, template: str, **values: Any) -> Response:
        """The page; a language asked for is remembered in a cookie."""
        words = self.words
        scope = _templates.overlay()
        scope.install_gettext_translations(words.texts, newstyle=True)  # type: ignore[attr-defined]
        text = scope.get_template(template).render(
            lang=words.language,
            languages=LANGUAGES,
            words=words,
            link=self.link,
            start=self.start,
            end=self.end,
            root=self.root,
            api=self.root + PREFIX,
            simulated=self._said(SIMULATED) if self.site.settings.simulated else None,
            simulated_meaning=self._said(MEANING),
            sites=[(path, self._said(title), path == (self.root or "/")) for path, title in self.site.links],
            certainty_names=CERTAINTY_NAMES,
            outcome_names=OUTCOME_NAMES,
            chart_json=self._chart,
            data_version=self.site.store.data_version(),
            has_data=self.site.window() is not None,
            reason_of=_reason,
            place_of=_place,
            in_order=_in_order,
            original=original,
            changed=changed,
            **values,
        )
        response = HTMLResponse(text, headers={"Content-Language": words.language})
        if self.query.lang:
            response.set_cookie(COOKIE, self.query.lang, max_age=YEAR_S, samesite="lax", httponly=True)
        return response

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


@lru_cache(maxsize=1)
def plotly_marks() -> tuple[str, ...]:
    """Ids of style elements that Plotly's file would add, which is forbidden here; it skips those that exist.

    They belong to maps, which we do not draw.
    """
    text = PLOTLY.read_text(encoding="utf-8")
    return tuple(sorted(set(re.findall(r'document\.getElementById\("([0-9a-f]{40,})"\)', text))))


def install(app: FastAPI) -> None:
    """Adds the pages and their files to ``app``."""
    app.include_router(router)
    app.state.problem_page = problem_page
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
