"""The FastAPI application of one site, and the server that shows it on this machine."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from api import errors, pages, routes
from api.shell import KeptByVersion, Shell
from api.site import Site
from callstats import __version__
from callstats.errors import UsageError
from callstats.settings import Settings
from callstats.store import Store

HOST: Final = "127.0.0.1"
ABOUT: Final = """
Figures of a municipality's calls, per department.

Windows are half-open: `to` is the first day after. Every value comes with k, n, what was left out, how
certain the judgements are, a 95 % interval, the version of the rules and of the data; no data is null.
Tables come as JSON, CSV or an Arrow stream (`Accept`, or `format=`).
There are no accounts yet: the server listens on 127.0.0.1 only.
"""


def create_app(settings: Settings) -> FastAPI:
    """The application: API under ``/api/v1``, pages under ``/``.

    Raises StoreError where the store cannot be opened.
    """
    site = Site(settings, Store.open(settings))

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        site.store.close()

    app = FastAPI(
        title="callstats",
        version=__version__,
        description=ABOUT,
        openapi_url=f"{routes.PREFIX}/openapi.json",
        docs_url=None,  # Swagger's and Redoc's pages load from foreign servers
        redoc_url=None,
        lifespan=life,
    )
    app.state.site = site
    app.add_middleware(KeptByVersion, version=site.version, skip=pages.STATIC_PATHS)
    app.add_middleware(Shell)
    errors.install(app)
    app.include_router(routes.router)
    pages.install(app)
    return app


def listening(host: str = HOST, port: int = 8000) -> socket.socket:
    """A socket bound to the port; nobody is answered before `serve`.

    Raises UsageError for any host but 127.0.0.1, as there are no accounts yet, and for a port that is taken.
    """
    if host != HOST:
        raise UsageError(f"there are no accounts yet: the pages are shown on {HOST} only, not on {host!r}")
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        with _taken(port):
            found.bind((host, port))
    except UsageError:
        found.close()
        raise
    return found


def serve(
    settings: Settings, host: str = HOST, port: int = 8000, listener: socket.socket | None = None
) -> None:
    """Shows the site until interrupted, on a socket of `listening` if one is given. Raises as that does."""
    with listener or listening(host, port) as held:
        app = create_app(settings)
        with _taken(held.getsockname()[1]):
            held.listen()
        uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False)).run(sockets=[held])


@contextmanager
def _taken(port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"port {port} of {HOST} cannot be used: {error.strerror}; choose another with PORT="
        ) from None
