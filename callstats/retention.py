"""Retention: raw events go after some days, facts after some months, numbers after some working days.

The order of domain/05 req. 7: what the PBX wrote, then the pseudonymised facts; stored figures of closed
months stay. A day is sealed `AHEAD` before its events go, so that the open days beside it are still computed
from all they need: later lines of a sealed day become rows of `late`, and its tables stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from callstats import corrections, data_requests
from callstats.calendar import local_instant, months_before
from callstats.cases import access_log, catalog, feeds_live, register, retaining
from callstats.cases.catalog import ConflictError, FileRow
from callstats.cases.retaining import Gone
from callstats.cases.vault import Vault
from callstats.closed import Closed
from callstats.closing import close_before
from callstats.recompute import NEAR, recompute
from callstats.settings import Settings
from callstats.store import COMPUTED, Store

AHEAD: Final = NEAR  # what computing a day reads around it
RAW: Final = ("events", "rejects")
FACTS: Final = (*COMPUTED, "late")
NOW: Final = timedelta(0)
TRIES: Final = 5


@dataclass(frozen=True)
class Limits:
    """Days before these dates: sealed; without events; without facts."""

    sealed_before: date
    purged_before: date
    facts_before: date


@dataclass(frozen=True)
class Report:
    """What went, or would go; `waiting`: files that somebody still reads, which the next purge removes."""

    limits: Limits
    gone: tuple[Gone, ...]
    waiting: int = 0


def limits(settings: Settings, today: date) -> Limits:
    """How far retention reaches on a day. A month's facts go whole, as soon as its first day is over."""
    kept = settings.retention
    purged = today - timedelta(days=kept.events_days)
    months = today.year * 12 + today.month - 1 - kept.facts_months
    after = months + (1 if today.day > 1 else 0)
    facts = date(after // 12, after % 12 + 1, 1)
    return Limits(purged + AHEAD, purged, min(facts, purged))


def purge(store: Store, settings: Settings, *, dry_run: bool = False) -> Report:
    """Removes what the settings keep no longer, and writes down what went; `dry_run` only tells.

    Days are computed before they are sealed, and months closed before their facts go. Raises ClosedMonthError
    where the settings touch a closed month: its days would be sealed by other rules than its figures tell.
    Raises ConflictError when others keep changing the same days.
    """
    today = store.clock().astimezone(ZoneInfo(store.timezone)).date()
    wanted = _reached(store, limits(settings, today))
    vault = Vault.open(settings, store.database, store.clock)
    Closed.of(store, settings)
    if dry_run:
        told = _report(settings, wanted, *_due(store, wanted), vault.expired())
        return Report(wanted, (*told, *_register(store, settings, today, wanted, remove=False)))
    for _ in range(TRIES):
        try:
            recompute(store, settings)
            wanted = replace(wanted, facts_before=close_before(store, settings, wanted.facts_before))
            _seal(store, wanted.sealed_before)
            raw, facts = _due(store, wanted)
            told = _report(settings, wanted, raw, facts, vault.purge())
            told = (*told, *_register(store, settings, today, wanted, remove=True))
            with store.database.write() as connection:
                gone = local_instant(settings.zone, wanted.purged_before)
                feeds_live.forget(connection, int(gone.timestamp() * 1e6))
                retaining.remove(
                    connection, [*raw, *facts], told, now=store.clock(),
                    purged_before=_later(catalog.horizon(connection).purged_before, wanted.purged_before),
                    facts_before=_later(catalog.horizon(connection).facts_before, wanted.facts_before),
                )  # fmt: skip
        except ConflictError:
            continue
        store.sweep(NOW)
        return Report(wanted, told, store.waiting())
    raise ConflictError("store: other processes keep changing these days; purge again when they are done")


def _register(store: Store, settings: Settings, today: date, wanted: Limits, *, remove: bool) -> list[Gone]:
    """What of closed cases, of requests about calls that go, and of the log of looks goes (or would go)."""
    kept = settings.retention
    cases, access = months_before(today, kept.cases_months), months_before(today, kept.access_months)
    with store.database.write() as connection:
        numbers = register.closed_before(connection, local_instant(settings.zone, cases))
        looked = access_log.old(connection, local_instant(settings.zone, access))
        asked = corrections.old(connection, wanted.facts_before)
        requests = data_requests.old(connection, local_instant(settings.zone, cases))
        if remove:
            data_requests.remove(connection, requests)
            register.forget(connection, numbers)
            corrections.forget(connection, wanted.facts_before)
            access_log.forget(connection, local_instant(settings.zone, access))
    found = [
        Gone("cases", f"retention.cases_months = {kept.cases_months}", cases, rows=len(numbers)),
        Gone("access_log", f"retention.access_months = {kept.access_months}", access, rows=looked),
        Gone("requests", f"retention.cases_months = {kept.cases_months}", cases, rows=len(requests)),
        Gone("corrections", f"retention.facts_months = {kept.facts_months}", wanted.facts_before, rows=asked),
    ]
    return [one for one in found if one.rows]


def _reached(store: Store, wanted: Limits) -> Limits:
    """How far retention is afterwards: a longer time to keep brings nothing back."""
    with store.database.read() as connection:
        held = catalog.horizon(connection)
    return Limits(
        _later(held.sealed_before, wanted.sealed_before),
        _later(held.purged_before, wanted.purged_before),
        _later(held.facts_before, wanted.facts_before),
    )


def _seal(store: Store, before: date) -> None:
    with store.database.write() as connection:
        already = catalog.horizon(connection).sealed_before
        if already is None or already < before:
            retaining.seal(connection, before)


def _later(one: date | None, other: date) -> date:
    """Retention only moves forward."""
    return other if one is None else max(one, other)


def _due(store: Store, wanted: Limits) -> tuple[list[FileRow], list[FileRow]]:
    with store.database.read() as connection:
        raw = retaining.due(connection, RAW, wanted.purged_before)
        return raw, retaining.due(connection, FACTS, wanted.facts_before)


def _report(
    settings: Settings, wanted: Limits, raw: Sequence[FileRow], facts: Sequence[FileRow], numbers: int
) -> tuple[Gone, ...]:
    kept = settings.retention
    found = [
        _sum(name, f"retention.events_days = {kept.events_days}", wanted.purged_before, raw) for name in RAW
    ]
    found += [
        _sum(name, f"retention.facts_months = {kept.facts_months}", wanted.facts_before, facts)
        for name in FACTS
    ]
    found.append(Gone("numbers", f"numbers.vault_days = {settings.numbers.vault_days}", None, rows=numbers))
    return tuple(one for one in found if one.rows or one.files)


def _sum(table: str, setting: str, before: date, files: Sequence[FileRow]) -> Gone:
    own = [file for file in files if file.table_name == table]
    spans = {
        file.local_date + timedelta(days=step)
        for file in own
        for step in range((file.until - file.local_date).days + 1)
    }
    return Gone(table, setting, before, len(spans), len(own), sum(file.rows for file in own))
