"""The calls behind a department's figures, one call as a drawn timeline, clients who wait for a call back.

Persons are *1. tālrunis, 2. tālrunis* within a call; of a client nothing is shown but, by one key and written
down, the number of who waits for a call back (domain/05 requirements 4, 6 and 8).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import PurePath
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from api import calls
from api.access import departments_in
from api.errors import ForbiddenError, NotFoundError
from api.forms import once
from api.noting import noted
from api.page import Page, PageQuery
from api.pages import plotly_marks, waiting_of, window_of
from api.people import Form, VisitorOf, author_of, invented_owner
from api.routes import NO_STORE, CellQuery, SiteOf
from api.site import Site
from callstats.accounts import naming
from callstats.accounts.roles import Visitor
from callstats.cases.vault import Vault
from callstats.errors import InputError
from callstats.evidence import Line
from callstats.explain import Teller
from callstats.metrics.base import Language
from callstats.metrics.registry import METRICS
from callstats.numbers import normalise
from callstats.phrases import SOURCES, WORDS
from callstats.timeline import Step, Timeline, timeline
from callstats.timeline_chart import call_timeline
from callstats.to_call_back import since
from callstats.verdicts import VERDICT_NAMES, VERDICTS, Verdict

router = APIRouter(include_in_schema=False)
IN_PAGE: Final = 50


class CallsPageQuery(PageQuery, CellQuery):
    """Which calls of a department, and from where on."""

    verdict: Verdict | None = None
    cursor: str | None = Field(None, max_length=500)
    newer: bool = False  # than the cursor: the way back


@router.get("/departments/{department}/calls", name="calls_page")
def calls_page(
    request: Request, site: SiteOf, department: str, query: Annotated[CallsPageQuery, Query()]
) -> Response:
    """The calls behind a department's figures, the newest first; of one verdict where it is asked for."""
    site.department(department)
    start, end = window_of(site, query)
    page = Page(request, site, query, start, end)
    back = query.newer and query.cursor is not None
    found, beyond = calls.page(
        site.store, site.settings, department, start, end, IN_PAGE, query.cursor, query.verdict,
        query.cell(), "oldest first" if back else "newest first",
    )  # fmt: skip
    rows = found.to_pylist()[::-1] if back else found.to_pylist()
    cell = query.cell_asked()
    asked = {"from": start, "to": end, "verdict": query.verdict or "", **cell}
    newer = older = None
    if rows and (beyond if back else query.cursor):
        newer = urlencode(asked | {"cursor": calls.cursor_at(rows[0]), "newer": "true"})
    if rows and (back or beyond):
        older = urlencode(asked | {"cursor": calls.cursor_at(rows[-1])})
    return _kept_nowhere(
        page,
        "calls.html",
        department=department,
        title=site.departments.name(department, page.words.language),
        rows=rows,
        newer=newer,
        older=older,
        verdicts=VERDICTS,
        verdict_names=VERDICT_NAMES,
        chosen=query.verdict,
        cell=cell,
        metric_of=METRICS,
    )


@router.get("/calls/{call_id}", name="call_page")
def call_page(
    request: Request,
    site: SiteOf,
    visitor: VisitorOf,
    call_id: Annotated[str, Path(max_length=200)],
    query: Annotated[PageQuery, Query()],
) -> Response:
    """One call: drawn, told step by step with the lines behind each, and how it was judged."""
    return _call_page(request, site, query, _found(site, visitor, call_id))


