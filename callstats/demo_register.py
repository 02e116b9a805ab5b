"""The demonstration's people: specialists and departments who work the simulated town's register.

Everything goes through `callstats.register.acts`, with a clock of the time at which they act: what the pages
show is what such a day's work leaves behind. A few messages stay open, some were forwarded too late.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from callstats.accounts.roles import Role
from callstats.calendar import Calendar
from callstats.register import acts
from callstats.register.contacts import FollowUp
from callstats.register.desk import Entry, desk
from callstats.settings import Settings
from callstats.store import Store

SEED: Final = 5
SPECIALISTS: Final = ("Ilze Paraudziņa", "Mārtiņš Piemērs")
# role, department, name: whom a visitor may be beside the specialists
OTHERS: Final[tuple[tuple[Role, str | None, str], ...]] = (
    ("head", "social", "Dace Vadītāja"),
    ("employee", "social", "Līga Parauga"),
    ("head", "utilities", "Andris Piemērs"),
    ("chancellery", None, "Kristīne Kanclere"),
    ("analyst", None, "Jānis Analītiķis"),
    ("admin", None, "Pēteris Administrators"),
    ("dpo", None, "Zane Sargātāja"),
)
OPEN_AT_THE_END: Final = timedelta(days=4)  # of working life before the last message: not yet dealt with
LATE: Final = 0.08  # share of the messages that are forwarded some days later
ABOUT: Final = {
    "social": ("Jautā par pabalstu apkurei", "question"),
    "construction": ("Kad izskatīs būvniecības iesniegumu", "question"),
    "utilities": ("Nedeg ielas apgaismojums pie skolas", "fault"),
    "environment": ("Lūdz izvest kritušus zarus", "suggestion"),
    "education": ("Rinda uz bērnudārzu", "question"),
    "registry": ("Laulību reģistrācijas laiks", "question"),
    "finance": ("Nekustamā īpašuma nodokļa rēķins", "complaint"),
    "culture": ("Pateicība par koncertu", "thanks"),
}
OTHER: Final = ("Lūdz atzvanīt", "question")


@dataclass(frozen=True)
class Deed:
    """Who does what when."""

    at: datetime
    step: str
    said: Mapping[str, Any]
    author: str


def people(settings: Settings) -> list[tuple[Role, str | None, str]]:
    """Role, department and name of those whom a visitor of the demonstration may be."""
    there = {one.id for one in settings.departments}
    specialists: list[tuple[Role, str | None, str]] = [("pr", None, name) for name in SPECIALISTS]
    return [*specialists, *(one for one in OTHERS if one[1] is None or one[1] in there)]


def work_the_register(store: Store, settings: Settings) -> int:
    """Plays the people's part up to now for cases that nobody has touched yet; returns how many steps."""
    moment = [store.clock()]
    acting = Store(store.root, store.database, store.timezone, lambda: moment[0])
    calendar = Calendar.from_settings(settings)
    entries = [one for one in desk(store, settings) if len(one.case.steps) == 1 and not one.case.empty]
    if not entries:
        return 0
    last = max(one.case.since for one in entries) - OPEN_AT_THE_END
    now, done = store.clock(), 0
    for entry in entries:
        seen = 1
        for deed in _deeds(entry, settings, calendar, last):
            if deed.at > now:
                break
            moment[0] = deed.at
            acts.act(acting, settings, entry.number, deed.step, deed.said, deed.author, seen=seen)
            seen, done = seen + 1, done + 1
    return done


def _deeds(entry: Entry, settings: Settings, calendar: Calendar, last: datetime) -> Iterator[Deed]:
    rng = Random(f"{SEED} {entry.case.since.isoformat()} {entry.number}")
    checker = settings.hotline.department
    specialist = rng.choice(SPECIALISTS)
    checked = _at_work(calendar, checker, entry.case.since, rng)
    yield Deed(checked, "checked", {}, specialist)
    if entry.case.since > last and rng.random() < 0.5:
        return
    department = _department(entry.follow_up, settings, rng)
    about, category = ABOUT.get(department, OTHER)
    yield Deed(
        checked + timedelta(minutes=1), "described", {"about": about, "category": category}, specialist
    )
    forwarded = checked + timedelta(minutes=2)
    if rng.random() < LATE:
        forwarded = _at_work(calendar, checker, checked + timedelta(days=rng.randint(2, 4)), rng)
    yield Deed(forwarded, "forwarded", {"department": department}, specialist)
    employee = f"{_name(settings, department)}, 1. tālrunis"
    contact = max(_contact(entry.follow_up, calendar, department, forwarded, rng), forwarded)
    if entry.case.since > last or not entry.case.callable:
        return
    if entry.follow_up.reached_at is None and rng.random() < 0.75:
        how = rng.choice(("mobile", "mobile", "email", "in_person"))
        yield Deed(contact, "contacted", {"how": how}, employee)
    elif entry.follow_up.reached_at is None:
        return
    reason = "written_application" if rng.random() < 0.1 else "settled"
    yield Deed(contact + timedelta(minutes=rng.randint(5, 40)), "closed", {"reason": reason}, employee)


def _name(settings: Settings, department: str) -> str:
    return next((d.name.lv or d.id for d in settings.departments if d.id == department), department)


def _department(follow_up: FollowUp, settings: Settings, rng: Random) -> str:
    """The department that called the client, else one of those that messages are about."""
    called = [one.department for one in follow_up.calls if one.department and one.what != "called_again"]
    names = [d.id for d in settings.departments if d.id in ABOUT] or [d.id for d in settings.departments]
    return called[0] if called and called[0] else rng.choice(names)


def _contact(
    follow_up: FollowUp, calendar: Calendar, department: str, forwarded: datetime, rng: Random
) -> datetime:
    if follow_up.reached_at is not None:
        return follow_up.reached_at + timedelta(minutes=5)
    return _at_work(calendar, department, forwarded + timedelta(hours=rng.randint(1, 30)), rng)


def _at_work(calendar: Calendar, department: str | None, at: datetime, rng: Random) -> datetime:
    """A moment soon after ``at`` at which a department works."""
    soon = at + timedelta(minutes=rng.randint(20, 150))
    if calendar.is_open(soon, department):
        return soon
    day = calendar.local_date(at)
    for _ in range(400):
        for opens, closes in calendar.spans(day, department):
            begun = opens + timedelta(minutes=rng.randint(10, 90))
            if at < begun < closes:
                return begun
        day += timedelta(days=1)
    return soon
