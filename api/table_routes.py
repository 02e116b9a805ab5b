"""Whole tables for analysts (`callstats.remote`): streamed, so that neither side holds them in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import chain
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from threading import BoundedSemaphore
from typing import Annotated, Final, Literal

import pyarrow as pa
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from api import models
from api.errors import BusyError, NotFoundError
from api.formats import MEDIA
from api.noting import noted
from api.people import visitor_of
from api.routes import NO_STORE, PREFIX, Known, SiteOf, Windowed, json_answer
from api.site import Site
from callstats import engine
from callstats.analysis.tables import TOLD, source

router = APIRouter(prefix=PREFIX, tags=["figures"])
PATHS: Final = (f"{PREFIX}/tables/",)  # neither kept nor compared by version: they may be of any length
LEASE: Final = timedelta(hours=6)
MEMORY_MIB: Final = 512
ROWS: Final = 50_000
AT_ONCE: Final = 4
_SLOTS: Final = BoundedSemaphore(AT_ONCE)


class TableQuery(Windowed):
    """Which days of a table."""

    format: Literal["arrow"] | None = None


@router.get("/window", summary="Days that hold data", responses=models.responses(models.Days, table=False))
def window(site: SiteOf, _: Annotated[Known, Query()]) -> Response:
    """First local day with data, and the first day after the last; null where there are none."""
    there = site.window() or (None, None)
    return json_answer({"from": there[0], "to": there[1]})


@router.get("/tables/{table}", summary="A whole table", name="facts_table")
def facts_table(
    request: Request,
    site: SiteOf,
    table: Annotated[str, Path(description="calls, visits, attempts, messages or disagreements")],
    query: Annotated[TableQuery, Query()],
) -> Response:
    """A table of the days asked for as an Arrow stream, clients as pseudonyms, nobody's phone."""
    if table not in TOLD:
        raise NotFoundError(f"no table {table!r}; there are {', '.join(TOLD)}")
    start, end = query.window(site)
    parts = _stream(site, table, start, end)
    first = next(parts)  # what cannot be read is told by the status, not by a stream that breaks off
    try:
        noted(site, visitor_of(request), "table_exported", f"{table}_{start}_{end}")
    except BaseException:
        parts.close()
        raise
    return _Given(first, parts)


def _stream(site: Site, name: str, start: date, end: date) -> Generator[bytes, None, None]:
    told = TOLD[name].table.schema
    written: list[bytes] = []
    with (
        _one_of_few(),
        TemporaryDirectory(prefix="callstats-") as spill,
        site.store.reading(LEASE) as facts,
        engine.Session(memory_mib=MEMORY_MIB, spill=FilePath(spill)) as session,
    ):
        session.table(name, source(facts, site.settings, name, start, end))
        sink = pa.PythonFile(_Sink(written), mode="w")
        with pa.ipc.new_stream(sink, told) as stream:
            for batch in session.stream(f"SELECT * FROM {name}", ROWS):
                stream.write_table(pa.Table.from_batches([batch]).select(told.names).cast(told))
                yield _taken(written)
        yield _taken(written)


class _Given(StreamingResponse):
    """A stream that gives back what it holds when it ends, or when whoever reads it goes away."""

    def __init__(self, first: bytes, parts: Generator[bytes, None, None]) -> None:
        super().__init__(chain([first], parts), media_type=MEDIA["arrow"], headers=NO_STORE)
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await asyncio.shield(asyncio.to_thread(self._parts.close))


@contextmanager
def _one_of_few() -> Iterator[None]:
    """Raises BusyError where `AT_ONCE` tables are being given away already."""
    if not _SLOTS.acquire(blocking=False):
        raise BusyError(f"{AT_ONCE} tables are fetched at this moment; try again when one of them is done")
    try:
        yield
    finally:
        _SLOTS.release()


def _taken(written: list[bytes]) -> bytes:
    found = b"".join(written)
    written.clear()
    return found


class _Sink:
    """A file that only grows, whose bytes are taken away."""

    closed = False

    def __init__(self, written: list[bytes]) -> None:
        self._written = written

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True
