"""Is what is served what the PBX said? A random sample of days and calls, computed anew and compared.

Four things are looked at: every file that the catalog calls valid is there and holds the rows that it says;
the calls of some random days, computed from their events alone, equal the stored ones (all calls by their
ids, the sampled ones in every column of every table); the figures of those days, computed from the new
tables, equal those that are served; and what is stored of a random closed month is the sum of its parts and,
where nothing came after, what its facts give. Sealed days cannot be computed anew: their events go.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from callstats import editions
from callstats.cases import catalog
from callstats.cases.catalog import FileRow
from callstats.closed import Closed
from callstats.fields import TABLES
from callstats.metrics.inputs import known_days
from callstats.months import written
from callstats.recompute import fresh_tables
from callstats.report import metrics_table
from callstats.settings import Settings
from callstats.snapshot import Facts, Snapshot
from callstats.store import COMPUTED, Store

CALLS_WANTED: Final = 200
DAYS_WANTED: Final = 10
SHOWN: Final = 20
KEYS: Final = (
    "call_id", "visit", "position", "uniqueid", "mailbox", "msg_id", "fact", "other_source",
    "said_at", "pbx", "queue", "phone", "member", "step", "source",
)  # fmt: skip
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Difference:
    """One thing that is served otherwise than it is computed anew, in words that name it."""

    what: str
    served: str
    recomputed: str


@dataclass
class Verification:
    """What was compared, and what differs. State: filled while days are looked at."""

    seed: int
    days: list[date] = field(default_factory=list)
    past: int = 0  # days with calls that are sealed
    months: list[date] = field(default_factory=list)
    closed_figures: int = 0
    calls: int = 0
    rows: int = 0
    figures: int = 0
    files: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Nothing differs."""
        return not self.differences


