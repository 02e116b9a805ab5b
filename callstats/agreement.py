"""How far the PBX's voices agree: disagreements counted per pair of sources and fact.

A disagreement alone says little; beside it stands how many calls both sources saw at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

import pyarrow as pa

from callstats import engine
from callstats.fields import CALLS, DISAGREEMENTS, INT, SECONDS, SOURCES, TEXT, Field, Table
from callstats.metrics.inputs import Facts, table

# What `assemble/sql/disagreements.sql` compares: the source whose value is taken, the other, the fact.
PAIRS: Final = (
    ("ami", "cel", "answered_at"),
    ("ami", "cel", "ended_at"),
    ("ami", "queue_log", "answered_at"),
    ("ami", "cdr", "ended_at"),
    ("cel", "queue_log", "answered_at"),
    ("cel", "cdr", "ended_at"),
)

AGREEMENT: Final = Table(
    "agreement",
    "one fact that two sources state, over some days",
    (
        Field("taken_source", TEXT, "source whose value was taken", values=SOURCES),
        Field("other_source", TEXT, "source that it was compared with", values=SOURCES),
        Field("fact", TEXT, "which fact"),
        Field("calls", INT, "calls that both sources saw"),
        Field("calls_differing", INT, "calls in which they differ by more than their resolution"),
        Field("differences", INT, "channels in which they do"),
        Field("median_s", SECONDS, "median of the differences; null where there are none", "s"),
        Field("max_s", SECONDS, "largest difference", "s"),
    ),
)

SQL: Final = """
WITH seen AS (
    SELECT p.taken_source, p.other_source, p.fact, count(*) AS calls
    FROM calls c
    JOIN pairs p ON array_contains(c.sources, p.taken_source) AND array_contains(c.sources, p.other_source)
    WHERE c.local_date >= :start AND c.local_date < :end
    GROUP BY p.taken_source, p.other_source, p.fact
),
ranked AS (
    SELECT d.*, count(difference_s) OVER (PARTITION BY taken_source, other_source, fact) AS many,
           row_number() OVER (PARTITION BY taken_source, other_source, fact
               ORDER BY difference_s ASC NULLS LAST, call_id ASC NULLS LAST, uniqueid ASC NULLS LAST) AS place
    FROM disagreements d
    WHERE local_date >= :start AND local_date < :end
),
differing AS (
    -- the median is half way between the two in the middle, which are one where their number is odd
    SELECT taken_source, other_source, fact,
           count(DISTINCT call_id) AS calls_differing, count(*) AS differences,
           (min(CASE WHEN 2 * place >= many THEN difference_s END)
               + min(CASE WHEN 2 * place > many THEN difference_s END)) / 2 AS median_s,
           max(difference_s) AS max_s
    FROM ranked
    GROUP BY taken_source, other_source, fact
)
SELECT s.taken_source, s.other_source, s.fact, s.calls, coalesce(d.calls_differing, 0) AS calls_differing,
       coalesce(d.differences, 0) AS differences, d.median_s, d.max_s
FROM seen s
LEFT JOIN differing d
     ON d.taken_source = s.taken_source AND d.other_source = s.other_source AND d.fact = s.fact
ORDER BY s.taken_source ASC NULLS LAST, s.other_source ASC NULLS LAST, s.fact ASC NULLS LAST
"""


def agreement(facts: Facts, start: date, end: date) -> pa.Table:
    """Table `AGREEMENT` of the local days ``[start, end)``; pairs that no call has both of are not in it."""
    names: Iterable[str] = (CALLS.name, DISAGREEMENTS.name)
    columns = list(zip(*PAIRS, strict=True))
    pairs = pa.table(dict(zip(("taken_source", "other_source", "fact"), map(list, columns), strict=True)))
    inputs = {name: table(facts, name, start, end) for name in names}
    found = engine.run(SQL, {**inputs, "pairs": pairs}, {"start": start, "end": end})
    return engine.conform(found, AGREEMENT.schema)
