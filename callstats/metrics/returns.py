"""Who calls again: each call to a department, and the same client's next call to it.

A client is a number's pseudonym; who withheld it cannot be told apart from others and is left out, counted.
The table is recomputed over its horizon, never stored with a day: tomorrow's call belongs to today's row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from callstats import engine
from callstats.engine import Source
from callstats.fields import DAY, FLAG, INT, TEXT, UTC_US, Field, Table
from callstats.metrics.base import only

RETURN_DAYS: Final = 7

RETURNS: Final = Table(
    "returns",
    "one client's call to a department, with the same client's next one",
    (
        Field("call_id", TEXT, "the call"),
        Field("visit", INT, "its first visit in the department"),
        Field("department", TEXT, "department id"),
        Field("local_date", DAY, "day the call belongs to"),
        Field("entered_at", UTC_US, "that visit began"),
        Field("left_out", TEXT, "why nothing can be told of it", values=("not_callable",)),
        Field("missed", FLAG, "nobody answered the call, in no department"),
        Field(
            "next_at", UTC_US, "the same number's next call entered the department; null: none within 7 days"
        ),
    ),
)

SQL: Final = """
WITH firsts AS (
    SELECT v.call_id, v.department, v.local_date, min(v.visit) AS visit,
           min(unix_micros(v.entered_at)) AS entered_us,
           max(CASE WHEN v.outcome IN ('answered', 'overflowed') THEN 1 ELSE 0 END) AS served
    FROM visits v
    WHERE v.external AND v.local_date >= :start/* only */
    GROUP BY v.call_id, v.department, v.local_date
),
known AS (
    SELECT f.*,
           f.served = 0 AND coalesce(c.outcome, '') <> 'answered' AS missed,
           CASE WHEN c.caller IS NULL OR c.caller = ''
                     OR coalesce(c.caller_class, 'empty') IN ('anonymous', 'unparsed', 'label', 'empty')
                THEN 'not_callable' END AS left_out,
           c.caller AS client
    FROM firsts f
    JOIN calls c ON c.call_id = f.call_id
),
followed AS (
    SELECT k.*,
           lead(k.entered_us) OVER (PARTITION BY k.department, k.client, k.left_out
               ORDER BY k.entered_us ASC NULLS LAST, k.call_id ASC NULLS LAST) AS next_us
    FROM known k
)
SELECT call_id, visit, department, local_date, entered_us AS entered_at, left_out, missed,
       CASE WHEN left_out IS NULL AND next_us - entered_us < :return_us THEN next_us END AS next_at
FROM followed
WHERE local_date < :end
"""


def returns_query(departments: int = 0) -> str:
    """The text, for all departments or those of as many `department_parameter`."""
    return SQL.replace("/* only */", only("v.department", departments))


def returns(
    inputs: Mapping[str, Source], parameters: Mapping[str, engine.Parameter], departments: int = 0
) -> pa.Table:
    """Table `RETURNS` of the calls in ``[start, end)``.

    Inputs: calls and visits up to `RETURN_DAYS` after ``end``. Parameters: start, end, and the
    `department_parameter` of ``departments``.
    """
    values = {**parameters, "return_us": RETURN_DAYS * 86_400_000_000}
    return engine.conform(engine.run(returns_query(departments), inputs, values), RETURNS.schema)
