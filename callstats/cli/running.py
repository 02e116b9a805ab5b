"""`run`: everything that a small site needs, as one command; `jobs`: what is done from time to time."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from threading import Event
from typing import Final

from callstats.cli import base
from callstats.cli.base import DONE, Declare, current, settings_of, stopped_by_signals
from callstats.errors import in_words
from callstats.settings import Settings
from callstats.supervisor import Part, Supervisor

log = logging.getLogger(__name__)

REMIND_S: Final = 900.0
PURGE_HOUR: Final = 3  # local
TAKE_IN_S: Final = 120.0


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    command(
        "run", _run, "Collector, files of [watch], jobs and pages together, for a small site; until stopped."
    )
    command("jobs", _jobs, "Reminders every quarter of an hour and a purge every night, until stopped.")


def _run(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    stop = stopped_by_signals()
    parts = parts_of(settings, _same(options))
    print(f"Running: {', '.join(part.name for part in parts)}", flush=True)
    Supervisor(parts, stop).run()
    return DONE


def parts_of(settings: Settings, options: Sequence[str]) -> list[Part]:
    """What a site needs, in the order in which it is stopped: what brings data last, so that none is lost."""

    def part(name: str, *arguments: str, patience_s: float = 30.0) -> Part:
        return Part(name, [sys.executable, "-m", "callstats", *arguments, *options], patience_s)

    found = [part("serve", "serve"), part("jobs", "jobs")]
    if settings.ami:
        found.append(part("collect", "collect", "--journal-only"))
    if settings.ami or settings.watch.paths:
        found.append(part("intake", "intake", patience_s=TAKE_IN_S))
    return found


def _same(options: argparse.Namespace) -> list[str]:
    """The options that name the site, for the parts."""
    named = (("--config", getattr(options, "config", None)), ("--data", getattr(options, "data", None)))
    return [text for name, path in named if path is not None for text in (name, str(path.resolve()))]


def _jobs(options: argparse.Namespace) -> int:
    settings, stop = settings_of(options), stopped_by_signals()
    jobs(settings, stop)
    return DONE


def jobs(settings: Settings, stop: Event) -> None:
    """Does what is due until stopped; one that fails is told and tried the next time."""
    purged: date | None = None
    while not stop.is_set():
        _tried("reminders", lambda: _remind(settings))
        now = _local(settings)
        due = now.hour >= PURGE_HOUR and purged != now.date()
        if due and _tried("purge", lambda: _purge(settings)):
            purged = now.date()
        stop.wait(REMIND_S)


def _tried(name: str, work: Callable[[], None]) -> bool:
    try:
        work()
    except Exception as error:  # a fault of ours too: the other jobs go on
        log.error("%s: %s; tried again later", name, in_words(error))
    else:
        return True
    return False


def _local(settings: Settings) -> datetime:
    return base.now().astimezone(settings.zone)


def _remind(settings: Settings) -> None:
    from api.reminding import remind

    if settings.reminders.recipients:
        with current(settings) as store:
            remind(store, settings)


def _purge(settings: Settings) -> None:
    from callstats.retention import purge

    with current(settings) as store:
        purge(store, settings)
