"""`verify`: is what is served what the PBX said, and how far do its voices agree?"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from callstats.cli.base import DONE, REJECTED, Declare, as_columns, current, print_json, settings_of
from callstats.errors import UsageError
from callstats.origin import marked, notice
from callstats.settings import Settings
from callstats.store import Store


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    verify = command("verify", _verify, "Compute a random sample anew from the events and compare.")
    verify.add_argument("--calls", type=int, default=200, metavar="N", help="calls to compare (default 200)")
    verify.add_argument("--seed", type=int, metavar="N", help="take the sample of an earlier run again")
    verify.add_argument("--json", action="store_true", help="as JSON")


def _verify(options: argparse.Namespace) -> int:
    from callstats.verify import told, verify

    if options.calls < 1:
        raise UsageError(f"--calls: {options.calls} is too few; give 1 or more")
    settings = settings_of(options)
    with current(settings) as store:
        found = verify(store, settings, options.calls, options.seed)
        voices = _voices(store, settings) if found.days else []
    if options.json:
        told_all = asdict(found) | {"well": found.well, "agreement": voices}
        print_json(marked(told_all, settings.simulated))
    else:
        print(notice(settings.simulated) + "\n".join(told(found)))
        if voices:
            print("How far the PBX's voices agree:")
            print(as_columns(list(voices[0]), [list(row.values()) for row in voices]))
    return DONE if found.well else REJECTED


def _voices(store: Store, settings: Settings) -> list[dict[str, Any]]:
    from callstats.agreement import agreement
    from callstats.metrics.inputs import data_window

    window = data_window(store)
    return [] if window is None else agreement(store, *window).to_pylist()
