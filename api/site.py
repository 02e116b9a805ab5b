"""What the routes share: settings, store and departments of the one site this server shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from hashlib import sha256
from threading import Lock
from time import monotonic
from typing import Final

from fastapi import Request

from api.errors import NotFoundError
from callstats import corrections, remarks
from callstats.departments import Departments
from callstats.metrics.base import Said
from callstats.metrics.inputs import data_window
from callstats.settings import Settings
from callstats.store import Store

Links = Sequence[tuple[str, Said]]  # path and title of each site on this server

# A version is asked for at most so often; a page is never older than this.
VERSION_FRESH_S: Final = 0.5


@dataclass
class Site:
    """One site. State: the last data version seen and when, and the window of the data at that version."""

    settings: Settings
    store: Store
    tick: Callable[[], float] = monotonic
    links: Links = ()
    _seen: tuple[float, str] = (-1e9, "")
    _window: tuple[str, tuple[date, date] | None] = ("", None)
    _lock: Lock = field(default_factory=Lock)

    @cached_property
    def departments(self) -> Departments:
        """Departments by date."""
        return Departments.from_settings(self.settings)

    @cached_property
    def rules(self) -> str:
        """Fingerprint of the settings: other rules, other figures."""
        return sha256(self.settings.model_dump_json(exclude={"database"}).encode()).hexdigest()[:12]

    def _outside(self) -> str:
        """What answers depend on beside facts and settings: the local date, the calendar's exceptions."""
        path = self.settings.calendar.overrides
        today = self.store.clock().astimezone(self.settings.zone).date()
        try:
            exceptions = path.read_bytes() if path else b""
        except OSError:
            exceptions = b"unreadable"  # answering says what is wrong
        return f"{today}-{sha256(exceptions).hexdigest()[:8]}"

    def version(self) -> str:
        """Version of facts, settings, exceptions and day, at most `VERSION_FRESH_S` old."""
        seen_at, version = self._seen
        if self.tick() - seen_at > VERSION_FRESH_S:
            with self.store.database.read() as connection:
                counts = (*remarks.newest(connection), *corrections.newest(connection))
            said = ".".join(map(str, counts))
            version = f"{self.store.data_version()}-{said}-{self.rules}-{self._outside()}"
            self._seen = (self.tick(), version)
        return version

    def written(self) -> None:
        """Something was entered: the next page looks anew, not only after `VERSION_FRESH_S`."""
        self._seen = (-1e9, "")

    def window(self) -> tuple[date, date] | None:
        """Local dates ``[start, end)`` that hold data; None where there are none."""
        version = self.version()
        with self._lock:
            if self._window[0] != version:
                self._window = (version, data_window(self.store))
            return self._window[1]

    def department(self, name: str) -> str:
        """The id, if there is such a department. Raises NotFoundError that names them."""
        if name not in self.departments.ids:
            raise NotFoundError(f"no department {name!r}; known: {', '.join(self.departments.ids) or 'none'}")
        return name

    def days(self, start: date | None, end: date | None) -> tuple[date, date]:
        """The window asked for, open ends filled from the data (or, without any, one day)."""
        there = self.window()
        first, after = there or (start or date(2000, 1, 1), end or date(2000, 1, 2))
        start, end = start or min(first, end or first), end or max(after, start or after)
        return start, max(end, start + timedelta(days=1))


def site_of(request: Request) -> Site:
    """The site of a request (a FastAPI dependency)."""
    found = request.app.state.site
    assert isinstance(found, Site)
    return found
