"""The steps of a case, and the case that they make: what happened to a message is a list that only grows.

A step is named, has its fields (checked when it is entered), the time it was done, the time it was written
down and who did it. `fold` turns the list into the `Case` of now; nothing else knows what a step means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from callstats.errors import UsageError

PROGRAM: Final = "callstats"  # author of what follows from the PBX's lines
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Pseudonym = Annotated[str, StringConstraints(pattern=r"^[nx][0-9]+-[0-9a-f]{32}$")]
Category = Literal["question", "suggestion", "complaint", "thanks", "fault"]
How = Literal["email", "in_person", "mobile", "letter", "other"]
Reason = Literal[
    "settled", "written_application", "not_our_competence", "not_contactable", "empty", "duplicate", "other"
]


class Fields(BaseModel):
    """What a step says; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Fields):
    """Nothing but that it was done."""


class Message(Fields):
    """What the PBX tells of a message, as far as it is known: the first step of a case, or seen later."""

    left_at: datetime
    mailbox: str | None = None
    msg_id: str | None = None
    call_id: str | None = None
    client: str | None = None
    duration_s: float | None = None
    empty: bool = False
    callable: bool = False
    certainty: Literal["certain", "borderline", "estimated", "unknown"] = "unknown"
    gone: bool = False  # the PBX's lines do not show the message any more


class Promise(Fields):
    """A promised callback (clause 15.5): to whom, by when, in what form, by which department."""

    promised_at: datetime
    by: datetime
    form: Literal["call", "email", "in_person", "letter"] = "call"
    department: Short
    employee: Short | None = None
    client: Pseudonym | None = None


class Description(Fields):
    """What a message is about; what is not given stays as it is."""

    about: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] | None = None
    category: Category | None = None
    urgent: bool | None = None
    reg_no: Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)] | None = None

    @model_validator(mode="after")
    def _something(self) -> Description:
        if self.about is None and self.category is None and self.urgent is None and self.reg_no is None:
            raise ValueError("says nothing; give about, category, urgent or reg_no")
        return self


class Forwarding(Fields):
    """To whom a message went: a department (and an employee or deputy there), or an institution outside."""

    department: Short | None = None
    institution: Short | None = None
    employee: Short | None = None

    @model_validator(mode="after")
    def _one(self) -> Forwarding:
        if (self.department is None) == (self.institution is None):
            raise ValueError("name either a department or an institution")
        return self


class Contact(Fields):
    """Contact with the client that no line of the PBX shows."""

    how: How


class OfCall(Fields):
    """A possible attempt or talk: which call."""

    call_id: Short


class Heard(Fields):
    """The number that a message asks to call back, as its pseudonym."""

    callback: Pseudonym


class Note(Fields):
    """A remark."""

    text: Text


class Closing(Fields):
    """Why a case is closed."""

    reason: Reason
    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] | None = None


class Undoing(Fields):
    """Which step is taken back."""

    place: int


class Merging(Fields):
    """The case of the same message that goes on."""

    into: int


FIELDS: Final[dict[str, type[Fields]]] = {
    "left": Message,
    "promised": Promise,
    "seen": Message,
    "checked": Nothing,
    "described": Description,
    "forwarded": Forwarding,
    "taken": Nothing,
    "attempted": Nothing,
    "reached": Nothing,
    "called_again": Nothing,
    "contacted": Contact,
    "confirmed_reached": OfCall,
    "confirmed_attempt": OfCall,
    "dismissed": OfCall,
    "heard": Heard,
    "noted": Note,
    "closed": Closing,
    "reopened": Nothing,
    "undone": Undoing,
    "merged": Merging,
}
BY_PROGRAM: Final = frozenset({"left", "promised", "seen", "merged"})
WHEN_CLOSED: Final = frozenset({"reopened", "noted", "undone", "seen", "merged"})
UNDO_WITHIN: Final = timedelta(minutes=30)


@dataclass(frozen=True)
class Step:
    """One step of a case; `said` are the fields of its kind."""

    place: int
    step: str
    at: datetime
    entered_at: datetime
    author: str
    said: Fields
    undone: bool = False


@dataclass(frozen=True)
class Case:
    """A case as its steps make it; times are instants, None is: not yet, or not known."""

    number: int
    kind: str
    steps: tuple[Step, ...]
    message: Message | None = None
    promise: Promise | None = None
    by_hand: bool = False
    checked_at: datetime | None = None
    forwarded_at: datetime | None = None
    first_forwarded_at: datetime | None = None
    forwarded: Forwarding | None = None
    taken_by: str | None = None
    about: str | None = None
    category: str | None = None
    urgent: bool = False
    reg_no: str | None = None
    callback: str | None = None
    attempted_at: datetime | None = None  # by what people entered; calls are seen by `contacts`
    reached_at: datetime | None = None
    contacted: tuple[tuple[datetime, str], ...] = ()
    calls: Mapping[str, str] = field(default_factory=dict)  # what a person said of a possible call
    notes: tuple[Step, ...] = ()
    closed_at: datetime | None = None
    closing: Closing | None = None
    merged_into: int | None = None

    @property
    def since(self) -> datetime:
        """When the message was left, or the promise given."""
        given = self.message.left_at if self.message else self.promise.promised_at if self.promise else None
        assert given is not None
        return given

    @property
    def client(self) -> str | None:
        """Pseudonym of who called, or to whom a promise was given."""
        return self.message.client if self.message else self.promise.client if self.promise else None

    @property
    def department(self) -> str | None:
        """The department that is to contact the client."""
        if self.promise and self.forwarded is None:
            return self.promise.department
        return self.forwarded.department if self.forwarded else None

    @property
    def empty(self) -> bool:
        """A message of less than 3 s: it waits apart."""
        return self.message is not None and self.message.empty

    @property
    def callable(self) -> bool:
        """Whether somebody can be called back: the caller's number, or one that the message names."""
        if self.promise:
            return self.promise.form == "call"
        return self.callback is not None or (self.message is not None and self.message.callable)

    @property
    def contacted_at(self) -> datetime | None:
        """The first contact of any kind that people entered, an attempt included."""
        times = [self.attempted_at, self.reached_at, *(at for at, _ in self.contacted)]
        return min((at for at in times if at is not None), default=None)


