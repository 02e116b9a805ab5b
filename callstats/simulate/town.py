"""A municipality of its own invention: departments, phones, what the PBX does with each number.

Every name and number is invented. A larger one (`size`) is the same town once more per parish, so that a
hundred thousand calls a day meet enough phones. The same units make the `Plant` that the simulated PBX runs
and the `callstats.toml` that a site of this shape would write (`town_config`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from callstats.errors import UsageError
from callstats.settings_rules import Hours
from callstats.settings_types import Window
from callstats.simulate.plant import (
    Answer,
    Dial,
    Enqueue,
    Member,
    Menu,
    Plant,
    QueueOf,
    SetUserfield,
    Step,
    Strategy,
    Voicemail,
    Wait,
)

MAIN: Final = "60000000"
HOTLINE: Final = "80000000"
MAILBOX: Final = "8000@hotline"
NOBODY: Final = "699"  # in the range of the direct numbers, no phone behind it
LARGEST: Final = 899  # parishes that the numbers 60001xxx to 60899xxx hold


def _day(*windows: tuple[int, int]) -> tuple[Window, ...]:
    return tuple(Window(opens, closes) for opens, closes in windows)


_LONG, _USUAL, _SHORT = _day((480, 1080)), _day((480, 1020)), _day((480, 900))
USUAL: Final = Hours(mon=_LONG, tue=_USUAL, wed=_USUAL, thu=_USUAL, fri=_SHORT)
_EARLY: Final = _day((480, 720), (750, 1020))
WITH_LUNCH: Final = Hours(mon=_day((480, 720), (750, 1080)), tue=_EARLY, wed=_EARLY, thu=_EARLY, fri=_SHORT)
_ALWAYS: Final = _day((0, 1440))
ROUND_THE_CLOCK: Final = Hours(
    mon=_ALWAYS, tue=_ALWAYS, wed=_ALWAYS, thu=_ALWAYS, fri=_ALWAYS, sat=_ALWAYS, sun=_ALWAYS
)


@dataclass(frozen=True)
class Habit:
    """How a department's people treat their phones.

    `presence`: share of the desks that are manned in working hours; `later`: the same after the middle of
    the simulated span (a new shift plan), None: no change. `answer_s`, `talk_s`: medians in seconds.
    `lunch`: minutes after midnight at which half of the desks are empty for half an hour; `pause`: the
    queue's members are paused then, with a reason. `refuses`: share of the phones of an absent person that
    are busy instead of ringing on. `calls_back`: share of the missed calls that are called back.
    """

    presence: float = 0.85
    later: float | None = None
    answer_s: float = 6.0
    talk_s: float = 120.0
    lunch: int = 720
    pause: bool = False
    refuses: float = 0.35
    calls_back: float = 0.35


@dataclass(frozen=True)
class Unit:
    """A department: its names, phones, numbers, queue and habits; `hours` None: the town's."""

    id: str
    lv: str
    en: str
    phones: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    queue: str = ""
    parent: str = "administration"
    hours: Hours | None = None
    habit: Habit = Habit()


@dataclass(frozen=True)
class Way:
    """A way into the town: a number, the key pressed in its menu, how often it is taken (any scale)."""

    unit: str
    number: str
    key: str = ""
    open: float = 0.0
    closed: float = 0.0


@dataclass(frozen=True)
class Town:
    """Everything that a plan and a configuration need. `units` by id; `home`: phone → unit id."""

    units: Mapping[str, Unit]
    plant: Plant
    ways: tuple[Way, ...]
    off: frozenset[str]
    silent: frozenset[str]
    size: int = 1
    home: Mapping[str, str] = field(default_factory=dict)


def town(size: int = 1) -> Town:
    """The town with `size` - 1 parishes of the same shape. Raises UsageError beyond 1 to 900."""
    if not 1 <= size <= LARGEST + 1:
        raise UsageError(f"a town has 1 to {LARGEST + 1} parts, not {size}")
    units: dict[str, Unit] = {}
    queues: dict[str, QueueOf] = {}
    numbers: dict[str, tuple[Step, ...]] = {}
    ways: list[Way] = []
    off: list[str] = []
    silent: list[str] = []
    for part in range(size):
        place = _Part(part)
        units |= {unit.id: unit for unit in place.units()}
        queues |= place.queues()
        numbers |= place.numbers()
        ways += place.ways()
        off.append(place.phone("601"))
        silent.append(place.phone("603"))
    home = {phone: unit.id for unit in units.values() for phone in unit.phones}
    plant = Plant(
        phones=tuple(home),
        queues=queues,
        numbers=numbers,
        main_number=MAIN,
        direct_prefix=MAIN[:5],
        mailboxes=(MAILBOX, *(f"{_Part(part).phone('402')}@staff" for part in range(size))),
        accounts=home,
        names={phone: member_name(phone) for phone in home},
        main_name="Novada pašvaldība",
        listen_mailbox=MAILBOX,
    )
    return Town(units, plant, tuple(ways), frozenset(off), frozenset(silent), size, home)


