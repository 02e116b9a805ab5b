"""The matching words of the case files: `$any_order`, `$includes`, `$not`, `$close_to` and the like."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

MILLISECOND_S = 0.001


def instant(value: object) -> datetime | None:
    """A time with zone, or without (then it is UTC); None for what is no time."""
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, str) and len(value) >= 19 and value[4:5] == "-":
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return None
    else:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def same(expected: Any, got: Any) -> bool:
    """Whether a value of ours fulfils an expectation; times agree to a millisecond."""
    if isinstance(expected, dict):
        words = [key for key in expected if key.startswith("$")]
        if words:
            return all(_word(word, expected[word], got) for word in words)
        known = {key: value for key, value in expected.items() if not key.startswith("other:")}
        return isinstance(got, dict) and all(same(value, got.get(key)) for key, value in known.items())
    if isinstance(expected, list):
        return isinstance(got, Sequence) and len(got) == len(expected) and all(map(same, expected, got))
    if (left := instant(expected)) and (right := instant(got)):
        return abs((left - right).total_seconds()) <= MILLISECOND_S
    if isinstance(expected, float) and isinstance(got, int | float):
        return abs(expected - got) < 1e-9
    return bool(expected == got)


def _word(word: str, value: Any, got: Any) -> bool:
    match word:
        case "$symbol":
            return True
        case "$not_null":
            return (got is not None) == bool(value)
        case "$empty":
            return (not got) == bool(value)
        case "$not":
            return not same(value, got)
        case "$length":
            return got is not None and same(value, len(got))
        case "$close_to":
            target, delta = (value["value"], value["delta"]) if isinstance(value, dict) else value
            return got is not None and abs(got - target) <= delta
        case "$seconds":
            return got is not None and same(value, got)
        case "$any_order" | "$exactly":
            return got is not None and len(got) == len(value) and _includes(value, got)
        case "$includes":
            return got is not None and _includes(value, got)
    raise ValueError(f"unknown matching word {word}")


def _includes(expected: Sequence[Any], got: Sequence[Any]) -> bool:
    left = list(got)
    for one in expected:
        place = next((i for i, other in enumerate(left) if same(one, other)), None)
        if place is None:
            return False
        left.pop(place)
    return True
