"""What people do with the register: a step, several at once, a case by hand, a promise, a number heard.

Whoever adds a step says how many steps of the case he has seen; where somebody was faster nothing is written
(`ChangedError`). A number that is entered goes to the number vault at once, the case holds its pseudonym.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from callstats.calendar import Calendar
from callstats.cases import register
from callstats.cases.register import NoCaseError, Written
from callstats.cases.vault import Vault
from callstats.departments import Departments
from callstats.errors import CallstatsError, UsageError
from callstats.numbers import NumberPlan, normalise
from callstats.register.opening import cases_of, known, write
from callstats.register.steps import BY_PROGRAM, Case, Message, Promise, Step, allowed, checked, fold
from callstats.settings import Settings
from callstats.store import Store

AHEAD: Final = timedelta(minutes=5)  # clocks of two machines


@dataclass(frozen=True)
class Refused:
    """A case of several that could not take the step, and why."""

    number: int
    why: str


def case_of(store: Store, number: int) -> Case:
    """The case of a number. Raises NoCaseError."""
    with store.database.read() as connection:
        return _case(connection, number)


def _case(connection: Connection, number: int) -> Case:
    found = cases_of(connection, [number])
    if number not in found:
        raise NoCaseError(f"there is no case {number}")
    return found[number]


def act(
    store: Store,
    settings: Settings,
    number: int,
    step: str,
    said: Mapping[str, Any],
    author: str,
    *,
    seen: int,
    at: datetime | None = None,
) -> Case:
    """Adds a step to a case of which ``seen`` steps were seen; ``at``: when it was done, if not now.

    Raises UsageError where the case cannot take it, ChangedError where somebody else was faster, NoCaseError.
    """
    now = store.clock()
    who = _author(author)
    if step in BY_PROGRAM:
        raise UsageError(f"step: {step!r} follows from the PBX's lines; it is not entered")
    fields = checked(step, said)
    done = _when(at, now)
    with store.database.write() as connection:
        case = _case(connection, number)
        if len(case.steps) == seen:  # else `write` tells that somebody was faster
            allowed(case, step, fields, who, now)
            _known_department(settings, fields, done)
            if step not in ("described", "noted", "undone") and done < case.since - AHEAD:
                raise UsageError(f"case {number}: {done:%Y-%m-%d %H:%M} is before the message was left")
        written = Written(step, done, now, who, fields.model_dump(mode="json", exclude_none=True))
        if len(case.steps) != seen:
            register.add(connection, number, seen, written, known(case))
        return write(connection, case, written)


def act_on_all(
    store: Store,
    settings: Settings,
    seen: Mapping[int, int],
    step: str,
    said: Mapping[str, Any],
    author: str,
) -> tuple[list[Case], list[Refused]]:
    """The same step on several cases (number → steps seen), each for itself: what is done, what is not."""
    done, refused = [], []
    for number, steps in seen.items():
        try:
            done.append(act(store, settings, number, step, said, author, seen=steps))
        except CallstatsError as error:
            refused.append(Refused(number, str(error)))
    return done, refused


def undo(store: Store, settings: Settings, number: int, place: int, author: str, *, seen: int) -> Case:
    """Takes the last step of a case back, if its author did it a short while ago; it stays to be seen."""
    return act(store, settings, number, "undone", {"place": place}, author, seen=seen)


def heard(store: Store, settings: Settings, number: int, text: str, author: str, *, seen: int) -> Case:
    """The number that a message asks to call back: into the vault, its pseudonym into the case."""
    pseudonym = _put(store, settings, text)
    return act(store, settings, number, "heard", {"callback": pseudonym}, author, seen=seen)


def open_by_hand(
    store: Store,
    settings: Settings,
    author: str,
    *,
    left_at: datetime,
    number: str = "",
    about: str = "",
    call_id: str | None = None,
) -> Case:
    """A case for a message that no line of the PBX tells of; ``number`` may be left out."""
    now, who = store.clock(), _author(author)
    if left_at > now + AHEAD:
        raise UsageError(f"left_at: {left_at:%Y-%m-%d %H:%M} is in the future")
    client = _put(store, settings, number) if number.strip() else None
    told = Message(
        left_at=left_at.astimezone(UTC), client=client, call_id=call_id, callable=client is not None,
        certainty="certain",
    )  # fmt: skip
    first = Written("left", told.left_at, now, who, told.model_dump(mode="json"))
    return _open(store, settings, "message", left_at, first, about, who)


def open_promise(
    store: Store,
    settings: Settings,
    author: str,
    *,
    by: datetime,
    department: str,
    form: str = "call",
    number: str = "",
    employee: str | None = None,
    about: str = "",
    promised_at: datetime | None = None,
) -> Case:
    """A promised callback (clause 15.5): to whom, by when, in what form."""
    now, who = store.clock(), _author(author)
    given = promised_at or now
    if given > now + AHEAD:
        raise UsageError(f"promised_at: {given:%Y-%m-%d %H:%M} is in the future")
    if by <= given:
        raise UsageError("by: the promised time is not after the promise; give a later one")
    if form == "call" and not number.strip():
        raise UsageError("number: is missing; a promised call needs the number to call")
    client = _put(store, settings, number) if number.strip() else None
    fields = checked(
        "promised",
        {"promised_at": given, "by": by, "form": form, "department": department, "employee": employee,
         "client": client},
    )  # fmt: skip
    assert isinstance(fields, Promise)
    _known_department(settings, fields, given)
    first = Written("promised", given, now, who, fields.model_dump(mode="json"))
    return _open(store, settings, "promise", given, first, about, who)


def _open(
    store: Store, settings: Settings, kind: str, at: datetime, first: Written, about: str, who: str
) -> Case:
    day = Calendar.from_settings(settings).local_date(at)
    said = Step(1, first.step, first.at, first.entered_at, who, checked(first.step, first.said))
    case = fold(0, kind, [said])
    with store.database.write() as connection:
        number = register.open_case(connection, kind, day, first, known(case))
        found = _case(connection, number)
        if about.strip():
            fields = checked("described", {"about": about})
            written = Written(
                "described", first.entered_at, first.entered_at, who,
                fields.model_dump(mode="json", exclude_none=True),
            )  # fmt: skip
            found = write(connection, found, written)
    return found


def number_of(store: Store, settings: Settings, case: Case) -> str | None:
    """The number to call back (E.164): the one that was heard, else the caller's; None: not in the vault."""
    return numbers_of(store, settings, [case])[case.number]