@router.post("/calls/{call_id}/phone", name="call_phone")
def call_phone(
    request: Request,
    site: SiteOf,
    visitor: VisitorOf,
    call_id: Annotated[str, Path(max_length=200)],
    form: Form,
) -> Response:
    """Tells the direct head whose a phone of the call is; why is written down first, for the employee too."""
    fields = once(form)
    found = _found(site, visitor, call_id)
    page = _page_of(request, site, PageQuery.model_validate({}), found)
    phones = _phones(page, found)
    place = fields.get("phone", "")
    extension = next((one for one, told in phones.items() if told == place), None)
    if extension is None:
        raise NotFoundError(f"call {call_id}: no phone {place!r}; there are {', '.join(phones.values())}")
    own, day = departments_in(visitor, "call_phone"), found.call["local_date"]
    department = site.departments.of("extension", extension, day)
    if own is not None and department not in own:
        raise ForbiddenError(f"call {call_id}: phone {place} is not of a department of yours")
    name = naming.named(
        site.store, found.call["call_id"], day, extension, author_of(visitor), fields.get("reason", "")
    )
    if name is None and visitor.account is None:
        name = invented_owner(site, extension, day)
    return _call_page(request, site, page.query, found, (place, extension, name))


def _found(site: Site, visitor: Visitor, call_id: str) -> Timeline:
    """The call, if it came to a department of the visitor's."""
    try:
        found = timeline(site.store, call_id, site.settings)
    except InputError as error:
        raise NotFoundError(str(error)) from None
    own = departments_in(visitor, "call_page")
    if own is not None and not _came_to(found) & set(own):
        raise ForbiddenError(f"call {call_id} did not come to a department of yours")
    return found


def _page_of(request: Request, site: Site, query: PageQuery, found: Timeline) -> Page:
    day = found.call["local_date"]
    return Page(request, site, query, day, day, f"/calls/{quote(found.call['call_id'])}")


def _phones(page: Page, found: Timeline) -> dict[str, str]:
    """The phones of a call that rang or were tried, by extension: *Nr. 1* … in the order of the page."""
    told, phone = {}, numbered(page.words.language)
    for step in found.steps:
        extension = step.values.get("employee")
        if extension is not None:
            told[extension] = phone(extension)
    return told


def _call_page(
    request: Request,
    site: Site,
    query: PageQuery,
    found: Timeline,
    named: tuple[str, str, str | None] | None = None,
) -> Response:
    page = _page_of(request, site, query, found)
    phones = _phones(page, found)
    phone = numbered(page.words.language, phones)
    teller = Teller(
        page.words.language,
        site.settings.zone,
        department=lambda name: site.departments.name(name, page.words.language),
        employee=phone,
        client=lambda _: "",
        number=lambda number: number if shared_number(site, number) else _own("direct_number", page),
        mailbox=lambda box: box if box in site.settings.hotline.mailboxes else _own("own_mailbox", page),
        queue=lambda name: _queue(site, name, page),
    )
    steps = [_told(step, teller) for step in found.steps]
    figure = call_timeline(found, page.words.language, zone=site.settings.timezone, employee=phone)
    return _kept_nowhere(
        page,
        "call.html",
        call=found.call,
        crumb=_crumb(site, page, found),
        sources=", ".join(SOURCES[one] for one in found.call["sources"]),
        steps=steps,
        judged=_judged(found, teller),
        disagreements=[_sentence(teller, step) for step in found.disagreements],
        figure=figure,
        silent=[SOURCES[one] for one in found.silent],
        phones=_own_phones(site, page.visitor, found, phones),
        named=named,
        plotly_marks=plotly_marks(),
    )


@router.get("/departments/{department}/missed", name="missed_page")
def missed_page(
    request: Request, site: SiteOf, department: str, query: Annotated[PageQuery, Query()]
) -> Response:
    """*Jāatzvana*: clients whom nobody answered and nobody has called back yet."""
    return _missed_page(request, site, department, query)


@router.post("/departments/{department}/missed/number", name="missed_number")
def missed_number(
    request: Request, site: SiteOf, visitor: VisitorOf, department: str, form: Form
) -> Response:
    """Shows the number of one who waits; who saw it is written down first."""
    call_id = once(form).get("call_id", "")
    waiting = waiting_of(site, department)
    client = next((one.client for one in waiting if one.call_id == call_id), None)
    if client is None:
        raise NotFoundError(
            f"nobody waits for a call back after call {call_id!r} any more; open the list anew"
        )
    number = Vault.open(site.settings, site.store.database, site.store.clock).reveal(client)
    if number is None:
        raise NotFoundError(f"call {call_id}: the number is not kept any more (numbers.vault_days)")
    noted(site, visitor, "number_shown", f"call {call_id}")
    query = PageQuery.model_validate({})
    return _missed_page(request, site, department, query, {call_id: number})


