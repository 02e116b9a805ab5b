"""The pages for people: the departments, and one dashboard per department, in Latvian and English."""

from __future__ import annotations

import re
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final

import plotly
from fastapi import APIRouter, FastAPI, Query, Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from api import figures
from api.access import apart, departments_in, home_of, not_apart
from api.head import changes, head_view
from api.page import HERE, Page, PageQuery
from api.people import visitor_of
from api.routes import SiteOf
from api.sheets import SheetQuery, sheet
from api.site import Site, site_of
from api.text import LANGUAGES, sort_key
from callstats import remarks
from callstats.calendar import bucket_end, bucket_start
from callstats.month_list import MONTH_FIELDS, month_list
from callstats.remarks import Remark
from callstats.snapshot import at_one_moment
from callstats.to_call_back import Waiting, to_call_back
from callstats.verdicts import VERDICT_NAMES

STATIC_PATHS: Final = ("/static/", "/vendor/", "/api/v1/openapi.json")
PLOTLY: Final = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

router = APIRouter(include_in_schema=False)


@router.get("/", name="departments_page")
def departments_page(request: Request, site: SiteOf, query: Annotated[PageQuery, Query()]) -> Response:
    """The departments that one may see by name, no ranking; who sees none is led to a page of one's own."""
    own = departments_in(visitor_of(request), "department_page")
    visitor = visitor_of(request)
    if own == () or (visitor.roles == {"chancellery"} and not visitor.trusted):
        return RedirectResponse(request.scope.get("root_path", "") + home_of(visitor_of(request)), 303)
    start, end = window_of(site, query)
    page = Page(request, site, query, start, end)
    alone = apart(visitor, site.departments, end)
    ids = [one for one in (site.departments.ids if own is None else own) if one not in alone]
    names = {name: site.departments.name(name, page.words.language) for name in ids}
    (rows, firmness), change_of = at_one_moment(
        site.store,
        lambda facts: (figures.departments_view(site, facts, start, end), changes(site, facts, end)),
    )
    return page.answer(
        "departments.html",
        rows=rows,
        firmness=firmness,
        names=dict(sorted(names.items(), key=lambda item: sort_key(item[1]))),
        change_of=change_of,
        listed=[metric for metric, _ in figures.LISTED],
    )


@router.get("/departments/{department}", name="department_page")
def department_page(
    request: Request, site: SiteOf, department: str, query: Annotated[PageQuery, Query()]
) -> Response:
    """The head's page: one number, who waits for a call back, five pictures."""
    site.department(department)
    start, end = window_of(site, query)
    not_apart(visitor_of(request), site.departments, [department], end)
    page = Page(request, site, query, start, end)
    seen = _sees(request, "missed_page", department)
    with ThreadPoolExecutor(1) as beside:  # whom to call back is asked of other tables than the figures
        waiting = beside.submit(waiting_of, site, department) if seen else None
        head = at_one_moment(
            site.store, lambda facts: head_view(site, facts, department, start, end, page.words)
        )
    return page.answer(
        "department.html",
        department=department,
        title=site.departments.name(department, page.words.language),
        said=said_of(site, start, end, [department]),
        remarks_too=_sees(request, "remarks_page", department),
        waiting=waiting.result() if waiting else None,
        kept=site.settings.numbers.vault_days > 0,
        calls_too=_sees(request, "calls_page", department),
        head=head,
        verdict_names=VERDICT_NAMES,
        month_after=lambda month: bucket_end(month, "month"),
        day_before=lambda day: day - timedelta(days=1),
        m=figures,
        plotly_marks=plotly_marks(),
    )


@router.get("/departments/{department}/figures", name="figures_page")
def figures_page(
    request: Request, site: SiteOf, department: str, query: Annotated[PageQuery, Query()]
) -> Response:
    """Every figure of a department."""
    site.department(department)
    start, end = window_of(site, query)
    not_apart(visitor_of(request), site.departments, [department], end)
    page = Page(request, site, query, start, end)
    step = query.step or figures.default_step(start, end)
    return page.answer(
        "figures.html",
        department=department,
        title=site.departments.name(department, page.words.language),
        view=at_one_moment(
            site.store,
            lambda facts: figures.department_view(site, facts, department, start, end, step, page.words),
        ),
        is_hotline=department == site.settings.hotline.department,
        steps=figures.STEPS,
        m=figures,
        plotly_marks=plotly_marks(),
    )


@router.get("/months", name="months_page")
def months_page(request: Request, site: SiteOf, query: Annotated[SheetQuery, Query()]) -> Response:
    """How the months stand, the newest first."""
    start, end = window_of(site, query)
    rows = month_list(site.store, site.settings)
    if query.format:
        told = [row.as_json() | {"closes_on": row.closes_on, "month": row.month} for row in rows]
        return sheet(told, MONTH_FIELDS, "months", query.format)
    return Page(request, site, query, start, end).answer("months.html", rows=rows[::-1])


@router.get("/vendor/plotly.min.js")
def plotly_file() -> Response:
    """Plotly's own file, out of the installed package: nothing comes from another server."""
    return FileResponse(PLOTLY, media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})


def _sees(request: Request, route: str, department: str) -> bool:
    own = departments_in(visitor_of(request), route)
    return own is None or department in own


def said_of(site: Site, start: date, end: date, departments: Collection[str] | None) -> list[Remark]:
    """What heads say of the window's months."""
    with site.store.database.read() as connection:
        return remarks.listed(connection, bucket_start(start, "month"), end, departments)


def waiting_of(site: Site, department: str) -> list[Waiting]:
    """Clients of a department who wait for a call back now. Raises NotFoundError for no department."""
    site.department(department)
    with site.store.reading() as facts:
        return to_call_back(facts, site.settings, department, site.store.clock())


def window_of(site: Site, query: PageQuery) -> tuple[date, date]:
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
    here = None if request.method == "GET" else "/"  # a form's address answers no link
    page = Page(request, site_of(request), query, date.min, date.min, here)
    response = page.answer("problem.html", status=status, detail=detail)
    response.status_code = status
    return response


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
