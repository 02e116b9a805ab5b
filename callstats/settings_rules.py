"""The settings that a judgement depends on: the ringing tone, the third signal (clause 15.1), working hours.

Each has its undated value, and `[[rules]]` change them from a date on; `callstats.rules` reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from callstats.settings_types import Day, Number, Whole, Window, Windows, one_or_many, unique

Boundary = Literal["before_next", "end_of_tone"]
Clock = Literal["union", "leg"]
Exclusion = Literal["attended_transfer", "neutral", "gave_up_early"]
Exclusions = Annotated[tuple[Exclusion, ...], BeforeValidator(one_or_many), AfterValidator(unique)]
EVERY_EXCLUSION: Final[tuple[Exclusion, ...]] = ("attended_transfer", "neutral", "gave_up_early")
# Serving in person, receiving visitors, training, standing in for another, absent, at a break, a failure.
NeutralState = Literal["in_person", "reception", "training", "substitution", "absence", "break", "outage"]
NEUTRAL_STATES: Final[tuple[NeutralState, ...]] = get_args(NeutralState)


class Part(BaseModel):
    """A section of the settings: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


class Cadence(Part):
    """The reference ringing tone; `on_s` and `off_s` in seconds (Latvia 1 + 4, domain 2a)."""

    on_s: Number = Field(default=1.0, gt=0, le=60)
    off_s: Number = Field(default=4.0, ge=0, le=60)

    @property
    def period_s(self) -> float:
        """Length of one signal with its pause in seconds."""
        return self.on_s + self.off_s


class ThirdSignal(Part):
    """How the third-signal share is judged (clause 15.1); `short_abandon_s` None: signals x period.

    `excluded` names what is left out of the share, and counted beside it.
    """

    signals: Whole = Field(default=3, ge=1, le=20)
    boundary: Boundary = "before_next"
    clock: Clock = "union"
    short_abandon_s: Number | None = Field(default=None, ge=0, le=600)
    excluded: Exclusions = EVERY_EXCLUSION


class Neutral(Part):
    """Which pause reasons of a queue are neutral states; a reason that is not named is none."""

    reasons: dict[str, NeutralState] = Field(default_factory=dict)

    def state(self, reason: str | None) -> NeutralState | None:
        """The neutral state that a pause reason stands for, whatever its capitals and spaces around."""
        wanted = (reason or "").strip().casefold()
        return next((s for text, s in self.reasons.items() if text.strip().casefold() == wanted), None)


class Hours(Part):
    """Working hours per weekday, local time; a day that is not named is closed."""

    mon: Windows = ()
    tue: Windows = ()
    wed: Windows = ()
    thu: Windows = ()
    fri: Windows = ()
    sat: Windows = ()
    sun: Windows = ()

    @property
    def week(self) -> tuple[tuple[Window, ...], ...]:
        """Windows of Monday to Sunday: index as in `date.weekday()`."""
        return (self.mon, self.tue, self.wed, self.thu, self.fri, self.sat, self.sun)


# A placeholder until the site gives its own (domain 4c).
_LONG, _USUAL, _SHORT = (Window(480, 1080),), (Window(480, 1020),), (Window(480, 900),)
DEFAULT_HOURS = Hours(mon=_LONG, tue=_USUAL, wed=_USUAL, thu=_USUAL, fri=_SHORT)


class Rule(Part):
    """A change in force on `[effective_from, effective_to)`, for one department or (None) all.

    Keys that are not set stay as they were; `hours` are a whole week.
    """

    effective_from: Day
    effective_to: Day | None = None
    department: str | None = None
    on_s: Number | None = Field(default=None, gt=0, le=60)
    off_s: Number | None = Field(default=None, ge=0, le=60)
    signals: Whole | None = Field(default=None, ge=1, le=20)
    boundary: Boundary | None = None
    clock: Clock | None = None
    short_abandon_s: Number | None = Field(default=None, ge=0, le=600)
    excluded: Exclusions | None = None
    hours: Hours | None = None

    @model_validator(mode="after")
    def _period(self) -> Rule:
        if self.effective_to and self.effective_to <= self.effective_from:
            raise ValueError(
                "effective_to is the first day no longer in force and must be later than effective_from"
            )
        return self

    @property
    def stated(self) -> frozenset[str]:
        """The keys that the rule changes."""
        reach = ("effective_from", "effective_to", "department")
        return frozenset(name for name, value in self if name not in reach and value is not None)


def rule_faults(rules: tuple[Rule, ...]) -> Iterator[str]:
    """One line per key that two rules of one reach state from the same day: neither would be the later."""
    for place, rule in enumerate(rules):
        for earlier, other in enumerate(rules[:place]):
            if (rule.department, rule.effective_from) != (other.department, other.effective_from):
                continue
            for key in sorted(rule.stated & other.stated):
                yield f"rules[{place}].{key}: rules[{earlier}] states it from the same day; keep one of them"