_NAMES: Final = (
    "Anna Kalniņa", "Jānis Bērziņš", "Līga Ozola", "Māris Šmits", "Žanete Ķēniņa", "Andris Ģērmanis",
    "Inese Vītola", "Jana Liepa", "Ilze Krūmiņa", "Edgars Īvāns", "Santa Ņikitina", "Dace Zariņa",
)  # fmt: skip


@dataclass(frozen=True)
class _Part:
    """The town's middle (0) or one of its parishes."""

    part: int

    def phone(self, extension: str) -> str:
        return f"{self.part}{extension}" if self.part else extension

    def number(self, extension: str) -> str:
        return f"{MAIN[:2]}{self.part:03d}{extension}"

    def name(self, unit: str) -> str:
        return f"{unit}-{self.part}" if self.part else unit

    def units(self) -> Iterator[Unit]:
        """The departments of this part."""
        if not self.part:
            yield Unit("administration", "Pašvaldības administrācija", "Municipal administration", parent="")
        for unit in _UNITS:
            yield Unit(
                id=self.name(unit.id),
                lv=f"{unit.lv}, {self.part}. pagasts" if self.part else unit.lv,
                en=f"{unit.en}, parish {self.part}" if self.part else unit.en,
                phones=tuple(self.phone(extension) for extension in unit.phones),
                numbers=tuple(self.number(extension) for extension in unit.numbers),
                queue=self.name(unit.queue) if unit.queue else "",
                parent=unit.parent,
                hours=unit.hours,
                habit=unit.habit,
            )

    def queues(self) -> dict[str, QueueOf]:
        """Queues of this part, as the laboratory's queues.conf has them."""
        kinds: tuple[tuple[str, Strategy, float, float], ...] = (
            ("social", "ringall", 15.0, 2.0),
            ("construction", "rrmemory", 12.0, 2.0),
            ("finance", "linear", 10.0, 1.0),
            ("culture", "linear", 10.0, 1.0),
        )
        found = {}
        for which, strategy, timeout_s, retry_s in kinds:
            unit = next(unit for unit in _UNITS if unit.id == which)
            members = tuple(self._member(which, phone) for phone in unit.phones)
            found[self.name(unit.queue)] = QueueOf(strategy, timeout_s, retry_s, members)
        return found

    def _member(self, unit: str, extension: str) -> Member:
        phone = self.phone(extension)
        interface = f"Local/{phone}@agents/n" if unit == "culture" else f"PJSIP/{phone}"
        return Member(interface, member_name(phone), phone)

    def numbers(self) -> dict[str, tuple[Step, ...]]:
        """What the PBX does with each number that is not just one phone's."""
        q = self.name

        def dial(seconds: float, *extensions: str) -> Dial:
            return Dial(tuple(self.phone(e) for e in extensions), seconds)

        found: dict[str, tuple[Step, ...]] = {
            "000": (self._menu(),),
            "120": (dial(15, "121"), dial(15, "122"), dial(15, "123")),
            "130": (dial(15, "131"), dial(15, "132"), dial(15, "133")),
            "140": (dial(20, "141"), dial(20, "142")),
            "150": (dial(20, "151"), dial(20, "152")),
            "200": (Enqueue(q("q-social"), 60),),
            "210": (dial(15, "201"), dial(15, "202"), dial(15, "203")),
            "250": (Answer(), Wait(1), Voicemail(MAILBOX)),
            "300": (Answer(), Enqueue(q("q-construction"), 60)),
            "310": (dial(40, "301", "302", "303"),),
            "400": (
                Answer(),
                Enqueue(q("q-finance"), 24),
                SetUserfield("overflow=social"),
                Enqueue(q("q-social"), 40),
            ),
            "420": (dial(15, "402"), Voicemail(f"{self.phone('402')}@staff", "us")),
            "500": (dial(30, "501"),),
            "610": (dial(15, "601"), dial(15, "602"), dial(15, "604")),
            "620": (dial(15, "603"), dial(15, "602")),
            "700": (Answer(), Enqueue(q("q-culture"), 60)),
        }
        steps = {self.number(extension): told for extension, told in found.items()}
        if self.part:  # the rule for direct numbers knows the middle's only
            steps |= {self.number(e): (dial(40, e),) for unit in _UNITS for e in unit.phones}
        else:
            steps[HOTLINE] = (Answer(), Wait(1), Voicemail(MAILBOX))
        return steps

    def _menu(self) -> Menu:
        q = self.name
        return Menu(
            choices={
                "1": (Enqueue(q("q-social"), 60),),
                "2": (Enqueue(q("q-construction"), 60),),
                "3": (Dial((self.phone("602"),), 15, "tTr"),),
                "4": (Dial((self.phone("121"), self.phone("122")), 30),),
                "0": (Dial(tuple(self.phone(e) for e in ("100", "101")), 30),),
            },
            otherwise="0",
        )

    def ways(self) -> Iterator[Way]:
        """How calls come into this part."""
        for unit, extension, key, opened, closed in _WAYS:
            if self.part and extension == NOBODY:
                continue
            yield Way(self.name(unit), self.number(extension), key, opened, closed)
        yield Way(self.name("pr"), HOTLINE, "", 3.0, 30.0)


