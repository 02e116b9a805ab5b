"""Small cells: below the department nothing is told of few calls or few people (domain/05 requirement 3).

A cell of an hour, a weekday, or of a metric's own axis is hidden where it holds under `FEW_CALLS` calls, or
is of a department of under `FEW_PEOPLE` phones. So that no hidden cell is the difference of a sum and its
other cells, every line with hidden cells hides at least two, of `FEW_CALLS` calls together: the next smallest
goes too (complementary suppression: Hundepool et al., Statistical Disclosure Control, 2012, section 4).
Totals of a department over days, weeks and months, and what became of its calls and messages, stay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import pyarrow as pa

from callstats.departments import Departments
from callstats.standing import NUMBERS

FEW_CALLS: Final = 5
FEW_PEOPLE: Final = 3
TOTALS: Final = frozenset({"department", "day", "week", "month", "outcome", "contact", "follow_up"})
SHOWN: Final = {"suppressed": False}
Row = dict[str, Any]
Key = tuple[Any, ...]


def below(by: Collection[str]) -> bool:
    """Whether cells of these axes are finer than a department's totals."""
    return bool(set(by) - TOTALS)


def small_units(departments: Departments, end: date) -> frozenset[str]:
    """Departments of few phones on the last day before ``end``; without any nobody is to be protected."""
    day = end - timedelta(days=1)
    people = {one: len(departments.extensions(one, day)) for one in departments.ids}
    return frozenset(one for one, n in people.items() if 0 < n < FEW_PEOPLE)


@dataclass(frozen=True)
class Group:
    """Departments of one institution (None: of none) that are told together, or one alone."""

    institution: str | None
    departments: tuple[str, ...]
    people: int

    @property
    def small(self) -> bool:
        """Whether it is of few people still: there is nobody to tell them together with."""
        return 0 < self.people < FEW_PEOPLE


def never_apart(departments: Departments, end: date) -> frozenset[str]:
    """Departments that are told with others only: now, and those that ended by then, as they last were.

    A window that begins or ends elsewhere does not make a small department a large one.
    """
    days = {end} | {one.valid_to for one in departments.entries if one.valid_to and one.valid_to < end}
    last: dict[str, tuple[date, bool]] = {}
    for day in sorted(days):
        for group in within_institutions(departments, day):
            for one in group.departments:
                last[one] = day, len(group.departments) > 1 or group.small
    return frozenset(one for one, (_, small) in last.items() if small)


def within_institutions(departments: Departments, end: date) -> list[Group]:
    """Departments valid on the last day before ``end``, small ones together within their institution.

    Where those are under `FEW_PEOPLE` phones together, the smallest other department of the institution joins
    them, so that the rest is not the small one; an institution that is small as a whole joins the others that
    are. Groups of one department come as they are.
    """
    day = end - timedelta(days=1)
    people = {one: len(departments.extensions(one, day)) for one in departments.valid(day)}
    parents = departments.parents(day)
    found, rest = [], []
    for institution in dict.fromkeys(parents[one] for one in people):
        own = sorted((people[one], one) for one in people if parents[one] == institution)
        together = [one for n, one in own if 0 < n < FEW_PEOPLE]
        alone = [one for n, one in own if n >= FEW_PEOPLE]
        found += [Group(institution, (one,), 0) for n, one in own if not n]
        while together and sum(people[one] for one in together) < FEW_PEOPLE and alone:
            together.append(alone.pop(0))
        found += [Group(institution, (one,), people[one]) for one in alone]
        if together and sum(people[one] for one in together) < FEW_PEOPLE:
            rest += together  # the institution is small as a whole
        elif together:
            found.append(Group(institution, tuple(together), sum(people[one] for one in together)))
    if rest:
        found.append(Group(None, tuple(rest), sum(people[one] for one in rest)))
    return found


def hidden_in(
    table: pa.Table,
    by: Sequence[str],
    small: Collection[str],
    whole: str | None,
    apart: Collection[str] = (),
) -> pa.Table:
    """A table of figures by axes, with small cells hidden; ``whole``: the one department it is of.

    ``apart``: departments of which nothing is told apart from their institution (`within_institutions`).
    """
    if not below(by) and not apart:
        return table
    rows = hide(table.to_pylist(), by, small, whole)
    told = [_emptied(row) if row.get("department") in apart else row for row in rows]
    return pa.Table.from_pylist(told, table.schema)


def hide(
    rows: Iterable[Row], by: Sequence[str], small: Collection[str], whole: str | None = None
) -> list[Row]:
    """The rows; of hidden ones only the place is told: ``suppressed`` is true, every number null."""
    found = list(rows)
    if not below(by):
        return [row | SHOWN for row in found]
    measures: dict[Key, list[int]] = {}
    for place, row in enumerate(found):
        measures.setdefault((row["metric"], row["measure"]), []).append(place)
    gone: set[int] = set()
    for places in measures.values():
        sizes = {place: found[place]["n"] or 0 for place in places}
        keys = {place: tuple(found[place][name] for name in by) for place in places}
        few = {p for p in places if found[p].get("department", whole) in small and sizes[p]}
        gone |= _hidden(sizes, keys, few)
    return [_emptied(row) if place in gone else row | SHOWN for place, row in enumerate(found)]


def shown(rows: Iterable[Row]) -> list[Row]:
    """Those that are not hidden."""
    return [row for row in rows if not row.get("suppressed")]


def _hidden(sizes: Mapping[int, int], keys: Mapping[int, Key], few: Collection[int]) -> set[int]:
    gone = {place for place, n in sizes.items() if 0 < n < FEW_CALLS} | set(few)
    width = len(next(iter(keys.values()), ()))
    lines: list[list[int]] = []
    for axis in range(width):
        found: dict[Key, list[int]] = {}
        for place in sizes:
            key = keys[place]
            found.setdefault((*key[:axis], *key[axis + 1 :]), []).append(place)
        lines.extend(found.values())
    changed = True
    while changed:  # what one line hides may leave one hidden alone in another
        changed = False
        for line in lines:
            lost = [place for place in line if place in gone]
            if not lost or (len(lost) > 1 and sum(sizes[place] for place in lost) >= FEW_CALLS):
                continue
            left = [place for place in line if sizes[place] and place not in gone]
            if left:
                gone.add(min(left, key=lambda place: (sizes[place], str(keys[place]))))
                changed = True
    return gone


def _emptied(row: Row) -> Row:
    """The row without its numbers: axes and what it is of stay."""
    return {**row, **dict.fromkeys(NUMBERS), "suppressed": True}
