"""The one place where the time is read; everything else is given a clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """This moment as an aware UTC instant."""
    return datetime.now(UTC)
