"""`ingest`: from the PBX's files into the store."""

from __future__ import annotations

import argparse
from pathlib import Path

from callstats.cli.base import DONE, REJECTED, Declare, opened, print_json, settings_of


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    ingest = command(
        "ingest", _ingest, "Load files, or folders of them: per file read = kept + ignored + rejected."
    )
    ingest.add_argument("paths", type=Path, nargs="+", metavar="PATH")
    ingest.add_argument("--json", action="store_true", help="report as JSON")


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
