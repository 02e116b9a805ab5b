"""`python -m tests.cases [FILE…] [--verbose] [--rewrite]`: score other projects' cases.

FILE is the name of a case file without ending (default: all). Exit status 1 when counts differ from the
committed ones or a failure has no reason.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from tests.cases import report
from tests.cases.check import Check
from tests.cases.load import files, load
from tests.cases.score import checks
from tests.shared import CASES


def main(arguments: Sequence[str] | None = None) -> int:
    """Score, print, compare."""
    parser = argparse.ArgumentParser(prog="python -m tests.cases", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--verbose", action="store_true", help="values of failures; why facts are left out")
    parser.add_argument("--rewrite", action="store_true", help="commit to the counts found")
    chosen = parser.parse_args(arguments)
    if not CASES.is_dir():
        print("the cases (../shared/cases) are not beside this project")
        return 0
    if unknown := set(chosen.files) - set(files()):
        parser.error(f"no case file {', '.join(sorted(unknown))}; there are {', '.join(files())}")
    found = {file: list(checks(load(file))) for file in chosen.files or files()}
    made = report.counts(found)
    print(report.HEADING)
    for name, one in made.items():
        print(one.line(name))
    every = [check for one in found.values() for check in one]
    print(report.Counts.of(every).line("all"))
    _failures(every, chosen.verbose)
    if chosen.verbose:
        _left_out(found)
    if chosen.rewrite:
        report.rewrite(found)
    known = report.expected()
    lines = [line for file, one in found.items() for line in report.differences(file, one, known)]
    for line in lines:
        print(line)
    return 1 if lines or report.unexplained(report.committed(every, known)) else 0


def _failures(every: Sequence[Check], verbose: bool) -> None:
    failing = {c.key: c for c in every if not c.out and not c.right}
    for reason in report.reasons():
        here = [failing[fact] for fact in reason.facts if fact in failing]
        if here:
            print(f"\n{reason.key} ({len(here)}): {reason.why}")
            _list(here, verbose)
    if left := report.unexplained(every):
        print(f"\nwithout a reason ({len(left)})")
        _list(left, verbose)


def _list(here: Sequence[Check], verbose: bool) -> None:
    for check in here:
        print(f"  {check.key}" + (f": expected {check.expected!r}, got {check.got!r}" if verbose else ""))


def _left_out(found: Mapping[str, Sequence[Check]]) -> None:
    print("\nleft out")
    for file, one in found.items():
        for why, count in Counter(c.out for c in one if c.out).most_common():
            print(f"  {file}: {count} × {why}")


if __name__ == "__main__":
    sys.exit(main())
