"""Tables as a faultless reconstruction would give them, made from the truth: the scorer's own tests
damage them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from callstats.fields import JUDGED_VISITS, TABLES
from tests.accuracy.truth import Call

Rows = dict[str, list[dict[str, Any]]]


def rows(calls: Sequence[Call]) -> Rows:
    """Rows of calls, visits, attempts and messages that say exactly what the truth says, all of it
    certain.
    """
    made: Rows = {"calls": [], "visits": [], "attempts": [], "messages": []}
    for call in calls:
        key = {"call_id": f"pbx:{call.truth_id}"}
        made["calls"].append(
            key
            | {
                "pbx": "pbx",
                "started_at": _at(call.started_at),
                "ended_at": _at(call.ended_at),
                "direction": call.direction,
                "caller": call.caller,
                "dialled": call.dialled,
                "outcome": call.outcome,
                "outcome_certainty": "certain",
                "answered_at": _at(call.answered_at),
                "answered_by": call.answered_by,
                "departments": list(call.departments),
                "transferred": call.transferred,
            }
        )
        made["messages"] += [key | {"empty": False} for _ in range(call.messages)]
        for n, visit in enumerate(call.visits, start=1):
            stay = key | {"visit": n, "department": visit.department}
            made["visits"].append(
                stay
                | {
                    "entered_by": visit.entered_by,
                    "outcome": visit.outcome,
                    "outcome_certainty": "certain",
                    "answered_by": visit.answered_by,
                    "external": visit.external,
                    "ring_s": visit.ring_s,
                    "within_third_signal": visit.within_third_signal,
                    "third_signal_certainty": "certain",
                    "rotation": visit.rotation.kind,
                    "rotation_cause": visit.rotation.causes[0] if visit.rotation.causes else None,
                    "rotation_certainty": "certain",
                }
            )
            made["attempts"] += [
                stay
                | {
                    "position": place,
                    "employee": attempt.employee,
                    "tried_at": _at(attempt.tried_at),
                    "ring_at": _at(attempt.ring_at),
                    "ended_at": _at(attempt.ended_at),
                    "outcome": attempt.outcome,
                    "certainty": "certain",
                }
                for place, attempt in enumerate(sorted(visit.attempts, key=lambda a: a.tried_at), start=1)
            ]
    return made


def tables(made: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, pa.Table]:
    """The rows as Arrow tables of the declared schemas; columns that no row names are null."""
    schemas = {name: table.schema for name, table in TABLES.items()} | {"visits": JUDGED_VISITS.schema}
    return {name: pa.Table.from_pylist(list(of), schema=schemas[name]) for name, of in made.items()}


def _at(epoch: float | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)
