"""What is said of a department's figures: the head's comments, contested figures, employees' requests."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.forms import once, whole
from api.page import Page
from api.people import Form, VisitorOf, author_of
from api.register import to
from api.routes import NO_STORE, SiteOf
from api.sheets import SheetQuery, table_file
from callstats import corrections, remarks
from callstats.calendar import Calendar
from callstats.errors import UsageError
from callstats.fields import DAY, TEXT, UTC_US, Field
from callstats.metrics.registry import METRICS

router = APIRouter(include_in_schema=False)
FIELDS: Final = (
    Field("month", DAY, "first day of the month"),
    Field("department", TEXT, "department"),
    Field("metric", TEXT, "figure that is contested; null: a comment to the month"),
    Field("text", TEXT, "what is said"),
    Field("author", TEXT, "who says it"),
    Field("at", UTC_US, "when"),
)


@router.get("/departments/{department}/remarks", name="remarks_page")
def remarks_page(
    request: Request,
    site: SiteOf,
    visitor: VisitorOf,
    department: str,
    query: Annotated[SheetQuery, Query()],
) -> Response:
    """Remarks in force, forms for another, and what employees ask to correct."""
    site.department(department)
    today = Calendar.from_settings(site.settings).local_date(site.store.clock())
    page = Page(request, site, query, today, today)
    first = (site.window() or (today, today))[0]
    months = remarks.open_months(site.store, site.settings, first)
    with site.store.database.read() as connection:
        said = remarks.listed(connection, date.min, date.max, [department])
        asked = corrections.of_departments(connection, [department])
    if query.format:
        return table_file(site, visitor, map(vars, said), FIELDS, f"remarks_{department}", query.format)
    response = page.answer(
        "remarks.html",
        department=department,
        title=site.departments.name(department, page.words.language),
        months=months,
        said=said,
        asked=asked,
        metrics=METRICS,
    )
    response.headers.update(NO_STORE)
    return response


@router.post("/departments/{department}/remarks", name="enter_remark")
def enter_remark(request: Request, site: SiteOf, visitor: VisitorOf, department: str, form: Form) -> Response:
    """A comment to a month, or a contested figure of it."""
    site.department(department)
    fields = once(form)
    metric = fields.get("metric") or None
    if metric is not None and metric not in METRICS:
        raise UsageError(f"metric: {metric!r} is none; there are {', '.join(METRICS)}")
    try:
        month = date.fromisoformat(fields.get("month", ""))
    except ValueError:
        raise UsageError("month: name it by its first day, such as 2026-11-01") from None
    today = Calendar.from_settings(site.settings).local_date(site.store.clock())
    remarks.enter(site.store, department, month, metric, fields.get("text", ""), author_of(visitor), today)
    return to(request, f"/departments/{department}/remarks")


@router.post("/departments/{department}/remarks/{number}/withdraw", name="withdraw_remark")
def withdraw_remark(request: Request, site: SiteOf, department: str, number: str, form: Form) -> Response:
    """Takes a remark back while its month is open."""
    site.department(department)
    once(form)
    remarks.withdraw(site.store, department, whole(number, "number"))
    return to(request, f"/departments/{department}/remarks")


@router.post("/departments/{department}/corrections/{number}", name="answer_correction")
def answer_correction(
    request: Request, site: SiteOf, visitor: VisitorOf, department: str, number: str, form: Form
) -> Response:
    """The head's answer to what an employee asked."""
    site.department(department)
    fields = once(form)
    accepted = {"yes": True, "no": False}.get(fields.get("accepted", ""))
    if accepted is None:
        raise UsageError("accepted: say yes or no")
    place, text = whole(number, "number"), fields.get("text", "")
    corrections.answer(site.store, department, place, accepted, text, author_of(visitor))
    return to(request, f"/departments/{department}/remarks")
