"""Closed months as the figures read them: what was stored, do the settings still agree, what came later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from sqlalchemy import Connection

import callstats
from callstats.calendar import bucket_end
from callstats.cases import catalog, neutral
from callstats.cases import months as stored
from callstats.cases.database import Database
from callstats.cases.months import Edition
from callstats.errors import ClosedMonthError
from callstats.facts import Facts
from callstats.in_force import changes, fingerprint, in_force
from callstats.months import written
from callstats.settings import Settings

Which = Literal["newest", "first"]
ONE_DAY: Final = timedelta(days=1)
# what a figure is computed by
_CODE: Final = (
    *("assemble", "calendar.py", "departments.py", "holiday_rules.py", "judge", "metrics", "neutral.py"),
    *("report.py", "rules.py"),
)
_SHOWN: Final = 12  # changes told in one line


class Filed(Facts, Protocol):
    """Facts with the SQL database beside them."""

    database: Database


@lru_cache(maxsize=1)
def code_version() -> str:
    """Version of the program, and a digest of the code that figures are computed by."""
    home, digest = Path(callstats.__file__).parent, hashlib.blake2b(digest_size=4)
    for name in _CODE:
        for path in sorted((home / name).rglob("*") if (home / name).is_dir() else [home / name]):
            if path.suffix in {".py", ".sql"}:
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"{callstats.__version__}+{digest.hexdigest()}"


@dataclass(frozen=True)
class Closed:
    """The closed months of a store. ``span``: first and last day with data; None where there are none.

    ``facts_from``: retention removed the facts of the days before it; None: of none.
    State: what was looked up of the database.
    """

    store: Filed
    editions: Mapping[date, Sequence[Edition]]
    span: tuple[date, date] | None
    known: frozenset[tuple[date, int, str]] = frozenset()
    facts_from: date | None = None
    _changed: dict[date, bool] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, store: Filed, settings: Settings) -> Closed:
        """What is closed. Raises ClosedMonthError where the settings would judge a closed month otherwise."""
        found = cls.unchecked(store)
        refuse(touched(settings, found))
        return found

    @classmethod
    def unchecked(cls, store: Filed) -> Closed:
        """What is closed, whatever the settings say today."""
        with store.database.read() as connection:
            return cls(
                store,
                stored.editions(connection),
                stored.data_span(connection),
                frozenset(stored.metrics(connection)),
                catalog.horizon(connection).facts_before,
            )

    def edition(self, month: date, which: Which = "newest") -> Edition:
        """The newest or the first edition of a closed month."""
        return self.editions[month][-1 if which == "newest" else 0]

    def gone(self, month: date) -> bool:
        """Whether facts of the month were removed by retention: what is stored is all there is."""
        return self.facts_from is not None and month < self.facts_from

    def has(self, month: date, slug: str) -> bool:
        """Whether the month is closed with this metric, in all its editions."""
        return month in self.editions and all(
            (month, one.edition, slug) in self.known for one in self.editions[month]
        )

    def changed(self, month: date) -> bool:
        """Whether lines or entries of the month, or another program, came after its newest edition."""
        if month not in self._changed:
            self._changed[month] = not self.gone(month) and self._newer(self.edition(month))
        return self._changed[month]

    def _newer(self, edition: Edition) -> bool:
        if edition.code_version != code_version():
            return True
        with self.store.database.read() as connection:
            return changed_since(connection, edition)

    def figures(self, slug: str, axes: str, months: Iterable[date], which: Which) -> list[dict[str, Any]]:
        """Stored figures of a metric along ``axes`` of these closed months."""
        with self.store.database.read() as connection:
            return stored.figures(connection, self._keys(months, which), slug, axes)

    def parts(self, slug: str, months: Iterable[date], which: Which) -> list[dict[str, Any]]:
        """Stored parts of a metric of these closed months."""
        with self.store.database.read() as connection:
            return stored.parts(connection, self._keys(months, which), slug)

    def _keys(self, months: Iterable[date], which: Which) -> list[tuple[date, int]]:
        return [(month, self.edition(month, which).edition) for month in months]


def changed_since(connection: Connection, edition: Edition) -> bool:
    """Whether facts, or what people entered, changed in the days that an edition was computed from."""
    last = edition.seen_before - ONE_DAY
    first, after = (datetime.combine(day, time(), UTC) for day in (edition.month, edition.seen_before))
    return stored.changed_since(connection, edition.month, last, edition.counter) or neutral.entered_since(
        connection, first - ONE_DAY, after + ONE_DAY, edition.entered
    )


def touched(settings: Settings, closed: Closed) -> dict[date, list[str]]:
    """Closed months that the settings now describe otherwise than their newest edition does, and how.

    A month whose facts retention removed is touched by nothing.
    """
    found: dict[date, list[str]] = {}
    for month, all_editions in sorted(closed.editions.items()):
        if closed.gone(month):
            continue
        edition, end = all_editions[-1], bucket_end(month, "month")
        now = in_force(settings, month, end)
        if fingerprint(now) != edition.rules_fingerprint and (
            told := changes(edition.rules, now, month, end)
        ):
            found[month] = told
    return found


def refuse(found: Mapping[date, Sequence[str]]) -> None:
    """Raises ClosedMonthError, in one line, where the settings touch closed months."""
    if not found:
        return
    alike: dict[str, list[date]] = {}
    for month, told in found.items():
        more = f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
        alike.setdefault("; ".join(told[:_SHOWN]) + more, []).append(month)
    texts = [f"{runs(months)} ({told})" for told, months in alike.items()]
    raise ClosedMonthError(
        f"the settings change closed months: {', '.join(texts)}. Give the change a date after them "
        "(effective_from of a rule, valid_from and valid_to of a department), or have both figures kept and "
        f'shown: callstats close --restate {" ".join(map(written, found))} --reason "…"'
    )


def runs(months: Iterable[date]) -> str:
    """Months as text, those that follow each other as one: ``2026-01 to 2026-03, 2026-05``."""
    parts: list[list[date]] = []
    for month in sorted(months):
        if parts and bucket_end(parts[-1][-1], "month") == month:
            parts[-1].append(month)
        else:
            parts.append([month])
    return ", ".join(
        written(run[0]) if len(run) == 1 else f"{written(run[0])} to {written(run[-1])}" for run in parts
    )
