"""The register's pages: the list that specialists work in, a case, who works here, the Chancellery's view.

Every change is a form's POST that says how many steps of the case its page showed, and ends in a redirect to
the list; where somebody was faster the answer is 409 and nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import FileResponse, RedirectResponse, Response

from api import register_told
from api.errors import ForbiddenError, NotFoundError
from api.forms import moment, once, said_of, ticked, whole
from api.page import Page, PageQuery
from api.people import Action, Form, Person, PersonOf, may, person_of, visitor_of
from api.register_words import CATEGORIES, FORMS, HOWS, REASONS, STATUS_NAMES, STEP_NAMES, URGENCIES, WHYS
from api.routes import PREFIX, SiteOf
from api.sheets import SheetQuery, table_file
from api.site import Site
from callstats.cases import access_log
from callstats.cases.access_log import Access
from callstats.errors import UsageError
from callstats.masking import mask_numbers
from callstats.register import acts
from callstats.register.desk import STATUSES, Entry, Status, desk, filtered, receivers
from callstats.register.sound import SOUNDS, mailboxes, sound_of
from callstats.register.steps import Case
from callstats.register.summary import LINE_FIELDS, summary, without_message

router = APIRouter(include_in_schema=False)
NO_STORE: Final = {"Cache-Control": "no-store"}
DAYS_BACK: Final = 31
SEARCHES: Final = 30  # by number, of one person within an hour
# not of the facts alone: never kept by their version
PATHS: Final = (
    "/register", "/who", "/signin", "/account", "/mine", "/health", "/access-log", "/requests",
    f"{PREFIX}/cases",
)  # fmt: skip
LAST_NUMBER: Final = (1 << 31) - 1


Number = Annotated[int, Path(ge=1, le=LAST_NUMBER)]


class RegisterQuery(PageQuery):
    """Which cases are listed, and what was just done."""

    status: list[Status] = Field([])
    q: str = ""
    client: str = Field("", pattern=r"^([nx][0-9]+-[0-9a-f]{32})?$")
    closed: bool = False
    mine: bool = False
    did: int | None = None
    undo: int | None = None
    refused: str = ""


@router.get("/register", name="register_page")
def register_page(request: Request, site: SiteOf, query: Annotated[RegisterQuery, Query()]) -> Response:
    """The cases, what is due first on top; for Public Relations all, for a department its own."""
    person = person_of(request)
    if person is None:
        return _who(request, "/register")
    entries, shown = listed(site, person, query)
    said = [one for one in entries if not one.case.empty]  # empty ones wait apart
    page = page_of(request, site, query)
    return _kept_nowhere(
        page,
        "register.html",
        **told_to(site, page, person),
        query=query,
        file=lambda form: f"{page.root}/register/file?{_asked(query, form)}",
        entries=[one for one in shown if not one.case.empty or one.case.closed_at],
        empty=[one for one in shown if one.case.empty and not one.case.closed_at],
        unanswered=without_message(site.store, site.settings, DAYS_BACK) if person.checks else [],
        counts={name: sum(one.status == name for one in said) for name in STATUSES},
        overdue=sum(one.clock.urgency == "overdue" for one in said),
        today=sum(one.clock.urgency == "today" for one in said),
        full=[box for box in mailboxes(site.settings) if box.nearly_full],
        masked=masked(site, shown),
    )


@router.get("/register/summary", name="register_summary")
def register_summary(request: Request, site: SiteOf, query: Annotated[SheetQuery, Query()]) -> Response:
    """The Chancellery's side: shares and ages per department; suggestions and complaints, without numbers."""
    page = page_of(request, site, query)
    found = summary(site.store, site.settings)
    if query.format:
        return table_file(site, page.visitor, found.as_rows(), LINE_FIELDS, "register_summary", query.format)
    told = told_to(site, page, person_of(request))
    lines = register_told.by_name(found, told["names"])
    return _kept_nowhere(page, "register_summary.html", **told, found=lines, hidden=mask_numbers)


@router.get("/register/{number}", name="case_page")
def case_page(
    request: Request, site: SiteOf, number: Number, query: Annotated[RegisterQuery, Query()]
) -> Response:
    """One case: what is known of it, its history, the calls that followed, and what can be done."""
    person = person_of(request)
    if person is None:
        return _who(request, f"/register/{number}")
    return _case_page(request, site, query, person, number, None)


