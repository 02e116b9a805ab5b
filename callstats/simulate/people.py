"""The people of a simulated town: clients with their numbers, and who sits at which desk.

All state is small and bounded by the town: the last callers, one line per phone.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import date
from math import exp, log
from random import Random
from typing import Final

from callstats.simulate.story import Act
from callstats.simulate.town import Town

RECENT: Final = 300  # callers among whom those who call again are found
AGAIN: Final = 0.3  # share of the calls that come from one of them
OVER_LINES: Final = 0.15  # share of the calls to an occupied phone that ring on its second line
NAMES: Final = (
    "Jānis Bērziņš", "Līga Ķirse", "Žanna Šņore", "Gatis Ūsiņš", "Ēriks Čakāns", "Ilva Ģēģere",
    'Bērziņš, Jānis "Jancis"', "O'Hara; SIA Rīga",
)  # fmt: skip


@dataclass(frozen=True)
class Client:
    """A caller: `national` number of 8 digits, `shown` as the operator sends it, `name` as sent or empty."""

    national: str
    shown: str
    name: str


def lognormal(rng: Random, median: float, spread: float = 0.6) -> float:
    """A positive length in seconds around its median; the natural logarithm has the given deviation."""
    return exp(rng.gauss(log(median), spread))


class Clients:
    """The inhabitants. State: who called lately. Numbers are invented; client n has the same one always."""

    def __init__(self, inhabitants: int) -> None:
        self.inhabitants = inhabitants
        self._recent: deque[int] = deque(maxlen=RECENT)

    def one(self, rng: Random) -> Client:
        """Somebody calls: a recent caller again, or anyone; some call far more often than others."""
        if self._recent and rng.random() < AGAIN:
            chosen = self._recent[int(rng.random() * len(self._recent))]
        else:
            chosen = int(self.inhabitants * rng.random() ** 1.7)
        self._recent.append(chosen)
        return client(chosen)


def client(n: int) -> Client:
    """The n-th client: three of four have a mobile, the operator sends numbers in three forms."""
    if n % 4 == 0 and n < 1_000_000:
        national = f"65{n * 654_321 % 1_000_000:06d}"
    else:
        national = f"2{(n * 7_654_321 + 1_234_567) % 10_000_000:07d}"
    form = n // 4 % 10
    shown = f"+371{national}" if form < 6 else national if form < 8 else f"00371{national}"
    return Client(national, shown, NAMES[n // 9 % len(NAMES)] if n % 9 == 0 else "")


class Desks:
    """Who sits where, day by day, and until when each phone is in use (as far as the plan knows).

    `middle`: the day from which a habit's `later` holds.
    """

    def __init__(self, town: Town, seed: int, middle: date) -> None:
        self.town = town
        self.seed = seed
        self.middle = middle
        self.free_at = dict.fromkeys(town.home, 0.0)
        self._mode: dict[str, str] = {}
        self._lunch: dict[str, tuple[float, float]] = {}

    def new_day(self, day: date, midnight_s: float) -> None:
        """Deals the desks of a local day that begins at an epoch instant."""
        rng = Random(f"{self.seed}/desks/{day}")
        for unit in self.town.units.values():
            habit = unit.habit
            presence = habit.presence if habit.later is None or day < self.middle else habit.later
            for place, phone in enumerate(unit.phones):
                drawn = rng.random()
                away = "busy" if rng.random() < habit.refuses else "ring"
                self._mode[phone] = "here" if drawn < presence else away
                starts = midnight_s + habit.lunch * 60 + 1800 * (place % 2)
                self._lunch[phone] = (starts, starts + 1800)

    def act(self, rng: Random, phone: str, at_s: float, manned: bool) -> Act:
        """What the phone does with an offer at an instant; `manned`: in the department's working hours."""
        if phone in self.town.off:
            return Act("off")
        if phone in self.town.silent:
            return Act("silent")
        habit = self.town.units[self.town.home[phone]].habit
        if self.free_at[phone] > at_s and rng.random() > OVER_LINES:
            return Act("busy", after_s=0.02)
        mode = self._mode[phone]
        if not manned or mode == "ring" or self._at_lunch(phone, at_s) or rng.random() < 0.06:
            return Act("ring")
        if mode == "busy":
            return Act("busy", after_s=0.02)
        drawn = rng.random()
        if drawn < 0.03:
            return Act("decline", after_s=round(lognormal(rng, 3.0), 3))
        if drawn < 0.035:
            return Act("unavailable", after_s=0.03)
        kind = "progress" if phone.endswith("805") else "answer"
        return Act(kind, after_s=round(0.6 + lognormal(rng, habit.answer_s, 0.55), 3))  # type: ignore[arg-type]

    def _at_lunch(self, phone: str, at_s: float) -> bool:
        starts, ends = self._lunch[phone]
        return starts <= at_s < ends
