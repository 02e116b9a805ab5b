"""`Analysis`: what `callstats.open` gives."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pandas as pd

from callstats.analysis.figures import Figures
from callstats.analysis.lazy import LazyTable, Query, day, pandas
from callstats.analysis.sources import LocalSource, Source
from callstats.analysis.tables import TOLD
from callstats.errors import UsageError
from callstats.metrics.base import Language, Metric
from callstats.metrics.registry import also_called
from callstats.origin import notice
from callstats.settings import CONFIG_NAME, Settings
from callstats.store import Store

TOKEN: Final = "CALLSTATS_TOKEN"


class Analysis:
    """Calls, visits, attempts and messages as lazy tables, and every metric as the pages show it.

    As an analyst sees them (domain/05 requirement 5): clients as pseudonyms that join, no employee, no
    extension, no channel; small cells of figures hidden. State: the store or the connection that it reads.
    Close it, or use it as a context manager.
    """

    def __init__(self, source: Source, language: Language = "en") -> None:
        self._source = source
        self.language = language

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the store, or of the connection and what was fetched."""
        self._source.close()

    # tables

    @property
    def calls(self) -> LazyTable:
        """Everything under one conversation as the client sees it, one row per call."""
        return self._table("calls")

    @property
    def visits(self) -> LazyTable:
        """One stay of a call in one department, judged by the rules in force: the grain of the figures."""
        return self._table("visits")

    @property
    def attempts(self) -> LazyTable:
        """One phone that alerted, or was tried in vain, in a visit."""
        return self._table("attempts")

    @property
    def messages(self) -> LazyTable:
        """One voice message left in a mailbox."""
        return self._table("messages")

    @property
    def disagreements(self) -> LazyTable:
        """Two sources state one fact of a call and differ by more than their resolution."""
        return self._table("disagreements")

    def sql(self, text: str, start: date | str | None = None, end: date | str | None = None) -> Query:
        """Rows of a SQL text (DuckDB's) over the tables, of calls of the local days ``[start, end)``.

        Nothing is read before `Query.df` or another of its methods. Raises UsageError for what is no day.
        """
        tables = {name: one.table for name, one in TOLD.items()}
        return Query(self._source.reading, tables, text).between(start, end)

    def cases(self) -> pd.DataFrame:
        """The hotline register: status, clocks and latencies of every case (17); no number and no content."""
        return pandas(self._source.cases())

    # figures

    def metric(
        self,
        slug: str,
        by: Sequence[str] = ("department",),
        start: date | str | None = None,
        end: date | str | None = None,
        department: str | Sequence[str] | None = None,
    ) -> Figures:
        """A metric on the local days ``[start, end)``, exactly as page and API show it.

        ``by``: axes to split by; see `metrics` for those that it has, ``[]`` gives one value. ``department``:
        one id or several, all where none is named. Raises UsageError for an unknown slug, axis or department
        (it names the known ones), an empty window or too many cells.
        """
        axes = (by,) if isinstance(by, str) else tuple(by)
        wanted = [department] if isinstance(department, str) else department
        one = self._metric(slug)
        table = self._source.figures(one.slug, axes, day(start, "start"), day(end, "end"), wanted)
        return Figures(one, axes, table, self.language, self._names)

    @property
    def metrics(self) -> pd.DataFrame:
        """The metrics there are, by slug: title, unit, measures, axes, which direction is better."""
        rows = [
            {
                "metric": one.slug,
                "title": one.title[self.language],
                "unit": one.unit,
                "measures": ", ".join(m.name for m in one.measures),
                "axes": ", ".join(one.axes),
                "better": one.better,
                "source": one.source[self.language],
            }
            for one in self._source.metrics().values()
        ]
        return pd.DataFrame(rows).set_index("metric")

    def explain(self, slug: str) -> str:
        """What a metric means, how it is computed and what is left out, as text."""
        one, language = self._metric(slug), self.language
        lines = [
            one.title[language], "", one.meaning[language], "", one.formula, one.denominator[language],
            one.source[language], "",
            *(f"- {m.name} ({m.unit}): {m.title[language]}" for m in one.measures), "",
            *(f"- left out, {reason}: {said[language]}" for reason, said in one.exclusions.items()),
        ]  # fmt: skip
        return "\n".join(lines)

    # what there is

    @property
    def departments(self) -> pd.DataFrame:
        """Departments by id, with their names and the days on which they held."""
        return pandas(self._source.departments())

    @property
    def window(self) -> tuple[date, date] | None:
        """Local dates ``[start, end)`` that hold data; None where there are none."""
        return self._source.window()

    def __repr__(self) -> str:
        there = self.window
        days = f"{there[0]} to before {there[1]}" if there else "no data"
        return (
            f"{notice(self._source.simulated, self.language)}callstats: {self._source.title}, {days}\n"
            f"tables: {', '.join(TOLD)}; sql(text); cases()\n"
            f"metric(slug, by=[…]) of {', '.join(self._source.metrics())}"
        )

    def _table(self, name: str) -> LazyTable:
        tables = {one: found.table for one, found in TOLD.items()}
        return LazyTable(self._source.reading, tables, f"SELECT * FROM {name}", table=TOLD[name].table)

    def _metric(self, slug: str) -> Metric:
        known: Mapping[str, Metric] = self._source.metrics()
        found = known.get(also_called(slug))
        if found is None:
            raise UsageError(f"no metric {slug!r}; known: {', '.join(known)}")
        return found

    @cached_property
    def _names(self) -> dict[str, str]:
        rows: list[dict[str, Any]] = self._source.departments().to_pylist()
        return {row["department"]: row[f"name_{self.language}"] for row in rows}


def open_analysis(
    where: str | Path | None = None,
    token: str | None = None,
    *,
    data: str | Path | None = None,
    language: Language = "en",
) -> Analysis:
    """A site's facts and figures: of a store here, or of a server.

    ``where``: an address (``https://…``) with a ``token`` of an analyst (or the environment's
    CALLSTATS_TOKEN); a `callstats.toml`, or the folder that holds one; None: that of the current folder.
    ``data``: its data folder, where the file does not say it. ``language``: of titles and charts.

    Raises UsageError for what is not there, SettingsError for a faulty configuration, StoreError for a store
    that cannot be read, `callstats.remote.RemoteError` for a server that cannot be reached or refuses.
    """
    if isinstance(where, str) and "://" in where:
        from callstats.remote import RemoteSource

        return Analysis(RemoteSource(where, token or os.environ.get(TOKEN)), language)
    path = Path(where).expanduser() if where is not None else None
    if path is not None and path.is_dir():
        path = path / CONFIG_NAME
    if path is not None and not path.is_file():
        raise UsageError(f"{path}: no such file; name a {CONFIG_NAME}, its folder, or a server's address")
    settings = Settings.load(path, Path(data) if data is not None else None)
    if not settings.data.is_dir():
        raise UsageError(f"{settings.data}: no such folder; load something first (callstats load FILE)")
    return Analysis(LocalSource(settings, Store.open(settings)), language)