def checked(step: str, said: Mapping[str, Any]) -> Fields:
    """The fields of a step. Raises UsageError that names the field, what is wrong and what is allowed."""
    kind = FIELDS.get(step)
    if kind is None:
        raise UsageError(f"no step {step!r}; known: {', '.join(FIELDS)}")
    try:
        return kind.model_validate(dict(said))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise UsageError(f"{step}: {'; '.join(_told(one['loc'], one['msg']) for one in found)}") from None


def _told(where: tuple[int | str, ...], what: str) -> str:
    said = what.removeprefix("Value error, ")
    return f"{'.'.join(map(str, where))}: {said}" if where else said


def allowed(case: Case, step: str, said: Fields, author: str, now: datetime) -> None:
    """Raises UsageError where the case, as it is, cannot take the step."""
    which = f"case {case.number}"
    if case.merged_into is not None:
        raise UsageError(f"{which} is the same message as case {case.merged_into}; go on there")
    if case.closed_at is not None and step not in WHEN_CLOSED:
        raise UsageError(f"{which} is closed; reopen it first")
    if step == "reopened" and case.closed_at is None:
        raise UsageError(f"{which} is not closed")
    if step == "taken" and case.department is None:
        raise UsageError(f"{which} was not forwarded to a department yet")
    if isinstance(said, Undoing):
        _undoable(case, said.place, author, now)


def _undoable(case: Case, place: int, author: str, now: datetime) -> None:
    mine = [
        one
        for one in case.steps
        if one.step not in BY_PROGRAM and one.step != "undone" and not one.undone and one.author != PROGRAM
    ]
    last = mine[-1] if mine else None
    if last is None or last.place != place:
        raise UsageError(f"case {case.number}: only its last step can be taken back; look at it again")
    if last.author != author:
        raise UsageError(f"case {case.number}: {last.author} did this; only they can take it back")
    if now - last.entered_at > UNDO_WITHIN:
        minutes = int(UNDO_WITHIN.total_seconds() // 60)
        raise UsageError(f"case {case.number}: done more than {minutes} minutes ago; enter what is true now")


def fold(number: int, kind: str, steps: Iterable[Step]) -> Case:
    """The case that steps make, in order; steps that were taken back say nothing."""
    given = tuple(steps)
    back = {one.said.place for one in given if isinstance(one.said, Undoing)}
    given = tuple(replace(one, undone=one.place in back) for one in given)
    case = Case(number, kind, given, by_hand=bool(given) and given[0].author != PROGRAM)
    for one in given:
        if not one.undone:
            case = replace(case, **_EFFECTS[one.step](case, one))
    return case


Effect = Callable[[Case, Step], dict[str, Any]]


def _earlier(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)


def _seen(case: Case, step: Step) -> dict[str, Any]:
    return {"message": step.said}


def _checked(case: Case, step: Step) -> dict[str, Any]:
    return {"checked_at": _earlier(case.checked_at, step.at)}


def _described(case: Case, step: Step) -> dict[str, Any]:
    given = {name: value for name, value in step.said.model_dump().items() if value is not None}
    return {name: value if value != "" else None for name, value in given.items()}


def _forwarded(case: Case, step: Step) -> dict[str, Any]:
    return {
        "forwarded": step.said,
        "forwarded_at": step.at,
        "first_forwarded_at": _earlier(case.first_forwarded_at, step.at),
        "taken_by": None,
    } | _checked(case, step)  # who forwards a message has listened to it


def _attempted(case: Case, step: Step) -> dict[str, Any]:
    return {"attempted_at": _earlier(case.attempted_at, step.at)}


def _reached(case: Case, step: Step) -> dict[str, Any]:
    return {"reached_at": _earlier(case.reached_at, step.at)}


def _contacted(case: Case, step: Step) -> dict[str, Any]:
    assert isinstance(step.said, Contact)
    return {"contacted": (*case.contacted, (step.at, step.said.how))}


def _said_of_call(case: Case, step: Step) -> dict[str, Any]:
    assert isinstance(step.said, OfCall)
    return {"calls": {**case.calls, step.said.call_id: step.step}}


def _heard(case: Case, step: Step) -> dict[str, Any]:
    assert isinstance(step.said, Heard)
    return {"callback": step.said.callback}


_EFFECTS: Final[dict[str, Effect]] = {
    "left": _seen,
    "seen": _seen,
    "promised": lambda case, step: {"promise": step.said},
    "checked": _checked,
    "described": _described,
    "forwarded": _forwarded,
    "taken": lambda case, step: {"taken_by": step.author},
    "attempted": _attempted,
    "reached": _reached,
    "called_again": _reached,
    "contacted": _contacted,
    "confirmed_reached": _said_of_call,
    "confirmed_attempt": _said_of_call,
    "dismissed": _said_of_call,
    "heard": _heard,
    "noted": lambda case, step: {"notes": (*case.notes, step)},
    "closed": lambda case, step: {"closed_at": step.at, "closing": step.said},
    "reopened": lambda case, step: {"closed_at": None, "closing": None},
    "undone": lambda case, step: {},
    "merged": lambda case, step: {"merged_into": getattr(step.said, "into", None)},
}
