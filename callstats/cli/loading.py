"""`ingest` and `watch`: from the PBX's files into the store."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from callstats.cli.base import DONE, REJECTED, Declare, opened, print_json, settings_of, stopped_by_signals
from callstats.errors import UsageError

LEAST_S: Final = 0.1  # between two looks
MOST_S: Final = 3600.0


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    ingest = command(
        "ingest", _ingest, "Load files, or folders of them: per file read = kept + ignored + rejected."
    )
    ingest.add_argument("paths", type=Path, nargs="+", metavar="PATH")
    ingest.add_argument("--json", action="store_true", help="report as JSON")
    watch = command(
        "watch", _watch, "Follow files, or folders of them, while the PBX writes them; until it is stopped."
    )
    watch.add_argument(
        "paths", type=Path, nargs="*", metavar="PATH", help="default: paths of [watch] in the settings"
    )
    watch.add_argument("--every", type=_seconds, metavar="S", help="look every S seconds (default: 1)")
    watch.add_argument("--once", action="store_true", help="look once, and end")


def _ingest(options: argparse.Namespace) -> int:
    from ingest.load import finish, load
    from ingest.report import as_json, as_text

    settings = settings_of(options)
    with opened(settings) as store:
        before = store.counter()
        reports = load(options.paths, settings, store, compute=False)
        if options.json:
            print_json(as_json(reports))
        else:
            print(as_text(reports), flush=True)
        finish(settings, store, before)  # last: what was loaded is told even if computing fails
    return DONE if all(report.clean for report in reports) else REJECTED


def _watch(options: argparse.Namespace) -> int:
    from ingest.report import as_change
    from ingest.storing import FileReport
    from ingest.watch import Watch

    settings = settings_of(options)
    paths = options.paths or [Path(path) for path in settings.watch.paths]
    if not paths:
        raise UsageError("watch: name files or folders, or give [watch] paths in the settings")
    unclean = False

    def tell(report: FileReport) -> None:
        nonlocal unclean
        unclean |= not report.clean
        print(as_change(report), flush=True)

    with opened(settings) as store:
        watch = Watch(settings, store, paths)
        if options.once:
            for report in watch.poll():
                tell(report)
            watch.close()
            return REJECTED if unclean else DONE
        watch.run(stopped_by_signals(), options.every or settings.watch.every_s, tell)
    return DONE


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not LEAST_S <= found <= MOST_S:
        raise argparse.ArgumentTypeError(f"{text!r}: give seconds from {LEAST_S:g} to {MOST_S:g}")
    return found