def _missed_page(
    request: Request, site: Site, department: str, query: PageQuery, shown: dict[str, str] | None = None
) -> Response:
    now = site.store.clock()
    first = since(site.settings, now)
    last, here = now.astimezone(site.settings.zone).date(), f"/departments/{department}/missed"
    page = Page(request, site, query, first, last, here)
    return _kept_nowhere(
        page,
        "missed.html",
        department=department,
        title=site.departments.name(department, page.words.language),
        waiting=waiting_of(site, department),
        shown=shown or {},
        first=first,
        kept=site.settings.numbers.vault_days > 0,
    )


def _crumb(site: Site, page: Page, found: Timeline) -> tuple[str, str] | None:
    """The first department of the call whose calls the visitor may see: its id and name."""
    own = departments_in(page.visitor, "calls_page")
    came = (step.values.get("department") for step in found.steps)
    first = next((one for one in came if one is not None and (own is None or one in own)), None)
    return (first, site.departments.name(first, page.words.language)) if first else None


def _queue(site: Site, queue: str, page: Page) -> str:
    """The department whose queue it is; else the queue's own name."""
    owner = site.departments.of("queue", queue, page.start)
    return site.departments.name(owner, page.words.language) if owner else queue


def _came_to(found: Timeline) -> set[str]:
    """Departments that the call came to."""
    told = (step.values.get("department") for step in (*found.steps, *found.judgements))
    return {one for one in told if one is not None}


def shared_number(site: Site, number: str) -> bool:
    """Whether a number is the site's or a department's, and nobody's direct one."""
    settings, plan = site.settings, site.departments.plan
    of_departments = (number for one in settings.departments for number in one.numbers)
    shared = (*settings.main_numbers, *settings.hotline.numbers, *of_departments)
    return normalise(number, plan).text in {normalise(one, plan).text for one in shared}


def _own(key: str, page: Page) -> str:
    return WORDS[key][page.words.language]


def _own_phones(site: Site, visitor: Visitor, found: Timeline, phones: Mapping[str, str]) -> list[str]:
    """Phones of which the visitor may ask whose they are: those of departments that he or she heads."""
    own, day = departments_in(visitor, "call_phone"), found.call["local_date"]
    return [
        told
        for extension, told in phones.items()
        if (owner := site.departments.of("extension", extension, day)) and (own is None or owner in own)
    ]


def numbered(language: Language, begun: Mapping[str, str] | None = None) -> Callable[[str], str]:
    """Names phones of one call *Nr. 1*, *Nr. 2* … in the order in which they are told."""
    known = dict(begun or {})
    word = "no." if language == "en" else "Nr."
    return lambda extension: known.setdefault(extension, f"{word} {len(known) + 1}")


def _kept_nowhere(page: Page, template: str, **values: Any) -> Response:
    response = page.answer(template, **values)
    response.headers.update(NO_STORE)
    return response


def _told(step: Step, teller: Teller) -> dict[str, Any]:
    return {
        "time": teller.time(step.at) if step.at else "",
        "text": _sentence(teller, step),
        "lines": _lines(teller, step.evidence),
    }


def _lines(teller: Teller, evidence: tuple[Line, ...]) -> list[str]:
    """Where a fact was said: file and its own folder, nothing else of the server."""
    return teller.lines([replace(one, path="/".join(PurePath(one.path).parts[-2:])) for one in evidence])


def _sentence(teller: Teller, step: Step) -> str:
    return teller.step(step).replace(" ()", "")


def _judged(found: Timeline, teller: Teller) -> list[tuple[str, list[str]]]:
    return [
        (teller.department(steps[0].values["department"] or ""), [_sentence(teller, one) for one in steps])
        for steps in (list(group) for _, group in groupby(found.judgements, key=lambda one: one.visit))
    ]
