"""Where an analysis reads: a store on this machine, or a server (`callstats.remote`); both tell the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Protocol

import pyarrow as pa

from callstats import engine
from callstats.analysis.figures import told_table
from callstats.analysis.tables import TOLD, source
from callstats.departments import Departments
from callstats.metrics.base import Metric
from callstats.metrics.inputs import data_window
from callstats.metrics.registry import METRICS
from callstats.register.table import cases_table
from callstats.settings import Settings
from callstats.store import Store

LEASE: Final = timedelta(hours=6)  # no file goes while a long question reads
NO_DAYS: Final = (date(2000, 1, 1), date(2000, 1, 2))
Window = tuple[date, date]


class Source(Protocol):
    """What an `Analysis` asks for. Everything is read as it is at the moment of asking."""

    @property
    def title(self) -> str:
        """What is read, for people."""
        ...

    @property
    def simulated(self) -> bool:
        """Whether its calls are invented."""
        ...

    def window(self) -> Window | None:
        """Local dates ``[start, end)`` that hold data; None where there are none."""
        ...

    def departments(self) -> pa.Table:
        """Departments with their names, one row per period."""
        ...

    def metrics(self) -> Mapping[str, Metric]:
        """The metrics there are, by slug."""
        ...

    def figures(
        self,
        slug: str,
        by: Sequence[str],
        start: date | None,
        end: date | None,
        departments: Sequence[str] | None,
    ) -> pa.Table:
        """Figures with small cells hidden. Raises UsageError that names what is allowed."""
        ...

    def cases(self) -> pa.Table:
        """The register of messages: clocks and latencies of every case."""
        ...

    def reading(
        self, names: Collection[str], start: date | None, end: date | None
    ) -> AbstractContextManager[Mapping[str, engine.Source]]:
        """Tables of `callstats.analysis.tables.TOLD` of the days ``[start, end)`` (None: all there are)."""
        ...

    def close(self) -> None:
        """Lets go of what it holds."""
        ...


@dataclass(frozen=True)
class LocalSource:
    """A store on this machine."""

    settings: Settings
    store: Store

    @property
    def title(self) -> str:
        """See `Source`."""
        return f"store in {self.settings.data}"

    @property
    def simulated(self) -> bool:
        """See `Source`."""
        return self.settings.simulated

    def window(self) -> Window | None:
        """See `Source`."""
        return data_window(self.store)

    def departments(self) -> pa.Table:
        """See `Source`."""
        return Departments.from_settings(self.settings).listed

    def metrics(self) -> Mapping[str, Metric]:
        """See `Source`."""
        return METRICS

    def figures(
        self,
        slug: str,
        by: Sequence[str],
        start: date | None,
        end: date | None,
        departments: Sequence[str] | None,
    ) -> pa.Table:
        """See `Source`."""
        return told_table(self.store, self.settings, slug, by, start, end, departments)

    def cases(self) -> pa.Table:
        """See `Source`."""
        return cases_table(self.store, self.settings)

    @contextmanager
    def reading(
        self, names: Collection[str], start: date | None, end: date | None
    ) -> Iterator[Mapping[str, engine.Source]]:
        """See `Source`."""
        with self.store.reading(LEASE) as facts:
            there = data_window(facts) or NO_DAYS
            days = start or there[0], end or there[1]
            yield {
                name: source(facts, self.settings, name, *days) if days[0] < days[1] else _nothing(name)
                for name in names
            }

    def close(self) -> None:
        """Closes the store."""
        self.store.close()


def _nothing(name: str) -> pa.Table:
    return TOLD[name].table.schema.empty_table()
