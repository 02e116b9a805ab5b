"""A register on SQLite and on PostgreSQL, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callstats.cases.database import Database
from callstats.register import acts
from callstats.register.desk import Entry, desk
from callstats.register.opening import bring_up_to_date
from callstats.register.steps import Case
from callstats.settings import Numbers, Settings
from callstats.store import Store
from tests.handmade import at, fill, settings

NOW = at("12:00", date(2026, 3, 5))  # a Thursday


@dataclass
class Register:
    """A site's register; `now` is its clock."""

    site: Settings
    store: Store
    now: list[datetime] = field(default_factory=lambda: [NOW])

    def told(self, *messages: dict[str, Any], **more: list[dict[str, Any]]) -> int:
        """The facts say this now, of the days of these rows; returns how many cases were opened."""
        fill(self.store, messages=messages, **more)
        return bring_up_to_date(self.store, self.site)

    def act(self, number: int, step: str, author: str = "Ilze", **said: Any) -> Case:
        when = said.pop("when", None)
        seen = len(self.case(number).steps)
        return acts.act(self.store, self.site, number, step, said, author, seen=seen, at=when)

    def case(self, number: int) -> Case:
        return acts.case_of(self.store, number)

    def desk(self, **more: Any) -> dict[int, Entry]:
        return {one.number: one for one in desk(self.store, self.site, **more)}

    def later(self, **span: float) -> None:
        self.now[0] += timedelta(**span)


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    return settings(tmp_path, numbers=Numbers(key_file=tmp_path / "numbers.key"))


@pytest.fixture
def register(site: Settings, database_url: str) -> Iterator[Register]:
    site.data.mkdir(parents=True)
    now = [NOW]
    clock: Callable[[], datetime] = lambda: now[0].astimezone(UTC)  # noqa: E731
    with Store(site.data, Database.open(database_url), site.timezone, clock) as store:
        yield Register(site, store, now)
