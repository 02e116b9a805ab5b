"""How messages become cases: one case for each message, however often and from whatever source it is loaded.

The table `messages` is computed from all sources that saw a message. A case is known by the message's
identity in the spool (`msg_id`), and by its call while only the call was seen; what the lines tell of it
later is a further step. A message that was two cases, because its call and its file came apart, goes on as
the older one, unless only the younger is open. A case whose message the lines do not show any more says so,
and stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from callstats.cases import catalog, register
from callstats.cases.catalog import ConflictError
from callstats.cases.register import ChangedError, Known, Written
from callstats.register.steps import PROGRAM, Case, Message, Step, checked, fold
from callstats.settings import Settings
from callstats.snapshot import at_one_moment
from callstats.store import Store

TRIES: Final = 5
SAME_S: Final = timedelta(seconds=5)  # two sources tell of one message's time
Row = Mapping[str, Any]


def bring_up_to_date(store: Store, settings: Settings) -> int:
    """Opens a case for each hotline message that has none, and notes what is told otherwise by now.

    Returns how many were opened. Days need to be computed. Raises ConflictError when others keep changing the
    facts.
    """
    for _ in range(TRIES):
        counter = store.counter()
        with store.database.read() as connection:
            before = register.seen(connection)
            if before >= counter:
                return 0
            open_now = _open_days(connection)
        first = settings.messages.since or date.min
        days = {day for day in _changed_days(store, before) | open_now if day >= first}
        rows = _messages(store, days)
        try:
            with store.database.write() as connection:
                if register.begin(connection) != before:
                    continue
                opened = _apply(connection, rows, days, store.clock())
                register.done(connection, counter)
        except ChangedError:  # somebody added a step to one of these cases meanwhile
            continue
        return opened
    raise ConflictError("register: other processes keep opening cases; try again when they are done")


def _open_days(connection: Connection) -> set[date]:
    return {case.day for case in register.found(connection, closed=False, kind="message")}


def _changed_days(store: Store, before: int) -> set[date]:
    """Days of files of messages that are newer than a commit."""
    with store.database.read() as connection:
        files = catalog.live_files(connection, "messages")
    return {
        file.local_date + timedelta(days=step)
        for file in files
        if (file.version or 0) > before
        for step in range((file.until - file.local_date).days + 1)
    }


def _messages(store: Store, days: set[date]) -> list[dict[str, Any]]:
    if not days:
        return []
    table = at_one_moment(store, lambda facts: facts.scan("messages", min(days), max(days)))
    found = [
        row for row in table.to_pylist() if row["hotline"] and row["left_at"] and row["local_date"] in days
    ]
    return sorted(found, key=lambda row: (row["left_at"], row["mailbox"] or "", row["msg_id"] or ""))


def keys(row: Row) -> list[str]:
    """By what a message is known again: its identity in the spool first, its call only where that is all."""
    box = row["mailbox"] or ""
    if row["msg_id"]:
        return [f"message {box} {row['msg_id']}"]
    if row["call_id"]:
        return [f"call {box} {row['call_id']}"]
    return [f"time {box} {row['left_at'].astimezone(UTC).isoformat()}"]


def _apply(connection: Connection, rows: Sequence[Row], days: set[date], now: datetime) -> int:
    opened, shown = 0, set[int]()
    taken = register.by_key(connection, [key for row in rows for key in keys(row)])
    named = set(taken.values())
    as_known = cases_of(connection, named)
    for row in rows:
        own = taken.get(keys(row)[0])
        if own is not None and (own not in as_known or as_known[own].message == _told(row)):
            shown.add(own)  # most: nothing new is told, or retention left nothing but its key
            continue
        apart = _known_otherwise(connection, row, named | shown)
        number = own if own is not None else apart
        if number is None:
            number = _opened(connection, row, now)
            opened += 1
        elif own is not None and apart is not None:
            number = _merged(connection, min(own, apart), max(own, apart), now)
        register.know(connection, number, keys(row))
        _note(connection, number, row, now)
        shown.add(number)
    for case in register.found(connection, closed=False, kind="message"):
        if case.day in days and case.number not in shown:
            _note_gone(connection, case.number, now)
    return opened


def _known_otherwise(connection: Connection, row: Row, others: set[int]) -> int | None:
    """A case of the same message that was opened when less was known of it; ``others`` are of other rows.

    It was known by the call alone, or by the same mailbox and moment.
    """
    day = row["local_date"]
    near = register.found(connection, kind="message", days=(day - timedelta(1), day + timedelta(1)))
    numbers = [one.number for one in near if one.number not in others]
    for number, case in cases_of(connection, numbers).items():
        told = case.message
        if told is None or case.by_hand or case.merged_into or told.mailbox != row["mailbox"]:
            continue
        if told.msg_id is not None and row["msg_id"] is not None and told.msg_id != row["msg_id"]:
            continue
        same_call = told.call_id is not None and told.call_id == row["call_id"]
        same_time = told.client == row["caller"] and abs(told.left_at - row["left_at"]) <= SAME_S
        if same_call or same_time:
            return number
    return None


def _opened(connection: Connection, row: Row, now: datetime) -> int:
    first = Written("left", row["left_at"], now, PROGRAM, _told(row).model_dump(mode="json"))
    return register.open_case(connection, "message", row["local_date"], first, Known(client=row["caller"]))


def _note(connection: Connection, number: int, row: Row, now: datetime) -> None:
    """A step where the lines tell of the message otherwise than before."""
    case = cases_of(connection, [number])[number]
    told = _told(row)
    if told != case.message and case.merged_into is None:
        write(connection, case, Written("seen", now, now, PROGRAM, told.model_dump(mode="json")))


def _note_gone(connection: Connection, number: int, now: datetime) -> None:
    case = cases_of(connection, [number])[number]
    if case.message is None or case.by_hand or case.message.gone or case.merged_into is not None:
        return
    gone = case.message.model_copy(update={"gone": True})
    write(connection, case, Written("seen", now, now, PROGRAM, gone.model_dump(mode="json")))


def _merged(connection: Connection, older: int, younger: int, now: datetime) -> int:
    """Goes on as the older one; an open case never disappears into a closed one."""
    both = cases_of(connection, [older, younger])
    into, number = older, younger
    if both[older].closed_at is not None and both[younger].closed_at is None:
        into, number = younger, older
    write(connection, both[number], Written("merged", now, now, PROGRAM, {"into": into}))
    register.know(connection, into, register.keys_of(connection, number))
    return into


def _told(row: Row) -> Message:
    return Message(
        left_at=row["left_at"].astimezone(UTC),
        mailbox=row["mailbox"],
        msg_id=row["msg_id"],
        call_id=row["call_id"],
        client=row["caller"],
        duration_s=row["duration_s"],
        empty=bool(row["empty"]),
        callable=bool(row["callable"]),
        certainty=row["certainty"] or "unknown",
    )


# cases out of what is stored


def cases_of(connection: Connection, numbers: Iterable[int]) -> dict[int, Case]:
    """Cases by their numbers, but for those of which retention left nothing but that."""
    stored = register.stored(connection, list(numbers))
    return {number: case_from(number, kind, steps) for number, (kind, steps) in stored.items() if steps}


def case_from(number: int, kind: str, steps: Sequence[Written]) -> Case:
    """A case from what is stored of it."""
    return fold(
        number,
        kind,
        (Step(w.place, w.step, w.at, w.entered_at, w.author, checked(w.step, w.said)) for w in steps),
    )


def write(connection: Connection, case: Case, step: Written) -> Case:
    """Adds a step to a case that was read as ``case``; returns the case with it. Raises ChangedError."""
    new = Step(
        len(case.steps) + 1, step.step, step.at, step.entered_at, step.author, checked(step.step, step.said)
    )
    after = fold(case.number, case.kind, (*case.steps, new))
    register.add(connection, case.number, len(case.steps), step, known(after))
    return after


def known(case: Case) -> Known:
    """What is kept of a case for finding it."""
    if case.merged_into is not None:  # found by the other case only
        merged_at = next((one.at for one in case.steps if one.step == "merged"), None)
        return Known(closed=True, closed_at=case.closed_at or merged_at)
    closed = case.closed_at is not None
    return Known(closed, case.closed_at, case.department, case.client, case.callback)
