"""A call that the administrator makes to see whether each source reports it, and what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import pyarrow.compute as pc

from callstats import coverage
from callstats.settings import Settings
from callstats.store import Store
from callstats.timeline import timeline

WITHIN: Final = timedelta(minutes=15)
MOST: Final = 3


@dataclass(frozen=True)
class Report:
    """What one source said of a call: kinds of lines in order of time; none: it did not see the call."""

    source: str
    said: tuple[tuple[datetime, str], ...]


@dataclass(frozen=True)
class TrialCall:
    """A call to the phone in question: when it began, how it ended, what each loaded source reported."""

    call_id: str
    started_at: datetime
    outcome: str
    reports: tuple[Report, ...]


def trial_calls(store: Store, settings: Settings, extension: str, since: datetime) -> list[TrialCall]:
    """Calls that rang a phone within `WITHIN` after an instant, the first `MOST`; nothing of other calls."""
    day = since.astimezone(settings.zone).date()
    with store.reading() as facts:
        rang = facts.scan("attempts", day, day, columns=["call_id", "employee"])
        ids = pc.unique(rang.filter(pc.equal(rang["employee"], extension))["call_id"])
        calls = facts.scan("calls", day, day, columns=["call_id", "pbx", "started_at", "outcome"])
        rows = calls.filter(pc.is_in(calls["call_id"], value_set=ids)).to_pylist()
    found = sorted((row for row in rows if since <= row["started_at"] < since + WITHIN), key=_began)
    return [_told(store, settings, row, day) for row in found[:MOST]]


def _began(row: dict[str, object]) -> tuple[object, object]:
    return row["started_at"], row["call_id"]


def _told(store: Store, settings: Settings, row: dict[str, object], day: date) -> TrialCall:
    call_id = str(row["call_id"])
    steps = timeline(store, call_id, settings).steps
    lines = sorted({line for step in steps for line in step.evidence}, key=lambda one: (one.at, one.line))
    loaded = [one.source for one in coverage.sources(store) if one.pbx == row["pbx"]]
    reports = [
        Report(source, tuple((one.at, one.kind) for one in lines if one.source == source))
        for source in dict.fromkeys([*loaded, *(one.source for one in lines)])
    ]
    started = row["started_at"]
    assert isinstance(started, datetime)
    return TrialCall(call_id, started, str(row["outcome"]), tuple(reports))
