"""The history of the bench: a section per run, for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from benchmarks.harness import Outcome, Row

__all__ = ["HISTORY", "Result", "append", "table"]

HISTORY: Final = Path(__file__).with_name("HISTORY.md")
INTRODUCTION: Final = """\
# What the bench found

`make bench` appends a section per run. A ratio is how many times as long as its yardstick a thing took in
that run: median, and least to most of the pairs. Times of different machines, or runs, do not compare.
"""
HEADINGS: Final = ("row", "size", "ours", "yardstick", "ratio", "at most", "met", "notes")


@dataclass(frozen=True)
class Result:
    """A row with what was found, or why it could not be measured."""

    row: Row
    outcome: Outcome | None
    fault: str = ""


def table(results: Sequence[Result]) -> str:
    """The results as a Markdown table."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(_cells(result) for result in results)]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def append(
    path: Path, results: Sequence[Result], *, at: datetime, revision: str, machine: str, versions: str
) -> None:
    """Appends a section to the file, which is begun if it is not there."""
    begun = path.read_text(encoding="utf-8") if path.exists() else INTRODUCTION
    section = (
        f"\n## {at:%Y-%m-%d %H:%M} UTC, revision {revision}\n\n{machine}; {versions}.\n\n{table(results)}"
    )
    path.write_text(begun + section, encoding="utf-8")


def _cells(result: Result) -> tuple[str, ...]:
    row, found = result.row, result.outcome
    at_most = f"{row.at_most:g}"
    if found is None:
        return (row.what, "", "", row.yardstick, "", at_most, "not measured", result.fault.replace("|", "/"))
    told = [f"{text}{'' if met else ' (over)'}" for text, met in found.limits.items()]
    return (
        row.what,
        found.size,
        found.ours,
        f"{found.yardstick} ({row.yardstick})",
        f"{found.ratio:.2f} ({found.least:.2f}–{found.most:.2f})",
        at_most,
        "yes" if found.met(row.at_most) else "no",
        "; ".join([*told, *found.notes]),
    )
