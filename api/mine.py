"""*Mani zvani*: an employee's own calls, and how long what is kept of them (domain/05 requirement 4)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.page import Page, PageQuery
from api.people import VisitorOf
from api.routes import NO_STORE, SiteOf
from api.site import Site
from callstats.accounts import keeping
from callstats.accounts.roles import Visitor
from callstats.metrics.base import OUTCOME_NAMES, Said
from callstats.own_calls import own_calls
from callstats.phrases import ATTEMPTS

router = APIRouter(include_in_schema=False)
DAYS: Final = timedelta(days=31)
ROWS: Final = 500
KINDS: Final = {
    "rang": Said("zvanīja mans tālrunis", "my phone rang"),
    "answered": Said("es atbildēju", "I answered"),
    "called": Said("es zvanīju", "I called"),
}


@router.get("/mine", name="mine_page")
def mine_page(
    request: Request, site: SiteOf, visitor: VisitorOf, query: Annotated[PageQuery, Query()]
) -> Response:
    """The calls of one's own phones, by default of the last 31 days with data."""
    start, end = _window(site, query)
    spans = spans_of(site, visitor)
    page = Page(request, site, query, start, end)
    with site.store.reading() as facts:
        rows = own_calls(facts, spans, start, end) if spans else []
    names = {name: site.departments.name(name, page.words.language) for name in site.departments.ids}
    response = page.answer(
        "mine.html",
        rows=rows[:ROWS],
        more=len(rows) > ROWS,
        extensions=[extension for extension, _, _ in spans],
        names=names,
        kinds=KINDS,
        attempts=ATTEMPTS,
        outcomes=OUTCOME_NAMES,
        kept=site.settings.retention,
    )
    response.headers.update(NO_STORE)
    return response


def spans_of(site: Site, visitor: Visitor) -> list[tuple[str, date, date | None]]:
    """Extensions that are a visitor's own, with their days; of an invented person all days."""
    if visitor.account is None:
        return [(extension, date.min, None) for extension in visitor.extensions]
    with site.store.database.read() as connection:
        return list(keeping.account_of(connection, visitor.account).extensions)


def _window(site: Site, query: PageQuery) -> tuple[date, date]:
    if query.start or query.end:
        return query.window(site)
    start, end = site.days(None, None)
    return max(start, end - DAYS), end
