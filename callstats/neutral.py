"""When everyone who could answer was in a neutral state (clauses 7.1 and 11.8): a table for the judging text.

A queue's visit could be answered by the queue's members: every phone or name about which that queue said
anything in the week up to the day, guests included, while it was a member: not after it was removed, nor
before it was added again. Where nobody was a member, nobody was neutral. A visit
without a queue could be answered by every phone of the department on that day; one of both kinds by all of
these. Who is in no neutral state keeps the visit in the figure, and so does a pause without a neutral reason.

A pause lasts until the queue's next word about the member: taken off pause, paused anew, removed, or offered
a call, which shows that the end was lost. A word of a later day ends it only where it is an end of the pause
on the very next day; else the end was lost, and it counts for the day on which it began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from callstats.calendar import days, local_instant
from callstats.departments import Departments
from callstats.settings import Settings

NEUTRAL_SPANS: Final = pa.schema(
    [
        ("offered_through", pa.string()),
        ("unit", pa.string()),
        ("day", pa.date32()),
        ("from_us", pa.int64()),
        ("to_us", pa.int64()),
    ]
)
MEMBER_DAYS: Final = 7  # a member of whom a queue said nothing for so long is none
ONE_DAY: Final = timedelta(days=1)
FOREVER_US: Final = 1 << 62
Span = tuple[int, int]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Pause:
    """A pause with a neutral reason, `[from_us, to_us)`; `queue` None: of all queues. `said` began it."""

    queue: str | None
    member: str
    state: str
    from_us: int
    to_us: int
    said: Row


def merged(spans: Iterable[Span]) -> list[Span]:
    """The union of half-open spans, in order, without touching neighbours."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif start < end:
            found.append((start, end))
    return found


