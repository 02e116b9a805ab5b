"""`neutral`: who was in a neutral state when (clauses 7.1 and 11.8), as people enter it."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from callstats.calendar import local_instant
from callstats.cases import neutral
from callstats.cli.base import DONE, Declare, as_columns, everywhere, print_json, settings_of
from callstats.clock import utc_now
from callstats.closed import Closed
from callstats.errors import UsageError
from callstats.months import months, written
from callstats.neutral_desk import checked
from callstats.settings import Settings
from callstats.settings_rules import NEUTRAL_STATES
from callstats.store import Store

ONE_DAY: Final = timedelta(days=1)
SHOWN = ("id", "department", "phone", "state", "from_at", "to_at", "reason", "author", "entered_at")


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    parser = command("neutral", _list, "Neutral states that people enter: shown, added, withdrawn.")
    actions = parser.add_subparsers(metavar="ACTION")
    adding = actions.add_parser("add", help="add an interval, or a correction of one", parents=[everywhere()])
    adding.add_argument("--state", required=True, choices=NEUTRAL_STATES, help=", ".join(NEUTRAL_STATES))
    adding.add_argument(
        "--from", dest="start", required=True, metavar="TIME", help='"2026-03-02 09:00" (local)'
    )
    adding.add_argument("--to", dest="end", required=True, metavar="TIME", help="first moment after it")
    who = adding.add_mutually_exclusive_group(required=True)
    who.add_argument("--department", metavar="ID", help="all phones of a department")
    who.add_argument("--phone", metavar="EXTENSION", help="one phone")
    adding.add_argument("--supersedes", type=int, metavar="NUMBER", help="the entry that this one corrects")
    adding.set_defaults(run=_add)
    withdrawing = actions.add_parser(
        "withdraw", help="end an entry; it stays in the list of all", parents=[everywhere()]
    )
    withdrawing.add_argument("number", type=int, metavar="NUMBER")
    withdrawing.set_defaults(run=_withdraw)
    for one in (adding, withdrawing):
        one.add_argument("--reason", required=True, help="why, for those who read the figure")
        one.add_argument("--author", default=None, help="who says so (default: the system's user)")
    listing = actions.add_parser("list", help="entries in force", parents=[everywhere()])
    for one in (parser, listing):
        one.add_argument("--all", action="store_true", help="every row ever added")
        one.add_argument("--json", action="store_true", help="as JSON")


def _add(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    start, end = instant(options.start, settings.zone), instant(options.end, settings.zone)
    entry = neutral.Entry(
        options.department,
        options.phone,
        options.state,
        start,
        end,
        options.reason,
        options.author or getpass.getuser(),
        utc_now(),
        options.supersedes,
    )
    checked(settings, entry, utc_now())
    with Store.open(settings) as store:
        with store.database.write() as connection:
            old = [] if options.supersedes is None else [neutral.current(connection, options.supersedes)]
            number = neutral.add(connection, entry)
        print(f"Added: {number}.")
        _tell_closed(store, settings, (entry, *old))
    return DONE


def _withdraw(options: argparse.Namespace) -> int:
    settings, author = settings_of(options), options.author or getpass.getuser()
    with Store.open(settings) as store:
        with store.database.write() as connection:
            old = neutral.current(connection, options.number)
            neutral.withdraw(
                connection, options.number, reason=options.reason, author=author, entered_at=utc_now()
            )
        print(f"Withdrawn: {options.number}.")
        _tell_closed(store, settings, (old,))
    return DONE


def _list(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    with Store.open(settings) as store, store.database.read() as connection:
        found = neutral.listed(connection, everything=options.all)
    names = (*SHOWN, "supersedes", "withdrawn") if options.all else SHOWN
    if options.json:
        print_json([{name: getattr(one, name) for name in names} for one in found])
        return DONE
    rows = [[_told(getattr(one, name), settings.zone) for name in names] for one in found]
    print(as_columns(names, rows))
    return DONE


def _told(value: object, zone: ZoneInfo) -> object:
    return value.astimezone(zone).isoformat(" ", "minutes") if isinstance(value, datetime) else value


def _tell_closed(store: Store, settings: Settings, entries: Iterable[neutral.Entry]) -> None:
    """Says on standard error which closed months an entry does not change."""
    closed = Closed.unchecked(store).editions
    days = [[one.astimezone(settings.zone).date() for one in (e.from_at, e.to_at)] for e in entries]
    touched = {month for first, last in days for month in months(first, last + ONE_DAY) if month in closed}
    if touched:
        names = " ".join(map(written, sorted(touched)))
        print(
            f"callstats: closed already: {names}; the figures stay as they were stored until you type: "
            f'callstats close --restate {names} --reason "…"',
            file=sys.stderr,
        )


def instant(text: str, zone: ZoneInfo) -> datetime:
    """The UTC instant of a local time such as "2026-03-02 09:00", or of one with an offset.

    In the doubled hour the first one, unless an offset is given. Raises UsageError.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f'{text!r} is no time; write it like "2026-03-02 09:00"') from None
    rest = timedelta(seconds=found.second, microseconds=found.microsecond)
    try:
        if found.tzinfo is not None:
            return found.astimezone(UTC)
        return local_instant(zone, found.date(), found.hour * 60 + found.minute) + rest
    except OverflowError:  # the first or last day there is, in another zone
        raise UsageError(f"{text!r} is too far away; is the year right?") from None
