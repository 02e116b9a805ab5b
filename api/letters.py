"""Employees as letters: A is the first phone tried in a call, B the next; another call begins with A again.

Extensions are shown only by the command line (design section 6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def letter(place: int) -> str:
    """A for 0, Z for 25, AA for 26."""
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def letters(attempts: Iterable[Mapping[str, Any]], visits: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Extension to letter within one call: those tried in order, then those who answered untried."""
    tried = sorted(attempts, key=lambda row: (row["visit"], row["position"]))
    answered = sorted(visits, key=lambda row: row["visit"])
    names = [*(row["employee"] for row in tried), *(row["answered_by"] for row in answered)]
    order = dict.fromkeys(name for name in names if name)
    return {name: letter(place) for place, name in enumerate(order)}
