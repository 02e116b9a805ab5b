"""Who asks: by a browser's session or a program's token; until there are accounts, by what is said."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from api.people import WHO, said_visitor
from api.shell import LOOPBACK
from api.site import Site
from callstats.accounts import signing
from callstats.accounts.roles import Visitor

SESSION: Final = "session"
FORWARDED: Final = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"})
STRANGER: Final = Visitor("")  # there are accounts, and this is nobody's request


class Entrance:
    """Puts the `Visitor`, and a key of who that is today, into the request before anything is kept."""

    def __init__(self, app: ASGIApp, site: Site, elsewhere: tuple[str, ...] = ()) -> None:
        self.app = app
        self.site = site
        self.elsewhere = elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(self.elsewhere):
            headers = Headers(scope=scope)
            visitor = await run_in_threadpool(visitor_now, self.site, headers)
            scope.setdefault("state", {})["visitor"] = visitor
            scope["state"]["visitor_key"] = key_of(visitor)
        await self.app(scope, receive, send)


def visitor_now(site: Site, headers: Headers) -> Visitor:
    """Who asks at this moment: a session may have ended since the request began."""
    cookies = cookie_parser(headers.get("cookie", ""))
    with site.store.database.read() as connection:
        accounts = signing.needed(connection, site.settings)
    if not accounts:  # what this machine's own browser says is believed, nobody else's
        near = LOOPBACK.fullmatch(headers.get("host", "")) and not FORWARDED & set(headers.keys())
        return said_visitor(site, cookies.get(WHO, "")) if near else STRANGER
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return signing.of_token(site.store, site.settings, secret.strip()) or STRANGER
    found = cookies.get(SESSION)
    return (signing.of_session(site.store, site.settings, found) if found else None) or STRANGER


def key_of(visitor: Visitor) -> bytes:
    """Tells visitors apart for whom an answer may differ: by name, account and today's grants."""
    told = repr((visitor.name, visitor.account, visitor.grants, visitor.extensions, visitor.trusted))
    return sha256(told.encode()).digest()
