"""What is printed and compared: counts per file, and each failure under its reason."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cases.check import Check

HERE = Path(__file__).parent
EXPECTED = HERE / "expected.json"
REASONS = HERE / "reasons.toml"


@dataclass(frozen=True)
class Counts:
    """Facts right of those scored, cases of which all scored facts are right, and facts left out."""

    right: int
    scored: int
    cases_right: int
    cases_scored: int
    out: int

    @classmethod
    def of(cls, checks: Iterable[Check]) -> Counts:
        """The counts of some checks."""
        found = list(checks)
        scored = [c for c in found if not c.out]
        wrong = {c.case for c in scored if not c.right}
        cases = {c.case for c in scored}
        right, left_out = sum(c.right for c in scored), len(found) - len(scored)
        return cls(right, len(scored), len(cases - wrong), len(cases), left_out)

    def line(self, name: str) -> str:
        """One line of the table."""
        facts, cases = f"{self.right:5}/{self.scored:<5}", f"{self.cases_right:4}/{self.cases_scored:<4}"
        return f"{name:37} {facts} {cases} {self.out:5}"


OLD = frozenset({"history", "proposed"})
HEADING = f"{'file':37} {'facts':^11} {'cases':^9} {'out':>5}"


def counts(found: Mapping[str, Sequence[Check]]) -> dict[str, Counts]:
    """The counts of each file; what a source has given up or never took (other than master) stands apart."""
    made = {}
    for file, checks in found.items():
        for name, old in ((file, False), (f"{file}, history", True)):
            if chosen := [c for c in checks if (c.status in OLD) is old]:
                made[name] = Counts.of(chosen)
    return made


Known = Mapping[str, Mapping[str, Sequence[int]]]


def by_case(checks: Iterable[Check]) -> dict[str, list[int]]:
    """Case → facts right, facts scored."""
    found: dict[str, list[int]] = {}
    for check in checks:
        here = found.setdefault(check.case, [0, 0])
        here[0] += check.right and not check.out
        here[1] += not check.out
    return found


def expected() -> Known:
    """The committed counts: file → case → facts right, facts scored."""
    known: Known = json.loads(EXPECTED.read_text(encoding="utf-8"))
    return known


def rewrite(found: Mapping[str, Sequence[Check]]) -> None:
    """Commit to what was found; files that were not scored keep their counts."""
    known = dict(expected()) if EXPECTED.exists() else {}
    known |= {file: by_case(checks) for file, checks in found.items()}
    lines = []
    for file in sorted(known):
        cases = ",\n".join(
            f"    {json.dumps(case)}: {list(counts)}" for case, counts in sorted(known[file].items())
        )
        lines.append(f"  {json.dumps(file)}: {{\n{cases}\n  }}")
    EXPECTED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def differences(file: str, checks: Iterable[Check], known: Known) -> list[str]:
    """One line per case whose counts are not the committed ones: a drop, or a gain to be committed.

    A case that is not known yet is no difference.
    """
    lines = []
    for case, (right, scored) in by_case(checks).items():
        before = known.get(file, {}).get(case)
        if before is not None and list(before) != [right, scored]:
            worse = right < before[0] or scored < before[1]
            verdict = "fewer facts right" if worse else "better; commit it with --rewrite"
            lines.append(f"{case}: {verdict}: {before[0]} of {before[1]} -> {right} of {scored}")
    return lines


def committed(checks: Iterable[Check], known: Known) -> list[Check]:
    """The checks of cases whose counts are committed: others are printed, and fail nothing."""
    cases = {case for one in known.values() for case in one}
    return [c for c in checks if c.case in cases]


@dataclass(frozen=True)
class Reason:
    """Why some facts differ, in one sentence, and which (case and fact)."""

    key: str
    why: str
    facts: tuple[str, ...]


def reasons() -> list[Reason]:
    """The reasons, as committed."""
    raw: dict[str, Any] = tomllib.loads(REASONS.read_text(encoding="utf-8"))
    return [Reason(key, one["why"], tuple(one["facts"])) for key, one in raw.items()]


def unexplained(checks: Iterable[Check]) -> list[Check]:
    """Failures without a reason."""
    known = {fact for reason in reasons() for fact in reason.facts}
    return [c for c in checks if not c.out and not c.right and c.key not in known]


def outdated(checks: Iterable[Check]) -> list[str]:
    """Facts with a reason that do not fail (any more), of the cases that were scored."""
    found = list(checks)
    failing = {c.key for c in found if not c.out and not c.right}
    scored = {c.key for c in found}
    return [fact for reason in reasons() for fact in reason.facts if fact in scored and fact not in failing]
