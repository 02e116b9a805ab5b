"""What a case's cells say in words, on the page and in the file alike; the register's lines by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from api.register_words import HOWS, WAITS
from api.text import Words, sort_key
from callstats.register.desk import Entry
from callstats.register.summary import Line, Summary

Names = Mapping[str, str]  # department id → name
Masked = Mapping[int, str | None]  # number of the case → the client's number as 26••••00


def caller(entry: Entry, masked: Masked, words: Words) -> str:
    """The client's masked number, or why there is none."""
    case = entry.case
    if (case.message and case.client == "anonymous") or not case.callable:
        return words.texts.gettext("cannot be contacted (anonymous message)")
    return masked.get(entry.number) or words.texts.gettext("number not kept")


def times(entry: Entry, words: Words) -> str | None:
    """*zvana 3. reizi*: which message of this client it is; None where there is one only."""
    nth, many = entry.times
    return words.texts.gettext("message %(n)s of this client") % {"n": nth} if many > 1 else None


def waiting(entry: Entry, names: Names, words: Words) -> str:
    """What the case waits for, and for whom."""
    clock = entry.clock
    what = WAITS[clock.waits][words.language]
    return f"{what}: {names.get(clock.whom, clock.whom)}" if clock.whom else what


def receiver(entry: Entry, names: Names) -> str | None:
    """To whom it was forwarded, or whose promise it is."""
    case = entry.case
    given = case.forwarded or case.promise
    if given is None:
        return None
    outside = case.forwarded.institution if case.forwarded else None
    whom = outside or (names.get(given.department, given.department) if given.department else "")
    return f"{whom}, {given.employee}" if given.employee else whom


def contacts(entry: Entry, words: Words) -> list[str]:
    """Contact with the client, as people entered it and as the PBX saw it.

    Never *not called back*: *no callback seen by the PBX* (design section 3).
    """
    case, seen, text = entry.case, entry.follow_up, words.texts.gettext
    told = [f"{HOWS[how][words.language]}, {words.minute(at)}" for at, how in case.contacted]
    if seen.reached_at:
        told.append(text("talked %(at)s") % {"at": words.minute(seen.reached_at)})
    elif seen.attempted_at:
        told.append(text("tried %(at)s") % {"at": words.minute(seen.attempted_at)})
    elif case.callable and not case.contacted_at:
        told.append(text("no callback seen by the PBX"))
    return told


def by_name(found: Summary, names: Names) -> Summary:
    """Its lines by the departments' names, that of no department last."""

    def place(line: Line) -> tuple[bool, list[tuple[int, str]]]:
        name = line.department or ""
        return line.department is None, sort_key(names.get(name, name))

    return replace(found, lines=tuple(sorted(found.lines, key=place)))
