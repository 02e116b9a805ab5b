"""The FastAPI application of one site, and the server that shows it on this machine."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_urlsafe
from threading import Thread
from typing import Final

import uvicorn
from fastapi import Depends, FastAPI
from starlette.middleware.sessions import SessionMiddleware

from api import (
    access,
    call_pages,
    doors,
    errors,
    keeping,
    live_pages,
    mine,
    neutral_pages,
    overview,
    pages,
    register,
    register_api,
    register_sheet,
    remark_pages,
    request_pages,
    routes,
    single_sign_on,
    table_routes,
)
from api.entrance import Entrance
from api.head import head_view
from api.shell import KeptByVersion, Labelled, Shell
from api.site import Links, Site
from api.text import Words
from callstats import __version__, charts
from callstats.accounts import keeping as accounts
from callstats.errors import CallstatsError, UsageError
from callstats.metrics.base import Said
from callstats.settings import Settings
from callstats.settings_server import Server
from callstats.snapshot import at_one_moment
from callstats.store import Store

HOST: Final = "127.0.0.1"
GOODBYE_S: Final = 3  # a page that is told what happens now would hold the server for minutes
ABOUT: Final = """
Figures of a municipality's calls, per department.

Windows are half-open: `to` is the first day after. Every value comes with k, n, what was left out, how
certain the judgements are, a 95 % interval, the version of the rules and of the data; no data is null.
Tables come as JSON, CSV, XLSX, Parquet or an Arrow stream (`Accept`, or `format=`).
Sign in with a token: `Authorization: Bearer cs_…`. While nobody has an account the server answers this
machine only, and needs none.
"""


@dataclass(frozen=True)
class Neighbour:
    """Another site on the same server: its ``path`` (``/recording``), what people call it, its settings."""

    path: str
    title: Said
    settings: Settings


def create_app(
    settings: Settings, neighbours: Sequence[Neighbour] = (), links: Links = (), root: str = ""
) -> FastAPI:
    """The application: API under ``/api/v1``, pages under ``/``; each neighbour the same under its path.

    No figure of one site holds a call of another. ``links`` are shown on every page: path and title of each
    site; ``root`` is the path that this one lies under. Raises StoreError where a store cannot be opened.
    """
    site = Site(settings, Store.open(settings), links=links)
    others = [(one.path, create_app(one.settings, (), links, one.path)) for one in neighbours]

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        for one in (site, *(app.state.site for _, app in others)):
            one.store.close()

    app = FastAPI(
        title="callstats",
        version=__version__,
        description=ABOUT,
        openapi_url=f"{routes.PREFIX}/openapi.json",
        docs_url=None,  # Swagger's and Redoc's pages load from foreign servers
        redoc_url=None,
        lifespan=life,
        dependencies=[Depends(access.admitted)],
    )
    app.state.site = site
    app.state.today, app.state.live_streams = live_pages.Today(), 0
    app.state.provider = single_sign_on.Provider(settings.sign_in)
    elsewhere = tuple(f"{path}/" for path, _ in others)
    changing = (*register.PATHS, *live_pages.PATHS, *table_routes.PATHS)
    skip = (*(root + path for path in (*pages.STATIC_PATHS, *changing)), *elsewhere)
    app.add_middleware(KeptByVersion, version=site.version, skip=skip, written=site.written)
    app.add_middleware(Labelled, invented=settings.simulated, elsewhere=elsewhere)
    app.add_middleware(Entrance, site=site, elsewhere=elsewhere)
    app.add_middleware(
        SessionMiddleware,  # holds one try to sign in at the provider, and nothing afterwards
        secret_key=token_urlsafe(32), session_cookie=single_sign_on.COOKIE, max_age=single_sign_on.TRY_S,
        path=root + single_sign_on.PATH, same_site="lax", https_only=settings.server.certificate is not None,
    )  # fmt: skip
    app.add_middleware(Shell, names=settings.server.names)
    errors.install(app)
    app.include_router(routes.router)
    app.include_router(table_routes.router)
    app.include_router(register_sheet.router)  # before the register's own, whose paths hold numbers
    app.include_router(register.router)
    app.include_router(register_api.router)
    app.include_router(doors.router)
    app.include_router(single_sign_on.router)
    app.include_router(keeping.router)
    app.include_router(live_pages.router)
    app.include_router(call_pages.router)
    app.include_router(mine.router)
    app.include_router(neutral_pages.router)
    app.include_router(remark_pages.router)
    app.include_router(overview.router)
    app.include_router(request_pages.router)
    pages.install(app)
    for path, other in others:
        app.mount(path, other)
    return app


def listening(settings: Settings | None = None, port: int = 8000) -> socket.socket:
    """A socket bound to the port; nobody is answered before `serve`.

    Raises UsageError for an address beyond this machine while nobody has an account, or without a
    certificate, and for a port that is taken.
    """
    server = settings.server if settings else Server()
    if settings and not server.on_loopback:
        _may_leave(settings)
    family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        with _taken(server.address, port):
            found.bind((server.address, port))
    except UsageError:
        found.close()
        raise
    return found


def _may_leave(settings: Settings) -> None:
    address = settings.server.address
    with Store.open(settings) as store, store.database.read() as connection:
        today = store.clock().astimezone(settings.zone).date()
        by_group = settings.sign_in.issuer and any(one.role == "admin" for one in settings.sign_in.groups)
        if not by_group and not accounts.admins(connection, today):
            raise UsageError(
                f"server.address: there are no accounts yet, so the pages are shown on {HOST} only, not on "
                f"{address}; make the first: callstats account add LOGIN --name NAME --role admin"
            )
    if settings.server.certificate is None:
        raise UsageError(
            f"server.address: on {address} passwords would cross the network readable; give "
            f"server.certificate and server.key, or serve {HOST} behind a proxy that has them"
        )


def serve(
    settings: Settings,
    port: int = 8000,
    listener: socket.socket | None = None,
    neighbours: Sequence[Neighbour] = (),
    links: Links = (),
) -> None:
    """Shows the site until interrupted, on a socket of `listening` if one is given. Raises as that does."""
    with listener or listening(settings, port) as held:
        app = create_app(settings, neighbours, links)
        with _taken(*held.getsockname()[:2]):
            held.listen()
        Thread(target=_ready, args=(app.state.site,), name="ready", daemon=True).start()
        config = uvicorn.Config(
            app, log_level="warning", server_header=False,
            timeout_graceful_shutdown=GOODBYE_S,
            ssl_certfile=settings.server.certificate, ssl_keyfile=settings.server.key,
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[held])


def _ready(site: Site) -> None:
    """Draws one head's page for nobody, or the first visitor waits for all that is loaded once."""
    charts.ready()
    with suppress(CallstatsError):  # what is wrong with the site, who asks it is told
        there, ids = site.window(), site.departments.ids
        if there and ids:
            start, end = max(there[0], there[1] - timedelta(days=92)), there[1]
            words = Words("lv", site.settings.zone)
            at_one_moment(site.store, lambda facts: head_view(site, facts, ids[0], start, end, words))


@contextmanager
def _taken(address: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"port {port} of {address} cannot be used: {error.strerror}; choose another with PORT="
        ) from None
