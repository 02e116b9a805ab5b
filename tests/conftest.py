"""Fixtures that every test may use."""

import os

import pytest
from hypothesis import settings

from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

# No deadline: a slow machine is not a fault. In CI the same examples every time, so that a failure repeats.
settings.register_profile("callstats", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("callstats")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("CALLSTATS_"):
            monkeypatch.delenv(name)
