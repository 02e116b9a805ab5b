"""`metrics`, `export`, `explain`: what the facts say."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from callstats import export
from callstats.cli.base import DONE, Declare, as_columns, current, day, print_json, settings_of
from callstats.fields import CERTAINTY, JUDGED_VISITS
from callstats.origin import labelled, notice
from callstats.standing import changed, original


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    metrics = command("metrics", _metrics, "Figures, all of them unless named.")
    metrics.add_argument("slugs", nargs="*", metavar="SLUG")
    metrics.add_argument(
        "--by", default="department", help="department, hour, weekday, day, week or month, joined by commas"
    )
    metrics.add_argument("--from", dest="start", type=day, metavar="D", help="first day, such as 2026-01-31")
    metrics.add_argument("--to", dest="end", type=day, metavar="D", help="day after the last one")
    metrics.add_argument("--json", action="store_true", help="as JSON")

    exporting = command("export", _export, "A table as CSV, XLSX, Parquet or JSON lines; times are UTC.")
    exporting.add_argument("table", choices=export.EXPORTED, metavar="TABLE", help=", ".join(export.EXPORTED))
    endings = ", ".join(f"FILE{ending}" for ending in export.WRITERS)
    exporting.add_argument("--to", type=Path, metavar="FILE", help=endings)

    explain = command("explain", _explain, "A call as a person would tell it, with the lines it came from.")
    explain.add_argument("call_id", metavar="CALL_ID")


def _metrics(options: argparse.Namespace) -> int:
    from callstats.report import metrics_table

    settings = settings_of(options)
    by = tuple(part.strip() for part in options.by.split(",") if part.strip())
    with current(settings) as store:
        table = metrics_table(store, settings, tuple(options.slugs) or None, by, options.start, options.end)
    if options.json:
        rows = labelled(table, settings.simulated).to_pylist()
        print_json([row | {"excluded": dict(row["excluded"] or ())} for row in rows])
        return DONE
    names = ("metric", "measure", *by, "value", "low", "high", "k", "n", "excluded", *CERTAINTY, "status")
    found = table.to_pylist()
    rows = [
        [
            _value(row)
            if name == "value"
            else sum(dict(row[name]).values())
            if name == "excluded"
            else row[name]
            for name in names
        ]
        for row in found
    ]
    print(notice(settings.simulated) + as_columns(names, rows))
    for reason in dict.fromkeys(row["restate_reason"] for row in found if row["restate_reason"]):
        print(f"restated: {reason}")
    if any(row["later"] for row in found):
        print("*: what came after closing would give another figure; callstats close tells which months")
    return DONE


def _value(row: dict[str, Any]) -> str:
    """The value in words; of a restated one the first too; a mark where what came later would change it."""
    from callstats.report import told

    first = f" (at first {told(original(row))})" if changed(row) else ""
    return f"{told(row)}{first}{'*' if row['later'] else ''}"


def _export(options: argparse.Namespace) -> int:
    from callstats import judge
    from callstats.register.table import CASES, cases_table

    settings = settings_of(options)
    with current(settings) as store:
        if options.table == CASES.name:
            table = cases_table(store, settings)
        elif options.table == JUDGED_VISITS.name:
            table = judge.scan(store, settings)
        else:
            table = store.scan(options.table)
    export.write(labelled(export.ordered(table), settings.simulated), options.to)
    return DONE


def _explain(options: argparse.Namespace) -> int:
    from callstats.explain import explain

    language = "lv" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("lv") else "en"
    settings = settings_of(options)
    with current(settings) as store:
        print(notice(settings.simulated, language) + explain(store, options.call_id, settings, language))
    return DONE
