"""From events to calls, visits, attempts and messages, day by day; equal to computing everything anew.

A batch makes stale the days that its lines are of. When they are computed, so are the days that these lines
touch otherwise: the other days of their calls, and those beside (`callstats.spread`). What is read is bounded
by the days whose calls hang together, what is held in memory by `MOST_ROWS`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

import callstats
from callstats import feeds
from callstats.cases import catalog, commits, crossings
from callstats.cases.catalog import ConflictError, Day, FileRow
from callstats.filing import described, spill
from callstats.settings import Settings
from callstats.snapshot import Snapshot
from callstats.spread import files_of, reach, widened
from callstats.store import Store

NEAR: Final = timedelta(days=2)
MOST_DAYS: Final = 31  # computed at once
MOST_ROWS: Final = 1_200_000  # events read at once, unless one day and those around it have more
TRIES: Final = 5


def recompute(store: Store, settings: Settings, days: Iterable[date] | None = None) -> list[date]:
    """Computes the stale days and those they touch, or exactly `days`; returns the days computed.

    Days are stale when they have new events, or were computed by other rules (settings or program). Sealed
    days stay as they are. Raises ConflictError when other processes change the same days again and again.
    """
    rules = rules_digest(settings)
    given = None if days is None else sorted(set(days))
    done: set[date] = set()
    for _ in range(TRIES):
        try:
            catch_up(store)
            feeds.see(store)
            stale = _stale(store, rules) if given is None else [_unknown(day) for day in given]
            for part in _parts(store, stale):
                done |= _compute(
                    store, settings, part, {day.local_date for day in stale}, rules, given is None
                )
        except ConflictError:
            continue
        return sorted(done)
    raise ConflictError("store: other processes keep changing these days; run it again when they are done")


def rules_digest(settings: Settings) -> str:
    """One text for everything but the events that a computed row depends on: the site, the program.

    Rules and hours are not in it: they are applied when visits are read.
    """
    from callstats.assemble import reference

    digest = hashlib.blake2b(callstats.__version__.encode(), digest_size=8)
    digest.update(settings.timezone.encode())
    for name, table in sorted(reference(settings).items()):
        digest.update(f"\n{name} {table.to_pylist()}".encode())
    code = Path(callstats.__file__).parent / "assemble"
    for path in sorted(p for p in code.rglob("*") if p.suffix in {".py", ".sql"}):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def with_lines(store: Store, days: Iterable[date]) -> list[date]:
    """Of some days those that have lines, or are `NEAR` one that has: no other can have calls."""
    wanted = sorted(set(days))
    if not wanted:
        return []
    with store.database.read() as connection:
        spoken = catalog.event_rows(connection, wanted[0] - NEAR, wanted[-1] + NEAR)
    near = widened(list(spoken), NEAR.days)
    return [day for day in wanted if day in near]


def catch_up(store: Store) -> None:
    """Looks into event files that were written before the catalog knew what crosses days."""
    with store.database.read() as connection:
        files = crossings.not_indexed(connection)
    for file in files:
        rows = pq.read_table(store.root / file.path)
        with store.database.write() as connection:
            if any(one.id == file.id for one in crossings.not_indexed(connection)):
                commits.index_file(connection, described(file, rows, store.timezone))


def _stale(store: Store, rules: str) -> list[Day]:
    with store.database.read() as connection:
        return catalog.stale_days(connection, rules)


def _unknown(day: date) -> Day:
    return Day(day, 0, -1, 0, "")


def _parts(store: Store, days: Sequence[Day]) -> Iterator[list[Day]]:
    """Days in groups that are near each other, so that neighbours are read once, of bounded size."""
    if not days:
        return
    first, last = days[0].local_date - NEAR, days[-1].local_date + NEAR
    with store.database.read() as connection:
        rows = catalog.event_rows(connection, first, last)
    part: list[Day] = []
    for day in days:
        together = widened([one.local_date for one in (*part, day)], NEAR.days)
        if part and (
            day.local_date - part[-1].local_date > NEAR
            or len(part) >= MOST_DAYS
            or sum(rows.get(one, 0) for one in together) > MOST_ROWS
        ):
            yield part
            part = []
        part.append(day)
    if part:
        yield part


def fresh_tables(store: Store, settings: Settings, days: Sequence[date]) -> dict[str, pa.Table]:
    """The tables of `COMPUTED` for some near days, computed from the stored events; nothing is stored."""
    with store.reading() as facts, spill(store.root) as folder:
        found = reach(facts, set(days), {}, folder)
        return dict(_tables(store, settings, facts, found.read, days, folder))


def _compute(
    store: Store, settings: Settings, part: Sequence[Day], stale: set[date], rules: str, spreading: bool
) -> set[date]:
    """Computes some days, and with `spreading` those that their new lines touch; returns the days."""
    own = {day.local_date for day in part}
    with store.reading() as facts, spill(store.root) as folder:
        with store.database.read() as connection:
            horizons = catalog.horizon(connection)
        fresh = _fresh(facts, part) if spreading else {}
        found = reach(facts, own, fresh, folder)
        newest = max((file.evidence or 0 for files in fresh.values() for file in files), default=-1)
        touched = _outdated(store, found.touched - own, newest, stale) if spreading else set()
        days = sorted(day for day in own | touched if not horizons.sealed(day))
        kept = _tables(store, settings, facts, found.read, days, folder)
        spread = own & set(days) if spreading else set()
        store.replace_days(days, kept, based_on=facts.counter, rules=rules, spread=spread)
    return set(days)


def _tables(
    store: Store,
    settings: Settings,
    facts: Snapshot,
    read: Collection[date],
    days: Sequence[date],
    folder: Path,
) -> Iterator[tuple[str, pa.Table]]:
    """The tables of some days, from the events of the days to `read` and the ends of all feeds."""
    from callstats.assemble import one_by_one

    paths, far = needed(store, settings, facts, read)
    if far.num_rows:
        paths.append(folder / "feed_ends.parquet")
        pq.write_table(far, paths[-1])
    return one_by_one(paths, settings, folder, days)


def needed(
    store: Store, settings: Settings, facts: Snapshot, read: Collection[date]
) -> tuple[list[Path], pa.Table]:
    """Files with the events of the days to `read`, and the ends of feeds that are in none of them.

    Those of live feeds are in no file at all.
    """
    with store.database.read() as connection:
        ends = crossings.ends(connection)
    far = [end for end in ends if end["file"] is None or _local(end["at"], settings) not in read]
    return [store.root / path for path in files_of(facts, read)], feeds.ends_table(far)


def _fresh(facts: Snapshot, part: Sequence[Day]) -> dict[date, list[FileRow]]:
    """Event files of some days with lines that were not spread yet, by day."""
    found: dict[date, list[FileRow]] = {}
    for day in part:
        if day.event_version > day.spread_version:
            found[day.local_date] = [
                file
                for file in facts.files("events", day.local_date, day.local_date)
                if (file.evidence or 0) > day.spread_version
            ]
    return found


def _outdated(store: Store, touched: Iterable[date], newest: int, stale: set[date]) -> set[date]:
    """The days among those touched that were computed without the newest lines.

    Days that are stale themselves get their turn.
    """
    wanted = set(touched) - stale
    if not wanted:
        return set()
    with store.database.read() as connection:
        known: Mapping[date, Day] = {
            day.local_date: day for day in catalog.known_days(connection, min(wanted), max(wanted))
        }
    return {day for day in wanted if day not in known or known[day].computed_version < newest}


def _local(at: datetime, settings: Settings) -> date:
    return at.astimezone(settings.zone).date()
