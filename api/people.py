"""Who works at this browser: the name and department that a person gave, until there are accounts.

The server is for this machine alone (`api.shell`), so what is said here is believed; it makes steps of the
register carry a name, and shows each department its own cases. One place decides who may see what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from fastapi import Depends, Request

from api.errors import ForbiddenError, ForeignFormError, NotFoundError
from api.site import Site, site_of
from callstats.errors import InputError, UsageError
from callstats.register.steps import Case

COOKIE: Final = "who"
MOST_BYTES: Final = 1 << 20
MOST_FIELDS: Final = 2000


@dataclass(frozen=True)
class Person:
    """A person at this browser: the name, and the department that he or she works in."""

    name: str
    department: str
    checks: bool  # of the department that checks the hotline's messages

    def may_see(self, case: Case) -> bool:
        """Public Relations see every case, a department those that were forwarded to it."""
        return self.checks or case.department == self.department

    def own(self, case: Case) -> bool:
        """A case of one's own: its number is shown by one key."""
        return self.may_see(case) and case.closed_at is None


Action = Literal["see", "act", "open", "promise", "number", "export"]


def may(person: Person, action: Action, case: Case | None = None, reason: str | None = None) -> None:
    """The one place that says who may do what. Raises ForbiddenError.

    Public Relations see and work every case and open cases by hand; a department those that were forwarded to
    it. A number of a case of one's own is shown at once, of a closed one with a reason. Everybody may take a
    file of the cases that he or she sees.
    """
    if case is not None and not person.may_see(case):
        raise ForbiddenError(f"case {case.number} was not forwarded to your department")
    if action == "open" and not person.checks:
        raise ForbiddenError("only the department that checks the hotline opens cases of messages")
    if action == "number" and case is not None and not person.own(case) and not reason:
        raise ForbiddenError(f"case {case.number} is closed: say why its number is needed")


def person_of(request: Request) -> Person | None:
    """Who works at this browser; None: nobody said."""
    site = site_of(request)
    department, _, name = unquote(request.cookies.get(COOKIE, "")).partition(":")
    if not name or department not in site.departments.ids:
        return None
    return Person(name[:120], department, department == site.settings.hotline.department)


def known_person(request: Request) -> Person:
    """Who works at this browser. Raises ForbiddenError where nobody said."""
    found = person_of(request)
    if found is None:
        raise ForbiddenError("say first who you are: /who")
    return found


def cookie_of(site: Site, name: str, department: str) -> str:
    """What the cookie holds. Raises UsageError for no name, NotFoundError for no department."""
    clean = " ".join(name.split())
    if not clean or len(clean) > 120 or not clean.isprintable():
        raise UsageError("name: say who you are (up to 120 characters)")
    if department not in site.departments.ids:
        raise NotFoundError(f"no department {department!r}; known: {', '.join(site.departments.ids)}")
    return quote(f"{department}:{clean}")


def own_form(request: Request) -> None:
    """Raises ForeignFormError where another site's page sent the request (CSRF).

    Browsers say where a request comes from (`Sec-Fetch-Site`); the origin of our own pages' forms is "null",
    as they send no referrer. Who says neither is no browser of today: then the origin has to be ours.
    """
    said, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
    if said not in ("same-origin", "none") if said is not None else not ours:
        raise ForeignFormError("this form was sent by a page of another site; open the register here")


async def form_of(request: Request) -> list[tuple[str, str]]:
    """The fields of a form (or of nothing). Raises InputError where it is too long or no form."""
    own_form(request)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise InputError(f"form: is longer than {MOST_BYTES} bytes")
    try:
        text = body.decode("utf-8")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, strict_parsing=bool(text))
    except ValueError:
        raise InputError("form: cannot be read; send fields as application/x-www-form-urlencoded") from None


PersonOf = Annotated[Person, Depends(known_person)]
Form = Annotated[list[tuple[str, str]], Depends(form_of)]
