"""Appending a small batch to the store, beside writing the same bytes; and whether that stays so."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa

from benchmarks.harness import Outcome, Run, percentile, seconds
from callstats.cases.database import Database
from callstats.fields import EVENTS
from callstats.parquet import sync_folder
from callstats.store import Batch, Store

__all__ = ["Append"]

BATCH_ROWS: Final = 1000
FIRST_DAY: Final = date(2024, 1, 1)
DAYS: Final = 30
PBX: Final = "pbx"
DAY_US: Final = 86_400_000_000
EVERY_US: Final = 40_000_000  # a call every 40 s
FLAT: Final = 1.5  # times as long as at the beginning, still called flat: the noise of a disk


@dataclass(frozen=True)
class Append:
    """Batches of a thousand events, one after another, over a month of days."""

    name: str = "append"
    what: str = "append of a batch, 95th percentile"
    yardstick: str = "write + fsync + rename of the same bytes"
    at_most: float = 3.0

    def measure(self, run: Run) -> Outcome:
        """See `Row.measure`; both ways in turn in the first and the last tenth of the batches."""
        tenth = max(run.batches // 10, 1)
        parts = max(min(run.rounds, tenth), 1)
        with tempfile.TemporaryDirectory(dir=run.folder) as folder:
            root = Path(folder)
            (root / "plain").mkdir()
            with Store(
                root / "data", Database.open(f"sqlite:///{root / 'store.sqlite'}"), "Europe/Riga"
            ) as store:
                first = [_pair(store, root, number) for number in range(tenth)]
                for number in range(tenth, run.batches - tenth):
                    _append(store, number)
                last = [
                    _pair(store, root, number)
                    for number in range(max(run.batches - tenth, tenth), run.batches)
                ]
        last = last or first
        ratios = sorted(_p95(part, 0) / _p95(part, 1) for part in (last[i::parts] for i in range(parts)))
        grown = _p95(last, 0) / _p95(first, 0)
        theirs = _p95(last, 1) / _p95(first, 1)
        return Outcome(
            ratio=_p95(last, 0) / _p95(last, 1),
            least=ratios[0],
            most=ratios[-1],
            ours=seconds(_p95(last, 0)),
            yardstick=seconds(_p95(last, 1)),
            size=f"{run.batches:,} batches of {BATCH_ROWS:,} rows",
            limits={f"{grown:.2f} times the first tenth": grown <= FLAT * max(theirs, 1.0)},
            notes=(f"the yardstick {theirs:.2f} times",),
        )


def _p95(pairs: list[tuple[float, float]], side: int) -> float:
    return percentile([pair[side] for pair in pairs], 0.95)


def _pair(store: Store, root: Path, number: int) -> tuple[float, float]:
    """Seconds of an append, and of the plain writing of the bytes that it wrote."""
    mine = _append(store, number)
    newest = max(
        (store.root / "events" / str(_day(number))).iterdir(), key=lambda path: path.stat().st_mtime_ns
    )
    content = newest.read_bytes()
    began = time.perf_counter()
    draft = root / "plain" / f".{number}.tmp"
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(root / "plain" / f"{number}.parquet")
    sync_folder(root / "plain")
    return mine, time.perf_counter() - began


def _append(store: Store, number: int) -> float:
    events = _events(number)
    batch = Batch(
        id=f"{number:032x}", pbx=PBX, source="cdr", dialect="cdr_csv", path="Master.csv",
        sha256=f"{number:064x}", size=number, lineage=f"{number:064x}",
        rows_read=BATCH_ROWS, rows_kept=BATCH_ROWS, rows_new=BATCH_ROWS,
    )  # fmt: skip
    began = time.perf_counter()
    store.append_batch(batch, [events])
    return time.perf_counter() - began


def _day(number: int) -> date:
    return FIRST_DAY + timedelta(days=number % DAYS)


def _events(number: int) -> pa.Table:
    """A batch: a thousand rows of a day, each with ids of its own."""
    day = _day(number)
    begins = (day - date(1970, 1, 1)).days * DAY_US + number * 1000
    said = {
        "pbx": PBX, "source": "cdr", "dialect": "cdr_csv", "batch": f"{number:032x}", "kind": "cdr",
        "status": "ANSWERED", "local_date": day, "resolution_us": 1_000_000,
    }  # fmt: skip
    rows = range(BATCH_ROWS)
    at = [begins + row * EVERY_US for row in rows]
    ids = [f"{us // 1_000_000}.{number * BATCH_ROWS + row}" for row, us in enumerate(at)]
    columns: dict[str, pa.Array] = {
        "line": pa.array([number * BATCH_ROWS + row for row in rows]),
        "line_key": pa.array([f"{number:08x}{row:08x}".encode() for row in rows], pa.binary()),
        "at": pa.array(at, pa.int64()).cast(pa.timestamp("us", "UTC")),
        "uniqueid": pa.array(ids),
    }
    arrays = [
        columns.get(field.name, pa.repeat(pa.scalar(said.get(field.name), field.type), BATCH_ROWS)).cast(
            field.type
        )
        for field in EVENTS.schema
    ]
    return pa.Table.from_arrays(arrays, schema=EVENTS.schema)
