"""What the settings say about a span of days: everything they are measured and judged by, and nothing else.

The description is plain JSON: the same rules written differently (another order, a period cut in two, a value
set by a rule instead of the base) are described alike, and a change dated after the span changes nothing. It
is stored with a closed month and compared with what the settings say today.

A list whose entries have a date (`STARTS`, `ENDS`) is dated wherever it stands in the settings: new dated
sections need no line here. A value that changes within the span is told per first day:
``{"2026-09-01": 4.0, "2026-09-16": 3.0}``. Empty values within a section are left out: a key that is new and
not used changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from callstats.holiday_rules import Override, read_overrides
from callstats.settings import Settings
from callstats.settings_rules import Cadence, ThirdSignal

# Where things lie, how long, what they are called and how lines are read: lines that are loaded stay as they
# were read.
OUTSIDE: Final = (
    "data", "database", "numbers", "pbx", "cdr_custom", "pbx_time", "retention", "simulated", "messages",
    "reminders", "server", "sign_in", "ami", "journal", "watch",
)  # fmt: skip
# Applied when stored days are read; what else is said is measured, and changes the stored days.
JUDGED: Final = ("cadence", "third_signal", "hours", "rules", "calendar", "country", "neutral")
UNJUDGED: Final = ("name",)  # of an entry: how it is called
STARTS: Final = ("effective_from", "valid_from")  # first day of an entry
ENDS: Final = ("effective_to", "valid_to")  # first day no longer
IDENTITIES: Final = ("id", "department")  # whose an entry is; entries of one are a course of time
CHANGES: Final = "effective_from"  # entries with it change single keys, the others stay as they were
EVERYBODY: Final = "all"
NOTHING: Final = "nothing"  # an empty list that a rule states
CLOSED: Final = "closed"  # hours without an open day, of a rule or a department
Description = dict[str, object]
Entry = Mapping[str, Any]


def in_force(settings: Settings, start: date, end: date) -> Description:
    """Everything dated and undated in the settings that the local days ``[start, end)`` are judged by.

    Raises SettingsError where the calendar's file with exceptions cannot be read.
    """
    said = settings.model_dump(exclude=set(OUTSIDE))
    base = {**said.pop("cadence", {}), **said.pop("third_signal", {}), "hours": said.pop("hours", {})}
    base[CHANGES] = date.min
    rules = _dated([base, *said.pop("rules", ())], start, end)
    general = rules.pop(EVERYBODY, {})
    said |= {
        "cadence": {name: general[name] for name in Cadence.model_fields if name in general},
        "third_signal": {name: general[name] for name in ThirdSignal.model_fields if name in general},
        "hours": general.get("hours"),
        "neutral": {"reasons": _reasons(settings)},
        "rules": rules,
        "calendar": {**(said.get("calendar") or {}), "overrides": _exceptions(settings, start, end)},
    }
    return {name: _plain(value, start, end) for name, value in sorted(said.items())}


def fingerprint(description: Mapping[str, object]) -> str:
    """The description in 16 letters: equal descriptions have equal ones."""
    return blake2b(canonical(description).encode(), digest_size=8).hexdigest()


def canonical(description: Mapping[str, object]) -> str:
    """The description as one JSON text."""
    return json.dumps(description, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def changes(before: Mapping[str, object], after: Mapping[str, object], start: date, end: date) -> list[str]:
    """What is different, one text each: ``cadence.off_s: 4.0 → 3.0``, ``departments.pr.extensions: −203``.

    A section that ``before`` does not know was added to the program since: it was as it is by default.
    """
    default = in_force(Settings.model_construct(), start, end)
    known = sorted({*Settings.model_fields} - {*OUTSIDE})
    return [
        text
        for name in known
        for text in _changes(name, before.get(name, default.get(name)), after.get(name))
    ]


def measured(told: Iterable[str]) -> list[str]:
    """Of texts of `changes` those that days have to be measured anew for: whose phone, queue, number."""
    paths = {text: text.split(":")[0].split(".") for text in told}
    return [text for text, path in paths.items() if path[0] not in JUDGED and path[-1] != "hours"]


def _changes(path: str, old: object, new: object) -> list[str]:
    old, new = None if _empty(old) else old, None if _empty(new) else new
    if old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            text
            for name in sorted({*old, *new})
            for text in _changes(f"{path}.{name}", old.get(name), new.get(name))
        ]
    if isinstance(old, dict) and new is None and not _is_course(old):
        return [text for name in sorted(old) for text in _changes(f"{path}.{name}", old[name], None)]
    if isinstance(new, dict) and old is None and not _is_course(new):
        return [text for name in sorted(new) for text in _changes(f"{path}.{name}", None, new[name])]
    if _is_set(old) and _is_set(new):
        gone = [f"−{one}" for one in old or () if one not in (new or ())]  # type: ignore[attr-defined,operator]
        come = [f"+{one}" for one in new or () if one not in (old or ())]  # type: ignore[attr-defined,operator]
        return [f"{path}: {' '.join([*gone, *come])}"]
    return [f"{path}: {_said(old)} → {_said(new)}"]


def _is_set(value: object) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(one, str) for one in value))


def _is_course(value: Mapping[str, object]) -> bool:
    """Whether a value is told per first day."""
    return bool(value) and all(name[:4].isdigit() and name[4:5] == "-" for name in value)


def _said(value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, dict) and _is_course(value):
        return ", ".join(f"{_said(one)} from {day}" for day, one in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _empty(value: object) -> bool:
    return value is None or value == [] or value == {} or value == ""


def _plain(value: object, start: date, end: date) -> object:
    """JSON of a value of the settings; dated lists restricted to ``[start, end)``, lists of texts sorted."""
    if isinstance(value, Mapping):
        found = {str(name): _plain(one, start, end) for name, one in value.items()}
        return {name: one for name, one in sorted(found.items()) if not _empty(one)}
    if isinstance(value, list | tuple):
        if value and all(_is_window(one) for one in value):
            return [_clock(*one) for one in value]
        if any(isinstance(one, Mapping) and _has_date(one) for one in value):
            return _plain(_dated(value, start, end), start, end)
        items = [_plain(one, start, end) for one in value]
        return sorted(items, key=canonical_item)
    if isinstance(value, date | Path):
        return str(value)
    return value


def canonical_item(value: object) -> str:
    """A sorting key for any JSON value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _is_window(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(type(one) is int for one in value)


def _clock(opens: int, closes: int) -> str:
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (opens, closes))