def _case_page(
    request: Request, site: Site, query: RegisterQuery, person: Person, number: int, shown: str | None
) -> Response:
    entry = entry_of(site, person, number)
    page = page_of(request, site, query, f"/register/{number}")
    sound = entry.case.message and sound_of(
        site.settings, entry.case.message.mailbox, entry.case.message.msg_id
    )
    return _kept_nowhere(
        page,
        "case.html",
        **told_to(site, page, person),
        query=query,
        entry=entry,
        has_sound=bool(sound),
        spool_known=site.settings.messages.spool is not None,
        number=shown,
        masked=masked(site, [entry]),
        step_names=STEP_NAMES,
        raw=_fields,
    )


@router.get("/register/{number}/sound", name="case_sound")
def case_sound(request: Request, site: SiteOf, person: PersonOf, number: Number) -> Response:
    """The sound of a message, out of the PBX's spool."""
    message = entry_of(site, person, number).case.message
    path = sound_of(site.settings, message.mailbox, message.msg_id) if message else None
    if path is None:
        raise NotFoundError(f"case {number}: the sound of this message is not in the PBX's mailbox any more")
    return FileResponse(path, media_type=SOUNDS[path.suffix], headers=NO_STORE)


@router.post("/register/search", name="search")
def search(request: Request, site: SiteOf, person: PersonOf, form: Form) -> Response:
    """Cases of a number, through its pseudonym: the number itself gets into no address and no log."""
    number = once(form).get("number", "")
    if not number.strip():
        return to(request, "/register")
    searched(site, person.name)
    return to(request, "/register", client=acts.pseudonym_of(site.store, site.settings, number))


@router.post("/register/steps", name="bulk_step")
def bulk_step(request: Request, site: SiteOf, person: PersonOf, form: Form) -> Response:
    """One step on the cases that were ticked (`case` = number:steps seen)."""
    fields = once([(name, value) for name, value in form if name != "case"])
    seen = dict(ticked(value) for name, value in form if name == "case")
    if not seen:
        raise UsageError("case: none is ticked; tick the cases that you mean")
    step = fields.get("step", "")
    for number in seen:
        _entry_case(site, person, number)
    _, refused = acts.act_on_all(site.store, site.settings, seen, step, said_of(fields), person.name)
    told = "; ".join(one.why for one in refused)
    return _back(request, fields, refused=told)


@router.post("/register/{number}/steps", name="case_step")
def case_step(request: Request, site: SiteOf, person: PersonOf, number: Number, form: Form) -> Response:
    """A step on one case."""
    fields = once(form)
    case = _entry_case(site, person, number)
    seen = whole(fields.get("seen"), "seen")
    at = moment(site.settings.zone, fields.get("at", ""), "at")
    if fields.get("step") == "heard":
        case = acts.heard(site.store, site.settings, number, fields.get("heard", ""), person.name, seen=seen)
    else:
        case = acts.act(
            site.store, site.settings, number, fields.get("step", ""), said_of(fields), person.name,
            seen=seen, at=at,
        )  # fmt: skip
    undone = case.steps[-1].step == "undone"
    return _back(request, fields, did=number, undo=None if undone else len(case.steps))


@router.post("/register/{number}/number", name="case_number")
def case_number(request: Request, site: SiteOf, person: PersonOf, number: Number, form: Form) -> Response:
    """Shows the client's number, and writes down who saw it; a closed case asks for a reason."""
    fields = once(form)
    found = shown_number(site, person, number, fields.get("reason", "").strip() or None)
    return _case_page(request, site, RegisterQuery.model_validate({}), person, number, found)


@router.post("/register/new", name="new_case")
def new_case(request: Request, site: SiteOf, person: PersonOf, form: Form) -> Response:
    """A case by hand, or a promise (clause 15.5)."""
    fields = once(form)
    if fields.get("kind") == "promise":
        by = moment(site.settings.zone, fields.get("by", ""), "by")
        if by is None:
            raise UsageError("by: is missing; when was the callback promised for?")
        case = acts.open_promise(
            site.store, site.settings, person.name, by=by,
            department=fields.get("department") or person.department, form=fields.get("form") or "call",
            number=fields.get("number", ""), employee=fields.get("employee") or None,
            about=fields.get("about", ""),
        )  # fmt: skip
    else:
        may(person, "open")
        case = acts.open_by_hand(
            site.store, site.settings, person.name,
            left_at=moment(site.settings.zone, fields.get("left_at", ""), "left_at") or site.store.clock(),
            number=fields.get("number", ""), about=fields.get("about", ""),
            call_id=fields.get("call_id") or None,
        )  # fmt: skip
    return _back(request, fields, did=case.number)


# what the pages share


def told_to(site: Site, page: Page, person: Person | None) -> dict[str, Any]:
    """What the register's templates share."""
    day = site.store.clock().astimezone(site.settings.zone).date()
    return {
        "person": person,
        "names": names_of(site, page),
        "receivers": receivers(site.settings, day),
        "status_names": STATUS_NAMES,
        "categories": CATEGORIES,
        "hows": HOWS,
        "forms": FORMS,
        "reasons": REASONS,
        "whys": WHYS,
        "told": register_told,
        "urgencies": URGENCIES,
        "now": site.store.clock(),
    }


