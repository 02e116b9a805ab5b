"""Local days ``[start, end)`` over which something holds; an end of None: until further notice."""

from __future__ import annotations

from datetime import date


def within(day: date, start: date, end: date | None) -> bool:
    """Whether a local day is one of them."""
    return start <= day and (end is None or day < end)
