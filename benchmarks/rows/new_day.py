"""One more day's events into a store of three years, beside computing all of its days anew."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.harness import BenchError, Outcome, Run, Sample, seconds
from benchmarks.town import BLOCK, BLOCKS, FIRST, Block, append, block, copied, days_of, fill, first_day
from callstats.recompute import recompute
from callstats.settings import Settings
from callstats.store import Store

__all__ = ["NewDay"]

DAY: Final = timedelta(days=1)  # of the four weeks: a Tuesday, a working day


@dataclass(frozen=True)
class NewDay:
    """Everything is computed, then a day more, in turn; nothing is left out, as each takes minutes."""

    name: str = "new_day"
    what: str = "a new day into three years"
    yardstick: str = "full recompute"
    at_most: float = 0.02
    blocks: int = field(default=BLOCKS, repr=False)

    def measure(self, run: Run) -> Outcome:
        """See `Row.measure`."""
        a_block = max(1, run.calls // self.blocks)
        town = block(run.folder, a_block)
        copies = max(1, round(a_block / town.calls))
        with tempfile.TemporaryDirectory(dir=run.folder) as folder:
            settings = town.settings.model_copy(update={"data": Path(folder) / "data", "database": None})
            with Store.open(settings) as store:
                fill(store, town, self.blocks, copies)
                recompute(store, settings)  # else the first day more would find all of them stale
                new = _NewDays(store, settings, town, self.blocks, copies)
                theirs = [_everything(store, settings, self.blocks)]
                ours = [new.one()]
                for _ in range(run.rounds - 1):
                    theirs.append(_everything(store, settings, self.blocks))
                    ours.append(new.one())
        ratios = [mine.wall_s / all_days.wall_s for mine, all_days in zip(ours, theirs, strict=True)]
        cpu = median(mine.cpu_s / all_days.cpu_s for mine, all_days in zip(ours, theirs, strict=True))
        calls = town.calls * copies
        return Outcome(
            ratio=median(ratios),
            least=min(ratios),
            most=max(ratios),
            ours=seconds(median(one.wall_s for one in ours)),
            yardstick=seconds(median(one.wall_s for one in theirs)),
            size=f"about {calls // 20:,} calls into {calls * self.blocks:,}",
            notes=(
                f"processor time {cpu:.4f}",
                f"{town.calls:,} simulated calls, in each four weeks {copies} times as events",
            ),
        )


@dataclass
class _NewDays:
    """State: how many days were added."""

    store: Store
    settings: Settings
    town: Block
    blocks: int
    copies: int
    added: int = 0

    def one(self) -> Sample:
        """Appends the next day's events and computes what they touch."""
        later = first_day(self.blocks) - FIRST + self.added * timedelta(days=7)
        parts = [copied(self.town, "events", later, n, self.copies, FIRST + DAY) for n in range(self.copies)]
        wall, cpu = time.perf_counter(), time.process_time()
        for copy, rows in enumerate(parts):
            append(self.store, rows, f"{self.added:04x}{copy:04x}ff")
        done = recompute(self.store, self.settings)
        taken = Sample(time.perf_counter() - wall, time.process_time() - cpu)
        if FIRST + later + DAY not in done:
            raise BenchError("bench: the new day was not computed; give more calls")
        self.added += 1
        return taken


def _everything(store: Store, settings: Settings, blocks: int) -> Sample:
    """Computes every day of the history."""
    days = [day for number in range(blocks) for day in days_of(number)]
    wall, cpu = time.perf_counter(), time.process_time()
    done = recompute(store, settings, days)
    if len(done) != blocks * BLOCK.days:
        raise BenchError("bench: not every day was computed")
    return Sample(time.perf_counter() - wall, time.process_time() - cpu)
