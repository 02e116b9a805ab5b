"""Calls of clients as stories: what every phone behind a number does, how long the caller has patience."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from callstats.simulate.people import Client, Desks, lognormal
from callstats.simulate.plant import Dial, Enqueue, Menu, Plant, Step, Voicemail
from callstats.simulate.rhythm import Rhythm
from callstats.simulate.story import Act, Pickup, Story, Transfer
from callstats.simulate.town import Town, Way

WITHHELD: Final = 0.03  # share of the callers whose number is not shown
ASSERTED: Final = 0.15  # of these: those whose operator tells it in P-Asserted-Identity
PATIENCE_S: Final = 42.0  # median
ENDLESS: Final = 0.12  # share of the callers who never give up
TRANSFERRED: Final = 0.07  # share of the calls to one phone
PICKED_UP: Final = 0.3  # share of the calls to one phone that would ring in vain
FORWARDED: Final = 0.06  # share of the calls to an environment inspector who is outdoors
HURRIED: Final = 0.05  # share of the callers of the menu who hang up in it
REFUSING: Final = ("off", "busy", "decline", "unavailable")
SECOND_ROUND: Final = 0.3  # share of the queue's phones that are let ring once before they are answered


@dataclass(frozen=True)
class Offer:
    """A phone that may be offered the call: `after_s` the beginning, for `for_s`; `queue`: by a queue."""

    phone: str
    after_s: float
    for_s: float
    queue: bool


@dataclass(frozen=True)
class Behind:
    """What lies behind a number: the phones in order, and whether there are a mailbox and a menu."""

    offers: tuple[Offer, ...]
    voicemail: bool
    plain: bool  # nothing but Dials
    menu: bool


@dataclass(frozen=True)
class Incoming:
    """A planned call, and whether the plan expects that nobody answers it."""

    story: Story
    missed: bool


def behind(plant: Plant, number: str, key: str = "") -> Behind:
    """What a caller of a number meets who presses `key` in its menu."""
    if number in plant.numbers:
        steps = plant.numbers[number]
    else:
        phone = number.removeprefix(plant.direct_prefix)
        steps = (Dial((phone,), plant.direct_timeout_s),) if phone in plant.phones else ()
    menu = any(isinstance(step, Menu) for step in steps)
    steps = tuple(_flat(steps, key))
    plain = bool(steps) and all(isinstance(step, Dial) for step in steps)
    return Behind(
        tuple(_offers(plant, steps)),
        any(isinstance(step, Voicemail) for step in steps),
        plain and not menu,
        menu,
    )


def _flat(steps: Sequence[Step], key: str) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, Menu):
            yield from step.choices[key or step.otherwise]
        else:
            yield step


def _offers(plant: Plant, steps: Sequence[Step]) -> Iterator[Offer]:
    at_s = 0.0
    for step in steps:
        if isinstance(step, Dial):
            yield from (Offer(phone, at_s, step.timeout_s, False) for phone in step.phones)
            at_s += step.timeout_s
        elif isinstance(step, Enqueue):
            queue = plant.queues[step.queue]
            gap_s = 0.0 if queue.strategy == "ringall" else queue.timeout_s + queue.retry_s
            for place, member in enumerate(queue.members):
                yield Offer(member.phone, at_s + place * gap_s, queue.timeout_s, True)
            at_s += step.timeout_s


class Callers:
    """Makes stories of clients' calls. State: the desks', which it tells who is in use."""

    def __init__(self, town: Town, rhythm: Rhythm, desks: Desks) -> None:
        self.town, self.rhythm, self.desks = town, rhythm, desks
        self._behind: dict[tuple[str, str], Behind] = {}
        self._mates: dict[str, tuple[str, ...]] = {
            phone: tuple(p for p in town.units[unit].phones if p not in (phone, *town.off, *town.silent))
            for phone, unit in town.home.items()
        }
        self._owners = {number: unit.id for unit in town.units.values() for number in unit.numbers}
        self._others = tuple(p for p in town.home if p not in town.off and p not in town.silent)

    def call(self, rng: Random, at_s: float, way: Way, who: Client) -> Incoming:
        """A client takes a way into the town at an instant."""
        there = self._of(way)
        withheld = ("asserted" if rng.random() < ASSERTED else "plain") if rng.random() < WITHHELD else ""
        story = Story(
            at_s=at_s,
            kind="public",
            caller=who.shown,
            dialled=way.number,
            name=who.name,
            withheld=withheld,  # type: ignore[arg-type]
            tag="menu" if way.key else "in",
            unit=way.unit,
        )
        if there.voicemail and not there.offers:
            return Incoming(leave_message(rng, story), missed=False)
        menu_s = 0.0
        if there.menu:
            if rng.random() < HURRIED:
                patience_s = round(rng.uniform(0.8, 6.0), 3)
                owner = self._owners.get(way.number, way.unit)
                return Incoming(replace(story, patience_s=patience_s, unit=owner, tag="in"), missed=True)
            if way.key:
                menu_s = round(rng.uniform(1.0, 6.5), 3)
                story = replace(story, keys=((menu_s, way.key),))
            else:
                menu_s = 8.5
        return self._ringing(rng, story, there, menu_s)

    def _of(self, way: Way) -> Behind:
        place = (way.number, way.key)
        if place not in self._behind:
            self._behind[place] = behind(self.town.plant, way.number, way.key)
        return self._behind[place]

    def _ringing(self, rng: Random, story: Story, there: Behind, menu_s: float) -> Incoming:
        """The part in which phones ring: who does what, who answers first as far as the plan knows."""
        at_s = story.at_s
        phones: dict[str, tuple[Act, ...]] = {}
        first: tuple[float, str] | None = None
        step_s, begins_s, ends_s = 0.0, 0.0, 0.0  # of the Dial at hand: as configured, and as it will be
        for offer in there.offers:
            if offer.phone in phones:
                continue
            if offer.after_s != step_s:
                step_s, begins_s = offer.after_s, offer.after_s if offer.queue else ends_s
            manned = self.rhythm.is_open(self.town.home[offer.phone], at_s)
            act = self.desks.act(rng, offer.phone, at_s, manned)
            acts: tuple[Act, ...] = (act,)
            if act.kind == "answer" and offer.queue and rng.random() < SECOND_ROUND:
                acts = (Act("ring"), act)
            phones[offer.phone] = acts
            ends_s = max(ends_s, begins_s + (act.after_s if act.kind in REFUSING else offer.for_s))
            if act.kind in ("answer", "progress") and act.after_s < offer.for_s:
                answered = begins_s + act.after_s + (0.0 if len(acts) == 1 else offer.for_s + 2.0)
                first = min(first or (answered, offer.phone), (answered, offer.phone))
        patience = (
            None if rng.random() < ENDLESS else round(1.0 + menu_s + lognormal(rng, PATIENCE_S, 0.7), 3)
        )
        if there.voicemail:
            story = replace(story, message_s=round(lognormal(rng, 9.0), 2) if rng.random() < 0.6 else None)
            patience = None
        story = replace(story, patience_s=patience)
        one = len(there.offers) == 1
        if first is None or (patience is not None and menu_s + first[0] >= patience):
            if one and there.plain:
                story = self._picked_up(rng, replace(story, phones=phones))
                return Incoming(story, missed=story.pickup is None)
            # should somebody answer all the same, the caller hangs up in the end
            talk_s = round(10.0 + lognormal(rng, 60.0), 3)
            return Incoming(replace(story, phones=phones, talk_s=talk_s), missed=not there.voicemail)
        answered_s, phone = menu_s + first[0], first[1]
        if one and there.plain and not menu_s:
            if self.town.home[phone].startswith("environment") and rng.random() < FORWARDED:
                return self._forwarded(rng, story, phone)
            if rng.random() < TRANSFERRED:
                return self._transferred(rng, story, phones, phone, answered_s)
        return Incoming(self._talked(rng, story, phones, phone, answered_s), missed=False)

    def _talked(
        self, rng: Random, story: Story, phones: dict[str, tuple[Act, ...]], phone: str, answered_s: float
    ) -> Story:
        """Whoever answers talks as long as the department does; one side hangs up first."""
        habit = self.town.units[self.town.home[phone]].habit
        talk_s = round(2.0 + lognormal(rng, habit.talk_s, 0.8), 3)
        self.desks.free_at[phone] = story.at_s + answered_s + talk_s
        if rng.random() < 0.6:
            return replace(story, phones=phones, talk_s=talk_s)
        ended = {p: tuple(_talking(act, talk_s) for act in acts) for p, acts in phones.items()}
        return replace(story, phones=ended)

    def _transferred(
        self, rng: Random, story: Story, phones: dict[str, tuple[Act, ...]], phone: str, answered_s: float
    ) -> Incoming:
        """The employee sends the caller on to a colleague of any department."""
        target = rng.choice(self._others)
        if target == phone:
            target = self._others[self._others.index(target) - 1]
        drawn = rng.random()
        after_s = round(6.0 + lognormal(rng, 25.0), 3)
        if drawn < 0.25:
            consult_s = round(rng.uniform(3.0, 12.0), 3)
            transfer = Transfer("attended", target, after_s, consult_s)
            act = Act("answer", after_s=round(rng.uniform(1.5, 9.0), 3))
        else:
            transfer = Transfer("refer" if drawn < 0.65 else "blind", target, after_s)
            act = self.desks.act(
                rng, target, story.at_s, self.rhythm.is_open(self.town.home[target], story.at_s)
            )
        talk_s = round(5.0 + lognormal(rng, 70.0), 3)
        sent = replace(phones[phone][0], transfer=transfer)
        self.desks.free_at[phone] = story.at_s + answered_s + after_s + 15.0
        self.desks.free_at[target] = story.at_s + answered_s + after_s + 30.0 + talk_s
        both = {phone: (sent,), target: (_talking(act, talk_s),)}
        return Incoming(replace(story, phones=both, patience_s=None, tag="transfer"), missed=False)

    def _forwarded(self, rng: Random, story: Story, phone: str) -> Incoming:
        """The inspector's phone is forwarded to a colleague of the construction board."""
        part = phone[:-3]
        target = f"{part}302"
        act = self.desks.act(rng, target, story.at_s, self.rhythm.is_open(self.town.home[target], story.at_s))
        phones: dict[str, tuple[Act, ...]] = {
            phone: (Act("forward", after_s=0.03, target=target),),
            target: (act,),
        }
        if act.kind != "answer":
            return Incoming(replace(story, phones=phones, tag="forward"), missed=True)
        return Incoming(
            replace(self._talked(rng, story, phones, target, act.after_s), tag="forward"), missed=False
        )

    def _picked_up(self, rng: Random, story: Story) -> Story:
        """Sometimes a colleague takes the ringing call with the pickup code."""
        (phone,) = story.phones
        mates = self._mates[phone]
        ringing = story.phones[phone][0].kind == "ring" and self.rhythm.is_open(
            self.town.home[phone], story.at_s
        )
        after_s = round(rng.uniform(4.0, 14.0), 3)
        if not mates or not ringing or (story.patience_s or 99.0) < after_s + 5 or rng.random() > PICKED_UP:
            return story
        mate = rng.choice(mates)
        if self.desks.free_at[mate] > story.at_s:
            return story
        talk_s = round(4.0 + lognormal(rng, 60.0), 3)
        self.desks.free_at[mate] = story.at_s + after_s + talk_s + 2
        return replace(story, pickup=Pickup(mate, phone, after_s, talk_s), tag="pickup")


def leave_message(rng: Random, story: Story) -> Story:
    """The caller of a mailbox: hangs up before the beep, at it, or says what there is to say."""
    drawn = rng.random()
    if drawn < 0.08:
        return replace(story, message_s=None, tag="hang-up")
    if drawn < 0.15:
        return replace(story, message_s=round(rng.uniform(0.4, 2.4), 2), tag="empty")
    return replace(story, message_s=round(3.5 + lognormal(rng, 14.0), 2), tag="message")


def _talking(act: Act, talk_s: float) -> Act:
    return replace(act, talk_s=talk_s) if act.kind in ("answer", "progress") else act