def verify(
    store: Store, settings: Settings, calls: int = CALLS_WANTED, seed: int | None = None
) -> Verification:
    """Compares a random sample of some `calls` calls on at most `DAYS_WANTED` days.

    The same `seed` takes the same sample of the same facts; None takes another one each time.
    """
    found = Verification(random.SystemRandom().randrange(1 << 32) if seed is None else seed)
    chance = random.Random(found.seed)
    with store.reading():
        if not _files(store, found):  # nothing can be read past a hole
            return found
        with store.database.read() as connection:
            sealed = catalog.horizon(connection).sealed_before or date.min
        chosen = _some_days(store, sealed, chance)
        for day in chosen:
            _day(store, settings, day, -(-calls // len(chosen)), chance, found)
        found.past = len(known_days(store, date.min, sealed - ONE_DAY)) if sealed > date.min else 0
        _closed_month(store, settings, chance, found)
    return found


def _files(store: Store, found: Verification) -> bool:
    """Whether every file can be read; notes those that cannot, or hold other rows than the catalog says."""
    readable = True
    with store.database.read() as connection:
        files = [file for name in TABLES for file in catalog.live_files(connection, name)]
    for file in files:
        found.files += 1
        rows = _rows_of(store.root / file.path)
        readable &= rows is not None
        if rows != file.rows:
            found.differences.append(
                Difference(
                    f"file {file.path}",
                    f"{file.rows} rows",
                    "missing or damaged" if rows is None else f"{rows} rows",
                )
            )
    return readable


def _rows_of(path: Path) -> int | None:
    """How many rows a Parquet file holds; None where it is missing or damaged."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowInvalid):
        return None


def _some_days(store: Store, first: date, chance: random.Random) -> list[date]:
    """Days with calls from ``first`` on, in order; a day is the likelier the more calls it has."""
    with store.database.read() as connection:
        files = [file for file in catalog.live_files(connection, "calls", first) if file.rows]
    picked: set[date] = set()
    for file in chance.choices(files, [file.rows for file in files], k=DAYS_WANTED) if files else ():
        picked |= _some_day(store, file, first, chance)
    return sorted(picked)


def _some_day(store: Store, file: FileRow, first: date, chance: random.Random) -> set[date]:
    """The day of a random row of a file: one of a closed month holds many days."""
    if file.until == file.local_date:
        return {file.local_date}
    days = pq.read_table(store.root / file.path, columns=["local_date"])["local_date"]
    open_days = days.filter(pc.greater_equal(days, pa.scalar(first, pa.date32())))
    return {open_days[chance.randrange(len(open_days))].as_py()} if len(open_days) else set()


def _day(
    store: Store, settings: Settings, day: date, calls: int, chance: random.Random, found: Verification
) -> None:
    fresh = fresh_tables(store, settings, [day])
    served = {name: store.scan(name, day, day) for name in COMPUTED}
    ids = {
        name: set(tables["calls"]["call_id"].to_pylist())
        for name, tables in (("served", served), ("new", fresh))
    }
    for call_id in sorted(ids["served"] ^ ids["new"]):
        there = call_id in ids["served"]
        found.differences.append(
            Difference(f"call {call_id}", "there" if there else "missing", "missing" if there else "there")
        )
    both = sorted(ids["served"] & ids["new"])
    sample = chance.sample(both, min(calls, len(both)))
    for name in COMPUTED:
        _rows(name, served[name], fresh[name], sample, found)
    found.calls += len(sample)
    found.days.append(day)
    _figures(store, settings, day, fresh, found)


def _rows(name: str, served: pa.Table, fresh: pa.Table, sample: Sequence[str], found: Verification) -> None:
    before, after = (_by_key(table, sample) for table in (served, fresh))
    for key in sorted(before.keys() | after.keys()):
        found.rows += 1
        ours, anew = before.get(key), after.get(key)
        if ours is None or anew is None:
            found.differences.append(Difference(f"{name} {key}", _there(ours), _there(anew)))
            continue
        for column in anew:
            if ours.get(column) != anew[column]:
                found.differences.append(
                    Difference(f"{name} {key} {column}", str(ours.get(column)), str(anew[column]))
                )


def _there(row: object) -> str:
    return "missing" if row is None else "there"


def _by_key(table: pa.Table, sample: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Rows of the sampled calls (and those of no call) by what names them; a repeat is numbered."""
    kept = table
    if "call_id" in table.column_names:
        call = table["call_id"]
        kept = table.filter(pc.or_(pc.is_null(call), pc.is_in(call, value_set=pa.array(sample, pa.string()))))
    named: dict[str, dict[str, Any]] = {}
    for row in kept.to_pylist():
        key = " ".join(str(row[name]) for name in KEYS if row.get(name) is not None)
        while key in named:
            key += "+"
        named[key] = row
    return named


class _Anew(Snapshot):
    """The facts of the store, with one day's tables taken from elsewhere. State: where those lie."""

    def __init__(self, store: Store, day: date, tables: Mapping[str, pa.Table], folder: Path) -> None:
        super().__init__(store.root, store.database, store.timezone)
        self.day, self.folder = day, folder
        self.anew = {name: self._put(name, rows) for name, rows in tables.items()}

    def table_files(self, name: str, first: date | None = None, last: date | None = None) -> list[Path]:
        """See `Snapshot.table_files`."""
        if name not in self.anew or (first or self.day) > self.day or (last or self.day) < self.day:
            return super().table_files(name, first, last)
        others = [self._without_day(file) for file in self.files(name, first, last)]
        return [path for path in others if path is not None] + [self.anew[name]]

    def edge_files(self, name: str) -> list[Path]:
        """See `Snapshot.edge_files`; all of them, as a day of the table is elsewhere."""
        return self.table_files(name)

    def _without_day(self, file: FileRow) -> Path | None:
        """A file of several days without the day; None where it holds no other."""
        if not file.local_date <= self.day <= file.until:
            return self.root / file.path
        if file.local_date == file.until:
            return None
        rows = pq.read_table(self.root / file.path)
        return self._put(file.id, rows.filter(pc.not_equal(rows["local_date"], pa.scalar(self.day))))

    def _put(self, name: str, rows: pa.Table) -> Path:
        path = self.folder / f"{name}.parquet"
        pq.write_table(rows, path)
        return path


def _figures(
    store: Store, settings: Settings, day: date, fresh: Mapping[str, pa.Table], found: Verification
) -> None:
    def figures(facts: Facts) -> list[dict[str, Any]]:
        # by day: figures of days are computed from the visits, also where their month is closed
        rows: list[dict[str, Any]] = metrics_table(
            facts, settings, by=("department", "day"), start=day, end=day + ONE_DAY
        ).to_pylist()
        return rows

    with TemporaryDirectory() as folder:
        anew = figures(_Anew(store, day, fresh, Path(folder)))
    served = figures(store)
    found.figures += _differing(f"{day}", served, anew, ("metric", "measure", "department"), found)


def _closed_month(store: Store, settings: Settings, chance: random.Random, found: Verification) -> None:
    """What is stored of one closed month: does it add up, and do its facts still give it?"""
    closed = Closed.of(store, settings)
    if not closed.editions:
        return
    month = chance.choice(sorted(closed.editions))
    found.months.append(month)
    anew = {"its parts": editions.from_parts(settings, closed, month)}
    if not closed.gone(month) and not closed.changed(month):
        anew["its facts"] = editions.as_closed(store, settings, closed, month)
    for source, rows in anew.items():
        stored = editions.stored_figures(closed, month, rows)
        keys = ("metric", "measure", "axes", "department", "place")
        found.closed_figures += _differing(f"{written(month)} by {source}", stored, rows, keys, found)


def _differing(
    what: str,
    served: Iterable[Mapping[str, Any]],
    anew: Iterable[Mapping[str, Any]],
    keys: Sequence[str],
    found: Verification,
) -> int:
    """Notes where figures differ, those that only one side has included; returns how many were compared."""
    before, after = ({tuple(row[key] for key in keys): row for row in rows} for rows in (served, anew))
    for key in sorted(before.keys() | after.keys(), key=str):
        name = f"figure {' '.join(str(one) for one in key if one not in (None, ''))} {what}"
        ours, new = before.get(key), after.get(key)
        if ours is None or new is None:
            found.differences.append(Difference(name, _there(ours), _there(new)))
            continue
        found.differences += [
            Difference(f"{name} {column}", str(ours[column]), str(new[column]))
            for column in new
            if column != "data_version" and ours[column] != new[column]
        ]
    return len(before.keys() | after.keys())


def told(found: Verification) -> Iterator[str]:
    """The result in lines for a person."""
    days = len(found.days)
    yield (
        f"Compared (seed {found.seed}): {found.files} files with the catalog; "
        f"of {days} days all calls by id, {found.calls} calls in {found.rows} rows, "
        f"and {found.figures} figures, computed anew from the events."
    )
    if found.past:
        yield f"Sealed by retention and past checking: {found.past} days with calls."
    if found.months:
        months = ", ".join(map(written, found.months))
        yield f"Of closed {months}: {found.closed_figures} stored figures with their parts and facts."
    if found.well:
        compared = found.days or found.months
        yield "Everything equals what is served." if compared else "There was no day that could be compared."
        return
    for one in found.differences[:SHOWN]:
        yield f"DIFFERS {one.what}: served {one.served}, computed anew {one.recomputed}"
    if len(found.differences) > SHOWN:
        yield f"… and {len(found.differences) - SHOWN} more"
