"""The data protection officer's page: clients' requests about their own data, each with its month."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.forms import once, whole
from api.people import Form, VisitorOf, author_of
from api.register import page_of, to
from api.routes import NO_STORE, SiteOf
from api.sheets import SheetFormat, SheetQuery, sheet
from callstats import data_requests
from callstats.errors import UsageError
from callstats.metrics.base import Said

router = APIRouter(include_in_schema=False)
KINDS: Final = {
    "access": Said("piekļuve datiem", "access"),
    "erasure": Said("dzēšana", "erasure"),
    "objection": Said("iebildums", "objection"),
    "rectification": Said("labošana", "rectification"),
}


class FileQuery(SheetQuery):
    """As which kind of file."""

    format: SheetFormat = "xlsx"


@router.get("/requests", name="requests_page")
def requests_page(request: Request, site: SiteOf, query: Annotated[SheetQuery, Query()]) -> Response:
    """Open requests by the day they are due, with what is kept about each client; closed ones."""
    now = site.store.clock()
    with site.store.database.read() as connection:
        found = data_requests.listed(connection)
    response = page_of(request, site, query).answer(
        "requests.html",
        found=found,
        held={
            one.id: data_requests.held(site.store, site.settings, one.client)
            for one in found
            if one.closed_at is None
        },
        overdue={one.id for one in found if data_requests.overdue(one, now, site.settings.zone)},
        kinds=KINDS,
        today=now.astimezone(site.settings.zone).date(),
    )
    response.headers.update(NO_STORE)
    return response


@router.post("/requests", name="enter_request")
def enter_request(request: Request, site: SiteOf, visitor: VisitorOf, form: Form) -> Response:
    """Enters a request; of the number only the pseudonym is kept."""
    fields = once(form)
    try:
        received_on = date.fromisoformat(fields.get("received_on", ""))
    except ValueError:
        raise UsageError("received_on: write the day like 2026-11-27") from None
    data_requests.enter(
        site.store, site.settings, fields.get("kind", ""), fields.get("number", ""), received_on,
        fields.get("note", ""), author_of(visitor),
    )  # fmt: skip
    return to(request, "/requests")


@router.get("/requests/{number}/file", name="request_file")
def request_file(
    site: SiteOf, visitor: VisitorOf, number: str, query: Annotated[FileQuery, Query()]
) -> Response:
    """The client's calls as a file, to hand over."""
    rows = data_requests.taken(site.store, whole(number, "number"), author_of(visitor))
    return sheet(rows, data_requests.CALL_FIELDS, f"request_{number}", query.format)


@router.post("/requests/{number}/forget", name="forget_number")
def forget_number(request: Request, site: SiteOf, visitor: VisitorOf, number: str, form: Form) -> Response:
    """Removes the client's number from the vault."""
    once(form)
    data_requests.forget(site.store, site.settings, whole(number, "number"), author_of(visitor))
    return to(request, "/requests")


@router.post("/requests/{number}/close", name="close_request")
def close_request(request: Request, site: SiteOf, visitor: VisitorOf, number: str, form: Form) -> Response:
    """Closes a request with what was answered."""
    outcome = once(form).get("outcome", "")
    data_requests.close(site.store, whole(number, "number"), outcome, author_of(visitor))
    return to(request, "/requests")
