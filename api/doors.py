"""Signing in and out, one's own account; and, until there are accounts, saying who one is."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.entrance import SESSION
from api.errors import ForbiddenError, NotFoundError
from api.forms import once
from api.page import PageQuery
from api.people import WHO, Form, VisitorOf, cookie_of, person_of
from api.register import inside, page_of, to, told_to
from api.routes import SiteOf
from api.site import Site
from callstats.accounts import keeping, signing
from callstats.accounts.roles import ROLE_NAMES
from callstats.accounts.signing import LONGEST, SignInError
from callstats.demo_register import people

_log = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)
YEAR_S = 365 * 86400


class DoorQuery(PageQuery):
    """Where somebody wanted to go."""

    next: str = "/"


@router.get("/signin", name="sign_in_page")
def sign_in_page(request: Request, site: SiteOf, query: Annotated[DoorQuery, Query()]) -> Response:
    """Login and password; where nobody has an account, `/who`."""
    with site.store.database.read() as connection:
        if not signing.needed(connection, site.settings):
            return to(request, "/who", next=inside(query.next, "/"))
    page = page_of(request, site, query)
    asked = {"next": inside(query.next, "/"), "provider": site.settings.sign_in}
    return page.answer("signin.html", fault=None, **asked)


@router.post("/signin", name="sign_in")
def sign_in(request: Request, site: SiteOf, form: Form) -> Response:
    """Begins a session; a login and password that do not fit are told on the page, and not which of them."""
    fields = once(form)
    target = inside(fields.get("next", "/"), "/")
    try:
        secret = signing.sign_in(site.store, fields.get("login", ""), fields.get("password", ""))
    except SignInError as fault:
        return refused_page(request, site, target, fault)
    return begun(request, to(request, target), secret)


def begun(request: Request, response: Response, secret: str) -> Response:
    """The response, which gives the browser a session that has begun."""
    _remember(request, response, SESSION, secret, int(LONGEST.total_seconds()))
    return response


def refused_page(request: Request, site: Site, target: str, fault: SignInError) -> Response:
    """The page to sign in with, which says why somebody was not let in; the log says what to mend."""
    if fault.refusal in ("unreachable", "refused"):
        _log.warning("sign-in: %s", fault)
    page = page_of(request, site, DoorQuery.model_validate({}), "/signin")
    response = page.answer("signin.html", next=target, fault=fault.refusal, provider=site.settings.sign_in)
    response.status_code = 401
    return response


@router.post("/signout", name="sign_out")
def sign_out(request: Request, site: SiteOf, form: Form) -> Response:
    """Ends this session."""
    once(form)
    signing.sign_out(site.store, request.cookies.get(SESSION, ""))
    response = to(request, "/signin")
    response.delete_cookie(SESSION, path=_path(request))
    response.delete_cookie(WHO, path=_path(request))
    return response


@router.post("/signout/everywhere", name="sign_out_everywhere")
def sign_out_everywhere(request: Request, site: SiteOf, visitor: VisitorOf, form: Form) -> Response:
    """Ends all sessions of the account."""
    once(form)
    if visitor.account is None:
        raise ForbiddenError("nobody is signed in")
    signing.sign_out_everywhere(site.store, visitor.account)
    return to(request, "/signin")


@router.get("/account", name="account_page")
def account_page(
    request: Request, site: SiteOf, visitor: VisitorOf, query: Annotated[PageQuery, Query()]
) -> Response:
    """What one's account is: roles with their days, extensions, tokens."""
    if visitor.account is None:
        raise NotFoundError("nobody has an account here yet; `callstats account add` makes the first")
    page = page_of(request, site, query)
    with site.store.database.read() as connection:
        account = keeping.account_of(connection, visitor.account)
        tokens = [one for one in signing.listed_tokens(connection) if one.login == account.login]
    names = {name: site.departments.name(name, page.words.language) for name in site.departments.ids}
    return page.answer("account.html", account=account, tokens=tokens, names=names, roles=ROLE_NAMES)


@router.get("/who", name="who_page")
def who_page(request: Request, site: SiteOf, query: Annotated[DoorQuery, Query()]) -> Response:
    """Who works at this browser, where nobody has an account."""
    _without_accounts(site)
    page = page_of(request, site, query)
    invented = people(site.settings) if site.settings.simulated else []
    told = told_to(site, page, person_of(request))
    return page.answer("who.html", **told, next=inside(query.next, "/"), invented=invented, roles=ROLE_NAMES)


@router.post("/who", name="be_who")
def be_who(request: Request, site: SiteOf, form: Form) -> Response:
    """Remembers who works at this browser."""
    _without_accounts(site)
    fields = once(form)
    said = cookie_of(site, fields.get("name", ""), fields.get("department", ""), fields.get("role", ""))
    response = to(request, inside(fields.get("next", "/"), "/"))
    _remember(request, response, WHO, said, YEAR_S)
    return response


def _without_accounts(site: SiteOf) -> None:
    with site.store.database.read() as connection:
        if signing.needed(connection, site.settings):
            raise NotFoundError("people sign in here: /signin")


def _remember(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    # lax, not strict: links in reminders, and the provider's way back, come from other sites; forms that
    # change something are held by `people.own_form`
    secure = request.url.scheme == "https"
    response.set_cookie(
        name, value, max_age=seconds, httponly=True, samesite="lax", secure=secure, path=_path(request)
    )


def _path(request: Request) -> str:
    return request.scope.get("root_path") or "/"
