"""What the commands share: exit statuses, how one is declared, settings and store, text in columns."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from threading import Event
from typing import Any, Final, Protocol

from callstats import export
from callstats.clock import Clock, utc_now
from callstats.settings import Settings
from callstats.store import Store

DONE, REJECTED, USAGE = 0, 1, 2
FAR: Final = (1970, 2100)  # years between which a day is believed
now: Clock = utc_now
Command = Callable[[argparse.Namespace], int]


class Declare(Protocol):
    """Declares a command: its name, what runs it, and what it does in one sentence."""

    def __call__(self, name: str, run: Command, text: str) -> argparse.ArgumentParser:
        """The command's parser, for its own arguments."""
        ...


def everywhere() -> argparse.ArgumentParser:
    """The arguments that every command, and every action of one, takes: a parent of its parser."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="settings (default: callstats.toml)",
    )
    shared.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="folder of the facts and the database",
    )
    return shared


def day(text: str) -> date:
    """A day of an argument, such as 2026-01-31."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it like 2026-01-31") from None
    if not FAR[0] <= found.year <= FAR[1]:
        raise argparse.ArgumentTypeError(f"{text!r} is too far away; give a day from {FAR[0]} to {FAR[1]}")
    return found


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings that `--config` and `--data` name."""
    return Settings.load(getattr(options, "config", None), getattr(options, "data", None))


def opened(settings: Settings) -> Store:
    """The store as it is."""
    return Store.open(settings, now)


def current(settings: Settings) -> Store:
    """The store up to date, after a crash or a change of settings too: days computed, months closed, cases
    of messages opened.

    Raises ClosedMonthError where the settings touch a closed month.
    """
    from callstats.closing import bring_up_to_date
    from callstats.register.opening import bring_up_to_date as open_cases

    store = opened(settings)
    try:
        bring_up_to_date(store, settings)
        open_cases(store, settings)
    except BaseException:
        store.close()
        raise
    return store


def stopped_by_signals() -> Event:
    """An event that SIGTERM and SIGINT set: what is being done is finished first."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def print_json(value: Any) -> None:
    """Writes a value as JSON to standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=export.json_value)
    print()


def as_columns(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows as text in columns; `-` where nothing is known."""
    texts = [list(names), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in texts) for i in range(len(names))]
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in texts)
    return "\n".join("  ".join(row).rstrip() for row in padded)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
