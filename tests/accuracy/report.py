"""Counts and lists made from findings, the table that people read, and the comparison with the committed
counts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.accuracy.score import Finding

STATUSES = ("right", "wrong", "unknown", "missing", "excess")
JUDGED = (
    "certain_right",
    "certain_wrong",
    "borderline",
    "estimated_right",
    "estimated_wrong",
    "judged_unknown",
)
COLUMNS = (*STATUSES, *JUDGED)
Counts = dict[str, dict[str, list[int]]]


@dataclass(frozen=True)
class Line:
    """One row of the table: a set of sources and what it reached. Pairs are (right, all)."""

    name: str
    facts: tuple[int, int]
    ring: tuple[int, int]
    third: tuple[int, int]
    rotation: tuple[int, int]
    judged: Mapping[str, int]
    excess: int
    certain_wrong: int


def line(name: str, findings: Sequence[Finding]) -> Line:
    """Sum up one set. What is judged apart (gaps, cut calls) stays out of all columns but the
    certain-wrong one.
    """
    counted = [f for f in findings if not f.group]
    return Line(
        name=name,
        facts=_share(counted),
        ring=_share(f for f in counted if f.fact == "ring_s"),
        third=_share(f for f in counted if f.answered),
        rotation=_share(f for f in counted if f.fact == "rotation"),
        judged=Counter(bucket for f in counted if (bucket := judged(f))),
        excess=sum(f.status == "excess" for f in counted),
        certain_wrong=sum(f.certain_wrong for f in findings),
    )


def judged(finding: Finding) -> str | None:
    """The bucket of a judgement with a certainty; None for plain facts, missing ones and excess that
    claims nothing.
    """
    if finding.certain_wrong:
        return "certain_wrong"
    if finding.certainty is None or finding.status in ("missing", "excess"):
        return None
    if finding.status == "unknown" or finding.certainty == "unknown":
        return "judged_unknown"
    if finding.certainty == "borderline":
        return "borderline"
    return f"{finding.certainty}_{finding.status}"


def counts(sets: Mapping[str, Sequence[Finding]]) -> Counts:
    """Set → story → numbers in the order of `COLUMNS`. What is judged apart is summed under "(gap)" and
    "(cut)".
    """
    told: Counts = {}
    for name, findings in sets.items():
        tallies: dict[str, Counter[str]] = {}
        for f in findings:
            tally = tallies.setdefault(f"({f.group})" if f.group else f.story, Counter())
            tally["wrong" if f.status == "empty" else f.status] += 1
            if bucket := judged(f):
                tally[bucket] += 1
        told[name] = {story: [tallies[story][c] for c in COLUMNS] for story in sorted(tallies)}
    return told


def table(lines: Iterable[Line]) -> str:
    """The accuracy table as text."""
    heads = (
        "sources", "facts right", "ring time", "third signal", "rotation",
        "certain", "borderline", "estimated", "unknown", "excess", "certain wrong",
    )  # fmt: skip
    rows = [heads, *(_cells(one) for one in lines)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(heads))]
    told = [
        "  ".join(
            c.ljust(w) if n == 0 else c.rjust(w) for n, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([told[0], "-" * len(told[0]), *told[1:]])


def differences(findings: Iterable[Finding], apart: bool = True) -> list[str]:
    """Every difference that remains, one line each: certain-wrong ones first; calls judged apart are
    marked.
    """
    left = [f for f in findings if f.status != "right" and (apart or not f.group)]
    left.sort(key=lambda f: (not f.certain_wrong, f.group, f.story, f.truth_id))
    return [_told(f) for f in left]


def drops(expected: Counts, got: Counts) -> tuple[list[str], bool]:
    """What became worse than the committed counts, and whether anything changed at all.

    Worse: fewer facts right, more wrong, missing or excess, or a judgement that moved down from certain to
    borderline to estimated to unknown.
    """
    worse = []
    for name, stories in expected.items():
        for story, numbers in stories.items():
            now = got.get(name, {}).get(story, [0] * len(COLUMNS))
            was, is_ = (dict(zip(COLUMNS, n, strict=True)) for n in (numbers, now))
            fell = [
                f"{rung} {_rung(was, rung)} → {_rung(is_, rung)}"
                for rung in RUNGS
                if _rung(is_, rung) < _rung(was, rung)
            ]
            rose = [
                f"{bad} {was[bad]} → {is_[bad]}"
                for bad in ("wrong", "missing", "excess", "certain_wrong")
                if is_[bad] > was[bad]
            ]
            if fell or rose:
                worse.append(f"{name}: {story}: {', '.join(fell + rose)}")
    fresh = [
        f"{n}: {s}: not among the expected counts"
        for n in got
        for s in got[n]
        if s not in expected.get(n, {})
    ]
    return worse + fresh, got != expected


RUNGS: dict[str, tuple[str, ...]] = {
    "right": ("right",),
    "certain": ("certain_right",),
    "certain or borderline": ("certain_right", "borderline"),
    "certain, borderline or rightly estimated": ("certain_right", "borderline", "estimated_right"),
}


def _rung(numbers: Mapping[str, int], rung: str) -> int:
    return sum(numbers[c] for c in RUNGS[rung])


def read_counts(path: Path) -> Counts:
    """Committed counts. Raises FileNotFoundError, ValueError when they were written with other columns."""
    told = json.loads(path.read_text(encoding="utf-8"))
    if told["columns"] != list(COLUMNS):
        raise ValueError(f"{path.name}: written with other columns; rewrite it with --rewrite")
    sets: Counts = told["sets"]
    return sets


def write_counts(path: Path, told: Counts) -> None:
    """Write counts with one story per line, so that a difference can be read."""
    sets = []
    for name, stories in told.items():
        lines = ",\n".join(
            f"   {json.dumps(story)}: {json.dumps(numbers)}" for story, numbers in stories.items()
        )
        sets.append(f"  {json.dumps(name)}: {{\n{lines}\n  }}")
    text = f'{{\n "columns": {json.dumps(COLUMNS)},\n "sets": {{\n' + ",\n".join(sets) + "\n }\n}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _share(findings: Iterable[Finding]) -> tuple[int, int]:
    """(right, all that the truth states): excess and claimed bounds are no facts of the truth."""
    stated = [f for f in findings if f.status != "excess" and f.fact != "ring_bounds"]
    return sum(f.status == "right" for f in stated), len(stated)


def _cells(one: Line) -> tuple[str, ...]:
    j = one.judged
    return (
        one.name,
        *(_percent(*pair) for pair in (one.facts, one.ring, one.third, one.rotation)),
        str(j["certain_right"]),
        str(j["borderline"]),
        f"{j['estimated_right']}+{j['estimated_wrong']}",
        str(j["judged_unknown"]),
        str(one.excess),
        str(one.certain_wrong),
    )


def _percent(right: int, of: int) -> str:
    return f"{right}/{of} {100 * right / of:5.1f} %" if of else "–"


def _told(f: Finding) -> str:
    mark = "CERTAIN WRONG" if f.certain_wrong else f.status
    apart = {"gap": " [in a gap of the feed]", "cut": " [cut by the PBX's stop]"}.get(f.group, "")
    sure = f" ({f.certainty})" if f.certainty else ""
    where = f"{f.truth_id} {f.story}{apart}: {f.place}: {f.fact}"
    return f"{mark:13} {where}: expected {f.expected}, got {f.got}{sure}"
