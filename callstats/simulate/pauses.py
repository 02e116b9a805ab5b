"""What the queues' members do besides answering: pauses with their reasons, a guest on busy days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Final

from callstats.simulate.rhythm import Rhythm
from callstats.simulate.story import QueueAction
from callstats.simulate.town import Town, member_name

LUNCH: Final = "pusdienas"
VISITORS: Final = "apmeklētāji"
TRAINING: Final = "mācības"
GUEST_DAY: Final = 20  # of a month: wages are paid, the registry helps finance


def actions(town: Town, rhythm: Rhythm, seed: int, day: date) -> list[QueueAction]:
    """The queue actions of a local day in rising time: none on a day off."""
    if not rhythm.calendar.is_working_day(day):
        return []
    rng = Random(f"{seed}/pauses/{day}")
    found = sorted(_all(town, rhythm, rng, day), key=lambda action: action.at_s)
    return found


def _all(town: Town, rhythm: Rhythm, rng: Random, day: date) -> Iterator[QueueAction]:
    midnight_s = rhythm.midnight_s(day)
    for unit in town.units.values():
        if not unit.queue:
            continue
        members = town.plant.queues[unit.queue].members
        if unit.habit.pause:
            for member in members:  # at the same time: for half an hour nobody is offered a call
                starts_s = midnight_s + unit.habit.lunch * 60 + rng.uniform(0, 120)
                yield from _pause(unit.queue, member.interface, starts_s, rng.uniform(1500, 1900), LUNCH)
            if day.day == GUEST_DAY:
                yield from _guest(town, unit.queue, unit.id.replace("finance", "registry"), midnight_s)
        elif unit.id.startswith("social") and day.weekday() in (0, 3):
            starts_s = midnight_s + 14 * 3600 + rng.uniform(0, 300)
            yield from _pause(unit.queue, members[0].interface, starts_s, 2 * 3600.0, VISITORS)
        elif unit.id.startswith("construction") and day.weekday() == 2 and day.day <= 7:
            for member in members[:2]:
                starts_s = midnight_s + 10 * 3600 + rng.uniform(0, 60)
                yield from _pause(unit.queue, member.interface, starts_s, 5400.0, TRAINING)


def _pause(
    queue: str, interface: str, starts_s: float, length_s: float, reason: str
) -> Iterator[QueueAction]:
    yield QueueAction(round(starts_s, 3), "pause", queue, interface, reason=reason)
    yield QueueAction(round(starts_s + length_s, 3), "unpause", queue, interface)


def _guest(town: Town, queue: str, unit: str, midnight_s: float) -> Iterator[QueueAction]:
    phone = town.units[unit].phones[0]
    interface = f"PJSIP/{phone}"
    yield QueueAction(midnight_s + 9 * 3600.0, "add", queue, interface, member=member_name(phone))
    yield QueueAction(midnight_s + 16 * 3600.0, "remove", queue, interface)
