"""The FastAPI application of one site, and the server that shows it on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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


def serve(settings: Settings, host: str = HOST, port: int = 8000) -> None:
    """Shows the site until interrupted.

    Raises UsageError for any host but 127.0.0.1, as there are no accounts yet.
    """
    if host != HOST:
        raise UsageError(f"there are no accounts yet: the pages are shown on {HOST} only, not on {host!r}")
    uvicorn.run(create_app(settings), host=host, port=port, log_level="warning", server_header=False)
