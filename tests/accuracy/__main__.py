"""`python -m tests.accuracy [FOLDER…]`: how right the computed calls of recordings are, per set of sources.

Without a folder: our sample, and the shared recordings where they lie beside the project.
Exit status: 0 as good as the committed counts, 1 something certain is wrong or the counts dropped, 2 wrong
usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from callstats.errors import CallstatsError
from callstats.settings import Settings
from tests.accuracy import report, truth
from tests.accuracy.score import Finding
from tests.accuracy.sources import SETS, findings
from tests.shared import RECORDINGS, ROOT

EXPECTED = Path(__file__).parent / "expected"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the report of each folder; see the module's text for the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="recording with truth.json")
    parser.add_argument(
        "--set", dest="sets", action="append", choices=SETS, help="only this set (may be repeated)"
    )
    parser.add_argument(
        "--config", type=Path, help="callstats.toml (default: in the folder or up to two above)"
    )
    parser.add_argument(
        "--verbose", action="store_true", help="differences of the shuffled set and apart calls too"
    )
    parser.add_argument(
        "--rewrite", action="store_true", help="commit what was reached as the expected counts"
    )
    options = parser.parse_args(argv)
    try:
        return max(_one(folder, options) for folder in options.folders or recordings())
    except (CallstatsError, OSError, ValueError) as error:
        print(f"accuracy: {error}", file=sys.stderr)
        return 2


def recordings() -> list[Path]:
    """The recordings that are always reported: the project's own, and those of ../shared that are there."""
    own = sorted(path.parent for path in (ROOT / "tests" / "recordings").glob("*/truth.json"))
    return [ROOT / "sample_cdr", *own, *(RECORDINGS / n for n in ("a", "c") if (RECORDINGS / n).is_dir())]


def config_of(folder: Path) -> Path:
    """The callstats.toml of a recording: its own, or the one beside the recordings. Raises
    FileNotFoundError.
    """
    for place in (folder, folder.parent, folder.parent.parent):
        if (place / "callstats.toml").exists():
            return place / "callstats.toml"
    raise FileNotFoundError(f"{folder.name}: no callstats.toml in it or above; name one with --config")


def _one(folder: Path, options: argparse.Namespace) -> int:
    folder = folder.resolve()
    config = options.config or config_of(folder)
    settings, told = Settings.load(config), truth.load(folder, config)
    reached: dict[str, list[Finding]] = {}
    for name in options.sets or SETS:
        reached[name] = findings(folder, name, settings, told)
    lines = [report.line(name, found) for name, found in reached.items()]
    print(f"\n{folder.name}: {len(told.calls)} calls\n{report.table(lines)}\n")
    for name, found in reached.items():
        _print_differences(name, found, options.verbose)
    status = 1 if any(one.certain_wrong for one in lines) else 0
    return max(status, _compare(EXPECTED / f"{folder.name}.json", report.counts(reached), options))


def _print_differences(name: str, found: Sequence[Finding], verbose: bool) -> None:
    """The shuffled set repeats what "all" says; it is told only when asked for or when something certain
    is wrong.
    """
    told = report.differences(found)
    if not verbose and name == "all shuffled":
        told = [t for t in told if t.startswith("CERTAIN")]
    if told:
        print(f"{name}: {len(told)} differences")
        print(*(f"  {t}" for t in told), sep="\n")
        print()


def _compare(path: Path, got: report.Counts, options: argparse.Namespace) -> int:
    committed = report.read_counts(path) if path.exists() and not options.rewrite else {}
    if options.rewrite:
        before = report.read_counts(path) if path.exists() and options.sets else {}
        report.write_counts(path, before | got)
        print(f"{path.name}: expected counts written")
        return 0
    if not committed:
        print(f"{path.name}: no expected counts; write them with --rewrite")
        return 1
    worse, changed = report.drops({name: committed.get(name, {}) for name in got}, got)
    if worse:
        print(f"{path.name}: worse than the expected counts:", *worse, sep="\n  ")
        return 1
    if changed:
        print(f"{path.name}: better than the expected counts; write them anew with --rewrite")
    return 0


if __name__ == "__main__":
    sys.exit(main())
