"""Calls that employees make, as stories: to colleagues, to clients, and back to those who were missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from callstats.simulate.people import Client, Desks, lognormal
from callstats.simulate.rhythm import Rhythm
from callstats.simulate.story import Act, Story
from callstats.simulate.town import Town, Unit

TRIES: Final = 3  # after so many callbacks in vain nobody tries again
CLICKED: Final = 0.2  # share of the callbacks that are dialled by a click


@dataclass(frozen=True)
class Owed:
    """A callback that a department owes a client; `tag` tells for what."""

    unit: str
    client: Client
    tag: str
    tries: int = 0


@dataclass(frozen=True)
class Outgoing:
    """A call that an employee makes; `reached`: a person answered it, as planned."""

    story: Story
    reached: bool


class Colleagues:
    """Makes stories of employees' calls. State: the desks', which it tells who is in use."""

    def __init__(self, town: Town, rhythm: Rhythm, desks: Desks) -> None:
        self.town, self.rhythm, self.desks = town, rhythm, desks
        dead = town.off | town.silent
        self._phones = {
            unit.id: tuple(p for p in unit.phones if p not in dead) for unit in town.units.values()
        }
        self._all = tuple(phone for phones in self._phones.values() for phone in phones)

    def back(self, rng: Random, at_s: float, owed: Owed) -> Outgoing | None:
        """A department calls a client back; None where every phone of it is in use."""
        phone = self._free(rng, at_s, self._phones[owed.unit])
        if phone is None:
            return None
        tag = f"{owed.tag} again" if owed.tries else owed.tag
        clicked = owed.unit.startswith("environment") and rng.random() < CLICKED
        return self._to_client(rng, at_s, phone, owed.client, tag, clicked)

    def out(self, rng: Random, at_s: float, who: Client) -> Outgoing | None:
        """Somebody calls a client for no reason that the PBX knows."""
        phone = self._free(rng, at_s, self._at_work(at_s))
        return None if phone is None else self._to_client(rng, at_s, phone, who, "out", False)

    def inside(self, rng: Random, at_s: float) -> Story | None:
        """A colleague calls a colleague, mostly by extension."""
        phone = self._free(rng, at_s, self._at_work(at_s))
        if phone is None:
            return None
        target = rng.choice(self._all)
        if target == phone:
            return None
        act = self.desks.act(rng, target, at_s, self.rhythm.is_open(self.town.home[target], at_s))
        talk_s = round(3.0 + lognormal(rng, 45.0), 3)
        patience_s = round(4.0 + lognormal(rng, 18.0, 0.5), 3)
        ended_s = at_s + min(act.after_s, patience_s) + (talk_s if act.kind == "answer" else 0.0)
        self.desks.free_at[phone] = self.desks.free_at[target] = ended_s
        return Story(
            at_s=at_s,
            kind="staff",
            caller=phone,
            dialled=target,
            phones={target: (act,)},
            patience_s=patience_s,
            talk_s=talk_s,
            tag="inside",
        )

    def listens(self, rng: Random, at_s: float, unit: Unit) -> Story | None:
        """Somebody of the department calls the hotline's mailbox to hear what was said."""
        phone = self._free(rng, at_s, self._phones[unit.id])
        if phone is None:
            return None
        return Story(
            at_s=at_s,
            kind="staff",
            caller=phone,
            dialled=self.town.plant.listen_code,
            keys=((3.0, "1"), (11.0, "#")),
            patience_s=round(rng.uniform(15, 90), 2),
            tag="listens",
        )

    def _at_work(self, at_s: float) -> Sequence[str]:
        return tuple(
            p for unit, phones in self._phones.items() if self.rhythm.is_open(unit, at_s) for p in phones
        )

    def _free(self, rng: Random, at_s: float, phones: Sequence[str]) -> str | None:
        """One of the phones that are not in use, trying a few."""
        for _ in range(4):
            if not phones:
                return None
            phone = phones[int(rng.random() * len(phones))]
            if self.desks.free_at[phone] <= at_s:
                return phone
        return None

    def _to_client(
        self, rng: Random, at_s: float, phone: str, who: Client, tag: str, clicked: bool
    ) -> Outgoing:
        drawn = rng.random()
        talk_s = round(4.0 + lognormal(rng, 75.0, 0.8), 3)
        patience_s = round(rng.uniform(12.0, 44.0), 3)
        act = Act("ring")
        if drawn < 0.68:
            act = Act("answer", after_s=round(2.0 + lognormal(rng, 6.0), 3))
        elif drawn < 0.76:
            act = Act("busy", after_s=0.4)
        elif drawn < 0.80:
            act = Act("decline", after_s=round(1.0 + lognormal(rng, 4.0), 3))
        elif drawn < 0.83:
            act = Act("unavailable", after_s=0.5)
        most_s = self.town.plant.outbound_timeout_s if clicked else patience_s
        reached = act.kind == "answer" and act.after_s < most_s
        self.desks.free_at[phone] = at_s + (act.after_s + talk_s if reached else patience_s) + 8.0
        by_client = clicked or rng.random() < 0.5
        story = Story(
            at_s=at_s,
            kind="staff",
            caller=phone,
            dialled=dialled(rng, who, self.town.plant.outbound_prefix),
            phones={"public": (replace(act, talk_s=talk_s) if by_client and act.kind == "answer" else act,)},
            patience_s=patience_s,
            talk_s=None if by_client else talk_s,
            tag=tag,
            unit=self.town.home[phone],
            callback_of=who.shown if tag != "out" else "",
        )
        if clicked:
            own = Act("answer", after_s=round(rng.uniform(0.8, 4.0), 3))
            story = replace(
                story,
                kind="click_to_call",
                dialled=who.national,
                phones={phone: (own,), "public": story.phones["public"]},
                talk_s=None,
                patience_s=None,
            )
        return Outgoing(story, reached)


def dialled(rng: Random, who: Client, prefix: str) -> str:
    """A client's number as an employee dials it: plain, +371…, 00371…, or with the prefix (FACTS CDR 24)."""
    form = rng.random()
    if form < 0.55:
        return who.national
    if form < 0.7:
        return f"+371{who.national}"
    return f"00371{who.national}" if form < 0.8 else f"{prefix}{who.national}"
