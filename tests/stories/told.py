"""A story's call as the tables tell it: `story("pickup")` over the sample, from a set of sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from callstats.settings import Settings
from tests.accuracy import truth
from tests.accuracy.__main__ import config_of
from tests.accuracy.score import match
from tests.accuracy.sources import SETS, stored_as, tables
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Stay:
    """A visit's row and what its phones did."""

    row: Row
    attempts: tuple[Row, ...]

    def __getitem__(self, column: str) -> Any:
        return self.row[column]

    @property
    def tried(self) -> list[str]:
        """`"201 busy"` for each attempt, in the order of position."""
        return [f"{a['employee']} {a['outcome']}" for a in self.attempts]


@dataclass(frozen=True)
class Story:
    """A call's row, its visits in order, its messages."""

    row: Row
    visits: tuple[Stay, ...]
    messages: tuple[Row, ...]

    def __getitem__(self, column: str) -> Any:
        return self.row[column]

    @property
    def only(self) -> Stay:
        """The one visit of a call that has one."""
        (visit,) = self.visits
        return visit

    @property
    def ways(self) -> list[tuple[str, str, str]]:
        """(department, entered_by, outcome) of each visit."""
        return [(v["department"], v["entered_by"], v["outcome"]) for v in self.visits]


@cache
def settings(folder: Path = SAMPLE) -> Settings:
    """The town's settings."""
    return Settings.load(config_of(folder))


@cache
def made(folder: Path, sources: str) -> dict[str, pa.Table]:
    """The tables of a recording from a set of sources, made once."""
    return tables(folder, SETS[sources], settings(folder))


@cache
def _found(folder: Path, sources: str) -> tuple[dict[tuple[str, int], str], dict[str, list[Row]]]:
    """(story, place) → call id, and the rows of each table."""
    calls = truth.load(folder, config_of(folder)).calls
    rows = {
        name: made(folder, sources)[name].to_pylist() for name in ("calls", "visits", "attempts", "messages")
    }
    pairs, _ = match(calls, rows["calls"], stored_as(settings(folder)))
    ids: dict[tuple[str, int], str] = {}
    seen: dict[str, int] = {}
    for call in calls:
        place = seen.get(call.story, 0)
        seen[call.story] = place + 1
        if call.truth_id in pairs:
            ids[call.story, place] = pairs[call.truth_id]["call_id"]
    return ids, rows


def story(name: str, place: int = 0, sources: str = "all", folder: Path = SAMPLE) -> Story:
    """The `place`-th call of a story, in order of time."""
    ids, rows = _found(folder, sources)
    assert (name, place) in ids, f"{sources} show no call of the story {name}"
    key = ids[name, place]
    attempts = sorted((a for a in rows["attempts"] if a["call_id"] == key), key=lambda a: a["position"])
    visits = sorted((v for v in rows["visits"] if v["call_id"] == key), key=lambda v: v["visit"])
    (row,) = (c for c in rows["calls"] if c["call_id"] == key)
    return Story(
        row=row,
        visits=tuple(Stay(v, tuple(a for a in attempts if a["visit"] == v["visit"])) for v in visits),
        messages=tuple(m for m in rows["messages"] if m["call_id"] == key),
    )


def client(number: str) -> str:
    """A citizen's number as the tables write it."""
    return stored_as(settings())(number)
