"""From a case's bytes to our tables, through the readers that a site's files go through."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from callstats.assemble import assemble
from callstats.judge import judged
from callstats.numbers import NumberPlan, normalise, stored
from callstats.settings import Settings
from ingest.reader import Context, Dialect, Reading, Reject, dialects, read
from ingest.shape import member as as_member
from tests.accuracy.sources import PSEUDONYMISER

Row = Mapping[str, Any]
# Name of a part of a case ("" where it has one) → dialect → what the PBX wrote.
Inputs = Mapping[str, Mapping[str, bytes]]
DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in dialects(None)}


@dataclass(frozen=True)
class Told:
    """What we make of a case: its events and rejects, the rows of our tables, and how a number is stored."""

    events: list[Row]
    rejects: list[Reject]
    calls: list[Row]
    visits: list[Row]
    attempts: list[Row]
    messages: list[Row]
    site: Settings
    number: Callable[[str], str]

    def of(self, call: Row) -> tuple[list[Row], list[Row]]:
        """Visits and attempts of a call, in order."""
        key = call["call_id"]
        visits = [v for v in self.visits if v["call_id"] == key]
        attempts = [a for a in self.attempts if a["call_id"] == key]
        return (
            sorted(visits, key=lambda v: int(v["visit"])),
            sorted(attempts, key=lambda a: (a["tried_at"], a["employee"])),
        )


def told(settings: Settings, inputs: Inputs) -> dict[str, Told]:
    """What we make of several inputs at once, each given by dialect name and kept apart as a PBX of its own.

    `inputs`: name of the input → dialect → bytes.
    """
    read_of = {name: _readings(settings, name, given) for name, given in inputs.items()}
    tables = _tables(settings, [r.events for found in read_of.values() for r in found])
    plan = NumberPlan.from_settings(settings)
    return {
        name: Told(
            events=[row for r in found for row in r.events.to_pylist()],
            rejects=[reject for r in found for reject in r.rejects],
            calls=sorted(tables["calls"].get(name, []), key=lambda c: (c["started_at"], c["call_id"])),
            visits=tables["visits"].get(name, []),
            attempts=tables["attempts"].get(name, []),
            messages=tables["messages"].get(name, []),
            site=settings,
            number=lambda raw: stored(normalise(raw, plan), PSEUDONYMISER),
        )
        for name, found in read_of.items()
    }


def _readings(settings: Settings, name: str, given: Mapping[str, bytes]) -> list[Reading]:
    context = replace(Context.of(settings, PSEUDONYMISER), pbx=name)
    return [
        reading
        for dialect, data in given.items()
        for reading in read(io.BytesIO(data), DIALECTS[dialect], context, path=dialect)
    ]


def _tables(settings: Settings, events: Sequence[pa.Table]) -> dict[str, dict[str, list[Row]]]:
    """Rows of each table by PBX, the part of a call's id before the colon."""
    found: dict[str, dict[str, list[Row]]] = {}
    made = assemble(pa.concat_tables(events), settings) if events else {}
    if events:
        made["visits"] = judged(made["visits"], settings)
    for table in ("calls", "visits", "attempts", "messages"):
        found[table] = {}
        for row in made[table].to_pylist() if made else ():
            found[table].setdefault(str(row["call_id"]).partition(":")[0], []).append(row)
    return found


def member(agent: str) -> str | None:
    """How the tables name a queue member."""
    bare = Settings(timezone="UTC")
    return as_member(agent, Context.of(bare, PSEUDONYMISER))
