"""*Mani zvani*: the calls of one person's own phones, for that person alone (domain/05 requirement 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal

import pyarrow as pa

from callstats import engine
from callstats.facts import Facts, table

Kind = Literal["rang", "answered", "called"]
SPANS: Final = pa.schema([("extension", pa.string()), ("since", pa.date32()), ("until", pa.date32())])
SQL: Final = """
WITH mine AS (
    SELECT a.call_id, a.visit, a.department, a.employee, a.outcome, a.ring_s,
           unix_micros(coalesce(a.ring_at, a.tried_at)) AS us
    FROM attempts a
    JOIN spans s ON s.extension = a.employee AND a.local_date >= s.since AND a.local_date < s.until
    WHERE a.local_date >= :start AND a.local_date < :end
),
taken AS (
    SELECT v.call_id, v.visit, v.department, v.answered_by AS employee, v.talk_s,
           unix_micros(v.answered_at) AS us
    FROM visits v
    JOIN spans s ON s.extension = v.answered_by AND v.local_date >= s.since AND v.local_date < s.until
    WHERE v.local_date >= :start AND v.local_date < :end
)
SELECT CASE WHEN t.call_id IS NOT NULL AND m.outcome = 'answered' THEN 'answered' ELSE 'rang' END AS kind,
       m.call_id, m.us, m.department, m.outcome, m.ring_s,
       CASE WHEN m.outcome = 'answered' THEN t.talk_s END AS talk_s
FROM mine m
LEFT JOIN taken t ON t.call_id = m.call_id AND t.visit = m.visit AND t.employee = m.employee
UNION ALL
-- picked up without having rung oneself
SELECT 'answered' AS kind, t.call_id, t.us, t.department, 'answered' AS outcome,
       CAST(NULL AS DOUBLE) AS ring_s, t.talk_s
FROM taken t
LEFT JOIN mine m ON m.call_id = t.call_id AND m.visit = t.visit AND m.employee = t.employee
     AND m.outcome = 'answered'
WHERE m.call_id IS NULL
UNION ALL
SELECT 'called' AS kind, c.call_id, unix_micros(c.started_at) AS us, CAST(NULL AS STRING) AS department,
       c.outcome, c.ring_s, c.talk_s
FROM calls c
JOIN spans s ON s.extension = c.caller AND c.local_date >= s.since AND c.local_date < s.until
WHERE c.local_date >= :start AND c.local_date < :end
ORDER BY us DESC NULLS LAST, call_id ASC NULLS LAST, kind ASC NULLS LAST, outcome ASC NULLS LAST
"""


@dataclass(frozen=True)
class OwnCall:
    """One time that an own phone rang, took a call or called somebody; times in seconds."""

    kind: Kind
    call_id: str
    at: datetime | None
    department: str | None
    outcome: str | None
    ring_s: float | None
    talk_s: float | None


def own_calls(
    facts: Facts, spans: Sequence[tuple[str, date, date | None]], start: date, end: date
) -> list[OwnCall]:
    """Calls of own phones on the local days ``[start, end)``, the newest first.

    ``spans``: extension, first day, first day on which it is no longer one's own (None: it still is).
    """
    rows = [{"extension": one, "since": first, "until": after or date.max} for one, first, after in spans]
    last = end - timedelta(days=1)
    inputs = {
        "spans": pa.Table.from_pylist(rows, SPANS),
        **{name: table(facts, name, start, last) for name in ("attempts", "visits", "calls")},
    }
    found = engine.run(SQL, inputs, {"start": start, "end": end}).to_pylist()
    return [_own(row) for row in found]


def _own(row: dict[str, Any]) -> OwnCall:
    at = datetime.fromtimestamp(row["us"] / 1e6, UTC) if row["us"] is not None else None
    names = ("department", "outcome", "ring_s", "talk_s")
    return OwnCall(row["kind"], row["call_id"], at, *(row[name] for name in names))
