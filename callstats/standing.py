"""Where the figures of a window come from, and how firm they are.

Whole closed months inside a window are taken from what was stored when they closed, everything else is
computed from the visits; a cell adds up from the parts of both. Cells that are finer than a month (days,
weeks, hours, weekdays) are always computed from the visits as they are now, and have no value where retention
removed them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import pyarrow as pa

from callstats.calendar import bucket_end
from callstats.closed import Closed, Filed, Which
from callstats.fields import CERTAINTY, FLAG, INT, SECONDS, TEXT, UTC_US, Field
from callstats.metrics.base import Metric
from callstats.months import months
from callstats.parts import as_parts, part_schema
from callstats.settings import Settings

Row = dict[str, Any]
Asked = Sequence[tuple[Metric, Sequence[str]]]
Compute = Callable[[Asked, date, date, date | None], Mapping[str, pa.Table]]
"""Parts (`callstats.report.parts_of`) of the days ``[start, end)``; nothing is seen from the last day on."""

STATUSES: Final = ("closed", "restated", "provisional", "computed", "removed")
STANDING_FIELDS: Final = (
    Field(
        "status",
        TEXT,
        "closed: as stored when its months closed; restated: as stored when one was computed anew; "
        "provisional: touches a month that is not closed yet; computed: finer than a closed month, computed "
        "from the visits as they are now; removed: facts that it would need are gone; "
        "null: before the first data",
        values=STATUSES,
    ),
    Field("edition", INT, "of one closed month: 1 as first closed, then one more each time it is restated"),
    Field("closed_at", UTC_US, "when the newest edition that it rests on was stored; null: rests on none"),
    Field("restate_reason", TEXT, "why a month that it rests on was computed anew; null: none was"),
    Field("original_value", SECONDS, "value with all months as first closed; null: none restated", "unit"),
    Field("original_k", INT, "k with all months as first closed; null: none restated"),
    Field("original_n", INT, "n with all months as first closed; null: none restated"),
    Field(
        "later",
        FLAG,
        "lines that came after closing, or a newer program, would give another figure; "
        "a restatement takes them in. Null: rests on no closed month",
    ),
    Field("code_version", TEXT, "program that the closed figure was computed by; null: not closed"),
)
_SAME: Final = (
    *("k", "n", "value", "low", "high", "mean", "p90", "max", "open_h", "excluded"),
    *CERTAINTY,
)
NUMBERS: Final = (*_SAME, "original_value", "original_k", "original_n")
_UNKNOWN: Final[Row] = {  # what is gone is no zero
    **dict.fromkeys(("value", "low", "high", "mean", "p90", "max", "open_h", "rule_version")),
    **dict.fromkeys(("k", "n", *CERTAINTY), 0),
    "excluded": {},
}
_VERBATIM: Final = ("unit", *_SAME, "rule_version")


@dataclass(frozen=True)
class Parts:
    """Parts by slug: with the newest editions, the first ones, and as computed now; None: not needed."""

    newest: Mapping[str, pa.Table]
    first: Mapping[str, pa.Table] | None
    now: Mapping[str, pa.Table] | None


@dataclass(frozen=True)
class Standing:
    """What is closed of the local days ``[start, end)``, for these departments (none named: all)."""

    closed: Closed
    start: date
    end: date
    departments: tuple[str, ...] = ()
    version: str = ""

    @classmethod
    def of(
        cls,
        store: Filed,
        settings: Settings,
        start: date,
        end: date,
        departments: Sequence[str] | None = None,
    ) -> Standing:
        """The standing of a window. Raises ClosedMonthError where the settings touch a closed month."""
        return cls(Closed.of(store, settings), start, end, tuple(departments or ()), store.data_version())

    def parts(self, asked: Asked, compute: Compute) -> Parts:
        """Parts of all that is asked: stored ones of whole closed months, the rest from ``compute``."""
        used = {one.slug: tuple(self._used(one, by)) for one, by in asked}
        every = {month for months_used in used.values() for month in months_used}
        restated = any(len(self.closed.editions[month]) > 1 for month in every)
        changed = frozenset(month for month in every if self.closed.changed(month))
        return Parts(
            self._gathered(asked, used, compute, "newest"),
            self._gathered(asked, used, compute, "first") if restated else None,
            self._gathered(asked, used, compute, "newest", changed) if changed else None,
        )

    def told(
        self,
        one: Metric,
        by: Sequence[str],
        rows: Sequence[Row],
        first: Sequence[Row] | None,
        now: Sequence[Row] | None,
    ) -> list[Row]:
        """Rows of figures with `STANDING_FIELDS`; those of one closed month are the stored ones, unchanged.

        ``first`` and ``now``: rows of the same cells from the first editions, and as computed now.
        """
        firsts, nows = _by_cell(by, first), _by_cell(by, now)
        stored = {which: self._stored(one, by, which) for which in ("newest", "first")}
        found = []
        for row in rows:
            key = _cell(by, row)
            touched = self._touched(by, row)
            before = stored["first"].get(self._month_key(by, row, touched)) or firsts.get(key)
            row = {**row, **stored["newest"].get(self._month_key(by, row, touched), {})}
            if self._removed(one, by, touched):
                found.append({**row, **_UNKNOWN, **self._nothing(), "status": "removed"})
            else:
                found.append({**row, **self._standing(one, by, row, touched, before, nows.get(key))})
        return found

    def _nothing(self) -> Row:
        return {field.name: None for field in STANDING_FIELDS} | {"data_version": self.version}

    def _removed(self, one: Metric, by: Sequence[str], touched: Iterable[date]) -> bool:
        """Whether a cell needs removed facts: of a part of a month, or finer than what is stored."""
        used = self._used(one, by)
        return any(self.closed.gone(month) and month not in used for month in touched)

    def _standing(
        self,
        one: Metric,
        by: Sequence[str],
        row: Row,
        touched: Sequence[date],
        before: Row | None,
        now: Row | None,
    ) -> Row:
        found = self._nothing()
        if not touched:
            return found
        used = self._used(one, by)
        editions = [self.closed.edition(month) for month in touched if month in used]
        again = [edition for edition in editions if edition.edition > 1]
        if editions:
            found |= {
                "closed_at": max(edition.closed_at for edition in editions),
                "restate_reason": "; ".join(dict.fromkeys(one.reason or "" for one in again)) or None,
                "later": now is not None and any(now[name] != row[name] for name in _SAME),
            }
        if again and before is not None:
            found |= {f"original_{name}": before[name] for name in ("value", "k", "n")}
        if any(month not in self.closed.editions for month in touched):
            return {**found, "status": "provisional"}
        if len(editions) < len(touched):
            return {**found, "status": "computed"}
        return {
            **found,
            "status": "restated" if again else "closed",
            "edition": editions[0].edition if len(editions) == 1 else None,
            "code_version": _joined(edition.code_version for edition in editions),
            "data_version": _joined(edition.data_version for edition in editions),
        }

    def _used(self, one: Metric, by: Sequence[str]) -> list[date]:
        """Closed months whose stored parts serve these axes."""
        if not stored_axes(one).issuperset(by):
            return []
        return [
            month
            for month in months(self.start, self.end)
            if self.closed.has(month, one.slug) and self._whole(month)
        ]

    def _whole(self, month: date) -> bool:
        """Whether the window holds all days of the month that have data at all."""
        first, last = self.closed.span or (month, date.min)
        after = bucket_end(month, "month")
        begins = first if month <= first < after else month
        ends = last + timedelta(days=1) if month <= last < after else after
        return self.start <= begins and self.end >= ends

    def touched(self) -> list[date]:
        """Months that the window's days lie in, from the first data on."""
        return self._touched((), {})

    def _touched(self, by: Sequence[str], row: Row) -> list[date]:
        """Months that a cell's days lie in, from the first data on."""
        start, end = self.start, self.end
        for axis in ("day", "week", "month"):
            if axis in by:
                length = {"day": row[axis] + timedelta(1), "week": row[axis] + timedelta(7)}
                start = max(start, row[axis])
                end = min(end, length.get(axis, bucket_end(row[axis], "month")))
        begins = self.closed.span[0] if self.closed.span else date.min
        return [
            month
            for month in months(start, end)
            if bucket_end(month, "month") > begins or month in self.closed.editions
        ]

    def _month_key(self, by: Sequence[str], row: Row, touched: Sequence[date]) -> tuple[Any, ...]:
        """The key of `_stored` of a cell that is one month."""
        if len(touched) != 1:
            return ()
        alone = self.departments[0] if self._one_department(by) else None
        own = next((str(row[name]) for name in by if name not in ("department", "month")
                    and row.get(name) is not None), None)  # fmt: skip
        return (touched[0], row["measure"], row["department"] if "department" in by else alone, own)

    def _one_department(self, by: Sequence[str]) -> bool:
        return "department" not in by and len(self.departments) == 1

    def _stored(self, one: Metric, by: Sequence[str], which: Which) -> dict[tuple[Any, ...], Row]:
        """Stored figures by month, measure, department and place on the metric's own axis."""
        used = self._used(one, by)
        if not used or ("department" not in by and len(self.departments) > 1):
            return {}
        axes = ["department"] if "department" in by or self._one_department(by) else []
        axes += [name for name in by if name not in ("department", "month")]
        rows = self.closed.figures(one.slug, ",".join(axes), used, which)
        return {
            (row["month"], row["measure"], row["department"], row["place"]): {
                name: row[name] for name in _VERBATIM
            }
            for row in rows
        }

    def _gathered(
        self,
        asked: Asked,
        used: Mapping[str, tuple[date, ...]],
        compute: Compute,
        which: Which,
        anew: frozenset[date] = frozenset(),
    ) -> dict[str, pa.Table]:
        found: dict[str, list[pa.Table]] = {one.slug: [] for one, _ in asked}
        for taken in dict.fromkeys(used.values()):
            group = [(one, by) for one, by in asked if used[one.slug] == taken]
            for start, end in self._open(taken):
                for slug, table in compute(group, start, end, None).items():
                    found[slug].append(table)
            for month in sorted(anew.intersection(taken)):
                before = self.closed.edition(month).seen_before
                for slug, table in compute(group, month, bucket_end(month, "month"), before).items():
                    found[slug].append(table)
            kept = [month for month in taken if month not in anew]
            for one, by in group:
                found[one.slug].append(self._as_parts(one, by, kept, which))
        return {one.slug: _together(one, by, found[one.slug]) for one, by in asked}

    def _open(self, taken: Iterable[date]) -> list[tuple[date, date]]:
        """The days of the window that are in none of these months."""
        edge, found = self.start, []
        for month in sorted(taken):
            if edge < month:
                found.append((edge, month))
            edge = max(edge, bucket_end(month, "month"))
        return [*found, (edge, self.end)] if edge < self.end else found

    def _as_parts(self, one: Metric, by: Sequence[str], kept: Sequence[date], which: Which) -> pa.Table:
        rows = [
            row
            for row in (self.closed.parts(one.slug, kept, which) if kept else ())
            if not self.departments or row["department"] in self.departments
        ]
        return as_parts(one, by, rows)


def stored_axes(one: Metric) -> frozenset[str]:
    """The axes that stored parts of closed months have: all others are finer."""
    return frozenset({"department", "month", *([one.split.name] if one.split else [])})


def original(row: Mapping[str, Any]) -> Row:
    """A restated row with value, k and n as they were first closed."""
    return {**row, **{name: row[f"original_{name}"] for name in ("value", "k", "n")}}


def changed(row: Mapping[str, Any]) -> bool:
    """Whether restating its months changed this figure."""
    return row["original_n"] is not None and any(
        row[name] != row[f"original_{name}"] for name in ("value", "k", "n")
    )


def _together(one: Metric, by: Sequence[str], tables: Sequence[pa.Table]) -> pa.Table:
    schema = part_schema(one, by)
    return pa.concat_tables([table.select(schema.names).cast(schema) for table in tables])


def _cell(by: Sequence[str], row: Row) -> tuple[Any, ...]:
    return (row["measure"], *(row[name] for name in by))


def _by_cell(by: Sequence[str], rows: Sequence[Row] | None) -> dict[tuple[Any, ...], Row]:
    return {_cell(by, row): row for row in rows or ()}


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))
