"""The calls that must come out of a recording, as a CSV that a person can read.

`python -m tests.accuracy.expected_calls FOLDER` writes it: one line per visit (one per call where there is no
visit), from the truth alone, in plain numbers (the sample's are invented).
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.accuracy import truth
from tests.accuracy.truth import Call, Visit

COLUMNS = (
    "story", "started_at", "direction", "caller", "dialled", "outcome", "answered_by",
    "visit", "department", "entered_by", "visit_outcome", "visit_answered_by", "ring_s",
    "within_third_signal", "rotation", "attempts",
)  # fmt: skip
RIGA = ZoneInfo("Europe/Riga")


def lines(calls: Iterable[Call]) -> Iterator[dict[str, str]]:
    """One dict per visit, in order of the calls' start; times are local with zone, to the second."""
    for call in calls:
        head = {
            "story": call.story,
            "started_at": datetime.fromtimestamp(int(call.started_at), RIGA).isoformat(" "),
            "direction": call.direction,
            "caller": call.caller,
            "dialled": call.dialled,
            "outcome": call.outcome,
            "answered_by": call.answered_by or "",
        }
        for n, visit in enumerate(call.visits, start=1):
            yield head | {"visit": str(n)} | _visit(visit)
        if not call.visits:
            yield head | dict.fromkeys(COLUMNS[7:], "")


def text(calls: Iterable[Call]) -> str:
    """The whole file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines(calls))
    return out.getvalue()


def _visit(visit: Visit) -> dict[str, str]:
    return {
        "department": visit.department,
        "entered_by": visit.entered_by,
        "visit_outcome": visit.outcome,
        "visit_answered_by": visit.answered_by or "",
        "ring_s": "" if visit.ring_s is None else f"{visit.ring_s:.1f}",
        "within_third_signal": "yes" if visit.within_third_signal else "no",
        "rotation": visit.rotation.kind,
        "attempts": "; ".join(f"{a.employee} {a.outcome}" for a in visit.attempts),
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    told = truth.load(folder, folder / "callstats.toml")
    (folder / "expected_calls.csv").write_text(text(told.calls), encoding="utf-8")
