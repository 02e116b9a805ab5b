"""The register for programs: the same steps and the same rights as its pages, as JSON.

Who acts is who the browser's cookie names, until there are accounts and tokens.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from api import models
from api.formats import MEDIA, label
from api.people import Person, PersonOf, may, own_form
from api.register import NO_STORE, Number, entry_of, shown_number
from api.routes import PREFIX, SiteOf
from api.site import Site
from callstats.errors import UsageError
from callstats.export import json_value
from callstats.register import acts
from callstats.register.desk import Entry
from callstats.register.steps import Step

router = APIRouter(prefix=PREFIX, tags=["register"])
Own = Depends(own_form)


class Body(BaseModel):
    """A request's JSON; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class StepBody(Body):
    """A step of a case."""

    step: str = Field(description="such as checked, forwarded, contacted, closed")
    said: dict[str, Any] = Field(default={}, description="the fields of the step")
    seen: int = Field(
        ge=0, description="how many steps of the case were seen; another number is refused (409)"
    )
    at: AwareDatetime | None = Field(None, description="when it was done; null: now")


class HeardBody(Body):
    """A number that a message asks to call back."""

    number: str
    seen: int = Field(ge=0)


class CaseBody(Body):
    """A case by hand, or a promised callback."""

    kind: Literal["message", "promise"] = "message"
    left_at: AwareDatetime | None = Field(None, description="when the message was left; null: now")
    number: str = Field("", description="the client's number; it goes to the number vault")
    about: str = ""
    by: AwareDatetime | None = Field(None, description="of a promise: until when")
    department: str | None = Field(None, description="of a promise: who calls back; null: one's own")
    form: Literal["call", "email", "in_person", "letter"] = "call"
    employee: str | None = None


class ReasonBody(Body):
    """Why a number is needed; a closed case asks for it."""

    reason: str | None = None


class CaseAnswer(BaseModel):
    """A case: what is known of it, its clock, its history, the calls that followed. No number."""

    model_config = ConfigDict(extra="allow")
    case: int
    status: str
    steps: int = Field(description="how many there are: who adds one sends it as 'seen'")


Answer = models.responses(CaseAnswer, table=False)


@router.get("/cases/{number}", name="api_case", responses=Answer, summary="One case")
def one_case(site: SiteOf, person: PersonOf, number: Number) -> Response:
    """One case, for who may see it. JSON only."""
    return _told(site, entry_of(site, person, number))


@router.post("/cases/{number}/steps", name="api_step", responses=Answer, summary="A step", dependencies=[Own])
def add_step(site: SiteOf, person: PersonOf, number: Number, body: StepBody) -> Response:
    """Adds a step; 409 where somebody else added one since `seen`."""
    may(person, "act", acts.case_of(site.store, number))
    acts.act(site.store, site.settings, number, body.step, body.said, person.name, seen=body.seen, at=body.at)
    return _after(site, person, number)


@router.post(
    "/cases/{number}/heard",
    name="api_heard",
    responses=Answer,
    summary="A number heard",
    dependencies=[Own],
)
def add_heard(site: SiteOf, person: PersonOf, number: Number, body: HeardBody) -> Response:
    """The number that the message asks to call back."""
    may(person, "act", acts.case_of(site.store, number))
    acts.heard(site.store, site.settings, number, body.number, person.name, seen=body.seen)
    return _after(site, person, number)


@router.post("/cases", name="api_new_case", responses=Answer, summary="A case by hand", dependencies=[Own])
def add_case(site: SiteOf, person: PersonOf, body: CaseBody) -> Response:
    """Opens a case for a message that no line tells of, or for a promised callback (clause 15.5)."""
    if body.kind == "promise":
        may(person, "promise")
        if body.by is None:
            raise UsageError("by: is missing; when was the callback promised for?")
        case = acts.open_promise(
            site.store, site.settings, person.name, by=body.by,
            department=body.department or person.department, form=body.form, number=body.number,
            employee=body.employee, about=body.about,
        )  # fmt: skip
    else:
        may(person, "open")
        case = acts.open_by_hand(
            site.store, site.settings, person.name, left_at=body.left_at or site.store.clock(),
            number=body.number, about=body.about,
        )  # fmt: skip
    return _after(site, person, case.number)


@router.post("/cases/{number}/number", name="api_number", summary="The client's number", dependencies=[Own])
def case_number(site: SiteOf, person: PersonOf, number: Number, body: ReasonBody) -> Response:
    """The client's number; who saw it is written down. A closed case asks for a reason."""
    return _json({"case": number, "number": shown_number(site, person, number, body.reason)})


def _after(site: Site, person: Person, number: int) -> Response:
    """The case as it is now; where it went out of sight (forwarded to others), only that it was done."""
    case = acts.case_of(site.store, number)
    if not person.may_see(case):
        return _json({**label(), "case": number, "status": "out_of_sight", "steps": len(case.steps)})
    return _told(site, entry_of(site, person, number))


def _told(site: Site, entry: Entry) -> Response:
    case, clock = entry.case, entry.clock
    due = clock.due
    return _json(
        {
            **label(),
            "case": case.number,
            "kind": case.kind,
            "status": entry.status,
            "steps": len(case.steps),
            "left_at": case.since,
            "duration_s": case.message.duration_s if case.message else None,
            "empty": case.empty,
            "callable": case.callable,
            "department": case.department,
            "institution": case.forwarded.institution if case.forwarded else None,
            "about": case.about,
            "category": case.category,
            "urgent": case.urgent,
            "reg_no": case.reg_no,
            "waits_for": clock.waits,
            "waits_for_whom": clock.whom,
            "due_at": due.at if due else None,
            "due_why": list(due.why) if due else [],
            "urgency": clock.urgency,
            "history": [_step(one) for one in case.steps],
            "calls": [
                {
                    "call_id": one.call_id,
                    "at": one.at,
                    "what": one.what,
                    "department": one.department,
                    "talk_s": one.talk_s,
                    "certainty": one.certainty,
                    "possible": one.possible,
                    "said": one.said,
                }
                for one in entry.follow_up.calls
            ],
        }
    )


def _step(one: Step) -> dict[str, Any]:
    hidden = {"client", "callback"}  # pseudonyms are for the vault
    said = {name: value for name, value in one.said.model_dump(mode="json").items() if name not in hidden}
    return {
        "place": one.place, "step": one.step, "at": one.at, "entered_at": one.entered_at,
        "author": one.author, "said": said, "undone": one.undone,
    }  # fmt: skip


def _json(value: Any) -> Response:
    text = json.dumps(value, ensure_ascii=False, default=json_value)
    return Response(text, media_type=MEDIA["json"], headers=NO_STORE)