def _has_date(entry: Entry) -> bool:
    return any(name in entry for name in (*STARTS, *ENDS))


def _starts(entry: Entry) -> date:
    return next((entry[name] for name in STARTS if entry.get(name)), date.min)


def _ends(entry: Entry) -> date:
    return next((entry[name] for name in ENDS if entry.get(name)), date.max)


def _whose(entry: Entry) -> str:
    return next((str(entry[name]) for name in IDENTITIES if entry.get(name)), EVERYBODY)


def _dated(entries: Iterable[Entry], start: date, end: date) -> dict[str, Any]:
    """Dated entries by whose they are: their keys, each with its value or its values per first day."""
    by_owner: dict[str, list[Entry]] = {}
    for entry in entries:
        by_owner.setdefault(_whose(entry), []).append(entry)
    found = {owner: _course(group, start, end) for owner, group in by_owner.items()}
    return {owner: course for owner, course in found.items() if course}


def _course(group: Sequence[Entry], start: date, end: date) -> dict[str, Any]:
    edges = {start, *(day for one in group for day in (_starts(one), _ends(one)) if start < day < end)}
    values: Callable[[Sequence[Entry], date], dict[str, Any]] = (
        _changed if any(CHANGES in one for one in group) else _valid
    )
    steps = [(day, values(group, day)) for day in sorted(edges)]
    names = dict.fromkeys(name for _, step in steps for name in step)
    return {name: _over_time([(day, step.get(name)) for day, step in steps], start, end) for name in names}


def _over_time(steps: Sequence[tuple[date, Any]], start: date, end: date) -> Any:
    """The value, or the values per first day where there are several."""
    kept: list[tuple[date, Any]] = []
    for day, value in steps:
        plain = _plain(value, start, end)
        if not kept or kept[-1][1] != plain:
            kept.append((day, plain))
    return kept[0][1] if len(kept) == 1 else {str(day): value for day, value in kept}


def _changed(group: Sequence[Entry], day: date) -> dict[str, Any]:
    """Keys on a day where each entry changes some while it holds, and the newest wins (`callstats.rules`)."""
    found: dict[str, Any] = {}
    for entry in sorted((one for one in group if _starts(one) <= day < _ends(one)), key=_starts):
        stated = {name: value for name, value in _content(entry).items() if value is not None}
        found |= {name: NOTHING if value == () else value for name, value in stated.items()}
    return found


def _valid(group: Sequence[Entry], day: date) -> dict[str, Any]:
    """Keys on a day where each entry holds for a period; of several that hold, all values."""
    holding = [_content(one) for one in group if _starts(one) <= day < _ends(one)]
    if len(holding) <= 1:
        return {**holding[0], "valid": True} if holding else {}
    return {"entries": holding}


def _content(entry: Entry) -> dict[str, Any]:
    apart = {*STARTS, *ENDS, *IDENTITIES, *UNJUDGED}
    found = {name: value for name, value in entry.items() if name not in apart}
    if found.get("hours") is not None and not any(found["hours"].values()):
        found["hours"] = CLOSED  # said, and not left out
    return found


def _reasons(settings: Settings) -> dict[str, str]:
    """Pause reasons as they are compared, with their neutral states."""
    return {text.strip().casefold(): settings.neutral.state(text) or "" for text in settings.neutral.reasons}


def _exceptions(settings: Settings, start: date, end: date) -> list[str]:
    """Exceptions of the calendar: day, whom they are for, open hours; reasons judge nothing."""
    path = settings.calendar.overrides
    if path is None:
        return []
    units = frozenset(entry.id for entry in settings.departments)
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0  # reading it says what is wrong
    return [
        f"{row.day} {row.unit or EVERYBODY} {_clock(*row.window) if row.window else 'closed'}"
        for row in _overrides(path, units, changed)
        if start <= row.day < end
    ]


@lru_cache(maxsize=4)
def _overrides(path: Path, units: frozenset[str], _changed_at: int) -> tuple[Override, ...]:
    return read_overrides(path, units)
