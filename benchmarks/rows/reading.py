"""Reading what a PBX wrote into the store, beside pyarrow reading and writing the same file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.data import data, rows_of
from benchmarks.harness import BenchError, Outcome, Run, Sample, apart, compared, in_turn
from callstats.settings import Settings
from callstats.store import Store
from ingest.load import load

__all__ = ["Reading", "ours", "plainly"]

CONFIG: Final = Path(__file__).parents[2] / "sample_cdr" / "callstats.toml"
PEAK_MIB: Final = 600


@dataclass(frozen=True)
class Reading:
    """A file of `kind` (`benchmarks.data.KINDS`) loaded into an empty store."""

    name: str
    what: str
    yardstick: str = "pyarrow read + write of the same file to zstd Parquet"
    at_most: float = 1.5

    def measure(self, run: Run) -> Outcome:
        """See `Row.measure`."""
        rows = rows_of(self.name, run.calls)
        path = data(self.name, rows, run.folder)
        with tempfile.TemporaryDirectory(dir=run.folder) as folder:
            pairs = in_turn(
                lambda: self._apart("ours", path, folder),
                lambda: self._apart("plainly", path, folder),
                run.rounds,
            )
        peak = max(mine.peak_mib for mine, _ in pairs)
        cpu = median(mine.cpu_s / theirs.cpu_s for mine, theirs in pairs)
        theirs = max(yardstick.peak_mib for _, yardstick in pairs)
        return compared(
            pairs,
            f"{rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB",
            limits={f"peak {peak:.0f} MiB of {PEAK_MIB}": peak <= PEAK_MIB},
            notes=[f"processor time {cpu:.2f}", f"yardstick's peak {theirs:.0f} MiB"],
        )

    def _apart(self, way: str, path: Path, folder: str) -> Sample:
        return apart(f"{__name__}:{way}", path=path, folder=folder)


def ours(path: str, folder: str) -> Callable[[], None]:
    """Loads the file into a new store, events only."""
    kept = tempfile.TemporaryDirectory(dir=folder)
    settings = Settings.load(CONFIG, Path(kept.name) / "data")
    store = Store.open(settings)

    def go() -> None:
        with kept, store:
            (report,) = load([Path(path)], settings, store, compute=False)
            if not report.clean or not report.new:
                raise BenchError(f"{path}: {report.status}, {report.new} new: {report.reason}")

    return go


def plainly(path: str, folder: str) -> Callable[[], None]:
    """Reads the file by pyarrow and writes what it found, forced to disk as ours is."""
    to = Path(folder) / "plain.parquet"

    def go() -> None:
        with to.open("wb") as file:
            pq.write_table(_lines(path) if path.endswith(".log") else _csv(path), file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())

    return go


def _csv(path: str) -> pa.Table:
    return pa.csv.read_csv(path, read_options=pa.csv.ReadOptions(autogenerate_column_names=True))


def _lines(path: str) -> pa.Table:
    """Lines split at the bars: pyarrow's own reader takes no lines of different numbers of fields."""
    whole = pa.csv.read_csv(
        path,
        read_options=pa.csv.ReadOptions(column_names=["line"]),
        parse_options=pa.csv.ParseOptions(delimiter="\x01", quote_char=False),
    )
    return pa.table({"fields": pc.split_pattern(whole["line"], "|")})
