"""What the third signal's rule says of each visit, in the five words that heads are shown.

The same judgement as the figure (`third_signal_share`): the visits of a word are as many as its picture says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from callstats.facts import Facts
from callstats.metrics.base import Said
from callstats.metrics.inputs import data_window, parameters, prepared
from callstats.metrics.third_signal_share import JUDGED
from callstats.settings import Settings

Verdict = Literal["in_time", "later", "gave_up", "nobody", "not_scored"]
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)
VERDICT_NAMES: Final[Mapping[Verdict, Said]] = {
    "in_time": Said("atbildēts laikā", "answered in time"),
    "later": Said("atbildēts vēlāk", "answered later"),
    "gave_up": Said("klients nesagaidīja", "the client did not wait"),
    "nobody": Said("neviens neatbildēja", "nobody answered"),
    "not_scored": Said("netiek vērtēts", "not scored"),
}
SQL: Final = f"""
WITH {JUDGED}
SELECT call_id, visit,
       CASE WHEN coalesce(left_out, third_signal_left_out) IS NOT NULL OR certainty = 'unknown'
            THEN 'not_scored'
            WHEN outcome = 'answered' AND hit THEN 'in_time'
            WHEN outcome = 'answered' THEN 'later'
            WHEN outcome = 'abandoned' THEN 'gave_up'
            ELSE 'nobody' END AS verdict
FROM judged_visits
ORDER BY call_id ASC NULLS LAST, visit ASC NULLS LAST
"""
LEFT_OUT: Final = f"""
WITH {JUDGED}
SELECT call_id, visit,
       CASE WHEN coalesce(left_out, third_signal_left_out) IS NOT NULL
            THEN coalesce(left_out, third_signal_left_out)
            WHEN certainty = 'unknown' THEN 'unknown' END AS reason
FROM judged_visits
"""


def verdicts(facts: Facts, settings: Settings, department: str, start: date, end: date) -> pa.Table:
    """Of each external visit of a department on the days ``[start, end)``: call_id, visit, verdict."""
    given = parameters(facts, settings, start, end, [department], data_window(facts))
    with prepared(facts, settings, start, end, ("scoped",), given, [department]) as session:
        return session.query(SQL, given)


def left_out(facts: Facts, settings: Settings, call_id: str, day: date) -> dict[int, str]:
    """Of a call's external visits that are not scored: why, a reason of `third_signal_share` or `unknown`."""
    end = day + timedelta(days=1)
    given = parameters(facts, settings, day, end)
    with prepared(facts, settings, day, end, ("scoped",), given) as session:
        found = session.query(LEFT_OUT, given)
    rows = found.filter(pc.equal(found["call_id"], call_id)).to_pylist()
    return {row["visit"]: row["reason"] for row in rows if row["reason"] is not None}


def counted(by_outcome: Iterable[Mapping[str, Any]], whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How many visits each word has, from the rows of `third_signal_share` by outcome and the whole's row."""
    found: dict[Verdict, int] = dict.fromkeys(VERDICTS, 0)
    for row in by_outcome:
        if row["outcome"] == "answered":
            found["in_time"] += row["k"]
            found["later"] += row["n"] - row["k"]
        else:
            found["gave_up" if row["outcome"] == "abandoned" else "nobody"] += row["n"]
    found["not_scored"] = sum(n for _, n in _pairs(whole["excluded"])) + whole["unknown"]
    return [{"verdict": name, "n": n} for name, n in found.items()]


def _pairs(excluded: Any) -> Sequence[tuple[str, int]]:
    return list(excluded.items()) if isinstance(excluded, Mapping) else list(excluded or ())
