"""The register as a file: what the list shows, with its content, for who may see it.

It holds what people said, so every download is written down (domain/05 requirement 8), and no client's
number: that is shown one at a time, on the page of its case. Times are local, as on the page.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import pyarrow as pa
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api import register_told as told
from api.formats import answer
from api.page import Page
from api.people import PersonOf, may
from api.register import NO_STORE, RegisterQuery, listed, masked, names_of, page_of
from api.register_told import Masked, Names
from api.register_words import CATEGORIES, REASONS, STATUS_NAMES, URGENCIES, WHYS
from api.routes import SiteOf
from api.site import Site
from api.text import Words
from callstats.cases import access_log
from callstats.cases.access_log import Access
from callstats.register.desk import Entry

router = APIRouter(include_in_schema=False)
TEXT: Final = pa.string()
MOMENT: Final = pa.timestamp("s")  # on the local clock


class SheetQuery(RegisterQuery):
    """Which cases, as the list is asked, and as which kind of file."""

    format: Literal["csv", "xlsx"] = "xlsx"


@router.get("/register/file", name="register_file")
def register_file(
    request: Request, site: SiteOf, person: PersonOf, query: Annotated[SheetQuery, Query()]
) -> Response:
    """The list as it is asked, as XLSX or CSV; that it was taken is written down first."""
    may(person, "export")
    _, shown = listed(site, person, query)
    page = page_of(request, site, query)
    _note(site, person.name, shown)
    table = sheet(shown, page.words, names_of(site, page), masked(site, shown))
    response = answer(table, query.format, _name(page, site))
    response.headers.update(NO_STORE)
    return response


def _note(site: Site, author: str, shown: list[Entry]) -> None:
    numbers = ", ".join(str(one) for one in sorted(entry.number for entry in shown)[:100])
    about = f"{len(shown)} cases: {numbers}{', …' if len(shown) > 100 else ''}"
    with site.store.database.write() as connection:
        access_log.note(connection, Access(site.store.clock(), author, "register_exported", about))


def _name(page: Page, site: Site) -> str:
    return f"{'zinas' if page.words.language == 'lv' else 'messages'}_{page.words.local(site.store.clock())}"


def sheet(entries: list[Entry], words: Words, names: Names, masks: Masked) -> pa.Table:
    """One row for each case in the list's order, headed in the page's language; times are local."""
    rows = [_row(entry, words, names, masks) for entry in entries]
    fields = [pa.field(name, kind, metadata={"meaning": meaning}) for name, kind, meaning in _columns(words)]
    columns = [pa.array([row[place] for row in rows], field.type) for place, field in enumerate(fields)]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _columns(words: Words) -> list[tuple[str, pa.DataType, str]]:
    """Headings as on the page, their types, and what needs to be said of them."""
    text = words.texts.gettext
    return [
        (text("No."), pa.int64(), ""),
        (text("Due"), pa.date32(), text("by the end of this day")),
        (text("Due: how it stands"), TEXT, ""),
        (text("Status"), TEXT, ""),
        (text("Waits for"), TEXT, ""),
        (text("Received"), MOMENT, text("local time")),
        (text("Length"), pa.float64(), text("seconds")),
        (text("Caller"), TEXT, text("numbers are hidden but for four digits")),
        (text("What it is about"), TEXT, ""),
        (text("Kind"), TEXT, ""),
        (text("Urgent"), pa.bool_(), ""),
        (text("Forwarded to"), TEXT, ""),
        (text("Forwarded at"), MOMENT, text("local time")),
        (text("Contact with the client"), TEXT, text("Calls outside the PBX are not included.")),
        (text("Reg. no."), TEXT, ""),
        (text("Closed at"), MOMENT, text("local time")),
        (text("Reason"), TEXT, ""),
        (text("Notes"), TEXT, ""),
    ]


def _row(entry: Entry, words: Words, names: Names, masks: Masked) -> list[Any]:
    case, clock, lang = entry.case, entry.clock, words.language
    due = clock.due
    return [
        entry.number,
        due.day if due else None,
        ", ".join([URGENCIES[clock.urgency][lang], *(WHYS[why][lang] for why in due.why)]) if due else None,
        STATUS_NAMES[entry.status][lang],
        told.waiting(entry, names, words) if clock.waits != "nothing" else None,
        _local(case.since, words),
        case.message.duration_s if case.message else None,
        "; ".join(filter(None, [told.caller(entry, masks, words), told.times(entry, words)])),
        case.about,
        CATEGORIES[case.category][lang] if case.category else None,
        case.urgent,
        told.receiver(entry, names),
        _local(case.forwarded_at, words),
        "; ".join(told.contacts(entry, words)),
        case.reg_no,
        _local(case.closed_at, words),
        REASONS[case.closing.reason][lang] if case.closing else None,
        "; ".join(note.said.model_dump()["text"] for note in case.notes),
    ]


def _local(at: datetime | None, words: Words) -> datetime | None:
    return at.astimezone(words.zone).replace(tzinfo=None, microsecond=0) if at else None
