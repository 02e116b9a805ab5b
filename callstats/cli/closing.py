"""`close`: months that are due, months that wait for lines, closed months computed anew."""

from __future__ import annotations

import argparse
from typing import Any

from callstats.cli.base import DONE, REJECTED, Declare, as_columns, current, opened, print_json, settings_of
from callstats.errors import UsageError
from callstats.origin import marked, notice


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    close = command(
        "close",
        _close,
        "Close the months that are due, as every command that shows figures does; tell how all months stand.",
    )
    close.add_argument(
        "months", nargs="*", metavar="MONTH", help="close it although lines are missing: 2026-09"
    )
    close.add_argument(
        "--restate",
        nargs="+",
        metavar="MONTH",
        default=[],
        help="compute closed months anew by today's facts, settings and program; old and new are both shown",
    )
    close.add_argument("--reason", metavar="TEXT", help="why; stands beside the figures")
    close.add_argument("--by", metavar="NAME", help="who decided it (default: the user of this process)")
    close.add_argument("--json", action="store_true", help="as JSON")


def _close(options: argparse.Namespace) -> int:
    from callstats import closing
    from callstats.month_list import month_list
    from callstats.months import month_of

    if options.months and options.restate:
        raise UsageError("close: months to close, or months to --restate, not both at once")
    wanted = [month_of(text) for text in (*options.months, *options.restate)]
    if wanted and not (options.reason or "").strip():
        raise UsageError('close: say why, as it will stand beside the figures: --reason "…"')
    settings, author = settings_of(options), options.by or closing.author_here()
    if options.restate:
        with opened(settings) as store:
            closing.restate(store, settings, wanted, options.reason, author)
    with current(settings) as store:
        for month in wanted if options.months else ():
            closing.close_as_it_is(store, settings, month, options.reason, author)
        rows = month_list(store, settings)
    if options.json:
        print_json([marked(row.as_json(), settings.simulated) for row in rows])
    else:
        print(notice(settings.simulated) + as_columns(_NAMES, [_cells(row.as_json()) for row in rows]))
    return REJECTED if any(row.status == "waiting" for row in rows) else DONE


_NAMES = ("month", "status", "closes_on", "closed_at", "edition", "closed_by", "reason", "later")


def _cells(row: dict[str, Any]) -> list[object]:
    """One line: of the newest edition, or what the month waits for."""
    newest = row["editions"][-1] if row["editions"] else {}
    told = {
        **newest,
        **{name: row[name] for name in ("status", "closes_on", "later")},
        "month": row["month"][:7],
    }
    if row["waits_for"]:
        told["reason"] = "; ".join(row["waits_for"])
    if newest:
        told["closed_at"] = f"{newest['closed_at']:%Y-%m-%d %H:%M}Z"
    told["later"] = {True: "would differ", False: "same", None: None}[row["later"]]
    return [told.get(name) for name in _NAMES]
