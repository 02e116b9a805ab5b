"""Computing on a Spark cluster what one machine computes: the same texts, the same tables.

`compute` replaces days in the store, as `callstats.recompute` does; the files that the catalog lists must
lie where every executor reads them. `write` leaves the catalog alone: it reads event files from anywhere that
Spark reads, and executors write the tables, one file per table and day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa

from callstats import engine, spark
from callstats.assemble import RESULTS, take_steps
from callstats.closed import Closed
from callstats.engine import Parameter
from callstats.fields import EVENTS
from callstats.recompute import recompute
from callstats.settings import Settings
from callstats.store import Store

AROUND: Final = timedelta(days=2)  # a call may be tied to one from before midnight
FARTHEST_CALL: Final = 31  # days: an older epoch in a linkedid is no call, but a wrong clock

# A call belongs to the day it began on and may go on for long; a gap of a feed may reach in from anywhere.
_NEEDED: Final = """
SELECT * FROM all_events
WHERE (local_date >= :first AND local_date < :last) OR kind IN ('connected', 'disconnected')
UNION ALL
SELECT * FROM feed_ends
"""
OF_SPAN: Final = "SELECT * FROM {} WHERE local_date >= :start AND local_date < :end"


@contextmanager
def connected(master: str, options: Mapping[str, str] | None = None) -> Iterator[spark.SparkSession]:
    """A Spark session at ``master``, ended afterwards. Raises UsageError where Spark is not there."""
    session = spark.connect(master, options)
    try:
        yield session
    finally:
        session.stop()


def compute(
    session: spark.SparkSession,
    store: Store,
    settings: Settings,
    chosen: Sequence[date] | None = None,
    scratch: str | None = None,
) -> list[date]:
    """Computes the stale days, or the ``chosen`` ones, on Spark and replaces them; returns them.

    A month at a time comes back to this machine, which registers it in one transaction. ``scratch``
    is where the steps are kept (default: the data folder). Raises ClosedMonthError where the settings touch
    a closed month.
    """
    Closed.of(store, settings)
    with engine.on(lambda: spark.Session(session, scratch or str(store.root))):
        return recompute(store, settings, chosen)


def write(
    session: spark.SparkSession,
    events: Sequence[Path | str],
    settings: Settings,
    start: date,
    end: date,
    out: str,
    scratch: str | None = None,
    feed_ends: pa.Table | None = None,
) -> None:
    """Writes the tables of the local days ``[start, end)`` as ``out/TABLE/day=D/*.parquet``.

    ``events`` are files, or folders of them at any depth, that hold each event once; ``feed_ends`` ends of
    feeds that lie in none of them (`callstats.recompute.needed` tells both). The rows equal those of the
    store, in the order that `RESULTS` gives. Raises UsageError where a table is there already.
    """
    read: dict[str, Parameter] = {
        "first": start - AROUND,
        "last": end + timedelta(days=FARTHEST_CALL) + AROUND,
    }
    with spark.Session(session, scratch or out) as opened:
        for table, _, _ in RESULTS:
            opened.must_not_be(f"{out}/{table.name}")
        opened.table("all_events", events, EVENTS.schema)
        opened.table("feed_ends", EVENTS.schema.empty_table() if feed_ends is None else feed_ends)
        opened.view("events", _NEEDED, read)
        take_steps(opened, settings)
        for table, step, columns in RESULTS:
            bound = engine.bind(OF_SPAN.format(step), {"start": start, "end": end})
            opened.write(bound, table.schema, columns, f"{out}/{table.name}")
