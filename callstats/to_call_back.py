"""*Jāatzvana*: clients of a department whom nobody answered and nobody has called back yet (clause 15.5.2).

The same links as the metric `missed_called_back`: an attempt of the department, or the client answered on
calling again, takes the client off the list. It reaches back as far as the number vault keeps numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from callstats import engine, judge
from callstats.calendar import Calendar
from callstats.facts import Facts, table
from callstats.metrics.inputs import linked, parameters
from callstats.settings import Settings

LEAST_DAYS: Final = 5  # working days that are looked back where no number is kept
SQL: Final = """
SELECT c.caller AS client, k.call_id, k.visit, k.since_at, v.outcome, v.wait_s,
       k.other_attempted_at IS NOT NULL AS possibly
FROM links k
JOIN calls c ON c.call_id = k.call_id
JOIN visits v ON v.call_id = k.call_id AND v.visit = k.visit
WHERE k.kind = 'missed' AND k.left_out IS NULL AND v.external
      AND k.attempted_at IS NULL AND k.again_at IS NULL
ORDER BY k.since_at ASC NULLS LAST, k.call_id ASC NULLS LAST, k.visit ASC NULLS LAST
"""


@dataclass(frozen=True)
class Waiting:
    """One client who waits for a call back.

    `calls`: how many of the client's calls were missed; `call_id`, `outcome`, `wait_s` (seconds) are of the
    last; `possibly`: another department called the client.
    """

    client: str
    calls: int
    first_at: datetime
    last_at: datetime
    call_id: str
    outcome: str | None
    wait_s: float | None
    possibly: bool


def since(settings: Settings, now: datetime) -> date:
    """The first local day that is looked at: as many working days back as numbers are kept."""
    calendar = Calendar.from_settings(settings)
    day, left = calendar.local_date(now), settings.numbers.vault_days or LEAST_DAYS
    while left:
        day -= timedelta(days=1)
        left -= calendar.is_working_day(day)
    return day


def to_call_back(facts: Facts, settings: Settings, department: str, now: datetime) -> list[Waiting]:
    """Clients of a department who wait for a call back, the one who has waited longest first."""
    start, end = since(settings, now), Calendar.from_settings(settings).local_date(now) + timedelta(days=1)
    given = parameters(facts, settings, start, end, [department])
    inputs = {
        "links": linked(facts, settings, start, end, given, [department]),
        "calls": table(facts, "calls", start, end),
        "visits": judge.visits(facts, settings, start, end, [department]),
    }
    return _by_client(engine.run(SQL, inputs))


def _by_client(rows: pa.Table) -> list[Waiting]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows.to_pylist():
        found.setdefault(row["client"], []).append(row)
    return [
        Waiting(
            client,
            len({row["call_id"] for row in mine}),
            mine[0]["since_at"].astimezone(UTC),
            mine[-1]["since_at"].astimezone(UTC),
            mine[-1]["call_id"],
            mine[-1]["outcome"],
            mine[-1]["wait_s"],
            any(row["possibly"] for row in mine),
        )
        for client, mine in found.items()
    ]
