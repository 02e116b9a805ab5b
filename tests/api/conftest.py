"""A site with a few days of hand-made calls, and a client that asks it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callstats.settings import Settings
from tests.api.asking import Asking, asking
from tests.callstats.conftest import database_url
from tests.handmade import (
    ANNA,
    DAY,
    JURIS,
    at,
    attempt,
    call,
    callback,
    message,
    missed,
    settings,
    store_with,
    visit,
)

__all__ = ["database_url"]
TUESDAY = DAY + timedelta(1)


def rows() -> dict[str, list[dict[str, Any]]]:
    """Two working days of `social`, one message for `pr`; `finance` has no call."""
    visits = [visit(f"pbx:{n}", entered_at=at(f"09:{n:02}:00"), ring_s=2.0 * n) for n in range(1, 11)]
    return {
        "visits": [
            *visits,
            missed("pbx:20", entered_at=at("11:00"), rotation="not_rotated", rotation_cause="no_answer"),
            missed("pbx:21", entered_at=at("12:00"), outcome="abandoned", wait_s=3.0),
            visit(
                "pbx:30",
                entered_at=at("10:00", TUESDAY),
                rotation="rotated",
                rotation_cause="busy",
                answered_by="202",
            ),
        ],
        "calls": [
            *(call(row["call_id"], started_at=row["entered_at"]) for row in visits),
            call("pbx:20", started_at=at("11:00"), outcome="unanswered", answered_by=None),
            call("pbx:21", started_at=at("12:00"), outcome="abandoned", answered_by=None, caller=JURIS),
            call("pbx:30", started_at=at("10:00", TUESDAY), answered_by="202"),
            callback("pbx:40", ANNA, "201", started_at=at("15:00")),
            callback("pbx:41", JURIS, "801", started_at=at("09:00", TUESDAY)),
        ],
        "attempts": [
            attempt("pbx:30", "201", local_date=TUESDAY, outcome="busy", ring_s=None, ring_at=None),
            attempt("pbx:30", "202", local_date=TUESDAY, position=2),
        ],
        "messages": [message("pbx:50", JURIS, left_at=at("16:00"))],
    }


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    found = settings(tmp_path)
    store_with(found, **rows()).close()
    return found


@pytest.fixture
def client(site: Settings) -> Iterator[Asking]:
    with asking(site) as found:
        yield found


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Asking]:
    """A site into which nothing has been loaded."""
    with asking(settings(tmp_path)) as found:
        yield found


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A site with enough calls in each cell that none is hidden."""
    found = settings(tmp_path_factory.mktemp("busy"))
    visits, calls = [], []
    for n, ring_s in enumerate((2.0, 7.0, 22.0) * 6):
        visits.append(visit(f"pbx:{n}", entered_at=at(f"09:{n:02}:00"), ring_s=ring_s))
        calls.append(call(f"pbx:{n}", started_at=at(f"09:{n:02}:00")))
    for n in range(20, 26):
        when = at(f"11:{n}:00")
        visits.append(missed(f"pbx:{n}", entered_at=when, rotation="not_rotated", rotation_cause="busy"))
        calls.append(call(f"pbx:{n}", started_at=when, outcome="unanswered", answered_by=None))
    store_with(found, visits=visits, calls=calls).close()
    return found


@pytest.fixture(scope="module")
def busy_client(busy: Settings) -> Iterator[Asking]:
    with asking(busy) as found:
        yield found
