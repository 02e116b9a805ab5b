"""`remind`: tells the departments what is due; to be run every quarter of an hour."""

from __future__ import annotations

import argparse

from callstats.cli.base import DONE, REJECTED, Declare, current, settings_of


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    remind = command(
        "remind",
        _remind,
        "Send today's reminders of the register, in working time, each once (run by a timer).",
    )
    remind.add_argument("--dry-run", action="store_true", help="only tell what would be sent")


def _remind(options: argparse.Namespace) -> int:
    from api.reminding import remind, shown, to_send

    settings = settings_of(options)
    with current(settings) as store:
        if options.dry_run:
            for row in to_send(store, settings):
                print(f"would be sent: {shown(row)}, {len(row.cases)} cases")
            return DONE
        done = remind(store, settings)
    for row in done.sent:
        print(f"sent: {shown(row)}, {len(row.cases)} cases")
    for row, fault in done.failed:
        print(f"not sent: {shown(row)}: {fault}; it is tried again")
    return REJECTED if done.failed else DONE