def _who(request: Request, target: str) -> Response:
    """Asks who works here; who has signed in has no case only where the hotline has no department."""
    if visitor_of(request).account is not None:
        raise UsageError("the register has no department that checks messages; set [hotline] department")
    return to(request, "/who", next=target)


def names_of(site: Site, page: Page) -> dict[str, str]:
    """Department ids → names in the page's language."""
    return {name: site.departments.name(name, page.words.language) for name in site.departments.ids}


def _kept_nowhere(page: Page, template: str, **values: Any) -> Response:
    """A page of which no copy stays on a disk: it holds what people said."""
    response = page.answer(template, **values)
    response.headers.update(NO_STORE)
    return response


def page_of(request: Request, site: Site, query: PageQuery, here: str | None = None) -> Page:
    """A page without a window of days."""
    return Page(request, site, query, date.min, date.min, here)


def _entry_case(site: Site, person: Person, number: int, action: Action = "act") -> Case:
    case = acts.case_of(site.store, number)
    may(person, action, case)
    return case


def listed(site: Site, person: Person, query: RegisterQuery) -> tuple[list[Entry], list[Entry]]:
    """The cases that a person may see, and those of them that a page asks for, by what is due first."""
    entries = desk(
        site.store,
        site.settings,
        departments=None if person.checks else person.departments,
        clients=[query.client] if query.client else (),
        closed=query.closed or "closed" in query.status,
    )
    return entries, filtered(entries, query.status, person.departments if query.mine else None, query.q)


def searched(site: Site, author: str) -> None:
    """Writes down a search by number: many of them would find out whose case it is.

    Raises ForbiddenError after `SEARCHES` within an hour.
    """
    now = site.store.clock()
    with site.store.database.write() as connection:
        done = access_log.count(connection, author, "number_searched", now - timedelta(hours=1))
        if done < SEARCHES:
            access_log.note(connection, Access(now, author, "number_searched", "register"))
    if done >= SEARCHES:
        raise ForbiddenError(f"more than {SEARCHES} searches by number within an hour; try again later")


def entry_of(site: Site, person: Person, number: int) -> Entry:
    """A case with all that follows from it, for who may see it."""
    _entry_case(site, person, number, "see")
    found = desk(site.store, site.settings, numbers=[number])
    if not found:
        raise NotFoundError(f"case {number} is the same message as another case")
    return found[0]


def shown_number(site: Site, person: Person, number: int, reason: str | None) -> str:
    """A client's number for who may see it; that he saw it is written down first."""
    case = acts.case_of(site.store, number)
    may(person, "number", case, reason)
    found = acts.number_of(site.store, site.settings, case)
    if found is None:
        raise NotFoundError(f"case {number}: the number is not kept (any more)")
    with site.store.database.write() as connection:
        access = Access(site.store.clock(), person.name, "number_shown", f"case {number}", reason)
        access_log.note(connection, access)
    return found


def masked(site: Site, entries: list[Entry]) -> dict[int, str | None]:
    """Each client's number as `26••••00`; None where it is not kept."""
    numbers = acts.numbers_of(site.store, site.settings, (one.case for one in entries if one.case.callable))
    return {
        one.number: mask_numbers(known.removeprefix("+371")) if (known := numbers.get(one.number)) else None
        for one in entries
    }


def _fields(step: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = step.said.model_dump()
    return found


def _asked(query: RegisterQuery, form: str) -> str:
    """The list's own question, for a file of a format."""
    names = {"status", "q", "client", "closed", "mine"}
    asked = query.model_dump(include=names, exclude_defaults=True, mode="json")
    return urlencode({**asked, "format": form}, doseq=True)


def inside(path: str, instead: str = "/register") -> str:
    """An address of this site, never another's."""
    parts = urlsplit(path)
    safe = (
        path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    )
    return path if safe else instead


def to(request: Request, path: str, **asked: Any) -> RedirectResponse:
    """To another page of this site, by GET; what is asked of it is its query."""
    root = request.scope.get("root_path", "")
    given = {name: value for name, value in asked.items() if value is not None and value != ""}
    joined = f"{path}{'&' if '?' in path else '?'}{urlencode(given)}" if given else path
    return RedirectResponse(root + joined, status_code=303, headers=NO_STORE)


def _back(request: Request, fields: Mapping[str, str], **asked: Any) -> RedirectResponse:
    return to(request, inside(fields.get("back") or "/register"), **asked)
