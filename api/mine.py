"""*Mani zvani*: an employee's own calls, and how long what is kept of them (domain/05 requirement 4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from api.errors import NotFoundError
from api.forms import once
from api.page import Page, PageQuery
from api.people import Form, VisitorOf
from api.register import to
from api.routes import NO_STORE, SiteOf
from api.sheets import SheetQuery, sheet
from api.site import Site
from callstats import corrections
from callstats.accounts import keeping, naming
from callstats.accounts.roles import Visitor
from callstats.errors import UsageError
from callstats.fields import SECONDS, TEXT, UTC_US
from callstats.fields import Field as Column
from callstats.metrics.base import OUTCOME_NAMES, Said
from callstats.own_calls import OwnCall, own_calls
from callstats.phrases import ATTEMPTS

router = APIRouter(include_in_schema=False)
DAYS: Final = timedelta(days=31)
ROWS: Final = 100
CALL_FIELDS: Final = (
    Column("kind", TEXT, "rang: an own phone rang; answered: it took the call; called: it called somebody"),
    Column("call_id", TEXT, "id of the call"),
    Column("at", UTC_US, "when the phone rang, took the call or began to call"),
    Column("department", TEXT, "department that the call had come to; null: an own call"),
    Column("outcome", TEXT, "what became of it at that phone, or of the own call"),
    Column("ring_s", SECONDS, "how long it rang", "s"),
    Column("talk_s", SECONDS, "how long was talked", "s"),
)
KINDS: Final = {
    "rang": Said("zvanīja mans tālrunis", "my phone rang"),
    "answered": Said("es atbildēju", "I answered"),
    "called": Said("es zvanīju", "I called"),
}


@router.get("/mine", name="mine_page")
def mine_page(
    request: Request, site: SiteOf, visitor: VisitorOf, query: Annotated[SheetQuery, Query()]
) -> Response:
    """The calls of one's own phones, by default of the last 31 days with data."""
    start, end = _window(site, query)
    spans = spans_of(site, visitor)
    page = Page(request, site, query, start, end)
    with site.store.reading() as facts:
        rows = own_calls(facts, spans, start, end) if spans else []
    if query.format:
        return sheet(map(vars, rows), CALL_FIELDS, f"my_calls_{start}_{end}", query.format)
    with site.store.database.read() as connection:
        looks = naming.looks(connection, spans)
        asked = corrections.of_author(connection, visitor.account, visitor.name)
    names = {name: site.departments.name(name, page.words.language) for name in site.departments.ids}
    response = page.answer(
        "mine.html",
        rows=rows[:ROWS],
        more=len(rows) > ROWS,
        extensions=[extension for extension, _, _ in spans],
        names=names,
        kinds=KINDS,
        looks=looks,
        asked=asked,
        attempts=ATTEMPTS,
        outcomes=OUTCOME_NAMES,
        kept=site.settings.retention,
    )
    response.headers.update(NO_STORE)
    return response


class AskQuery(PageQuery):
    """Which call."""

    call: str = Field(max_length=200)


@router.get("/mine/ask", name="ask_page")
def ask_page(
    request: Request, site: SiteOf, visitor: VisitorOf, query: Annotated[AskQuery, Query()]
) -> Response:
    """The form of *Lūgt precizēt* for one call."""
    rows = _own(site, visitor, query.call)
    day = _day(site, rows[0])
    page = Page(request, site, query, day, day)
    names = {name: site.departments.name(name, page.words.language) for name in site.departments.ids}
    response = page.answer(
        "ask.html", rows=rows, call_id=query.call, names=names, kinds=KINDS, attempts=ATTEMPTS,
        outcomes=OUTCOME_NAMES, departments=_departments(rows),
    )  # fmt: skip
    response.headers.update(NO_STORE)
    return response


@router.post("/mine/ask", name="ask")
def ask(request: Request, site: SiteOf, visitor: VisitorOf, form: Form) -> Response:
    """Asks the head to look at an own call again."""
    fields = once(form)
    rows = _own(site, visitor, fields.get("call", ""))
    departments = _departments(rows)
    department = fields.get("department") or (departments[0] if departments else "")
    if department not in departments:
        raise UsageError(f"department: {department!r} had no part in this call; {', '.join(departments)}")
    corrections.ask(
        site.store, rows[0].call_id, _day(site, rows[0]), department, fields.get("text", ""), visitor.name,
        visitor.account,
    )  # fmt: skip
    return to(request, "/mine")


def _own(site: Site, visitor: Visitor, call_id: str) -> list[OwnCall]:
    """What own phones did in a call. Raises NotFoundError where they did nothing: it is no own call."""
    spans = spans_of(site, visitor)
    window = site.window()
    with site.store.reading() as facts:
        found = own_calls(facts, spans, *window) if spans and window else []
    rows = [one for one in found if one.call_id == call_id and one.at is not None]
    if not rows:
        raise NotFoundError(f"no call {call_id!r} of your phones; see /mine")
    return rows


def _day(site: Site, row: OwnCall) -> date:
    assert row.at is not None
    return row.at.astimezone(site.settings.zone).date()


def _departments(rows: Sequence[OwnCall]) -> list[str]:
    """Departments whose figures the call is in; an own outgoing call is in none."""
    return list(dict.fromkeys(one.department for one in rows if one.department))


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
