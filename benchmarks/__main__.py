"""The command of the bench.

    python -m benchmarks [--calls N] [--rows cdr,cel] [--rounds N] [--batches N] [--folder DIR]

Prints each row with its yardstick and appends them to the history. Never fails by time: exit status 0, and 2
for wrong usage.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.harness import ROUNDS, Row, Run
from benchmarks.history import HISTORY, Result, append, table
from benchmarks.machine import machine, revision, versions
from benchmarks.rows import ROWS
from callstats.errors import CallstatsError

CALLS = 200_000
FOLDER = Path(tempfile.gettempdir()) / "callstats-bench"


def main(arguments: Sequence[str] | None = None, rows: Sequence[Row] = ROWS) -> int:
    """Measures the rows that are asked for, tells and keeps what was found."""
    asked = _asked(arguments, rows)
    run = Run(asked.calls, asked.folder, asked.rounds, asked.batches)
    run.folder.mkdir(parents=True, exist_ok=True)
    where, began = machine(run.folder), datetime.now(UTC)
    print(f"{where}\n{versions()}\nrevision {revision()}\n")
    results = []
    for row in rows:
        if row.name not in asked.rows:
            continue
        print(f"{row.what}: measuring …", flush=True)
        try:
            results.append(Result(row, row.measure(run)))
        except CallstatsError as fault:
            results.append(Result(row, None, str(fault)))
    print("\n" + table(results))
    append(asked.history, results, at=began, revision=revision(), machine=where, versions=versions())
    return 0


def _asked(arguments: Sequence[str] | None, rows: Sequence[Row]) -> argparse.Namespace:
    names = [row.name for row in rows]
    parser = argparse.ArgumentParser("benchmarks", description="What callstats does beside its yardsticks.")
    parser.add_argument("--calls", type=_count, default=CALLS, help=f"calls of the town (default {CALLS:,})")
    parser.add_argument("--rows", type=lambda text: text.split(","), default=names, help=", ".join(names))
    parser.add_argument("--rounds", type=_count, default=ROUNDS, help=f"pairs per row (default {ROUNDS})")
    parser.add_argument("--batches", type=_count, default=10_000, help="batches appended (default 10,000)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where data are made and found again")
    parser.add_argument("--history", type=Path, default=HISTORY, help="the file to append to")
    asked = parser.parse_args(arguments)
    if unknown := sorted(set(asked.rows) - set(names)):
        parser.error(f"no row {', '.join(unknown)}; known: {', '.join(names)}")
    return asked


def _count(text: str) -> int:
    """A whole number from 1; digits may be grouped (`50_000_000`)."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return value


if __name__ == "__main__":
    raise SystemExit(main())