def common(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """What both unions of spans cover."""
    return merged((max(a, c), min(b, d)) for a, b in one for c, d in other if max(a, c) < min(b, d))


def pauses(steps: Iterable[Row], settings: Settings) -> Iterator[Pause]:
    """Neutral pauses in rows of `QUEUE_STEPS` (`said_at` an instant), each of one queue and member."""
    said: dict[str, list[Row]] = {}
    for row in sorted(steps, key=lambda row: (row["said_at"], row["step"])):
        if row["step"] != "named":
            said.setdefault(row["member"], []).append(row)
    for member, rows in said.items():
        for place, row in enumerate(rows):
            state = settings.neutral.state(row["reason"]) if row["step"] == "paused" else None
            if state is not None:
                queue = row["queue"]
                of_it = (r for r in rows[place + 1 :] if None in (queue, r["queue"]) or r["queue"] == queue)
                end = _end(row, next(of_it, None), settings.zone)
                yield Pause(queue, member, state, _us(row["said_at"]), end, row)


def _end(row: Row, following: Row | None, zone: ZoneInfo) -> int:
    day = row["said_at"].astimezone(zone).date()
    midnight = _us(local_instant(zone, day + ONE_DAY))
    if following is None:
        return midnight
    until = _us(following["said_at"])
    last = _us(local_instant(zone, day + 2 * ONE_DAY)) if following["step"] == "unpaused" else midnight
    return until if until <= last else midnight


def neutral_spans(
    steps: Sequence[Row],
    entered: Sequence[Row],
    settings: Settings,
    start: date,
    end: date,
    units: Iterable[str] | None = None,
) -> pa.Table:
    """Table `NEUTRAL_SPANS` for visits entered on the local days ``[start, end)``; ``units``: departments.

    ``steps``: rows of `QUEUE_STEPS` from `MEMBER_DAYS` before the first day to the day after the last.
    ``entered``: rows of `EXCLUSIONS`.
    """
    given = list(pauses(steps, settings))
    edges = [(p.from_us, p.to_us) for p in given]
    edges += [(_us(row["from_at"]), _us(row["to_at"])) for row in entered]
    by_day: dict[date, list[Row]] = {}
    for row in steps if edges else ():
        by_day.setdefault(row["local_date"], []).append(row)
    departments = Departments.from_settings(settings)
    wanted = tuple(departments.ids if units is None else units)
    rows: list[dict[str, object]] = []
    for day in days(start, end) if edges else ():
        bounds = _us(local_instant(settings.zone, day)), _us(local_instant(settings.zone, day + 2 * ONE_DAY))
        if any(common([bounds], [edge]) for edge in edges):
            near = [row for n in range(-MEMBER_DAYS, 2) for row in by_day.get(day + n * ONE_DAY, ())]
            rows += _Day(day, near, entered, settings, departments).rows(wanted, bounds)
    return pa.Table.from_pylist(rows, NEUTRAL_SPANS)


def behind(
    visit: Row, steps: Sequence[Row], entered: Sequence[Row], settings: Settings
) -> tuple[list[Pause], list[Row]]:
    """What a neutral visit rests on: pauses and entered intervals that hold the moment it began.

    Of the department's queues and phones; arguments as of `neutral_spans`.
    """
    at, unit = visit["entered_at"], visit["department"]
    departments, day = Departments.from_settings(settings), at.astimezone(settings.zone).date()
    phones = departments.extensions(unit, day)
    given = [
        pause
        for pause in pauses(steps, settings)
        if pause.from_us <= _us(at) < pause.to_us
        and (pause.queue is None or departments.of("queue", pause.queue, day) == unit)
    ]
    said = [
        row
        for row in entered
        if row["from_at"] <= at < row["to_at"] and (row["department"] == unit or row["phone"] in phones)
    ]
    return given, said


class _Day:
    """Who could answer on one local day, and who was in a neutral state: indexes made once for the day."""

    def __init__(
        self,
        day: date,
        steps: Sequence[Row],
        entered: Sequence[Row],
        settings: Settings,
        departments: Departments,
    ) -> None:
        self.day, self.entered, self.departments = day, entered, departments
        names = sorted((row for row in steps if row["step"] == "named"), key=lambda row: row["said_at"])
        self.names = {row["member"]: row["phone"] for row in names if row["local_date"] <= day}
        self.away: dict[tuple[str, str], list[Span]] = {}
        self.members = self._members([row for row in steps if row["local_date"] <= day])
        self.pauses = list(pauses([row for row in steps if row["local_date"] >= day - ONE_DAY], settings))

    def _phone(self, member: str) -> str:
        return str(self.names.get(member, member))

    def _members(self, steps: Iterable[Row]) -> dict[str, set[str]]:
        said: dict[tuple[str, str], list[Row]] = {}
        for row in sorted(steps, key=lambda row: row["said_at"]):
            if row["queue"] is not None and row["step"] != "named":
                said.setdefault((row["queue"], self._phone(row["member"])), []).append(row)
        found: dict[str, set[str]] = {}
        for (queue, phone), rows in said.items():
            if rows[-1]["step"] != "removed" or rows[-1]["local_date"] == self.day:
                found.setdefault(queue, set()).add(phone)
                self.away[queue, phone] = list(_away(rows))
        return found

    def rows(self, units: Iterable[str], bounds: Span) -> Iterator[dict[str, object]]:
        for unit in units:
            own = [
                m.value
                for m in self.departments.rows
                if (m.kind, m.department) == ("queue", unit) and m.valid_on(self.day)
            ]
            phones = set(self.departments.extensions(unit, self.day))
            through = {("queue", queue): {p: [queue] for p in self.members.get(queue, ())} for queue in own}
            through["phones", unit] = dict.fromkeys(phones, own)
            everybody = phones.union(*(self.members.get(queue, set()) for queue in own))
            through["both", unit] = dict.fromkeys(everybody, own)
            for (kind, name), who in through.items():
                every = kind == "both"
                for start, end in (
                    self._together(who, phones if every else set(), every, bounds) if who else ()
                ):
                    yield {
                        "offered_through": kind,
                        "unit": name,
                        "day": self.day,
                        "from_us": start,
                        "to_us": end,
                    }

    def _together(
        self, who: Mapping[str, Sequence[str]], own: set[str], every: bool, bounds: Span
    ) -> list[Span]:
        """When everyone was neutral, or no member of any of the queues; but not when that was all."""
        left, somebody = [bounds], list[Span]()
        for phone, queues in who.items():
            if not left:
                return []
            neutral = self._neutral(phone, queues, every)
            away = [self.away.get((queue, phone), []) for queue in queues if (queue, phone) in self.away]
            nowhere = away[0] if away and phone not in own else []
            for spans in away[1:]:
                nowhere = common(nowhere, spans)
            left = common(left, merged([*neutral, *nowhere]))
            somebody += neutral
        return common(left, merged(somebody))

    def _neutral(self, phone: str, queues: Sequence[str], every: bool) -> list[Span]:
        """When a phone was neutral: entered, or paused in one of the queues (`every`: in all it is in)."""
        paused = {
            queue: merged(
                (p.from_us, p.to_us)
                for p in self.pauses
                if p.queue in (None, queue) and self._phone(p.member) == phone
            )
            for queue in queues
            if not every or phone in self.members.get(queue, ())
        }
        found = [span for spans in paused.values() for span in spans]
        if every and paused:
            found = [(-FOREVER_US, FOREVER_US)]
            for spans in paused.values():
                found = common(found, spans)
        department = self.departments.of("extension", phone, self.day)
        found += [
            (_us(row["from_at"]), _us(row["to_at"]))
            for row in self.entered
            if row["phone"] == phone or (row["department"] is not None and row["department"] == department)
        ]
        return merged(found)


def _away(rows: Sequence[Row]) -> Iterator[Span]:
    """When a member of a queue was none: from its removal to the queue's next word about it."""
    for place, row in enumerate(rows):
        if row["step"] == "removed":
            following = rows[place + 1 : place + 2]
            yield _us(row["said_at"]), _us(following[0]["said_at"]) if following else FOREVER_US
    if rows[0]["step"] == "added":
        yield -FOREVER_US, _us(rows[0]["said_at"])


def _us(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
