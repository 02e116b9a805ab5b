"""The plan of a span: every story of a town in rising time, made lazily from a seed.

Memory does not grow with the span: one hour's arrivals and the follow-ups that are still to come (callbacks
of missed calls and messages, those who call again) are all that is held. Each hour has a random generator of
its own, so that the same arguments give the same stories.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate, count
from random import Random
from typing import Final

from callstats.errors import UsageError
from callstats.simulate.calls_in import Callers
from callstats.simulate.calls_out import TRIES, Colleagues, Owed
from callstats.simulate.pauses import actions
from callstats.simulate.people import Client, Clients, Desks
from callstats.simulate.rhythm import HOUR_S, Hour, Rhythm
from callstats.simulate.story import FeedBreak, QueueAction, Story
from callstats.simulate.town import HOTLINE, MAIN, Town, Way, town

OUTGOING: Final = 0.06  # share of the arrivals that are calls to clients for no reason we know
INTERNAL: Final = 0.07  # share of the arrivals that are calls among colleagues
FOLLOWING: Final = 1.2  # calls per arrival: follow-ups come on top
AGAIN: Final = 0.25  # share of those whom nobody answered who call again soon
SAME_MESSAGE: Final = 0.1  # share of the messages after which the client leaves another one
PART_PER_HOUR: Final = 110.0  # calls in a busy hour that the phones of one part still answer well
PER_INHABITANT: Final = 0.03  # calls per inhabitant and day
Later = Owed | tuple[Way, Client] | QueueAction | str


@dataclass(frozen=True)
class Plan:
    """Which town, which local days `[start, end)`, about how many calls, which seed.

    Build with `Plan.of`, which chooses a town that is large enough.
    """

    town: Town
    start: date
    end: date
    calls: int
    seed: int

    @classmethod
    def of(cls, start: date, end: date, calls: int, seed: int, size: int | None = None) -> Plan:
        """A plan; without `size` the town gets as many parts as its busiest hours need. Raises UsageError."""
        if not start < end:
            raise UsageError(f"the span from {start} to {end} holds no day; give a later end")
        if calls < 1:
            raise UsageError(f"{calls} calls are none; give at least 1")
        if size is None:
            rhythm = Rhythm(town())
            busiest = max(hour.weight for hour in rhythm.hours(start, end)) / rhythm.total(start, end)
            size = max(1, round(busiest * calls / PART_PER_HOUR))
        return cls(town(size), start, end, calls, seed)

    def stories(self) -> Iterator[Story | QueueAction]:
        """Everything that happens, in rising time."""
        return _Maker(self).run()


def feed_breaks(plan: Plan, stops: bool = False) -> tuple[FeedBreak, ...]:
    """Spans without a listener, about two a month; with `stops` the PBX is stopped once and crashes once."""
    rng = Random(f"{plan.seed}/breaks")
    rhythm = Rhythm(plan.town)
    starts_s, ends_s = rhythm.midnight_s(plan.start), rhythm.midnight_s(plan.end)
    kinds: list[str] = ["gap"] * max(1, round((ends_s - starts_s) / 86400 / 15))
    kinds += ["stop", "crash"] if stops else []
    found: list[FeedBreak] = []
    slot_s = (ends_s - starts_s) / len(kinds)
    for place, kind in enumerate(_shuffled(rng, kinds)):  # one in each slot: none overlaps another
        at_s = starts_s + (place + rng.uniform(0.1, 0.8)) * slot_s
        at_s = rhythm.open_from("", at_s)[0] + rng.uniform(600, 9000)
        length_s = min(rng.uniform(60, 2400) if kind == "gap" else rng.uniform(20, 90), slot_s / 20)
        if not found or at_s > found[-1].to_s + 600:
            found.append(FeedBreak(round(at_s, 3), round(at_s + length_s, 3), kind))  # type: ignore[arg-type]
    return tuple(found)


def _shuffled(rng: Random, items: list[str]) -> list[str]:
    rng.shuffle(items)
    return items


class _Maker:
    """The run of one plan. State: the desks, the clients, and what is still to come (`later`)."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rhythm = Rhythm(plan.town)
        self.desks = Desks(plan.town, plan.seed, plan.start + (plan.end - plan.start) // 2)
        self.callers = Callers(plan.town, self.rhythm, self.desks)
        self.colleagues = Colleagues(plan.town, self.rhythm, self.desks)
        per_day = plan.calls / (plan.end - plan.start).days
        self.clients = Clients(max(3000, round(per_day / PER_INHABITANT)))
        self.later: list[tuple[float, int, Later]] = []
        self.numbered = count()
        ways = plan.town.ways
        self.open_ways = list(accumulate(way.open for way in ways))
        self.closed_ways = list(accumulate(way.closed for way in ways))

    def run(self) -> Iterator[Story | QueueAction]:
        """Hour by hour: the arrivals of the hour, and between them what is due."""
        plan = self.plan
        rate = plan.calls / FOLLOWING / self.rhythm.total(plan.start, plan.end)
        day = None
        for hour in self.rhythm.hours(plan.start, plan.end):
            if hour.day != day:
                day = hour.day
                self._new_day(day)
            rng = Random(f"{plan.seed}/{hour.starts_s}")
            for at_s in self._arrivals(rng, hour, rate * hour.weight):
                yield from self._due(rng, at_s)
                yield from self._arrival(rng, at_s)
            yield from self._due(rng, hour.starts_s + HOUR_S)

    def _new_day(self, day: date) -> None:
        self.desks.new_day(day, self.rhythm.midnight_s(day))
        for action in actions(self.plan.town, self.rhythm, self.plan.seed, day):
            self._put(action.at_s, action)
        if self.rhythm.calendar.is_working_day(day):
            self._put(self.rhythm.open_from("", self.rhythm.midnight_s(day))[0] + 900.0, "listen")
        # one call that goes on over midnight, and over the change of the clock where there is one
        rng = Random(f"{self.plan.seed}/midnight/{day}")
        if rng.random() < 0.3:
            self._put(self.rhythm.midnight_s(day + timedelta(1)) - rng.uniform(5, 50), "night")

    def _arrivals(self, rng: Random, hour: Hour, expected: float) -> list[float]:
        number = poisson(rng, expected)
        found = [hour.starts_s + HOUR_S * rng.random() for _ in range(number)]
        if hour.clock_changes:
            found += [hour.starts_s + HOUR_S - rng.uniform(5, 45) for _ in range(3)]
        return sorted(round(at_s, 3) for at_s in found)

    def _arrival(self, rng: Random, at_s: float) -> Iterator[Story]:
        """One new call: by a client, or by an employee in working hours."""
        manned = self.rhythm.is_open("", at_s)
        drawn = rng.random()
        made: Story | None = None
        if manned and drawn < OUTGOING:
            outgoing = self.colleagues.out(rng, at_s, self.clients.one(rng))
            made = outgoing.story if outgoing else None
        elif manned and drawn < OUTGOING + INTERNAL:
            made = self.colleagues.inside(rng, at_s)
        if made is not None:
            yield made
            return
        weights = self.open_ways if manned else self.closed_ways
        (way,) = rng.choices(self.plan.town.ways, cum_weights=weights)
        yield self._incoming(rng, at_s, way, self.clients.one(rng))

    def _incoming(self, rng: Random, at_s: float, way: Way, who: Client) -> Story:
        """A client's call, and what follows from it."""
        made = self.callers.call(rng, at_s, way, who)
        story, nameless = made.story, made.story.withheld == "plain"
        if made.missed:
            unit = self.plan.town.units[way.unit]
            if rng.random() < AGAIN:
                self._put(at_s + rng.uniform(120, 2400), (way, who))
            if not nameless and rng.random() < unit.habit.calls_back and unit.phones:
                self._owe(rng, at_s + rng.uniform(120, 7200), Owed(unit.id, who, "called back"))
        elif story.message_s is not None and story.tag == "message" and not nameless:
            if rng.random() < SAME_MESSAGE:
                self._put(at_s + rng.uniform(600, 5400), (Way("pr", HOTLINE), who))
            elif rng.random() < 0.85:
                drawn = rng.random()
                unit_id = "environment" if drawn < 0.5 else "reception" if drawn < 0.75 else "pr"
                if drawn > 0.92:
                    unit_id = "registry"
                # PR hears it and forwards it; the responsible department calls within a day or two
                heard_s = self.rhythm.open_from("pr", at_s)[0]
                self._owe(
                    rng, max(heard_s, at_s) + rng.expovariate(1 / 18000), Owed(unit_id, who, "callback")
                )
        return story

    def _owe(self, rng: Random, at_s: float, owed: Owed) -> None:
        """Notes a callback for the first time from `at_s` on at which the department works."""
        opens_s, closes_s = self.rhythm.open_from(owed.unit, at_s)
        if at_s < opens_s:
            at_s = opens_s + rng.uniform(60, min(7200, closes_s - opens_s))
        self._put(round(at_s, 3), owed)

    def _due(self, rng: Random, until_s: float) -> Iterator[Story | QueueAction]:
        """What comes due before an instant."""
        while self.later and self.later[0][0] <= until_s:
            at_s, _, what = heapq.heappop(self.later)
            if isinstance(what, QueueAction):
                yield what
            elif isinstance(what, Owed):
                yield from self._back(rng, at_s, what)
            elif isinstance(what, tuple):
                yield self._incoming(rng, at_s, *what)
            elif what == "listen":
                heard = self.colleagues.listens(rng, at_s, self.plan.town.units["pr"])
                yield from [heard] if heard else []
            else:
                yield self._incoming(rng, at_s, Way("dispatch", f"{MAIN[:5]}125"), self.clients.one(rng))

    def _back(self, rng: Random, at_s: float, owed: Owed) -> Iterator[Story]:
        made = self.colleagues.back(rng, at_s, owed)
        if made is None:
            self._owe(rng, at_s + rng.uniform(200, 900), owed)
            return
        if not made.reached and owed.tries + 1 < TRIES and rng.random() < 0.7:
            again = Owed(owed.unit, owed.client, owed.tag, owed.tries + 1)
            self._owe(rng, at_s + rng.uniform(1200, 30000), again)
        yield made.story

    def _put(self, at_s: float, what: Later) -> None:
        heapq.heappush(self.later, (round(at_s, 3), next(self.numbered), what))


def poisson(rng: Random, expected: float) -> int:
    """A number of arrivals; from 40 on by the normal distribution, which is then as good."""
    if expected > 40:
        return max(0, round(rng.gauss(expected, expected**0.5)))
    number, product, floor = 0, rng.random(), 2.718281828459045**-expected
    while product > floor:
        number, product = number + 1, product * rng.random()
    return number
