"""What rings, talks and waits at this moment, per department, with today's figures; told again as it changes.

The collector tells the picture in a file beside its journal (`callstats.live`): no database is asked for it.
The page takes it by server-sent events, or asks again and again where these do not come through.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from api import access
from api.entrance import key_of, visitor_now
from api.errors import BusyError
from api.figures import THIRD, UNANSWERED, Row
from api.page import Page, PageQuery
from api.register import NO_STORE, page_of
from api.routes import SiteOf
from api.site import Site
from api.text import sort_key
from callstats.feed_status import FeedStatus, statuses
from callstats.live import FRESH, Live, Now, lives, together
from callstats.report import metrics_table

router = APIRouter(include_in_schema=False)
PATHS: Final = ("/live",)
TICK_S: Final = 1.0
LASTS_S: Final = 300.0  # then the browser asks again, and is asked who it is
MOST_STREAMS: Final = 100
STREAMED: Final = {**NO_STORE, "X-Accel-Buffering": "no"}  # a proxy that waits for the end would show nothing
BEATS: Final = 15  # ticks without a change, before it is said that the server lives
BEAT: Final = "event: beat\ndata: .\n\n"  # (no script hears a comment)
TODAY_S: Final = 3.0


@dataclass(frozen=True)
class Line:
    """One department: its name, the moment, today's figures (None: none yet)."""

    id: str
    name: str
    now: Now | None
    third: Row | None
    missed: Row | None


@dataclass(frozen=True)
class Picture:
    """All that is shown. `at`: of which moment; `age_s`: how long ago; `fault`: what the collector says.

    `state`: `live`, `silent` (nothing told for a while), `down` (a PBX is not heard), `none` (no collector).
    """

    state: str
    at: datetime | None
    age_s: float
    fault: str | None
    lines: tuple[Line, ...]


@dataclass
class Today:
    """Today's figures of all departments, computed once for all who look. State: the last ones."""

    key: tuple[str, date] | None = None
    made_at: float = float("-inf")
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def of(self, site: Site, day: date) -> dict[tuple[str, str], Row]:
        """By metric and department, at most `TODAY_S` old."""
        with self.lock:
            key = site.version(), day
            if self.key != key and site.tick() - self.made_at > TODAY_S:
                after = day + timedelta(days=1)
                slugs = [THIRD.slug, UNANSWERED.slug]
                table = metrics_table(site.store, site.settings, slugs, ["department"], day, after)
                rows = [row for row in table.to_pylist() if row["measure"] in _MEASURES]
                self.rows = {(row["metric"], row["department"]): row for row in rows}
                self.key, self.made_at = key, site.tick()
            return self.rows


_MEASURES: Final = frozenset({THIRD.measures[0].name, UNANSWERED.measures[0].name})


@router.get("/live", name="live_page")
def live_page(request: Request, site: SiteOf, query: Annotated[PageQuery, Query()]) -> Response:
    """The page, with the picture of now in it."""
    return _shown("live.html", request, site, query)


@router.get("/live/part", name="live_part")
def live_part(request: Request, site: SiteOf, query: Annotated[PageQuery, Query()]) -> Response:
    """The picture alone, for who asks again and again."""
    return _shown("live_part.html", request, site, query)


@router.get("/live/events", name="live_events")
async def live_events(request: Request, site: SiteOf, query: Annotated[PageQuery, Query()]) -> Response:
    """The picture each time it changes, as server-sent events. Raises BusyError for too many at once."""
    state = request.app.state
    if state.live_streams >= MOST_STREAMS:
        raise BusyError("too many browsers are told what happens now; this one asks by itself instead")

    def told() -> str:
        return bytes(_shown("live_part.html", request, site, query).body).decode()

    def same() -> bool:
        return bool(key_of(visitor_now(site, request.headers)) == request.scope["state"]["visitor_key"])

    async def stream() -> AsyncIterator[str]:
        state.live_streams += 1
        try:
            before, beats = "", 0
            yield "retry: 3000\n\n"
            for tick in range(int(LASTS_S / TICK_S)):
                if tick % BEATS == 0 and not await run_in_threadpool(same):
                    break  # signed out, or with another role: the browser asks again as who it is
                text = await run_in_threadpool(told)
                beats = 0 if text != before else beats + 1
                if text != before:
                    yield "".join(f"data: {line}\n" for line in text.splitlines()) + "\n"
                elif beats % BEATS == 0:
                    yield BEAT
                before = text
                await asyncio.sleep(TICK_S)
        finally:
            state.live_streams -= 1

    return StreamingResponse(stream(), media_type="text/event-stream", headers=STREAMED)


def _shown(template: str, request: Request, site: Site, query: PageQuery) -> Response:
    page = page_of(request, site, query, "/live")
    response = page.answer(template, picture=_picture(page), third=THIRD, missed=UNANSWERED)
    response.headers.update(NO_STORE)
    return response


def _picture(page: Page) -> Picture:
    """What this visitor may see of now."""
    settings, now = page.site.settings, page.site.store.clock()
    pbxs = settings.managers or {settings.pbx}
    found = together((one for one in lives(settings.journal.folder) if one.pbx in pbxs), now)
    told = [one for one in statuses(settings.journal.folder) if one.pbx in pbxs]
    age = max(0.0, (now - found.at).total_seconds()) if found else 0.0
    return Picture(
        _state(found, age), found.at if found else None, age, _fault(told, now), tuple(_lines(page, found))
    )


def _state(found: Live | None, age: float) -> str:
    if found is None:
        return "none"
    if age > FRESH.total_seconds():
        return "silent"
    return "live" if found.connected else "down"


def _fault(told: list[FeedStatus], now: datetime) -> str | None:
    """Why a PBX is not heard: of one that no collector hears."""
    heard = {one.pbx for one in told if one.state == "connected" and not one.silent(now)}
    return next((one.fault for one in told if one.fault and one.pbx not in heard), None)


def _lines(page: Page, found: Live | None) -> list[Line]:
    site, visitor = page.site, page.visitor
    day = site.store.clock().astimezone(site.settings.zone).date()
    own = access.departments_in(visitor, "live_page")
    apart = access.apart(visitor, site.departments, day + timedelta(days=1))
    units = [one for one in site.departments.valid(day) if (own is None or one in own) and one not in apart]
    today: dict[tuple[str, str], Row] = page.request.app.state.today.of(site, day)
    lines = [
        Line(
            unit,
            site.departments.name(unit, page.words.language, day),
            found.departments.get(unit) if found and found.connected else None,
            today.get((THIRD.slug, unit)),
            today.get((UNANSWERED.slug, unit)),
        )
        for unit in units
    ]
    return sorted(lines, key=lambda line: sort_key(line.name))
