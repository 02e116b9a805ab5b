"""A simulated site's tables scored against its truth: loaded as a site loads them, judged part after part.

Truth and tables are cut at the same quiet instants, so that memory holds one part's rows as Python objects,
whatever the number of calls.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from callstats import judge
from callstats.cases.keys import site_pseudonymiser
from callstats.numbers import NumberPlan, normalise, stored
from callstats.settings import CONFIG_NAME, Settings
from callstats.simulate.plan import Plan
from callstats.simulate.site import TRUTH
from callstats.store import Store
from ingest.load import load
from tests.accuracy.score import Finding, Rules, score
from tests.accuracy.town import Dialplan, Town
from tests.accuracy.truth import Call, expected
from tests.simulate.limits import Facts, limit

PART: Final = 3000  # calls judged at once, about
QUIET_S: Final = 10.0
TABLES: Final = ("calls", "visits", "attempts", "messages")
SETS: Final[dict[str, tuple[tuple[str, ...], float]]] = {
    "ami": (("ami.raw",), 0.1),
    "cel+queue_log": (("cel/*", "queue_log*"), 1.5),
    "cel+queue_log+cdr": (("cel/*", "queue_log*", "cdr_custom/*"), 1.5),
    "cdr": (("cdr_custom/*",), 1.5),
    "cdr_csv": (("cdr_csv/*",), 1.5),
    "all": (("ami.raw", "cel/*", "queue_log*", "cdr_custom/*", "cdr_csv/*", "voicemail/**/msg*.txt"), 0.1),
}


@dataclass
class Judged:
    """What one set of sources came to: `limits` counts the differences that a known limit explains."""

    calls: int = 0
    facts: int = 0
    right: int = 0
    certain: int = 0
    limits: Counter[str] = field(default_factory=Counter)
    certain_wrong: list[Finding] = field(default_factory=list)
    unexplained: list[Finding] = field(default_factory=list)

    def add(self, findings: Sequence[Finding], name: str, told: dict[str, Facts]) -> None:
        """Counts the findings of one part."""
        for found in findings:
            self.facts += found.status != "excess"
            self.right += found.status == "right"
            self.certain += found.certainty == "certain" and found.status == "right"
            if found.certain_wrong:
                self.certain_wrong.append(found)
            elif found.status != "right":
                why = limit(name, found, told.get(found.truth_id))
                if why:
                    self.limits[why] += 1
                else:
                    self.unexplained.append(found)

    def told(self) -> str:
        """A line for people, and one per limit."""
        lines = [
            f"{self.calls} calls, {self.right} of {self.facts} facts right "
            f"({100 * self.right / max(self.facts, 1):.2f} %), {self.certain} of them certain, "
            f"{len(self.certain_wrong)} certain and wrong, {len(self.unexplained)} unexplained"
        ]
        return "\n".join([*lines, *(f"  {n:6} {why}" for why, n in self.limits.most_common())])


def dialplan(plan: Plan) -> Dialplan:
    """What the town's dialplan does where no phone can see it."""
    return Dialplan(
        menu="60000000",
        direct_prefix="60000",
        dead={"60000610": ("601",), "60000620": ("603",)},
        overflow={"60000400": "social"},
    )


def judged(folder: Path, plan: Plan, name: str, data: Path) -> Judged:
    """Loads a set of sources of a simulated site into `data` and scores every fact of every call."""
    patterns, tolerance_s = SETS[name]
    settings = Settings.load(folder / CONFIG_NAME, data)
    files = [path for pattern in patterns for path in sorted(folder.glob(pattern)) if path.is_file()]
    result = Judged()
    with Store.open(settings) as store:
        reports = load(files, settings, store)
        assert all(report.clean for report in reports), [r for r in reports if not r.clean]
        numbers, key = NumberPlan.from_settings(settings), site_pseudonymiser(settings, store.database)
        rules = Rules(
            tolerance_s, lambda number: stored(normalise(number, numbers), key), (), name.startswith("cdr")
        )
        tables = {table: store.scan(table) for table in TABLES}
        for calls, told, starts_s, ends_s in parts(folder, plan):
            result.calls += len(calls)
            part = between(tables, starts_s, ends_s)
            part |= {"visits": judge.judged(part["visits"], settings)}
            result.add(score(calls, part, rules), name, told)
    return result


def parts(folder: Path, plan: Plan) -> Iterator[tuple[tuple[Call, ...], dict[str, Facts], float, float]]:
    """True calls in order of start, cut where no call begins for `QUIET_S`: (calls, facts, from, to)."""
    town, dialled = Town.load(folder / CONFIG_NAME), dialplan(plan)
    starts_s = float("-inf")
    for lines in _cut(folder / TRUTH):
        calls = expected(lines, town, dialled)
        ends_s = max(line["t_start"] for line in lines) + QUIET_S / 2
        yield calls, {line["call_id"]: Facts.of(line) for line in lines}, starts_s, ends_s
        starts_s = ends_s


def _cut(truth: Path) -> Iterator[list[dict[str, Any]]]:
    """Lines of the truth by start. They are written when a call ends: an hour's delay is looked ahead."""
    held: list[dict[str, Any]] = []
    with truth.open(encoding="utf-8") as file:
        for line in file:
            held.append(json.loads(line))
            if len(held) >= 2 * PART:
                held.sort(key=_start)
                place = _quiet(held, len(held) - PART)
                if place:
                    yield held[:place]
                    held = held[place:]
    held.sort(key=_start)
    if held:
        yield held


def _start(line: dict[str, Any]) -> float:
    return float(line["t_start"])


def _quiet(lines: list[dict[str, Any]], most: int) -> int:
    """The last place up to `most` before which nobody called for `QUIET_S`; 0 where there is none."""
    return next((n for n in range(most, 0, -1) if _start(lines[n]) - _start(lines[n - 1]) > QUIET_S), 0)


def between(tables: dict[str, pa.Table], starts_s: float, ends_s: float) -> dict[str, pa.Table]:
    """The rows of the calls that began in `[starts_s, ends_s)`."""
    calls = tables["calls"]
    begun = calls["started_at"]
    inside = pc.less(begun, _instant(ends_s))
    if starts_s != float("-inf"):
        inside = pc.and_(inside, pc.greater_equal(begun, _instant(starts_s)))
    chosen = calls.filter(inside)
    ids = chosen["call_id"].combine_chunks()
    others = {
        name: table.filter(pc.is_in(table["call_id"], value_set=ids))
        for name, table in tables.items()
        if name != "calls"
    }
    return {"calls": chosen, **others}


def _instant(at_s: float) -> pa.Scalar:
    return pa.scalar(datetime.fromtimestamp(at_s, UTC), pa.timestamp("us", tz="UTC"))
