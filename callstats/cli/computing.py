"""`compute`: the tables of chosen days anew, here or on a Spark cluster."""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from typing import TYPE_CHECKING

from callstats.cli.base import DONE, Declare, day, settings_of
from callstats.errors import UsageError

if TYPE_CHECKING:
    from callstats.store import Store


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    compute = command("compute", _compute, "Compute tables anew: the stale days, or those named.")
    compute.add_argument("--from", dest="start", type=day, metavar="D", help="first day, such as 2026-01-01")
    compute.add_argument("--to", dest="end", type=day, metavar="D", help="day after the last one")
    compute.add_argument("--spark", metavar="MASTER", help="on Spark: spark://host:7077, yarn, local[*]")
    compute.add_argument(
        "--conf",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of Spark; may be repeated",
    )
    compute.add_argument(
        "--scratch",
        metavar="DIR",
        help="where Spark keeps its steps: a folder or address all executors reach",
    )
    compute.add_argument(
        "--events",
        nargs="+",
        metavar="PATH",
        help="event files or folders instead of the catalog's (with --out)",
    )
    compute.add_argument("--out", metavar="DIR", help="write the tables there; the store stays as it is")


def _compute(options: argparse.Namespace) -> int:
    from callstats.closed import Closed
    from callstats.recompute import recompute
    from callstats.store import Store

    _check(options)
    if options.spark is None:
        settings = settings_of(options)
        with Store.open(settings) as store:
            Closed.of(store, settings)
            done = recompute(store, settings, _chosen(options, store))
    else:
        done = _on_spark(options)
    print(f"{len(done)} days computed")
    return DONE


def _check(options: argparse.Namespace) -> None:
    if (options.start is None) != (options.end is None) or (options.end and options.end <= options.start):
        raise UsageError("compute: give --from and, after it, --to; or neither for the stale days")
    if options.spark is None:
        for name in ("conf", "scratch", "events", "out"):
            if getattr(options, name):
                raise UsageError(f"compute: --{name} goes with --spark MASTER")
    if options.events is not None and options.out is None:
        raise UsageError("compute: --events needs --out DIR: the catalog does not know these files")
    if options.out is not None and options.start is None:
        raise UsageError("compute: --out needs --from and --to")


def _chosen(options: argparse.Namespace, store: Store) -> list[date] | None:
    """The days that were named, as far as the store has lines near them; None: the stale ones."""
    from callstats.calendar import days
    from callstats.recompute import with_lines

    return None if options.start is None else with_lines(store, days(options.start, options.end))


def _on_spark(options: argparse.Namespace) -> list[date]:
    from callstats import cluster
    from callstats.calendar import days
    from callstats.filing import spill
    from callstats.recompute import needed
    from callstats.spread import reach
    from callstats.store import Store

    settings, conf = settings_of(options), dict(_setting(text) for text in options.conf)
    with cluster.connected(options.spark, conf) as session:
        span = (settings, options.start, options.end, options.out, options.scratch)
        if options.events is not None:
            cluster.write(session, options.events, *span)
            return list(days(options.start, options.end))
        with Store.open(settings) as store:
            chosen = _chosen(options, store)
            if options.out is None:
                return cluster.compute(session, store, settings, chosen, options.scratch)
            with store.reading(timedelta(days=1)) as facts, spill(store.root) as folder:
                found = reach(facts, set(chosen or ()), {}, folder)
                files, feed_ends = needed(store, settings, facts, found.read)
                cluster.write(session, files, *span, feed_ends)
            return chosen or []


def _setting(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.startswith("spark."):
        raise UsageError(f"compute: --conf {text}: write it like spark.executor.memory=4g")
    return name, value
