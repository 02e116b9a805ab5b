"""Which calls of the PBX followed a case up: attempts, talks, and the client who called again.

By design section 3: calls to the client's number by the department that the message went to, by the one that
checks messages or a callback department; another department's are *possible*. One call serves every open
case of that client. What is not seen here may have been done by mobile phone: *no callback seen by the PBX*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

import pyarrow as pa

from callstats import engine
from callstats.departments import Departments
from callstats.facts import Facts, table
from callstats.metrics.links import (
    ATTEMPT_RING_S,
    MAYBE_REACHED_TALK_S,
    OUTGOING,
    REACHED_TALK_S,
    callback_departments,
)
from callstats.register.steps import Case
from callstats.settings import Settings

__all__ = ["SQL", "FollowUp", "Seen", "follow_up", "seen_calls"]

MOST_ROWS: Final = 200  # of one case

ASKED: Final = pa.schema(
    [
        ("number", pa.int64()),
        ("client", pa.string()),
        ("department", pa.string()),
        ("since_us", pa.int64()),
        ("until_us", pa.int64()),
        ("own_call_id", pa.string()),
    ]
)
SQL: Final = f"""
WITH outgoing AS ({OUTGOING})
SELECT a.number, 'out' AS way, substr(o.first_text, 18) AS call_id, o.us AS at_us, o.department,
       coalesce(o.department = a.department, FALSE) OR h.department IS NOT NULL AS responsible,
       o.attempt AS certainty, o.talk_s
FROM asked a
JOIN outgoing o ON o.client = a.client AND o.us >= a.since_us AND (a.until_us IS NULL OR o.us < a.until_us)
LEFT JOIN callback_departments h ON h.department = o.department
WHERE o.attempt IS NOT NULL
UNION ALL
SELECT a.number, 'in' AS way, v.call_id, unix_micros(v.entered_at) AS at_us, v.department,
       coalesce(v.department = a.department, FALSE) OR h.department IS NOT NULL AS responsible,
       CASE WHEN v.outcome_certainty = 'certain' THEN 'certain' ELSE 'estimated' END AS certainty, v.talk_s
-- that the client called another department says nothing of this message
FROM asked a
JOIN calls c ON c.caller = a.client AND c.direction = 'inbound'
JOIN visits v ON v.call_id = c.call_id AND v.outcome = 'answered'
     AND unix_micros(v.entered_at) >= a.since_us
     AND (a.until_us IS NULL OR unix_micros(v.entered_at) < a.until_us)
LEFT JOIN callback_departments h ON h.department = v.department
WHERE coalesce(a.own_call_id, '') <> v.call_id
      AND (coalesce(v.department = a.department, FALSE) OR h.department IS NOT NULL)
"""

What = Literal["attempt", "maybe_reached", "reached", "called_again"]


@dataclass(frozen=True)
class Seen:
    """One call that followed a case up; `possible`: by another department, counts if a person says so."""

    call_id: str
    at: datetime
    what: What
    department: str | None
    talk_s: float | None
    certainty: str
    possible: bool
    said: str | None = None  # what a person said of it

    @property
    def asks(self) -> bool:
        """Whether a person should say what it was: one key."""
        unsure = self.possible or self.certainty != "certain" or self.what == "maybe_reached"
        return unsure and self.said is None


@dataclass(frozen=True)
class FollowUp:
    """What the PBX's calls tell of a case, in order, and the first attempt and talk that count."""

    calls: tuple[Seen, ...] = ()
    attempted_at: datetime | None = None
    reached_at: datetime | None = None
    reached_surely: bool = False

    @property
    def asks(self) -> tuple[Seen, ...]:
        """Calls that ask for one key: was it an attempt, a talk, or nothing of this case?

        After a talk that counts nothing needs to be asked.
        """
        reached = self.reached_at
        return tuple(one for one in self.calls if one.asks and (reached is None or one.at <= reached))


def seen_calls(
    facts: Facts, settings: Settings, cases: Iterable[Case], until: date | None = None
) -> dict[int, FollowUp]:
    """What followed each of some cases up, by their numbers; the facts are read once for all.

    ``until``: the last local day that is looked at.
    """
    given = {case.number: (case, names) for case in cases if (names := _names(case))}
    if not given:
        return {}
    rows = [
        {
            "number": case.number,
            "client": client,
            "department": case.department,
            "since_us": _us(case.since),
            "until_us": _us(case.closed_at) if case.closed_at else None,
            "own_call_id": case.message.call_id if case.message else None,
        }
        for case, names in given.values()
        for client in names
    ]
    first = min(case.since for case, _ in given.values()).astimezone(settings.zone).date()
    found = _read(facts, settings, first, until, pa.Table.from_pylist(rows, ASKED))
    by_case: dict[int, list[Mapping[str, Any]]] = {}
    for row in found:
        by_case.setdefault(row["number"], []).append(row)
    return {number: follow_up(case, by_case.get(number, ())) for number, (case, _) in given.items()}


def _names(case: Case) -> list[str]:
    """Pseudonyms of the client; who withheld the number has none: others do so too."""
    caller = case.client if case.promise or (case.message and case.message.callable) else None
    return sorted({name for name in (caller, case.callback) if name})


def _read(
    facts: Facts, settings: Settings, first: date, until: date | None, asked: pa.Table
) -> list[dict[str, Any]]:
    inputs = {
        "asked": asked,
        "calls": table(facts, "calls", first, until),
        "visits": table(facts, "visits", first, until),
        "members": Departments.from_settings(settings).members,
        "callback_departments": callback_departments(settings),
    }
    found: list[dict[str, Any]] = engine.run(SQL, inputs, {"attempt_ring_s": ATTEMPT_RING_S}).to_pylist()
    return found


def follow_up(case: Case, rows: Sequence[Mapping[str, Any]]) -> FollowUp:
    """What calls tell of a case; a call that came twice (two numbers of one client) counts once."""
    ordered = sorted(rows, key=lambda row: (row["at_us"], row["call_id"], not row["responsible"]))
    by_id: dict[str, Mapping[str, Any]] = {}
    for row in ordered:
        by_id.setdefault(row["call_id"], row)
    calls = tuple(_seen(case, row) for row in by_id.values())[:MOST_ROWS]
    counted = [one for one in calls if one.said != "dismissed" and (not one.possible or one.said)]
    attempts = [one.at for one in counted if one.what != "called_again"]
    talks = [
        one for one in counted if one.what in ("reached", "called_again") or one.said == "confirmed_reached"
    ]
    talks = [one for one in talks if one.said != "confirmed_attempt"]
    return FollowUp(
        calls,
        min(attempts, default=None),
        min((one.at for one in talks), default=None),
        any(one.said == "confirmed_reached" or one.what == "called_again" for one in talks),
    )


def _seen(case: Case, row: Mapping[str, Any]) -> Seen:
    talk_s = float(row["talk_s"]) if row["talk_s"] is not None else None
    what: What = "attempt"
    if row["way"] == "in":
        what = "called_again"
    elif (talk_s or 0.0) >= REACHED_TALK_S:
        what = "reached"
    elif (talk_s or 0.0) >= MAYBE_REACHED_TALK_S:
        what = "maybe_reached"
    return Seen(
        row["call_id"],
        datetime.fromtimestamp(row["at_us"] / 1e6, UTC),
        what,
        row["department"],
        talk_s,
        row["certainty"],
        possible=not row["responsible"],
        said=case.calls.get(row["call_id"]),
    )


def _us(at: datetime) -> int:
    return round(at.timestamp() * 1e6)
