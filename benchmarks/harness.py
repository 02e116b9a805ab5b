"""What a row of the bench is, and how two ways of doing a thing are compared.

Both ways are measured in turn, A B A B, so that what else the machine does falls on both; the ratio of a pair
is a measurement, absolute times mean nothing elsewhere.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final, Protocol

from callstats.errors import CallstatsError

__all__ = ["BenchError", "Outcome", "Row", "Run", "Sample", "apart", "compared", "in_turn", "percentile"]

ROUNDS: Final = 5


class BenchError(CallstatsError):
    """A measurement that could not be made."""


@dataclass(frozen=True)
class Run:
    """What a run of the bench is asked: `calls` of a town, `rounds` of each pair, `batches` appended.

    `folder` is for data that a later run finds again; what a measurement writes, it removes.
    """

    calls: int
    folder: Path
    rounds: int = ROUNDS
    batches: int = 10_000


@dataclass(frozen=True)
class Sample:
    """One way measured once: seconds by the clock and of processors, peak memory of the process in MiB."""

    wall_s: float
    cpu_s: float = 0.0
    peak_mib: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What a row found: how many times as long as its yardstick (median, least, most), and notes to it.

    `limits` are further conditions, each told with whether it is met (`peak 512 MiB of 600`: True).
    """

    ratio: float
    least: float
    most: float
    ours: str
    yardstick: str
    size: str
    limits: dict[str, bool] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def met(self, at_most: float) -> bool:
        """Whether the median ratio and all further conditions are within their limits."""
        return self.ratio <= at_most and all(self.limits.values())


class Row(Protocol):
    """One line of the bench: what is measured, what against, how many times as long it may take."""

    @property
    def name(self) -> str:
        """How it is asked for (`--rows`)."""
        ...

    @property
    def what(self) -> str:
        """What is measured, as the table says it."""
        ...

    @property
    def yardstick(self) -> str:
        """What it is measured against."""
        ...

    @property
    def at_most(self) -> float:
        """How many times as long as the yardstick it may take."""
        ...

    def measure(self, run: Run) -> Outcome:
        """Measures both ways. Raises BenchError where that is not possible."""
        ...


def in_turn(
    ours: Callable[[], Sample], yardstick: Callable[[], Sample], rounds: int
) -> list[tuple[Sample, Sample]]:
    """Pairs of measurements, A B A B; the first pair of a run only warms what both share and is left out."""
    pairs = [(ours(), yardstick()) for _ in range(rounds + 1)]
    return pairs[1:]


def compared(
    pairs: Sequence[tuple[Sample, Sample]],
    size: str,
    *,
    limits: dict[str, bool] | None = None,
    notes: Sequence[str] = (),
) -> Outcome:
    """The outcome of pairs of measurements: the median of their ratios, not the ratio of two medians."""
    if not pairs:
        raise BenchError("bench: nothing was measured")
    ratios = [ours.wall_s / yardstick.wall_s for ours, yardstick in pairs]
    return Outcome(
        ratio=median(ratios),
        least=min(ratios),
        most=max(ratios),
        ours=seconds(median(ours.wall_s for ours, _ in pairs)),
        yardstick=seconds(median(yardstick.wall_s for _, yardstick in pairs)),
        size=size,
        limits=limits or {},
        notes=tuple(notes),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def seconds(value: float) -> str:
    """A time as people read it."""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.3g} ms"


def apart(function: str, **arguments: Any) -> Sample:
    """A function (`module:name`) of JSON arguments in a process of its own, which tells what it took."""
    command = [sys.executable, "-m", "benchmarks.child", function, json.dumps(arguments, default=str)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BenchError(f"bench: {function}: {said}")
    return Sample(**json.loads(done.stdout.splitlines()[-1]))
