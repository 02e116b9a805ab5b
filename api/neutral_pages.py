"""Neutral states of a department, as its head enters them (clauses 7.1 and 11.8)."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.forms import moment, once, whole
from api.page import Page
from api.people import Form, VisitorOf, author_of
from api.register import to
from api.routes import NO_STORE, SiteOf
from api.sheets import SheetQuery, table_file
from callstats import neutral_desk
from callstats.cases.neutral import Entry
from callstats.errors import UsageError
from callstats.fields import TEXT, UTC_US, Field
from callstats.phrases import NEUTRAL_STATES
from callstats.settings_rules import NEUTRAL_STATES as NEUTRAL

router = APIRouter(include_in_schema=False)
FIELDS: Final = (
    Field("from_at", UTC_US, "beginning"),
    Field("to_at", UTC_US, "end, not included"),
    Field("state", TEXT, "which state", values=NEUTRAL),
    Field("department", TEXT, "whose: a whole department"),
    Field("phone", TEXT, "or one phone"),
    Field("reason", TEXT, "why"),
    Field("author", TEXT, "who entered it"),
    Field("entered_at", UTC_US, "when it was entered"),
)


@router.get("/departments/{department}/neutral", name="neutral_page")
def neutral_page(
    request: Request,
    site: SiteOf,
    visitor: VisitorOf,
    department: str,
    query: Annotated[SheetQuery, Query()],
) -> Response:
    """The states in force, and a form for another."""
    site.department(department)
    today = site.store.clock().astimezone(site.settings.zone).date()
    first = neutral_desk.first_day(site.settings, department, site.store.clock())
    entries = neutral_desk.listed(site.store, site.settings, department)
    if query.format:
        return table_file(site, visitor, map(vars, entries), FIELDS, f"neutral_{department}", query.format)
    page = Page(request, site, query, first, first)
    response = page.answer(
        "neutral.html",
        department=department,
        title=site.departments.name(department, page.words.language),
        entries=entries,
        states=NEUTRAL_STATES,
        phones=neutral_desk.phones(site.settings, department, today),
        first=first,
    )
    response.headers.update(NO_STORE)
    return response


@router.post("/departments/{department}/neutral", name="enter_neutral")
def enter_neutral(
    request: Request, site: SiteOf, visitor: VisitorOf, department: str, form: Form
) -> Response:
    """A state of the department or of one of its phones."""
    site.department(department)
    fields = once(form)
    times = {name: moment(site.settings.zone, fields.get(name, ""), name) for name in ("from", "to")}
    start, end = times["from"], times["to"]
    if start is None or end is None:
        raise UsageError("from, to: are missing; say from when until when")
    phone = fields.get("phone") or None
    entry = Entry(
        None if phone else department, phone, fields.get("state", ""), start, end,
        fields.get("reason", ""), author_of(visitor), site.store.clock(),
    )  # fmt: skip
    neutral_desk.enter(site.store, site.settings, department, entry)
    return to(request, f"/departments/{department}/neutral")


@router.post("/departments/{department}/neutral/{number}/withdraw", name="withdraw_neutral")
def withdraw_neutral(
    request: Request, site: SiteOf, visitor: VisitorOf, department: str, number: str, form: Form
) -> Response:
    """Ends an entry; it stays in the list of all (`callstats neutral list --all`)."""
    site.department(department)
    reason = once(form).get("reason", "")
    place = whole(number, "number")
    neutral_desk.withdraw(site.store, site.settings, department, place, reason, author_of(visitor))
    return to(request, f"/departments/{department}/neutral")