def member_name(phone: str) -> str:
    """The invented name of the person at a phone, as a queue's configuration tells it."""
    return _NAMES[int(phone) % len(_NAMES)] if len(phone) == 3 else f"{_NAMES[int(phone) % 12]} {phone}"


_UNITS: Final = (
    Unit("reception", "Klientu apkalpošanas centrs", "Customer service centre", ("100", "101", "102"),
         ("000",), habit=Habit(presence=0.97, answer_s=4.0, talk_s=90, refuses=0.1, calls_back=0.6)),
    Unit("social", "Sociālais dienests", "Social services", ("201", "202", "203", "204"),
         ("200", "210", "250"), "q-social", hours=WITH_LUNCH,
         habit=Habit(presence=0.7, answer_s=9.0, talk_s=210, calls_back=0.25)),
    Unit("construction", "Būvvalde", "Construction board", ("301", "302", "303"), ("300", "310"),
         "q-construction", habit=Habit(presence=0.75, answer_s=7.0, talk_s=170)),
    Unit("finance", "Finanšu nodaļa", "Finance", ("401", "402"), ("400", "420"),
         "q-finance", habit=Habit(presence=0.85, answer_s=5.0, talk_s=130, pause=True)),
    Unit("registry", "Dzimtsarakstu nodaļa", "Registry office", ("501",), ("500",),
         habit=Habit(presence=0.7, answer_s=8.0, talk_s=150, refuses=0.5)),
    Unit("legal", "Juridiskā nodaļa", "Legal", ("601", "602", "603", "604"), ("610", "620"),
         habit=Habit(presence=0.8, answer_s=6.0, talk_s=160)),
    Unit("culture", "Kultūras pārvalde", "Culture", ("701", "702", "703"), ("700",),
         "q-culture", habit=Habit(presence=0.8, answer_s=6.0, talk_s=100)),
    Unit("environment", "Vides nodaļa", "Environment", ("801", "802", "803", "804", "805"),
         habit=Habit(presence=0.75, answer_s=7.0, talk_s=140, calls_back=0.5)),
    Unit("utilities", "Komunālās saimniecības nodaļa", "Utilities", ("121", "122", "123"), ("120",),
         habit=Habit(presence=0.45, later=0.92, answer_s=7.0, talk_s=110, calls_back=0.3)),
    Unit("dispatch", "Avārijas dispečeri", "Emergency dispatch", ("125", "126"), parent="utilities",
         hours=ROUND_THE_CLOCK, habit=Habit(presence=0.93, answer_s=5.0, talk_s=100)),
    Unit("education", "Izglītības pārvalde", "Education", ("131", "132", "133"), ("130",),
         habit=Habit(presence=0.8, answer_s=6.5, talk_s=140)),
    Unit("chancellery", "Kanceleja", "Chancellery", ("141", "142"), ("140",),
         habit=Habit(presence=0.9, answer_s=4.5, talk_s=80)),
    Unit("pr", "Sabiedrisko attiecību nodaļa", "Public Relations", ("151", "152"), ("150",),
         habit=Habit(presence=0.85, answer_s=5.0, talk_s=100)),
)  # fmt: skip

# unit, number, key in the menu, how often while open and while closed (any scale)
_WAYS: Final = (
    ("reception", "000", "0", 9.0, 4.0), ("reception", "000", "", 5.0, 4.0),
    ("social", "200", "", 8.0, 2.0), ("social", "210", "", 4.0, 1.0), ("social", "000", "1", 6.0, 1.0),
    ("social", "250", "", 0.3, 9.0),
    ("construction", "300", "", 6.0, 1.5), ("construction", "310", "", 3.0, 0.7),
    ("construction", "000", "2", 3.0, 0.7),
    ("finance", "400", "", 8.0, 1.5), ("finance", "420", "", 2.0, 1.0),
    ("registry", "500", "", 5.0, 1.0),
    ("legal", "610", "", 3.0, 0.5), ("legal", "620", "", 1.5, 0.3), ("legal", "000", "3", 1.0, 0.2),
    ("culture", "700", "", 5.0, 1.5),
    ("environment", "801", "", 2.0, 0.5), ("environment", "802", "", 1.5, 0.4),
    ("environment", "803", "", 1.5, 0.4), ("environment", "804", "", 1.0, 0.2),
    ("environment", "805", "", 1.0, 0.2),
    ("utilities", "120", "", 8.0, 2.0), ("utilities", "000", "4", 3.0, 0.7),
    ("dispatch", "125", "", 1.5, 22.0), ("dispatch", "126", "", 0.5, 6.0),
    ("education", "130", "", 7.0, 1.0),
    ("chancellery", "140", "", 3.0, 0.5),
    ("pr", "150", "", 1.0, 0.3),
    ("social", "201", "", 1.0, 0.2), ("social", "202", "", 0.8, 0.2),
    ("construction", "301", "", 1.0, 0.2), ("construction", "302", "", 0.7, 0.1),
    ("registry", "501", "", 0.7, 0.1), ("education", "131", "", 0.7, 0.1),
    ("legal", NOBODY, "", 0.2, 0.1),
)  # fmt: skip
