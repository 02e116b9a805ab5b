"""Years of a simulated town: four weeks are played by the simulator, further ones are these four, later.

Weekdays stay what they were. Each copy has ids, and so channels, of its own; what is made is found again by a
later run.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa

from benchmarks.harness import BenchError
from callstats.engine import Session
from callstats.fields import EVENTS, TABLES
from callstats.settings import CONFIG_NAME, Settings
from callstats.simulate.plan import Plan
from callstats.simulate.site import write_site
from callstats.store import Batch, Store
from ingest.load import load

__all__ = ["BLOCK", "BLOCKS", "FIRST", "Block", "block", "copied", "fill", "first_day", "played"]

FIRST: Final = date(2023, 1, 2)
BLOCK: Final = timedelta(days=28)
BLOCKS: Final = 39  # three years, but for three days
MOST_PLAYED: Final = 100_000  # calls that the simulator plays; more are copies in the same weeks
SEED: Final = 7
DAY_US: Final = 86_400_000_000
_ID: Final = r"'^([0-9]+)[.]([0-9]+)$'"


@dataclass(frozen=True)
class Block:
    """Four weeks of a town's CDR, loaded and computed in a store of its own; `calls` are those computed."""

    settings: Settings
    calls: int


def first_day(number: int) -> date:
    """The first day of the n-th four weeks, from 0."""
    return FIRST + number * BLOCK


def played(calls: int) -> int:
    """How many of so many calls in four weeks are played."""
    return max(1, min(calls, MOST_PLAYED))


def block(folder: Path, calls: int) -> Block:
    """Four weeks with about so many calls (at most `MOST_PLAYED`); made if missing."""
    home = folder / f"town-{played(calls)}"
    if not home.exists():
        draft = folder / f".{home.name}.tmp"
        shutil.rmtree(draft, ignore_errors=True)
        plan = Plan.of(FIRST, FIRST + BLOCK, played(calls), SEED)
        write_site(plan, draft / "pbx", ["cdr"], rotate="never")
        with Store.open(_settings(draft)) as store:
            (report,) = load([draft / "pbx" / "cdr_custom"], _settings(draft), store)
        if not report.clean:
            raise BenchError(f"bench: the simulated CDR was not read: {report.reason}")
        draft.rename(home)
    settings = _settings(home)
    with Store.open(settings) as store:
        return Block(settings, store.scan("calls", columns=["call_id"]).num_rows)


def _settings(home: Path) -> Settings:
    return Settings.load(home / "pbx" / CONFIG_NAME, home / "data")


def fill(store: Store, of: Block, blocks: int, copies: int = 1) -> None:
    """Puts the events of so many times four weeks into a store, each week `copies` times at once."""
    for number in range(blocks):
        rows = pa.concat_tables(copied(of, "events", number * BLOCK, copy, copies) for copy in range(copies))
        append(store, rows, f"{number:08x}")


def append(store: Store, rows: pa.Table, name: str) -> None:
    """Appends events as a batch."""
    batch = Batch(
        id=f"{name:0>32}", pbx="pbx", source="cdr", dialect="cdr_custom", path=f"Master-{name}.csv",
        sha256=f"{name:0>64}", size=rows.num_rows, lineage=f"{name:0>64}",
        rows_read=rows.num_rows, rows_kept=rows.num_rows, rows_new=rows.num_rows,
    )  # fmt: skip
    ids = pa.repeat(pa.scalar(batch.id, pa.string()), rows.num_rows)
    place = rows.schema.get_field_index("batch")
    store.append_batch(batch, [rows.set_column(place, EVENTS.schema.field("batch"), ids)])


def copied(
    of: Block, name: str, later: timedelta, copy: int = 0, copies: int = 1, day: date | None = None
) -> pa.Table:
    """A table of the four weeks (or of one `day` of them), later; copy n of several has ids of its own."""
    schema = TABLES[name].schema
    columns = ", ".join(_column(field, later, copy, copies) for field in schema)
    with Store.open(of.settings) as store, Session() as session:
        session.table("found", store.table_files(name, day, day), schema)
        where = "" if day is None else f" WHERE local_date = DATE '{day}'"
        return session.query(f"SELECT {columns} FROM found{where}").cast(schema)


def _column(field: pa.Field, later: timedelta, copy: int, copies: int) -> str:
    name, value = field.name, f"found.{field.name}"
    if pa.types.is_timestamp(field.type):
        value = f"make_timestamptz(epoch_us({value}) + {later // timedelta(microseconds=1)})"
    elif pa.types.is_date(field.type):
        value = f"CAST({value} + {later.days} AS DATE)"
    elif name in ("uniqueid", "linkedid"):
        value = _moved(value, later, copy, copies)
    elif name == "call_id":
        value = f"'pbx:' || {_moved(f'split_part({value}, chr(58), 2)', later, copy, copies)}"
    elif name == "line_key":
        value = f"{value} || CAST('-{later.days}-{copy}' AS BLOB)"
    elif name in ("caller", "exten", "dialled") and copy:  # clients of its own: nobody calls twice at once
        value = f"CASE WHEN {value} LIKE 'n%-%' THEN {value} || '-{copy}' ELSE {value} END"
    return f"{value} AS {name}"


def _moved(text: str, later: timedelta, copy: int, copies: int) -> str:
    """An id: its epoch is later, its counter its own in each copy."""
    epoch = f"CAST(regexp_extract({text}, {_ID}, 1) AS BIGINT) + {later // timedelta(seconds=1)}"
    counter = f"CAST(regexp_extract({text}, {_ID}, 2) AS BIGINT) * {copies} + {copy}"
    return f"({epoch}) || '.' || ({counter})"


def days_of(number: int) -> Iterator[date]:
    """The days of the n-th four weeks."""
    return (first_day(number) + timedelta(days=n) for n in range(BLOCK.days))
