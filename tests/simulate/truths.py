"""A simulated site's files scored against its truth: read once, then computed and judged part after part.

Truth and events are cut at the same quiet instants, so that memory holds one part's rows as Python objects,
whatever the number of calls. A part is computed with the events of `MARGIN_S` before and after it.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from callstats.assemble import assemble
from callstats.fields import EVENTS
from callstats.filing import FEED_ENDS
from callstats.judge import judged
from callstats.settings import CONFIG_NAME, Settings
from callstats.simulate.plan import Plan
from callstats.simulate.site import TRUTH
from callstats.simulate.story import FeedBreak
from ingest.reader import Context, identify, read
from tests.accuracy.score import Finding, Rules, score
from tests.accuracy.sources import PSEUDONYMISER, stored_as
from tests.accuracy.town import Dialplan, Town
from tests.accuracy.truth import Call, expected
from tests.simulate.limits import QUEUES, Facts, limit

PART: Final = 6000  # calls computed and judged at once, about
QUIET_S: Final = 10.0
MARGIN_S: Final = 3 * 3600.0  # no call lasts longer
FILES: Final = {
    "ami": "ami.raw",
    "cel": "cel/*",
    "queue_log": "queue_log*",
    "cdr": "cdr_custom/*",
    "cdr_csv": "cdr_csv/*",
    "voicemail": "voicemail/**/msg*.txt",
}
SETS: Final[dict[str, tuple[tuple[str, ...], float]]] = {
    "ami": (("ami",), 0.1),
    "cel+queue_log": (("cel", "queue_log"), 1.5),
    "cel+queue_log+cdr": (("cel", "queue_log", "cdr"), 1.5),
    "cdr": (("cdr",), 1.5),
    "cdr_csv": (("cdr_csv",), 1.5),
    "all": (tuple(FILES), 0.1),
}


@dataclass
class Judged:
    """What one set of sources came to: `limits` counts the differences that a known limit explains.

    Calls that a break of the feed or a stop of the PBX cut are `apart`: nothing certain may be wrong there
    either, and nothing else is asked of them.
    """

    calls: int = 0
    facts: int = 0
    right: int = 0
    certain: int = 0
    apart: int = 0
    excess: int = 0
    limits: Counter[str] = field(default_factory=Counter)
    certain_wrong: list[Finding] = field(default_factory=list)
    unexplained: list[Finding] = field(default_factory=list)

    def add(self, findings: Sequence[Finding], name: str, told: dict[str, Facts]) -> None:
        """Counts the findings of one part."""
        for found in findings:
            if found.certain_wrong:
                self.certain_wrong.append(found)
            if found.group:
                self.apart += 1
                continue
            self.facts += 1
            self.excess += found.status == "excess"
            if found.status == "right":
                self.right += 1
                self.certain += found.certainty == "certain"
            elif not found.certain_wrong:
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
            + (f", {self.apart} judged apart" if self.apart else "")
        ]
        return "\n".join([*lines, *(f"  {n:6} {why}" for why, n in self.limits.most_common())])


class Part(NamedTuple):
    """True calls that began in `[starts_s, ends_s)` (epoch seconds); `told`: what limits ask, by truth id."""

    calls: tuple[Call, ...]
    told: dict[str, Facts]
    starts_s: float
    ends_s: float


def dialplan(plan: Plan) -> Dialplan:
    """What the town's dialplan does where no phone can see it."""
    return Dialplan(
        menu="60000000",
        direct_prefix="60000",
        dead={"60000610": ("601",), "60000620": ("603",)},
        overflow={"60000400": "social"},
        queues=frozenset(QUEUES),
        menu_default="reception",
    )


def scored(
    site: Path, plan: Plan, room: Path, breaks: Sequence[FeedBreak] = (), names: Sequence[str] = tuple(SETS)
) -> dict[str, Judged]:
    """Every fact of every call of a simulated site, per set of sources; `room` gets its events as Parquet."""
    settings = Settings.load(site / CONFIG_NAME, room / "data")
    needed = {source for name in names for source in SETS[name][0]}
    for source in FILES:
        if source in needed:
            read_into(room, source, sorted(p for p in site.glob(FILES[source]) if p.is_file()), settings)
    results = {name: Judged() for name in names}
    stored = stored_as(settings)
    for part in parts(site, plan, breaks):
        assert max(call.ended_at for call in part.calls) < part.ends_s + MARGIN_S
        for name, result in results.items():
            sources, tolerance_s = SETS[name]
            gaps = _away(breaks) if name == "ami" else ()
            rules = Rules(tolerance_s, stored, gaps, name.startswith("cdr"))
            result.calls += len(part.calls)
            result.add(score(part.calls, _tables(room, sources, settings, part), rules), name, part.told)
    return results


def read_into(room: Path, source: str, files: Sequence[Path], settings: Settings) -> None:
    """Reads files through their dialect into one Parquet file. Fails where a line is rejected."""
    assert files, source
    with pq.ParquetWriter(room / f"{source}.parquet", EVENTS.schema, compression="zstd") as writer:
        for path in files:
            for reading in read(path, identify(path), Context.of(settings, PSEUDONYMISER, batch=str(path))):
                assert not reading.rejects, reading.rejects[:3]
                writer.write_table(reading.events)


def _tables(room: Path, sources: Sequence[str], settings: Settings, part: Part) -> dict[str, pa.Table]:
    """What the project makes of the events around a part: its tables, visits judged."""
    near = pc.field("at") >= _instant(part.starts_s - MARGIN_S)
    near &= pc.field("at") < _instant(part.ends_s + MARGIN_S)
    near |= pc.field("kind").isin(FEED_ENDS)  # where the feed was is known from its ends, however far
    events = pa.concat_tables(pq.read_table(room / f"{s}.parquet", filters=near) for s in sources)
    spill = room / "spill"
    spill.mkdir()
    tables = between(assemble(events, settings, spill), part.starts_s, part.ends_s)
    shutil.rmtree(spill)
    return tables | {"visits": judged(tables["visits"], settings)}


def _away(breaks: Sequence[FeedBreak]) -> tuple[tuple[float, float], ...]:
    return tuple((one.from_s, one.to_s) for one in breaks)


def parts(site: Path, plan: Plan, breaks: Sequence[FeedBreak] = ()) -> Iterator[Part]:
    """True calls in order of start, cut where no call begins for `QUIET_S`."""
    town, dialled = Town.load(site / CONFIG_NAME), dialplan(plan)
    words = {"stop": "restart", "crash": "crash"}
    stopped = [(words[one.kind], one.from_s) for one in breaks if one.kind in words]
    starts_s = 0.0
    for lines in _cut(site / TRUTH):
        calls = expected(lines, town, dialled, stopped)
        ends_s = max(line["t_start"] for line in lines) + QUIET_S / 2
        told = {line["call_id"]: Facts.of(line, _away(breaks)) for line in lines}
        yield Part(calls, told, starts_s, ends_s)
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
    begun = tables["calls"]["started_at"]
    inside = pc.and_(pc.greater_equal(begun, _instant(starts_s)), pc.less(begun, _instant(ends_s)))
    calls = tables["calls"].filter(inside)
    ids = calls["call_id"].combine_chunks()
    others = {
        name: tables[name].filter(pc.is_in(tables[name]["call_id"], value_set=ids))
        for name in ("visits", "attempts", "messages")
    }
    return {"calls": calls, **others}


def _instant(at_s: float) -> pa.Scalar:
    return pa.scalar(datetime.fromtimestamp(max(at_s, 0.0), UTC), pa.timestamp("us", tz="UTC"))
