"""From events to calls, visits, attempts and messages, day by day; equal to computing everything anew.

A batch makes stale the days of the calls that its events touch, and their neighbours, since a call may merge
with one from before midnight. To compute a day, the events of two days around it are read, and those of later
days on which a call that began there went on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import callstats
from callstats import parquet
from callstats.cases import catalog
from callstats.cases.catalog import ConflictError
from callstats.fields import EVENTS
from callstats.settings import Settings
from callstats.store import COMPUTED, FEED_ENDS, Store

AROUND: Final = timedelta(days=2)
ONE_DAY: Final = timedelta(days=1)
MOST_DAYS: Final = 31  # computed at once: bounds the memory
TRIES: Final = 5


def recompute(store: Store, settings: Settings, days: Iterable[date] | None = None) -> list[date]:
    """Computes the stale days, or exactly `days`, and replaces them; returns the days computed.

    Days are stale when their events are newer than their tables, or were computed by other rules (settings or
    program). Raises ConflictError when other processes change the same days again and again.
    """
    rules = rules_digest(settings)
    given = None if days is None else sorted(set(days))
    for _ in range(TRIES):
        wanted = _stale(store, rules) if given is None else given
        try:
            for part in _parts(wanted):
                _compute(store, settings, part, rules)
        except ConflictError:
            continue
        return wanted
    raise ConflictError("store: other processes keep changing these days; run it again when they are done")


def rules_digest(settings: Settings) -> str:
    """One text for everything but the events that a computed row depends on: settings and program."""
    digest = hashlib.blake2b(callstats.__version__.encode(), digest_size=8)
    digest.update(settings.model_dump_json(exclude={"data", "database", "numbers"}).encode())
    code = Path(callstats.__file__).parent / "assemble"
    for path in sorted(p for p in code.rglob("*") if p.suffix in {".py", ".sql"}):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _stale(store: Store, rules: str) -> list[date]:
    with store.database.read() as connection:
        return [day.local_date for day in catalog.stale_days(connection, rules)]


def _parts(days: Sequence[date]) -> Iterator[list[date]]:
    """Days in groups that are near each other, so that neighbours are read once."""
    part: list[date] = []
    for day in days:
        if part and (day - part[-1] > AROUND or day - part[0] >= timedelta(days=MOST_DAYS)):
            yield part
            part = []
        part.append(day)
    if part:
        yield part


def _compute(store: Store, settings: Settings, days: list[date], rules: str) -> None:
    from callstats.assemble import assemble

    # beside the events, so that whoever reads those (executors of a cluster too) reads this
    with store.reading(), TemporaryDirectory(dir=store.root, prefix=".computing-") as folder:
        based_on = store.counter()
        files, feed_ends = needed(store, days)
        if feed_ends.num_rows:
            files.append(Path(folder) / "feed_ends.parquet")
            pq.write_table(feed_ends, files[-1])
        tables = assemble(files, settings)
    kept = {name: _of_days(tables[name], days) for name in COMPUTED}
    store.replace_days(days, kept, based_on=based_on, rules=rules)


def needed(store: Store, days: Sequence[date]) -> tuple[list[Path], pa.Table]:
    """Files with the events that are needed to compute `days`, and the nearest ends of feeds around them.

    A gap of a feed may last longer than the days that are read.
    """
    wanted = {day + step * ONE_DAY for day in days for step in range(-AROUND.days, AROUND.days + 1)}
    with store.database.read() as connection:
        for day in catalog.known_days(connection, min(days) - ONE_DAY, max(days) + ONE_DAY):
            spread = (day.reach_to - day.local_date).days
            wanted.update(day.local_date + step * ONE_DAY for step in range(spread + 1))
        files = catalog.live_files(connection, "events", min(wanted), max(wanted))
        around = catalog.nearest_feed_ends(connection, min(wanted), max(wanted))
        around += [file for file in files if file.feed_ends and file.local_date not in wanted]
    ends = parquet.read([store.root / file.path for file in around], EVENTS.schema)
    return (
        [store.root / file.path for file in files if file.local_date in wanted],
        ends.filter(pc.is_in(ends["kind"], value_set=FEED_ENDS)),
    )


def _of_days(table: pa.Table, days: Sequence[date]) -> pa.Table:
    return table.filter(pc.is_in(table["local_date"], value_set=pa.array(days, pa.date32())))
