"""Who asks, and what he or she may do with a case of the register.

Until somebody has an account the server is for this machine alone (`api.app.listening`), and what a person
says at `/who` is believed; afterwards the session or the token tells (`api.entrance`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from fastapi import Depends, Request

from api.errors import ForbiddenError, ForeignFormError, NotFoundError
from api.site import Site, site_of
from callstats.accounts.roles import OF_DEPARTMENT, ROLES, Grant, Role, Visitor
from callstats.demo_register import people
from callstats.errors import InputError, UsageError
from callstats.register.steps import Case

WHO: Final = "who"
MOST_BYTES: Final = 1 << 20
MOST_FIELDS: Final = 2000
LONGEST_REASON: Final = 500
NOBODY: Final = Visitor("", trusted=True)


@dataclass(frozen=True)
class Person:
    """Who works in the register: the name that steps carry, own departments, whether to check messages."""

    name: str
    departments: tuple[str, ...]
    checks: bool  # of the department that checks the hotline's messages

    @property
    def department(self) -> str:
        """The first of the departments: what forms begin with."""
        return self.departments[0]

    def may_see(self, case: Case) -> bool:
        """Public Relations see every case, a department those that were forwarded to it."""
        return self.checks or case.department in self.departments

    def own(self, case: Case) -> bool:
        """A case of one's own: its number is shown by one key."""
        return self.may_see(case) and case.closed_at is None


Action = Literal["see", "act", "open", "promise", "number", "export"]


def may(person: Person, action: Action, case: Case | None = None, reason: str | None = None) -> None:
    """The one place that says who may do what with a case. Raises ForbiddenError.

    Public Relations see and work every case and open cases by hand; a department those that were forwarded to
    it. A number of a case of one's own is shown at once, of a closed one with a reason. Everybody may take a
    file of the cases that he or she sees.
    """
    if case is not None and not person.may_see(case):
        raise ForbiddenError(f"case {case.number} was not forwarded to your department")
    if action == "open" and not person.checks:
        raise ForbiddenError("only the department that checks the hotline opens cases of messages")
    if reason is not None and len(reason) > LONGEST_REASON:
        raise InputError(f"reason: is longer than {LONGEST_REASON} characters")
    if action == "number" and case is not None and not person.own(case) and not (reason or "").strip():
        raise ForbiddenError(f"case {case.number} is closed: say why its number is needed")


def visitor_of(request: Request) -> Visitor:
    """Who asks, as `api.entrance` found out."""
    found = request.scope["state"]["visitor"]
    assert isinstance(found, Visitor)
    return found


def said_visitor(site: Site, cookie: str) -> Visitor:
    """Who a browser says to be where nobody has an account: in one role, or as somebody of a department."""
    role, department, name = (*unquote(cookie).split(":", 2), "", "")[:3]
    if not name or (department and department not in site.departments.ids):
        return NOBODY
    if role in ROLES and (department != "") == (role in OF_DEPARTMENT):
        grant = Grant(_role(role), department or None)
        return Visitor(name[:120], (grant,), extensions=_invented(site, grant))
    if role or not department:
        return NOBODY
    checks = department == site.settings.hotline.department
    grant = Grant("pr") if checks else Grant("employee", department)
    return Visitor(name[:120], (grant,), trusted=True)


def _invented(site: Site, grant: Grant) -> tuple[str, ...]:
    """The phone of an invented employee: the first of the department; of a real site nobody's."""
    if not site.settings.simulated or grant.role != "employee":
        return ()
    phones = (e for one in site.settings.departments if one.id == grant.department for e in one.extensions)
    return tuple(phones)[:1]


def invented_owner(site: Site, extension: str, day: date) -> str | None:
    """The invented employee whose phone it is, while visitors are invented (see `_invented`)."""
    department = site.departments.of("extension", extension, day)
    told = ((role, of, name) for role, of, name in people(site.settings) if of and of == department)
    return next((n for r, of, n in told if extension in _invented(site, Grant(r, of))), None)


def _role(text: str) -> Role:
    return next(one for one in ROLES if one == text)


def person_of(request: Request) -> Person | None:
    """Who works in the register; None: nobody said, or nobody who has cases."""
    visitor, site = visitor_of(request), site_of(request)
    checks = "pr" in visitor.roles
    hotline = site.settings.hotline.department
    own = visitor.departments_as("employee", "head")
    departments = tuple(dict.fromkeys([*([hotline] if checks and hotline else []), *own]))
    return Person(visitor.name, departments, checks) if departments else None


def known_person(request: Request) -> Person:
    """Who works in the register. Raises ForbiddenError where nobody does."""
    found = person_of(request)
    if found is None:
        raise ForbiddenError("say first who you are: /who")
    return found


def cookie_of(site: Site, name: str, department: str, role: str = "") -> str:
    """What the cookie of `/who` holds.

    Raises UsageError for no name or no role, NotFoundError for no department.
    """
    clean = " ".join(name.split())
    if not clean or len(clean) > 120 or not clean.isprintable():
        raise UsageError("name: say who you are (up to 120 characters)")
    if role and role not in ROLES:
        raise UsageError(f"role: {role!r} is none; there are {', '.join(ROLES)}")
    needed = not role or role in OF_DEPARTMENT
    if needed and department not in site.departments.ids:
        raise NotFoundError(f"no department {department!r}; known: {', '.join(site.departments.ids)}")
    return quote(f"{role}:{department if needed else ''}:{clean}")


def author_of(visitor: Visitor) -> str:
    """Whose name stands under what is entered. Raises UsageError where nobody said who it is."""
    if not visitor.name:
        raise UsageError("author: say first who you are: /who")
    return visitor.name


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
VisitorOf = Annotated[Visitor, Depends(visitor_of)]
Form = Annotated[list[tuple[str, str]], Depends(form_of)]
