"""Closing months: what is due is closed by every command that brings the store up to date.

A month closes by itself on its day (`callstats.months`) when its days are computed and its lines are there:
lines of some PBX reach beyond its end, and every working day between a PBX's first and last line has some of
it (of days whose lines retention removed nothing is asked). The command that brings lines of it does not
close it: sources come one after another. Otherwise it waits, and says what for; a person may close it as it
is, with a reason, and retention does before it removes what the figures come from. A closed month is changed
by a restatement only: a further edition, with a reason and who did it, beside the first.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from callstats.calendar import Calendar, bucket_end, days
from callstats.cases import catalog, commits
from callstats.cases import months as stored
from callstats.cases.catalog import ConflictError
from callstats.cases.months import Edition
from callstats.closed import Closed, changed_since, refuse, touched
from callstats.coverage import lines_by_day, silent_days
from callstats.editions import differs, made
from callstats.errors import UsageError
from callstats.in_force import measured
from callstats.metrics.base import Said
from callstats.months import closes_on, months, written
from callstats.recompute import recompute, rules_digest
from callstats.settings import Settings
from callstats.store import Store

TRIES: Final = 5
ONE_DAY: Final = timedelta(days=1)
_SHOWN_DAYS: Final = 5


@dataclass(frozen=True)
class Waiting:
    """A month that is due and not closed: since when, what it waits for, working days without lines."""

    month: date
    due_on: date
    why: tuple[Said, ...]
    without: tuple[date, ...]


def bring_up_to_date(store: Store, settings: Settings, before: int | None = None) -> list[Edition]:
    """Computes the stale days and closes the months that are due; returns what was closed.

    Months that got lines after the version ``before`` stay open for the next command. Raises
    ClosedMonthError, and computes nothing, where the settings touch a closed month.
    """
    Closed.of(store, settings)
    recompute(store, settings)
    return close_due(store, settings, before)


def close_due(store: Store, settings: Settings, before: int | None = None) -> list[Edition]:
    """Closes the months whose day has come and that wait for nothing; those of other processes are theirs.

    Months with lines from after the version ``before`` stay open.
    """
    author = author_here()
    found = []
    for waiting in due(store, settings):
        if waiting.why or (before is not None and _came_after(store, waiting.month, before)):
            continue
        if edition := _closed(store, settings, waiting, author, None):
            found.append(edition)
    return found


def close_as_it_is(store: Store, settings: Settings, month: date, reason: str, author: str) -> Edition:
    """Closes a month that waits for lines. Raises UsageError where it is closed, not due or has no reason."""
    _check_reason(reason)
    closed = Closed.of(store, settings)
    if month in closed.editions:
        raise UsageError(
            f"{written(month)} is closed already; to compute it anew: --restate {written(month)}"
        )
    waiting = next((one for one in due(store, settings) if one.month == month), None)
    if waiting is None:
        day = closes_on(Calendar.from_settings(settings), month)
        raise UsageError(f"{written(month)} is not due: it closes on {day}, if there are lines of it")
    edition = _closed(store, settings, waiting, author, reason)
    if edition is None:
        raise ConflictError(f"{written(month)}: another process has closed it meanwhile")
    return edition


def close_before(store: Store, settings: Settings, before: date) -> date:
    """Closes what is due, and as they are the months that wait, of those whose facts up to a day will go.

    Returns the day up to which they may go: the beginning of the first month that is not due yet, if it is
    earlier. Days need to be computed.
    """
    close_due(store, settings)
    reason = f"its facts are removed by retention ({settings.retention.facts_months} months)"
    for waiting in due(store, settings):
        if waiting.month < before:
            _closed(store, settings, waiting, author_here(), reason)
    closed = Closed.unchecked(store)
    first = closed.span[0] if closed.span else before
    return min((month for month in months(first, before) if month not in closed.editions), default=before)


def restate(
    store: Store, settings: Settings, wanted: Iterable[date], reason: str, author: str
) -> list[Edition]:
    """Computes closed months anew by today's facts, settings and program: a further edition of each.

    Raises UsageError where a month is not closed, nothing would change, days of it that would have to be
    measured anew are sealed, or the settings touch other closed months too: all change together or none.
    """
    _check_reason(reason)
    asked, closed = sorted(set(wanted)), Closed.unchecked(store)
    if open_months := [month for month in asked if month not in closed.editions]:
        raise UsageError(
            f"{', '.join(map(written, open_months))}: not closed, so there is nothing to restate"
        )
    if gone := [month for month in asked if closed.gone(month)]:
        raise UsageError(
            f"{', '.join(map(written, gone))}: retention removed the facts of the days before "
            f"{closed.facts_from}; the figures stay as they were stored"
        )
    for _ in range(TRIES):
        changed = touched(settings, closed)
        refuse({month: told for month, told in changed.items() if month not in asked})
        _check_sealed(store, {month: changed[month] for month in asked if month in changed})
        recompute(store, settings)
        made = [_restated(store, settings, closed.edition(month), reason, author) for month in asked]
        same = [
            e.month for e, figures, _ in made if e.month not in changed and not differs(closed, e, figures)
        ]
        if same:
            raise UsageError(
                f"{', '.join(map(written, same))}: today's lines, rules and program give the same figures; "
                "there is nothing to restate"
            )
        with store.database.write() as connection:
            catalog.hold(connection)
            if all(_is_next(connection, one) and _fresh(connection, one) for one, _, _ in made):
                for edition, figures, parts in made:
                    _add(connection, edition, figures, parts)
                return [edition for edition, _, _ in made]
        closed = Closed.unchecked(store)
    raise ConflictError("store: other processes keep changing these months; restate them when they are done")


def due(store: Store, settings: Settings) -> list[Waiting]:
    """Months whose day has come and that are not closed, with what each waits for.

    From the month of the first data to that of the last: that one tells that nothing came after.
    """
    closed = Closed.unchecked(store)
    if closed.span is None:
        return []
    calendar = Calendar.from_settings(settings)
    today = calendar.local_date(store.clock())
    found = []
    for month in months(closed.span[0], min(closed.span[1] + ONE_DAY, today)):
        day = closes_on(calendar, month)
        if day <= today and month not in closed.editions:
            found.append(_waiting(store, settings, calendar, month, day))
    return found


def author_here() -> str:
    """The user of this process by name, else by number."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return str(os.getuid())


