"""The fields of the register's forms as what they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from callstats.calendar import local_instant
from callstats.errors import InputError, UsageError

YEARS: Final = range(2000, 2100)  # that a time of a form may be of
STEP_FIELDS: Final = (
    "about", "category", "urgent", "reg_no", "department", "institution", "employee", "how", "call_id",
    "text", "reason", "place",
)  # fmt: skip


def said_of(fields: Mapping[str, str]) -> dict[str, Any]:
    """A step's fields as its form gave them; empty ones were not given, but a description may be emptied."""
    kept = {} if fields.get("step") != "described" else {"about", "reg_no"}
    given: dict[str, Any] = {n: fields[n] for n in STEP_FIELDS if n in fields and (fields[n] or n in kept)}
    if fields.get("step") == "described" and "urgent_shown" in fields:
        given["urgent"] = "urgent" in fields
    return given


def once(form: list[tuple[str, str]]) -> dict[str, str]:
    """The fields by name. Raises InputError for one that is given twice."""
    found = dict(form)
    if len(found) != len(form):
        raise InputError("form: a field is given twice")
    return found


def ticked(value: str) -> tuple[int, int]:
    """A ticked case as `number:steps seen`. Raises UsageError."""
    number, _, seen = value.partition(":")
    return whole(number, "case"), whole(seen, "case")


def whole(text: str | None, name: str) -> int:
    """A whole number of at most nine digits. Raises UsageError."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 9:
        raise UsageError(f"{name}: {text!r} is no whole number")
    return int(text)


def moment(zone: ZoneInfo, text: str, name: str) -> datetime | None:
    """A local time of a form, such as 2026-11-23T14:30; None: left empty. Raises UsageError."""
    if not text.strip():
        return None
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", text, re.ASCII):
            raise ValueError
        local = datetime.fromisoformat(text)
        if local.year not in YEARS:
            raise ValueError
    except ValueError:
        raise UsageError(f"{name}: {text!r} is no time; write it like 2026-11-23T14:30") from None
    return local_instant(zone, local.date(), local.hour * 60 + local.minute)
