"""Is what is served what the PBX said? A random sample of days and calls, computed anew and compared.

Three things are looked at: every file that the catalog calls valid is there and holds the rows that it says;
the calls of some random days, computed from their events alone, equal the stored ones (all calls by their
ids, the sampled ones in every column of every table); and the figures of those days, computed from the new
tables, equal those that are served.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from callstats.cases import catalog
from callstats.cases.catalog import FileRow
from callstats.fields import TABLES
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
        chosen = _some_days(store, chance)
        for day in chosen:
            _day(store, settings, day, -(-calls // len(chosen)), chance, found)
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


def _some_days(store: Store, chance: random.Random) -> list[date]:
    """Days with calls, in order; a day is the likelier the more calls it has."""
    with store.database.read() as connection:
        files = [file for file in catalog.live_files(connection, "calls") if file.rows]
    picked: set[date] = set()
    for file in chance.choices(files, [file.rows for file in files], k=DAYS_WANTED) if files else ():
        picked.add(_some_day(store, file, chance))
    return sorted(picked)


def _some_day(store: Store, file: FileRow, chance: random.Random) -> date:
    """The day of a random row of a file: one of a closed month holds many days."""
    if file.until == file.local_date:
        return file.local_date
    days = pq.read_table(store.root / file.path, columns=["local_date"])["local_date"]
    found: date = days[chance.randrange(len(days))].as_py()
    return found


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
    for ours, new in zip(served, anew, strict=True):
        found.figures += 1
        what = f"figure {new['metric']} {new['measure']} {new['department']} {day}"
        found.differences += [
            Difference(f"{what} {name}", str(ours[name]), str(new[name]))
            for name in new
            if name != "data_version" and ours[name] != new[name]
        ]


def told(found: Verification) -> Iterator[str]:
    """The result in lines for a person."""
    days = len(found.days)
    yield (
        f"Compared (seed {found.seed}): {found.files} files with the catalog; "
        f"of {days} days all calls by id, {found.calls} calls in {found.rows} rows, "
        f"and {found.figures} figures, computed anew from the events."
    )
    if found.well:
        yield "Everything equals what is served."
        return
    for one in found.differences[:SHOWN]:
        yield f"DIFFERS {one.what}: served {one.served}, computed anew {one.recomputed}"
    if len(found.differences) > SHOWN:
        yield f"… and {len(found.differences) - SHOWN} more"
