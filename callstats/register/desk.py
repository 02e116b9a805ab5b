"""What lies on a desk: the cases of a list, each with its status, its clock and the calls that followed.

`desk` is what pages and exports show; nothing here is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from callstats.calendar import Calendar
from callstats.cases import register
from callstats.departments import Departments
from callstats.register.clocks import Clock, clock
from callstats.register.contacts import FollowUp, seen_calls
from callstats.register.opening import cases_of
from callstats.register.steps import Case
from callstats.settings import Settings
from callstats.snapshot import at_one_moment
from callstats.store import Store

Status = Literal["new", "checked", "forwarded", "attempted", "reached", "contacted", "closed"]
STATUSES: Final[tuple[Status, ...]] = (
    "new", "checked", "forwarded", "attempted", "reached", "contacted", "closed",
)  # fmt: skip
FAR: Final = datetime.max.replace(tzinfo=UTC)
SHOWN_CLOSED: Final = timedelta(days=31)


@dataclass(frozen=True)
class Entry:
    """A case on a desk; `times`: which case of this client it is, of how many in the register."""

    case: Case
    status: Status
    clock: Clock
    follow_up: FollowUp
    times: tuple[int, int] = (1, 1)
    ended_department: bool = False  # the department that it was forwarded to is no more

    @property
    def number(self) -> int:
        """Number of the case (*Nr.*)."""
        return self.case.number


def desk(
    store: Store,
    settings: Settings,
    *,
    departments: Collection[str] | None = None,
    clients: Collection[str] = (),
    closed: bool = False,
    since: date | None = None,
    numbers: Collection[int] | None = None,
) -> list[Entry]:
    """Open cases, and with ``closed`` those of the last month (or from ``since``), by what is due first.

    ``departments``: forwarded to one of them; ``clients``: of these pseudonyms, closed ones of any time too;
    ``numbers``: just these.
    """
    now = store.clock()
    calendar = Calendar.from_settings(settings)
    day = since or (calendar.local_date(now) - SHOWN_CLOSED)
    with store.database.read() as connection:
        if numbers is None:
            whole = bool(clients)
            found = register.found(
                connection,
                closed=None if closed or whole else False,
                departments=departments,
                clients=clients,
                since=day if closed and not whole else None,
            )
            numbers = [one.number for one in found]
        cases = [one for one in cases_of(connection, numbers).values() if one.merged_into is None]
        by_client = register.calls_by_client(connection, [c.client for c in cases if c.client])
    seen = at_one_moment(store, lambda facts: seen_calls(facts, settings, cases))
    entries = [
        entry_of(case, seen.get(case.number, FollowUp()), settings, calendar, now, by_client)
        for case in cases
    ]
    return sorted(entries, key=_order)


def entry_of(
    case: Case,
    follow_up: FollowUp,
    settings: Settings,
    calendar: Calendar,
    now: datetime,
    by_client: dict[str, list[int]],
) -> Entry:
    """One case with all that follows from it."""
    checker = settings.hotline.department
    same = by_client.get(case.client or "", [case.number]) if case.client != "anonymous" else [case.number]
    today = calendar.local_date(now)
    return Entry(
        case,
        status_of(case, follow_up),
        clock(case, calendar, checker, now, follow_up.attempted_at, follow_up.reached_at),
        follow_up,
        (same.index(case.number) + 1 if case.number in same else 1, len(same)),
        case.closed_at is None and case.department is not None and not calendar.has(case.department, today),
    )


def status_of(case: Case, follow_up: FollowUp) -> Status:
    """The furthest that a case has come."""
    if case.closed_at is not None:
        return "closed"
    if case.reached_at is not None or follow_up.reached_at is not None:
        return "reached"
    if case.contacted:
        return "contacted"
    if case.attempted_at is not None or follow_up.attempted_at is not None:
        return "attempted"
    if case.forwarded is not None or case.promise is not None:
        return "forwarded"
    return "checked" if case.checked_at is not None else "new"


def _order(entry: Entry) -> tuple[bool, bool, datetime, datetime, int]:
    """Open before closed, urgent before others, then what is due first, then the oldest."""
    due = entry.clock.due.at if entry.clock.due else FAR
    open_ = entry.case.closed_at is None
    return not open_, not (entry.case.urgent and open_), due, entry.case.since, entry.number


def filtered(
    entries: Iterable[Entry],
    status: Collection[str] = (),
    whom: Collection[str] | None = None,
    text: str = "",
) -> list[Entry]:
    """Of a desk the entries of some statuses, that wait for some departments, that hold a text."""
    words = text.casefold().split()
    return [
        one
        for one in entries
        if (not status or one.status in status)
        and (whom is None or one.clock.whom in whom)
        and all(word in _text(one) for word in words)
    ]


def _text(entry: Entry) -> str:
    case = entry.case
    notes = [step.said.model_dump().get("text", "") for step in case.notes]
    return " ".join([str(case.number), case.about or "", case.reg_no or "", *notes]).casefold()


def receivers(settings: Settings, day: date) -> list[str]:
    """Departments that a message can be forwarded to on a day."""
    calendar, departments = Calendar.from_settings(settings), Departments.from_settings(settings)
    return [one for one in departments.ids if calendar.has(one, day)]
