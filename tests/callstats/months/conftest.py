"""A site in which March 2026 is due: a few lines on each working day, hand-made figures, three metrics."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from callstats import closing, editions
from callstats.metrics.registry import METRICS
from callstats.settings import Settings
from callstats.store import Store
from tests.callstats.facts import Time
from tests.handmade import settings
from tests.months import DUE, MISSED, RINGS, THIRD, march, speak


@pytest.fixture(autouse=True)
def _few_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three metrics, one of each kind; days are hand-made and never computed from lines."""
    monkeypatch.setattr(editions, "METRICS", {slug: METRICS[slug] for slug in (THIRD, RINGS, MISSED)})
    monkeypatch.setattr(closing, "recompute", lambda *_: [])


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    return settings(tmp_path)


@pytest.fixture
def clock() -> Time:
    return Time(DUE)


@pytest.fixture
def store(site: Settings, clock: Time) -> Iterator[Store]:
    with Store.open(site, clock) as found:
        yield speak(found, site, date(2026, 3, 2), date(2026, 4, 11), **march())
