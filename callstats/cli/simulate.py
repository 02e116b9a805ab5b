"""`simulate`: an invented municipality in the PBX's own formats."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from callstats.cli.base import DONE, Declare, day
from callstats.errors import UsageError

PER_DAY: Final = 330  # calls of the usual town
FIRST: Final = date(2026, 9, 1)
TELL_EVERY_S: Final = 5.0
MOST_MONTHS: Final = 1200


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    simulate = command(
        "simulate",
        _simulate,
        "An invented municipality: months of a PBX's files with their truth, from a seed.",
    )
    simulate.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="folder for it; replaces an earlier simulation"
    )
    simulate.add_argument(
        "--from", dest="start", type=day, default=FIRST, metavar="D", help=f"first day (default: {FIRST})"
    )
    length = simulate.add_mutually_exclusive_group()
    length.add_argument("--until", type=day, metavar="D", help="day after the last one")
    length.add_argument("--months", type=int, metavar="N", help="so many months (default: 3)")
    simulate.add_argument(
        "--calls", type=int, metavar="N", help=f"about so many calls in all (default: {PER_DAY} a day)"
    )
    simulate.add_argument(
        "--seed", type=int, default=1, metavar="N", help="other seed, other calls (default: 1)"
    )
    simulate.add_argument(
        "--sources", metavar="A,B", help="cdr, cdr_csv, cel, queue_log, ami, voicemail (default: all)"
    )
    simulate.add_argument(
        "--rotate", choices=("day", "month", "never"), default="month", help="how often logs are renamed"
    )
    simulate.add_argument("--parts", type=int, metavar="N", help="size of the town (default: by its calls)")
    simulate.add_argument("--breaks", action="store_true", help="with gaps of the feed, a stop and a crash")


def _simulate(options: argparse.Namespace) -> int:
    from callstats.simulate.plan import Plan, feed_breaks
    from callstats.simulate.site import SOURCES, write_site

    start: date = options.start
    end: date = options.until or _months_later(start, 3 if options.months is None else options.months)
    calls = max(1, PER_DAY * (end - start).days) if options.calls is None else options.calls
    plan = Plan.of(start, end, calls, options.seed, options.parts)
    given = ",".join(SOURCES) if options.sources is None else options.sources
    named = [name.strip() for name in given.split(",") if name.strip()]
    if not named:
        raise UsageError(f"--sources {options.sources}: name at least one of {', '.join(SOURCES)}")
    spans = feed_breaks(plan, stops=True) if options.breaks else ()
    done = write_site(plan, options.to, named, rotate=options.rotate, breaks=spans, progress=Teller().tell)
    print(f"{options.to}: SIMULATED, {done.calls} calls from {start} to {end}, seed {options.seed}.")
    return DONE


def _months_later(start: date, months: int) -> date:
    """The same day so many months later, or the first after a month that is too short for it."""
    if not 1 <= months <= MOST_MONTHS:
        raise UsageError(f"--months {months}: give a number from 1 to {MOST_MONTHS}")
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    first = date(year, month + 1, 1)
    found = first + timedelta(start.day - 1)
    return found if found.month == first.month else found.replace(day=1)


class Teller:
    """Tells on standard error how far a long simulation is. State: when it told last."""

    def __init__(self) -> None:
        self.told_s = time.monotonic()

    def tell(self, day: date, calls: int) -> None:
        """A local day begins."""
        if time.monotonic() - self.told_s >= TELL_EVERY_S:
            self.told_s = time.monotonic()
            print(f"{day}: {calls} calls", file=sys.stderr, flush=True)