def _waiting(store: Store, settings: Settings, calendar: Calendar, month: date, day: date) -> Waiting:
    end = bucket_end(month, "month")
    with store.database.read() as connection:
        stale = [
            one.local_date
            for one in catalog.stale_days(connection, rules_digest(settings))
            if month <= one.local_date < end
        ]
        spans = stored.spans(connection)
        purged = catalog.horizon(connection).purged_before or date.min
    spoken = lines_by_day(store, month, end - ONE_DAY)
    why: list[Said] = []
    without: set[date] = set()
    if stale:
        why.append(
            Said(
                f"nav aprēķinātas {len(stale)} tā dienas; to izdara nākamā komanda, kas rāda rādītājus",
                f"{len(stale)} of its days are not computed; the next command that shows figures does it",
            )
        )
    latest = max((last for _, last in spans.values()), default=None)
    if not spoken and end > purged:
        why.append(
            Said("par to nav nevienas rindas; ielādējiet failus", "no PBX has a line of it; load its files")
        )
    elif latest is not None and latest < end:
        why.append(
            Said(
                f"dati beidzas {latest}; ielādējiet to, kas ir pēc tam",
                f"the lines end on {latest}, within it; load what came after",
            )
        )
    for pbx, (first, last) in sorted(spans.items()):
        silent = silent_days(spoken, pbx, (first, last), (max(month, purged), end), calendar)
        without.update(silent)
        if silent and spoken:
            shown = ", ".join(map(str, silent[:_SHOWN_DAYS])) + (", …" if len(silent) > _SHOWN_DAYS else "")
            why.append(
                Said(
                    f"centrālei {pbx} darba dienas bez datiem: {len(silent)} ({shown}); ielādējiet tos",
                    f"PBX {pbx} has no line of {len(silent)} working days ({shown}); load them",
                )
            )
    if not spoken:
        without = {one for one in days(max(month, purged), end) if calendar.is_working_day(one)}
    return Waiting(month, day, tuple(why), tuple(sorted(without)))


def _came_after(store: Store, month: date, version: int) -> bool:
    with store.database.read() as connection:
        return stored.changed_since(connection, month, bucket_end(month, "month") - ONE_DAY, version)


def _closed(
    store: Store, settings: Settings, waiting: Waiting, author: str, reason: str | None
) -> Edition | None:
    """Computes and stores a month's first edition; None where another process did, or keeps loading lines."""
    for _ in range(TRIES):
        found = made(store, settings, waiting.month, 1, waiting.due_on, waiting.without, author, reason)
        with store.database.write() as connection:
            catalog.hold(connection)
            if not _is_next(connection, found[0]):
                return None
            if _fresh(connection, found[0]):
                _add(connection, *found)
                return found[0]
    return None


def _restated(
    store: Store, settings: Settings, last: Edition, reason: str, author: str
) -> tuple[Edition, list[dict[str, Any]], list[dict[str, Any]]]:
    number = last.edition + 1
    waiting = _waiting(store, settings, Calendar.from_settings(settings), last.month, last.seen_before)
    return made(store, settings, last.month, number, last.seen_before, waiting.without, author, reason)


def _check_sealed(store: Store, changed: Mapping[date, Sequence[str]]) -> None:
    with store.database.read() as connection:
        sealed = catalog.horizon(connection).sealed_before or date.min
    for month, told in changed.items():
        if month < sealed and (anew := measured(told)):
            first = min(sealed, bucket_end(month, "month"))
            raise UsageError(
                f"{written(month)}: its days before {first} are sealed by retention and cannot be measured "
                f"anew ({'; '.join(anew)}). Give the change a date after them (valid_from and valid_to of a "
                "department), or undo it"
            )


def _is_next(connection: Connection, edition: Edition) -> bool:
    """Whether this edition is the one that follows those that are stored."""
    return len(stored.editions(connection).get(edition.month, [])) == edition.edition - 1


def _fresh(connection: Connection, edition: Edition) -> bool:
    """Whether nothing that the edition was computed from was changed meanwhile."""
    return not changed_since(connection, edition)


def _add(
    connection: Connection, edition: Edition, figures: list[dict[str, Any]], parts: list[dict[str, Any]]
) -> None:
    """Stores an edition; what is shown changes, and so does the data version."""
    commits.raise_version(connection, [f"{written(edition.month)} edition {edition.edition}"])
    stored.add(connection, edition, figures, parts)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise UsageError('a reason is needed: --reason "…"')
