"""What differs between a story as Asterisk wrote it and as the simulator did, row by row and field by field.

CDR rows and queue_log lines are compared in their order. CEL and AMI events are matched as sets: what happens
at one moment has no fixed order among Asterisk's threads; the k-th event of its kind and content must come
within `TOLERANCE_S` of the k-th of the other side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tests.simulate.rows import Row, StoryRows

__all__ = ["TOLERANCE_S", "WHOLE_S", "Difference", "differences"]

TOLERANCE_S = 0.1
WHOLE_S = 1.0  # where a source writes whole seconds
NUMBERED = {"duration", "billsec", "hold_s", "talk_s", "ring_s"}
RING_MS = {"ring_ms": 1000.0}
QUEUE_NUMBERS = {
    "CONNECT": {"data1": WHOLE_S, "data3": WHOLE_S},
    "COMPLETEAGENT": {"data1": WHOLE_S, "data2": WHOLE_S},
    "COMPLETECALLER": {"data1": WHOLE_S, "data2": WHOLE_S},
    "RINGNOANSWER": {"data1": 1000.0},
    "RINGCANCELED": {"data1": 1000 * TOLERANCE_S},
    "ABANDON": {"data3": WHOLE_S},
    "EXITWITHTIMEOUT": {"data3": WHOLE_S},
}


class Difference(NamedTuple):
    """A place where the two disagree: `real` and `made` are None where one side has no such row."""

    call_id: str
    source: str
    kind: str
    column: str
    real: Any
    made: Any


def differences(real: StoryRows, made: StoryRows) -> Iterator[Difference]:
    """All differences of a story."""
    yield from _in_order(real, made, "cdr", lambda r: "row", _same_cdr(real, made))
    yield from _in_order(real, made, "queue", lambda r: str(r["event"]), _same_queue)
    yield from _as_sets(real.call_id, "cel", _last(real.cel), _last(made.cel), "type", ("channel",))
    yield from _as_sets(real.call_id, "ami", real.ami, made.ami, "kind", ("channel", "dest_channel"))


Same = Callable[[str, Row, Row], bool]


def _in_order(
    real: StoryRows, made: StoryRows, source: str, kind: Callable[[Row], str], same: Same
) -> Iterator[Difference]:
    ours: Sequence[Row] = getattr(made, source)
    theirs: Sequence[Row] = getattr(real, source)
    for place in range(max(len(ours), len(theirs))):
        one = theirs[place] if place < len(theirs) else None
        two = ours[place] if place < len(ours) else None
        if one is None or two is None:
            yield Difference(real.call_id, source, kind(one or two or {}), "row", one, two)
            continue
        for column in sorted(one.keys() | two.keys()):
            if not same(column, one, two):
                yield Difference(real.call_id, source, kind(one), column, one.get(column), two.get(column))


def _same_cdr(real: StoryRows, made: StoryRows) -> Same:
    def since(text: str, story: StoryRows) -> float | None:
        if not text:
            return None
        # both sides' local texts are in the same zone; what counts is the difference
        return datetime.fromisoformat(text).timestamp() - int(story.began)

    def same(column: str, one: Row, two: Row) -> bool:
        if column in ("start", "answer", "end"):
            return _near(since(one[column], real), since(two[column], made), WHOLE_S)
        if column in NUMBERED:
            return _near(float(one[column]), float(two[column]), WHOLE_S)
        return bool(one[column] == two[column])

    return same


def _same_queue(column: str, one: Row, two: Row) -> bool:
    if column == "time":
        return _near(one["time"], two["time"], WHOLE_S)
    tolerance = QUEUE_NUMBERS.get(one["event"], {}).get(column)
    if tolerance is not None and one["event"] == two["event"]:
        return _near(float(one[column]), float(two[column]), tolerance)
    return bool(one.get(column) == two.get(column))


def _near(one: float | None, two: float | None, tolerance: float) -> bool:
    if one is None or two is None:
        return one is two
    return abs(one - two) <= tolerance


def _last(rows: Sequence[Row]) -> list[Row]:
    """LINKEDID_END is said by whichever channel ends last: threads that race for a few milliseconds."""
    kept = ("type", "time", "linkedid")
    return [{c: r[c] for c in kept} | {"channel": ""} if r["type"] == "LINKEDID_END" else r for r in rows]


def _loose(row: Row) -> dict[str, float]:
    """The numbers of an event that are only compared within a tolerance."""
    return {c: float(row[c]) for c in (*NUMBERED, *RING_MS) if c in row}


def _as_sets(
    call_id: str, source: str, real: Sequence[Row], made: Sequence[Row], kind: str, where: tuple[str, ...]
) -> Iterator[Difference]:
    theirs, ours = _by_content(real), _by_content(made)
    left: list[Row] = []
    over: list[Row] = []
    for content in theirs.keys() | ours.keys():
        one, two = theirs.get(content, []), ours.get(content, [])
        for first, second in zip(one, two, strict=False):
            if not _near(first["time"], second["time"], TOLERANCE_S):
                yield Difference(call_id, source, first[kind], "time", first["time"], second["time"])
            for column, value in _loose(first).items():
                tolerance = RING_MS.get(column, WHOLE_S)
                if not _near(value, _loose(second).get(column), tolerance):
                    yield Difference(call_id, source, first[kind], column, value, second.get(column))
        left += one[len(two) :]
        over += two[len(one) :]
    yield from _unlike(call_id, source, left, over, kind, where)


def _by_content(rows: Sequence[Row]) -> dict[tuple[tuple[str, Any], ...], list[Row]]:
    found: dict[tuple[tuple[str, Any], ...], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda r: r["time"]):
        loose = _loose(row)
        found[tuple(sorted((c, v) for c, v in row.items() if c != "time" and c not in loose))].append(row)
    return found


def _unlike(
    call_id: str, source: str, left: list[Row], over: list[Row], kind: str, where: tuple[str, ...]
) -> Iterator[Difference]:
    """Rows without a twin: those of one kind, channel and moment are told field by field."""
    for one in sorted(left, key=lambda r: r["time"]):
        two = _nearest(one, over, kind, where)
        if two is None:
            yield Difference(call_id, source, one[kind], "row", one, None)
            continue
        over.remove(two)
        for column in sorted((one.keys() | two.keys()) - {"time"}):
            if one.get(column) != two.get(column) and column not in _loose(one):
                yield Difference(call_id, source, one[kind], column, one.get(column), two.get(column))
    for two in over:
        yield Difference(call_id, source, two[kind], "row", None, two)


def _nearest(one: Row, rows: Sequence[Row], kind: str, where: tuple[str, ...]) -> Row | None:
    def like(two: Mapping[str, Any]) -> bool:
        return two[kind] == one[kind] and all(one.get(c) == two.get(c) for c in where)

    near = [r for r in rows if like(r) and _near(r["time"], one["time"], 2 * TOLERANCE_S)]
    return min(near, key=lambda r: abs(r["time"] - one["time"]), default=None)
