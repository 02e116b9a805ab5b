"""One asserted fact and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.cases.load import Case
from tests.cases.matching import same


@dataclass(frozen=True)
class Check:
    """A fact of a case: right, wrong, or (with `out` as the reason) not ours to tell."""

    case: str
    file: str
    status: str
    fact: str
    right: bool
    expected: Any = None
    got: Any = None
    out: str = ""

    @property
    def key(self) -> str:
        """The name under which reasons are kept."""
        return f"{self.case} {self.fact}"


def compared(case: Case, fact: str, expected: Any, got: Any) -> Check:
    """The check of a value of ours."""
    return Check(case.id, case.file, case.status, fact, same(expected, got), expected, got)


def left_out(case: Case, fact: str, why: str) -> Check:
    """A fact that is not scored, and why."""
    return Check(case.id, case.file, case.status, fact, False, out=why)
