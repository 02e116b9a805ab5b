"""What is wrong with a site: configuration, database, data, extensions nobody declared, rejected lines."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from callstats import doctor_feed
from callstats.calendar import Calendar
from callstats.cases import access_log, catalog, outbox, register, retaining
from callstats.cases.database import HEAD
from callstats.cases.keys import key_fault
from callstats.clock import Clock, utc_now
from callstats.closed import Closed, runs, touched
from callstats.closing import due
from callstats.departments import Departments
from callstats.editions import would_differ
from callstats.metrics.base import Said
from callstats.months import written
from callstats.recompute import rules_digest
from callstats.register.sound import mailboxes
from callstats.retention import limits
from callstats.settings import Settings
from callstats.store import Store

SHOWN: Final = 10
# What checks are called on the page; a month or a mailbox has its own name behind it.
NAMES: Final[Mapping[str, Said]] = {
    "configuration": Said("iestatījumi", "configuration"),
    "database": Said("datubāze", "database"),
    "data folder": Said("datu mape", "data folder"),
    "key": Said("atslēga", "key"),
    "data": Said("dati", "data"),
    "data files": Said("datu faili", "data files"),
    "computed days": Said("aprēķinātās dienas", "computed days"),
    "closed months": Said("slēgtie mēneši", "closed months"),
    "month": Said("mēnesis", "month"),
    "extensions": Said("iekšējie numuri", "extensions"),
    "rejects": Said("noraidītās rindas", "rejects"),
    "retention": Said("glabāšanas termiņi", "retention"),
    "mailbox": Said("balss pastkaste", "mailbox"),
    "register": Said("ziņu reģistrs", "register"),
    "reminders": Said("atgādinājumi", "reminders"),
    "live feed": Said("tiešraide", "live feed"),
    "journal": Said("tiešraides žurnāls", "journal"),
    "gaps": Said("tiešraides pārtraukumi", "gaps"),
    "access log": Said("piekļuves žurnāls", "access log"),
}


@dataclass(frozen=True)
class Check:
    """One thing looked at: `well` or not, and what was `found`, in one line."""

    what: str
    well: bool
    found: str

    @property
    def name(self) -> Said | None:
        """`what` in both languages; None where it has no other name."""
        kind, _, own = ("", "", "") if self.what in NAMES else self.what.partition(" ")
        told = NAMES.get(kind or self.what)
        return told and (Said(f"{told.lv} {own}", f"{told.en} {own}") if own else told)


def examine(settings: Settings, clock: Clock = utc_now) -> list[Check]:
    """All checks of a site whose settings could be read. Raises StoreError if the database does not open."""
    with Store.open(settings, clock) as store:
        return looked_at(store, settings)


def looked_at(store: Store, settings: Settings) -> list[Check]:
    """`examine` of a store that is open."""
    return [
        _configuration(settings),
        Check("database", True, f"{store.database.name}, revision {HEAD}"),
        _folder(store),
        _key(store, settings),
        *_data(store, settings),
        *_months(store, settings),
        _extensions(store, settings),
        _rejects(store),
        _retention(store, settings),
        *_register(store, settings),
        *(Check(*one) for one in doctor_feed.found(store, settings)),
    ]


def _configuration(settings: Settings) -> Check:
    Calendar.from_settings(settings)  # reads the file with exceptions, and says what is wrong with it
    units = {entry.id for entry in settings.departments}
    phones = {phone for entry in settings.departments for phone in entry.extensions}
    if not units:
        return Check("configuration", False, "no departments; name them in callstats.toml ([[departments]])")
    return Check("configuration", True, f"{len(units)} departments with {len(phones)} extensions")


def _folder(store: Store) -> Check:
    mode = stat.S_IMODE(store.root.stat().st_mode)
    open_to_others = mode & (stat.S_IRWXG | stat.S_IRWXO)
    found = f"{store.root}: others have rights in it ({mode:o}); type: chmod 700 {store.root}"
    return Check("data folder", not open_to_others, found if open_to_others else "for its owner only")


def _key(store: Store, settings: Settings) -> Check:
    fault = key_fault(settings, store.database)
    made = (
        "is the one that pseudonyms are made with" if settings.numbers.key_file.exists() else "not made yet"
    )
    return Check("key", fault is None, fault or made)


def _data(store: Store, settings: Settings) -> Iterator[Check]:
    with store.database.read() as connection:
        batches = catalog.all_batches(connection)
        files = catalog.valid_paths(connection)
        stale = catalog.stale_days(connection, rules_digest(settings))
    yield Check(
        "data",
        True,
        f"version {store.data_version()}; {sum(b.rows_new for b in batches)} lines of {len(batches)} files",
    )
    missing = sorted(path for path in files if not (store.root / path).is_file())
    found = (
        f"{len(missing)} are missing, such as {missing[0]}; restore them from the backup"
        if missing
        else "all there"
    )
    yield Check("data files", not missing, found)
    told = f"{len(stale)} days are out of date; the next command that shows figures computes them"
    yield Check("computed days", not stale, told if stale else "up to date")


def _months(store: Store, settings: Settings) -> Iterator[Check]:
    """Closed months: do the settings agree, did lines come later; months that cannot be closed."""
    closed = Closed.unchecked(store)
    changed = touched(settings, closed)
    for month, told in changed.items():
        shown = "; ".join(told[:SHOWN])
        yield Check("closed months", False, f"{written(month)}: the settings say otherwise now ({shown})")
    later = [
        month
        for month in closed.editions
        if month not in changed and would_differ(store, settings, closed, month)
    ]
    if later:
        yield Check(
            "closed months",
            False,
            f"{runs(later)}: lines that came after closing, or a newer program, would give other figures; "
            f'to take them in: callstats close --restate {" ".join(map(written, later))} --reason "…"',
        )
    if not changed and not later:
        yield Check("closed months", True, runs(closed.editions) or "none yet")
    for waiting in due(store, settings):
        told_why = "; ".join(one.en for one in waiting.why) or "the next command that shows figures closes it"
        yield Check(
            f"month {written(waiting.month)}",
            not waiting.why,
            f"was to close on {waiting.due_on}: {told_why}"
            + (
                f'; or close it as it is: callstats close {written(waiting.month)} --reason "…"'
                if waiting.why
                else ""
            ),
        )


def _extensions(store: Store, settings: Settings) -> Check:
    """Phones that rang although no department has them on that day."""
    departments = Departments.from_settings(settings)
    rang = store.scan("attempts", columns=["employee", "local_date"])
    pairs = rang.filter(pc.is_valid(rang["employee"])).group_by(["employee", "local_date"]).aggregate([])
    unknown = sorted(
        {
            phone
            for phone, day in zip(pairs["employee"].to_pylist(), pairs["local_date"].to_pylist(), strict=True)
            # queue_log alone knows its members by name only: a pseudonym, which nobody can configure
            if phone.isalnum() and departments.of("extension", phone, day) is None
        }
    )
    if not unknown:
        return Check("extensions", True, "every phone that rang belongs to a department")
    more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
    return Check(
        "extensions",
        False,
        f"in no department: {', '.join(unknown[:SHOWN])}{more}; add them in callstats.toml",
    )


def _rejects(store: Store) -> Check:
    rejects: pa.Table = store.scan("rejects", columns=["reason"])
    if rejects.num_rows == 0:
        return Check("rejects", True, "none")
    counted = rejects.group_by("reason").aggregate([("reason", "count")])
    often = sorted(
        zip(counted["reason_count"].to_pylist(), counted["reason"].to_pylist(), strict=True), reverse=True
    )
    told = "; ".join(f"{count} × {reason}" for count, reason in often[:SHOWN])
    return Check("rejects", False, f"{rejects.num_rows} lines ({told}); see callstats export rejects")


def _retention(store: Store, settings: Settings) -> Check:
    """Raw events that are older than they may be, and lines that came for days which were sealed."""
    today = store.clock().astimezone(settings.zone).date()
    before = limits(settings, today).purged_before
    with store.database.read() as connection:
        overdue = len({file.local_date for file in retaining.due(connection, ("events",), before)})
        late = sum(file.rows for file in catalog.live_files(connection, "late"))
    told = (
        [f"events of {overdue} days before {before} are still there; type: callstats purge"]
        if overdue
        else []
    )
    told += [f"{late} lines came after their days were sealed; see callstats export late"] if late else []
    return Check("retention", not told, "; ".join(told) or f"no event from before {before}")


def _register(store: Store, settings: Settings) -> Iterator[Check]:
    """Open cases, mailboxes that fill up, reminders that were not sent, the log of accesses."""
    if settings.hotline.department is None:
        return
    for box in mailboxes(settings):
        told = f"{box.messages} messages of {box.limit}"
        full = f"{told}: soon it takes none; remove old ones in the PBX"
        yield Check(f"mailbox {box.name}", not box.nearly_full, full if box.nearly_full else told)
    with store.database.read() as connection:
        broken = access_log.broken(connection)
        waiting = register.open_cases(connection)
        faults = [row.fault for row in outbox.listed(connection) if row.fault and row.sent_at is None]
    yield Check("register", True, f"{waiting} open cases")
    if settings.reminders.recipients:
        told = (
            f"{len(faults)} were not sent, such as: {faults[-1]}" if faults else "none waits for its server"
        )
        yield Check("reminders", not faults, told)
    changed = f"row {broken} does not follow from the one before: somebody changed the log"
    yield Check("access log", broken is None, "whole" if broken is None else changed)
