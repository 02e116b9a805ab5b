"""Extension, queue, number or mailbox → department, on a date.

The same dated entries serve Python (`Departments.of`) and SQL (`Departments.members`, `Departments.names`).
Periods are half-open dates: `valid_to` is the first day no longer valid, null is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal, NamedTuple

import pyarrow as pa

from callstats.numbers import NumberPlan, direct_numbers, normalise, plain, to_e164
from callstats.settings import Department, Settings

Kind = Literal["extension", "queue", "number", "mailbox"]

MEMBERS = pa.schema(
    [
        ("kind", pa.string()),
        ("value", pa.string()),
        ("department", pa.string()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
    ]
)
NAMES = pa.schema(
    [
        ("department", pa.string()),
        ("name_lv", pa.string()),
        ("name_en", pa.string()),
        ("parent", pa.string()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
    ]
)


class Member(NamedTuple):
    """One dated entry: this extension, queue, number or mailbox belongs to that department."""

    kind: Kind
    value: str
    department: str
    valid_from: date | None
    valid_to: date | None

    def valid_on(self, day: date) -> bool:
        """Whether the entry holds on a local date."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day < self.valid_to
        )


@dataclass(frozen=True)
class Departments:
    """All departments of a site in all their periods.

    Numbers are written as the facts write them (`numbers.stored`).
    """

    entries: tuple[Department, ...]
    rows: tuple[Member, ...]
    plan: NumberPlan = field(default_factory=NumberPlan, repr=False, compare=False)

    @classmethod
    def from_settings(cls, settings: Settings) -> Departments:
        """Departments of the settings.

        The hotline's numbers and mailboxes go to its department, direct numbers that follow from extensions
        (67012201 for 201) to the extension's.
        """
        plan = NumberPlan.from_settings(settings)
        return cls(settings.departments, tuple(dict.fromkeys(_rows(settings, plan))), plan)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all departments of any period, in the order of the settings."""
        return tuple(dict.fromkeys(entry.id for entry in self.entries))

    def of(self, kind: Kind, value: str, day: date) -> str | None:
        """Department of an extension, queue, number or mailbox on a local date, or None.

        Numbers may come in any form.
        """
        if kind == "number":
            value = normalise(value, self.plan).text
        return next((m.department for m in self._index.get((kind, value), ()) if m.valid_on(day)), None)

    def valid(self, day: date) -> tuple[str, ...]:
        """Departments that there are on a local date."""
        return tuple(dict.fromkeys(one.id for one in self.entries if one.valid_on(day)))

    def parents(self, day: date) -> dict[str, str | None]:
        """The institution of each department on a local date; its own, if it is another's parent."""
        named = {one.id: one.parent for one in self.entries if one.valid_on(day)}
        institutions = {parent for parent in named.values() if parent is not None}
        return {one: parent or (one if one in institutions else None) for one, parent in named.items()}

    def extensions(self, department: str, day: date) -> tuple[str, ...]:
        """Extensions of a department on a local date."""
        return tuple(
            m.value
            for m in self.rows
            if (m.kind, m.department) == ("extension", department) and m.valid_on(day)
        )

    def name(self, department: str, language: str, day: date | None = None) -> str:
        """Name of a department (latest period, or on `day`); the other language, then the id, stand in."""
        periods = [e for e in self.entries if e.id == department]
        if day is not None:
            periods = [e for e in periods if e.valid_on(day)] or periods
        if not periods:
            return department
        latest = max(periods, key=lambda e: e.valid_from or date.min).name
        wanted, other = (latest.en, latest.lv) if language == "en" else (latest.lv, latest.en)
        return wanted or other or department

    @cached_property
    def members(self) -> pa.Table:
        """Table of `MEMBERS` for SQL joins: `valid_from <= day AND (valid_to IS NULL OR day < valid_to)`."""
        return pa.Table.from_pylist([m._asdict() for m in self.rows], MEMBERS)

    @cached_property
    def names(self) -> pa.Table:
        """Table of `NAMES`: one row per department and period."""
        rows = [
            {
                "department": e.id,
                "name_lv": e.name.lv or e.name.en or e.id,
                "name_en": e.name.en or e.name.lv or e.id,
                "parent": e.parent,
                "valid_from": e.valid_from,
                "valid_to": e.valid_to,
            }
            for e in self.entries
        ]
        return pa.Table.from_pylist(rows, NAMES)

    @property
    def listed(self) -> pa.Table:
        """Table of `NAMES` by id, then by period."""
        return self.names.sort_by([("department", "ascending"), ("valid_from", "ascending")])

    @cached_property
    def _index(self) -> dict[tuple[str, str], list[Member]]:
        index: dict[tuple[str, str], list[Member]] = {}
        for member in self.rows:
            index.setdefault((member.kind, member.value), []).append(member)
        return index


def _rows(settings: Settings, plan: NumberPlan) -> Iterator[Member]:
    listed = {to_e164(number, plan) for entry in settings.departments for number in entry.numbers}
    listed |= {to_e164(number, plan) for number in (*settings.main_numbers, *settings.hotline.numbers)}
    direct: dict[str, list[str]] = {}
    for number, extension in direct_numbers(listed, plan.extensions).items():
        direct.setdefault(extension, []).append(number)
    for entry in settings.departments:
        period = (entry.id, entry.valid_from, entry.valid_to)
        yield from (Member("extension", value, *period) for value in entry.extensions)
        yield from (Member("queue", value, *period) for value in entry.queues)
        yield from (Member("number", plain(to_e164(value, plan), plan), *period) for value in entry.numbers)
        for extension in entry.extensions:
            yield from (Member("number", plain(value, plan), *period) for value in direct.get(extension, ()))
    hotline = settings.hotline
    if hotline.department is not None:
        yield from (Member("mailbox", value, hotline.department, None, None) for value in hotline.mailboxes)
        own = {
            to_e164(n, plan) for e in settings.departments if e.id == hotline.department for n in e.numbers
        }
        for value in hotline.numbers:
            if to_e164(value, plan) not in own:
                yield Member("number", plain(to_e164(value, plan), plan), hotline.department, None, None)
