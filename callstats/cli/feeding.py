"""`collect`, `intake`: the live feed of the PBX's manager (AMI) into the journal, and into the figures."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from callstats.cli.base import DONE, REJECTED, Declare, settings_of, stopped_by_signals
from callstats.errors import UsageError
from callstats.settings import Settings
from callstats.store import Store

if TYPE_CHECKING:
    from ingest.storing import FileReport


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    collect = command(
        "collect", _collect, "Stay connected to the managers of [[ami]]: journal and figures, until stopped."
    )
    collect.add_argument(
        "--name", default="", help="of a second collector of the same PBX: both together give one truth"
    )
    collect.add_argument(
        "--journal-only", action="store_true", help="only write the journal; `intake` takes it in"
    )
    command("intake", _intake, "Take in the journals of collectors and the files of [watch], until stopped.")


def _collect(options: argparse.Namespace) -> int:
    from callstats.pseudonyms import load_pseudonymiser
    from ingest.station import Station

    settings = settings_of(options)
    if not settings.ami:
        raise UsageError("collect: name the PBX's manager in [[ami]]; `doctor` tells what to paste where")
    if options.name and not options.name.replace("-", "").isalnum():
        raise UsageError(f"collect: {options.name!r} is no name; use letters, digits and hyphens")
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = load_pseudonymiser(settings.numbers.key_file)
    station = Station(settings, keys, stopped_by_signals(), options.name, options.journal_only)
    for one in station.collectors:
        print(f"Collecting: {one.name} from {one.server.host}:{one.server.port}", flush=True)
    station.run()
    return DONE if station.fault is None else REJECTED


def _intake(options: argparse.Namespace) -> int:
    from ingest.station import take_in

    settings = settings_of(options)
    take_in(settings, stopped_by_signals(), also=following(settings))
    return DONE


def following(settings: Settings) -> Callable[[Store], Callable[[], list[FileReport]]] | None:
    """What follows the files of [watch], for a store, and tells what came; None where none are named."""
    if not settings.watch.paths:
        return None

    def of(store: Store) -> Callable[[], list[FileReport]]:
        from ingest.report import as_change
        from ingest.watch import Watch

        watch = Watch(settings, store, [Path(path) for path in settings.watch.paths], compute=False)

        def poll() -> list[FileReport]:
            reports = watch.poll()
            for report in reports:
                print(as_change(report), flush=True)
            return reports

        return poll

    return of
