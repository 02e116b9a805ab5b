"""The `callstats.toml` of a simulated town: what its administrator would write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from callstats.settings_rules import Hours
from callstats.settings_types import WEEKDAYS
from callstats.simulate.town import HOTLINE, MAILBOX, MAIN, USUAL, Town

HEAD: Final = """\
# SIMULATED: an invented municipality, written by `callstats simulate`; no name or number is real.
simulated = true
timezone = "{timezone}"
country = "LV"
main_numbers = ["{main}"]
outbound_prefixes = ["{prefix}"]

[cadence]
on_s = 1.0
off_s = 4.0

[third_signal]
signals = 3

[hours]
{hours}

[hotline]
numbers = ["{hotline}"]
mailboxes = ["{mailbox}"]
department = "pr"
callback_departments = ["environment", "reception"]
"""


def config_text(town: Town) -> str:
    """The whole file; `Settings.load` takes it as it is."""
    head = HEAD.format(
        timezone=town.plant.timezone,
        main=MAIN,
        prefix=town.plant.outbound_prefix,
        hours="\n".join(_hours(USUAL)),
        hotline=HOTLINE,
        mailbox=MAILBOX,
    )
    return head + "".join(f"\n{text}\n" for text in _departments(town))


def _departments(town: Town) -> Iterator[str]:
    for unit in town.units.values():
        lines = [
            "[[departments]]",
            f"id = {_text(unit.id)}",
            f"name.lv = {_text(unit.lv)}",
            f"name.en = {_text(unit.en)}",
            *([f"parent = {_text(unit.parent)}"] if unit.parent else []),
            f"extensions = {_text(list(unit.phones))}",
            *([f"queues = {_text([unit.queue])}"] if unit.queue else []),
            *([f"numbers = {_text(list(unit.numbers))}"] if unit.numbers else []),
        ]
        if unit.hours:
            lines += ["[departments.hours]", *_hours(unit.hours)]
        yield "\n".join(lines)


def _hours(hours: Hours) -> Iterator[str]:
    for day, windows in zip(WEEKDAYS, hours.week, strict=True):
        if windows:
            yield f"{day} = {_text([[_clock(w.opens), _clock(w.closes)] for w in windows])}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _text(value: str | list[str] | list[list[str]]) -> str:
    return json.dumps(value, ensure_ascii=False)  # TOML's basic strings and arrays are JSON's
