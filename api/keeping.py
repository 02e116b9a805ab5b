"""The administrator's and the data protection officer's pages: is all well, and who looked at what."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from api.forms import moment
from api.noting import noted
from api.page import PageQuery
from api.people import VisitorOf
from api.register import NO_STORE, page_of
from api.request_pages import KINDS
from api.routes import SiteOf
from api.sheets import SheetQuery, sheet
from api.site import Site
from api.text import Words
from callstats import __version__, coverage, doctor
from callstats.accounts import naming
from callstats.cases import access_log
from callstats.fields import TEXT, UTC_US
from callstats.fields import Field as Column
from callstats.metrics.base import Said
from callstats.trial_call import trial_calls

router = APIRouter(include_in_schema=False)
ACTIONS: Final = {
    "number_shown": Said("redzēja numuru", "saw a number"),
    "employee_named": Said("uzzināja darbinieka vārdu", "was told an employee's name"),
    "data_request": Said("reģistrēja datu subjekta pieprasījumu", "entered a request about own data"),
    "data_exported": Said("lejupielādēja klienta datus", "took a client's data as a file"),
    "number_forgotten": Said("dzēsa klienta numuru", "removed a client's number"),
    "request_closed": Said("slēdza datu subjekta pieprasījumu", "closed a request about own data"),
    "trial_call_shown": Said("skatīja pārbaudes zvanu", "looked at a test call"),
    "number_searched": Said("meklēja pēc numura", "searched by a number"),
    "table_exported": Said("lejupielādēja tabulu", "took a table as a file"),
    "register_exported": Said("lejupielādēja reģistru", "took the register as a file"),
    "account_added": Said("pievienoja kontu", "added an account"),
    "account_linked": Said("saistīja kontu ar pieteikšanās sniedzēju", "linked an account with the provider"),
    "account_ended": Said("slēdza kontu", "ended an account"),
    "password_set": Said("nomainīja paroli", "set a password"),
    "role_given": Said("piešķīra lomu", "gave a role"),
    "role_ended": Said("atņēma lomu", "ended a role"),
    "extension_given": Said("piesaistīja tālruni", "gave an extension"),
    "token_issued": Said("izsniedza pilnvaru programmai", "issued a token"),
    "token_revoked": Said("atsauca pilnvaru programmai", "revoked a token"),
}
# What a row of the log is about, by how it is written; what is written otherwise is told as it stands.
ABOUTS: Final = (
    (naming.ABOUT, Said("{1} zvans, iekšējais numurs {2}", "call of {1}, extension {2}")),
    (re.compile(r"call (\S+)"), Said("zvans {0}", "call {0}")),
    (re.compile(r"case (\d+)"), Said("ziņa Nr. {0}", "case {0}")),
    (re.compile(r"(\d+) cases: (.*)"), Said("ziņas ({0}): {1}", "{0} cases: {1}")),
    (re.compile(r"request (\d+)"), Said("pieprasījums {0}", "request {0}")),
    (re.compile(r"request (\d+): (\w+)"), Said("pieprasījums {0}: {1}", "request {0}: {1}")),
    (
        re.compile(r"extension (\S+) from (\d{4}-\d\d-\d\d)T(\S+)"),
        Said("iekšējais numurs {0}, no {1} {2}", "extension {0} from {1} {2}"),
    ),
    (re.compile("register"), Said("ziņu reģistrs", "register of messages")),
    (re.compile("access log"), Said("piekļuves žurnāls", "access log")),
)
ROWS: Final = 200
LOG_FIELDS: Final = (
    Column("at", UTC_US, "when"),
    Column("author", TEXT, "who"),
    Column("action", TEXT, "what was done"),
    Column("about", TEXT, "with what"),
    Column("reason", TEXT, "why, where a reason is asked for"),
)
ONE_DAY: Final = timedelta(days=1)
LOOKED_BACK: Final = timedelta(days=31)


class LogQuery(SheetQuery):
    """Which rows of the access log."""

    page: int = Field(1, ge=1, le=100_000)


class HealthQuery(PageQuery):
    """A trial call: which phone was called, from when on (on the local clock)."""

    phone: str = Field("", max_length=20)
    since: str = Field("", max_length=20)


@router.get("/health", name="health_page")
def health_page(
    request: Request, site: SiteOf, visitor: VisitorOf, query: Annotated[HealthQuery, Query()]
) -> Response:
    """What `callstats doctor` finds, how far each source reaches, and what each said of a trial call.

    When a phone rang is somebody's own: whoever asks for it is written down.
    """
    found = doctor.looked_at(site.store, site.settings)
    now = site.store.clock()
    end = now.astimezone(site.settings.zone).date() + ONE_DAY
    page = page_of(request, site, query)
    since = moment(site.settings.zone, query.since, "since")
    trials = None
    if query.phone and since:
        noted(site, visitor, "trial_call_shown", f"extension {query.phone[:20]} from {query.since}")
        trials = trial_calls(site.store, site.settings, query.phone, since)
    response = page.answer(
        "health.html",
        checks=found,
        sources=coverage.sources(site.store),
        coverage=coverage.coverage(site.store, site.settings, end - LOOKED_BACK, end),
        now=now,
        rejects=_rejects(site),
        version=__version__,
        trials=trials,
        query=query,
    )
    response.headers.update(NO_STORE)
    return response


def _rejects(site: Site) -> list[tuple[str, int]]:
    """Lines that were rejected, by reason, the most frequent first; what they said is in the export."""
    found = site.store.scan("rejects", columns=["reason"])["reason"].to_pylist()
    return Counter(found).most_common(20)


@router.get("/access-log", name="access_log_page")
def access_log_page(
    request: Request, site: SiteOf, visitor: VisitorOf, query: Annotated[LogQuery, Query()]
) -> Response:
    """Who saw a number, took a file or changed an account, newest first; and whether the log is whole."""
    if query.format:
        noted(site, visitor, "table_exported", "access log")
    with site.store.database.read() as connection:
        rows = access_log.listed(connection)[::-1]
        broken = access_log.broken(connection)
    if query.format:
        return sheet(map(vars, rows), LOG_FIELDS, "access_log", query.format)
    first = (query.page - 1) * ROWS
    response = page_of(request, site, query).answer(
        "access_log.html", action_names=ACTIONS, told_about=told_about, rows=rows[first : first + ROWS],
        broken=broken, number=query.page, pages=max(1, -(-len(rows) // ROWS)), total=len(rows),
    )  # fmt: skip
    response.headers.update(NO_STORE)
    return response


def told_about(about: str, words: Words) -> str:
    """What a row of the log is about, in the page's language."""
    for pattern, said in ABOUTS:
        if match := pattern.fullmatch(about):
            return said[words.language].format(*(_part(one, words) for one in match.groups()))
    return about


def _part(text: str, words: Words) -> str:
    if text in KINDS:
        return KINDS[text][words.language]
    return words.day(date.fromisoformat(text)) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text
