"""The matching words of the case files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cases.matching import same

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ({"$any_order": [1, 2]}, [2, 1]),
        ({"$includes": [1]}, [2, 1]),
        ({"$not": 1}, 2),
        ({"$not_null": True}, 0),
        ({"$empty": True}, []),
        ({"$length": 2}, [1, 1]),
        ({"$close_to": {"value": 10, "delta": 1}}, 11),
        ({"$symbol": "other"}, None),
        ({"name": "a", "other:id": 7}, {"name": "a"}),
        ([1, {"$not": 3}], [1, 2]),
        ("2026-01-01 12:00:00", NOON),
        ("2026-01-01 14:00:00.000900+02:00", NOON),
        (10.0, 10),
        (None, None),
    ],
)
def test_what_fulfils_an_expectation(expected: Any, got: Any) -> None:
    assert same(expected, got)


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ({"$any_order": [1, 1]}, [1, 2]),
        ({"$exactly": [1]}, [1, 2]),
        ({"$includes": [1]}, None),
        ({"$not_null": True}, None),
        ({"$empty": True}, [1]),
        ({"$close_to": [10, 1]}, 12),
        ("2026-01-01 12:00:00", NOON.replace(microsecond=2000)),
        ("2026-01-01 12:00:00", None),
        ([1], [1, 2]),
        (1, None),
    ],
)
def test_what_does_not(expected: Any, got: Any) -> None:
    assert not same(expected, got)


def test_an_unknown_word_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"\$about"):
        same({"$about": 1}, 1)