def numbers_of(store: Store, settings: Settings, cases: Iterable[Case]) -> dict[int, str | None]:
    """`number_of` each of many cases."""
    vault = Vault.open(settings, store.database, store.clock)
    found: dict[int, str | None] = {}
    for case in cases:
        known = (vault.reveal(name) for name in (case.callback, case.client) if name is not None)
        found[case.number] = next((number for number in known if number is not None), None)
    return found


def pseudonym_of(store: Store, settings: Settings, text: str) -> str:
    """The pseudonym of a number that somebody typed. Raises UsageError for no number."""
    vault = Vault.open(settings, store.database, store.clock)
    return vault.pseudonymiser.pseudonym(_e164(settings, text))


def _put(store: Store, settings: Settings, text: str) -> str:
    vault = Vault.open(settings, store.database, store.clock)
    e164 = _e164(settings, text)
    name = vault.pseudonymiser.pseudonym(e164)
    vault.put({name: (e164, store.clock())})
    return name


def _e164(settings: Settings, text: str) -> str:
    found = normalise(text.strip(), NumberPlan.from_settings(settings))
    if found.e164 is None or found.cls in (
        "own",
        "extension",
        "emergency",
        "short_code",
        "service",
        "premium",
    ):
        raise UsageError("number: is no number of a client; write it as 26001234 or +37126001234")
    return found.e164


def _author(author: str) -> str:
    name = " ".join(author.split())
    if not name or len(name) > 120 or not name.isprintable():
        raise UsageError("author: say who you are (up to 120 characters)")
    return name


def _when(at: datetime | None, now: datetime) -> datetime:
    if at is None:
        return now
    if at > now + AHEAD:
        raise UsageError(f"at: {at:%Y-%m-%d %H:%M} is in the future")
    return min(at, now).astimezone(UTC)


def _known_department(settings: Settings, fields: Any, at: datetime) -> None:
    """Forwarding goes to a department that there is on that day."""
    name = getattr(fields, "department", None)
    if name is None:
        return
    calendar, departments = Calendar.from_settings(settings), Departments.from_settings(settings)
    day = calendar.local_date(at)
    there = [one for one in departments.ids if calendar.has(one, day)]
    if name not in there:
        raise UsageError(f"department: {name!r} is none on {day}; there are: {', '.join(there) or 'none'}")
