"""What the tables must say about a recording: worked out from the phones' side, never from the PBX's
records.

A recording's `truth.json` holds every call as the SIP phones and callers saw it (times are epoch seconds).
`callstats.toml` tells who belongs to which department. From these two, and the little of the lab's dialplan
that no phone can see (`Dialplan`), this module states each call's facts by the words and rules of the
design. It shares no code with the reconstruction that it judges.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.accuracy.rotation import Offer, Rotation, rotation_of, union_s
from tests.accuracy.town import Dialplan, Town

THIRD_SIGNAL_S = 15.0
Leg = Mapping[str, Any]
TruthCall = Mapping[str, Any]


@dataclass(frozen=True)
class Attempt:
    """A phone that was tried: when it was (`tried_at`), when it alerted (`ring_at`, None where it never
    did), until when, and how it ended.

    `also` are outcomes that are right as well: a PBX that stops under a ringing phone leaves no one true
    word for it.
    """

    employee: str
    outcome: str
    tried_at: float
    ring_at: float | None
    ended_at: float
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Visit:
    """A stay in a department as it must be found. `ring_s` is None where no phone alerted."""

    department: str
    entered_by: str
    outcome: str
    answered_by: str | None
    answered_at: float | None
    external: bool
    ring_s: float | None
    rotation: Rotation
    attempts: tuple[Attempt, ...]

    @property
    def within_third_signal(self) -> bool:
        """Answered with less than 15 s of ringing."""
        return self.answered_at is not None and (self.ring_s or 0.0) < THIRD_SIGNAL_S


@dataclass(frozen=True)
class Call:
    """A call as it must be found. Numbers are E.164, extensions and own numbers as dialled; times epoch
    seconds.

    `cut` is "restart" or "crash" where the PBX itself ended the call, and `also` are then outcomes that are
    right as well.
    """

    truth_id: str
    story: str
    direction: str
    caller: str
    dialled: str
    started_at: float
    ended_at: float
    outcome: str
    answered_by: str | None
    answered_at: float | None
    transferred: bool
    visits: tuple[Visit, ...]
    messages: int
    cut: str | None = None
    also: tuple[str, ...] = ()

    @property
    def departments(self) -> tuple[str, ...]:
        """Departments in the order they were visited."""
        return tuple(v.department for v in self.visits)

    def overlaps(self, spans: Iterable[tuple[float, float]]) -> bool:
        """Whether the call was alive in one of the spans (epoch seconds)."""
        return any(self.started_at <= end and start <= self.ended_at for start, end in spans)


@dataclass(frozen=True)
class Truth:
    """The expected calls of a recording, in order of their start, and the spans in which the AMI recorder
    was away.
    """

    calls: tuple[Call, ...]
    gaps: tuple[tuple[float, float], ...]


def load(folder: Path, config: Path, plan: Dialplan | None = None) -> Truth:
    """Expected calls of a recording folder (`truth.json`, `ami_segments.json` where the recorder was
    away).
    """
    told = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    segments = folder / "ami_segments.json"
    spans = json.loads(segments.read_text(encoding="utf-8")) if segments.exists() else []
    calls = expected(told["calls"], Town.load(config), plan or Dialplan(), stops(told.get("ami_actions", [])))
    return Truth(calls=calls, gaps=gaps(spans))


def expected(
    told: Sequence[TruthCall], town: Town, plan: Dialplan, stopped: Sequence[tuple[str, float]] = ()
) -> tuple[Call, ...]:
    """The calls to expect. A pickup's own leg (*8) is part of the call it picked up, never a call by
    itself.
    """
    built = [_call(c, town, plan, stopped) for c in told if c["dialled"] != plan.pickup]
    return tuple(sorted(built, key=lambda c: (c.started_at, c.truth_id)))


def gaps(segments: Sequence[Mapping[str, float]]) -> tuple[tuple[float, float], ...]:
    """Spans without an AMI connection, the time before the first and after the last included."""
    if not segments:
        return ()
    starts = [float("-inf"), *(s["t_disconnect"] for s in segments)]
    ends = [*(s["t_connect"] for s in segments), float("inf")]
    return tuple(zip(starts, ends, strict=True))


def stops(actions: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, float], ...]:
    """When the PBX was stopped ("restart", "crash") under running calls."""
    return tuple((a["action"], a["t"]) for a in actions if a.get("action") in ("restart", "crash"))


def e164(number: str) -> str:
    """A citizen's number as the lab writes it (+371…, 00371…, 8 digits) in E.164; extensions, codes and
    words stay.
    """
    if number.startswith("00371"):
        return "+" + number[2:]
    return "+371" + number if len(number) == 8 and number.isdigit() else number


def _call(told: TruthCall, town: Town, plan: Dialplan, stopped: Sequence[tuple[str, float]]) -> Call:
    outward = told["kind"] != "public" and len(told["dialled"]) >= 8
    ended = _ended(told)
    cut = next((what for what, t in stopped if told["t_start"] < t < ended + 0.5), None)
    outcome = _outcome(told, outward, plan)
    picked = told["answered_by"] is not None and not any(g["outcome"] == "answered" for g in told["legs"])
    answered_at = told["t_answer"]
    if picked:
        # the picker's own 200 comes before he has the call; the phone that rang is let go when he has it
        answered_at = max(_stop(g, ended) for g in told["legs"])
    visits = (
        ()
        if outward or told["outcome"] == "service"
        else _visits(told, town, plan, outcome, answered_at, cut)
    )
    by = told["answered_by"]
    return Call(
        truth_id=told["call_id"],
        story=told["scenario"],
        direction="inbound" if told["kind"] == "public" else "outbound" if outward else "internal",
        caller=told["caller"] if told["kind"] != "public" else e164(told["caller"]),
        dialled=_dialled(told["dialled"], outward, plan),
        started_at=told["t_start"],
        ended_at=ended,
        outcome=outcome,
        answered_by=e164(told["caller_national"] if told["kind"] == "public" else told["legs"][0]["to_user"])
        if by == "public"
        else by,
        answered_at=answered_at,
        transferred=not outward and any(_answered_before(g, told["legs"]) for g in told["legs"]),
        visits=visits,
        messages=int(told["outcome"] == "voicemail" and cut is None),
        cut=cut,
        also=("unanswered", "abandoned") if cut == "crash" and outcome == "voicemail" else (),
    )


def _dialled(number: str, outward: bool, plan: Dialplan) -> str:
    """What was dialled, without the prefix for an outside line; a client's number in E.164."""
    if not outward:
        return number
    return e164(number.removeprefix(plan.prefix_out) if len(number) == 9 else number)


def _ended(told: TruthCall) -> float:
    side, legs = told["caller_side"], told["legs"]
    if told["kind"] == "ami":  # nobody watches the caller's side of a click-to-call
        return float(max(g.get("t_bye", _stop(g, g["t_invite"])) for g in legs))
    return float(side.get("t_bye") or side.get("t_cancel") or side["t_final"])


def _outcome(told: TruthCall, outward: bool, plan: Dialplan) -> str:
    """The call's outcome in the words of the design.

    A call is busy or unavailable when all phones tried were, the dead one that no phone can see included; a
    client who declines our call was tried, as good as busy. Who waited in a queue in vain was not answered.
    """
    said, legs = told["outcome"], told["legs"]
    if said == "lost":
        ends = {g["outcome"] for g in legs} | ({"unavailable"} if plan.dead.get(told["dialled"]) else set())
        ends = ends - {"forwarded"} or ends  # where a phone sent the call on to decides
        if ends and ends <= {"busy", "declined" if outward else "busy"}:
            return "busy"
        if not ends:
            return "unanswered" if told["dialled"] in plan.queues or told.get("queues") else "failed"
        return "unavailable" if ends == {"unavailable"} else "unanswered"
    return {"abandoned_in_menu": "abandoned", "service": "voicemail"}.get(said, str(said))


def _stop(leg: Leg, default: float) -> float:
    """When a phone stopped alerting. A 487 follows its CANCEL, so the earlier of both."""
    return float(min((leg[t] for t in ("t_cancel", "t_final") if t in leg), default=default))


def _visits(
    told: TruthCall, town: Town, plan: Dialplan, outcome: str, answered_at: float | None, cut: str | None
) -> tuple[Visit, ...]:
    """Split a call's legs into stays, in order."""
    groups = _groups(told, town, plan)
    external = told["kind"] == "public"
    last = len(groups) - 1
    visits = []
    for place, (department, entered_by, legs) in enumerate(groups):
        own = next((g for g in legs if g["outcome"] == "answered"), None)
        taken = (
            answered_at
            if own is None and place == last and told["answered_by"] and not _answered(told)
            else None
        )
        at = own["t_final"] if own else taken
        by = own["phone"] if own else told["answered_by"] if taken else None
        attempts = (*_dead(told, plan, place), *(_attempt(g, at, by, _ended(told), cut) for g in legs))
        visits.append(
            Visit(
                department=department,
                entered_by=entered_by,
                outcome=_visit_outcome(legs, outcome, at is not None, place < last, _answered(told)),
                answered_by=by,
                answered_at=at,
                external=external,
                ring_s=union_s([(a.ring_at, a.ended_at) for a in attempts if a.ring_at is not None], at),
                rotation=rotation_of([_offer(a) for a in attempts], town.size(department), cut),
                attempts=attempts,
            )
        )
    return tuple(visits)


def _answered(told: TruthCall) -> bool:
    return any(g["outcome"] == "answered" for g in told["legs"])


def _groups(told: TruthCall, town: Town, plan: Dialplan) -> list[tuple[str, str, list[Leg]]]:
    """(department, entered_by, legs) of each stay: a transfer, a forward or an overflow begins a new one."""
    entry = _entry(told, town, plan)
    groups: list[tuple[str, str, list[Leg]]] = []
    for leg in sorted(told["legs"], key=lambda g: g["t_invite"]):
        home = town.phones.get(leg["phone"], "")
        if not groups:
            first, how = entry
            if first and plan.overflow.get(told["dialled"]) == home != first:
                groups.append((first, how, []))  # nobody there was offered the call before it went on
                first, how = home, "overflow"
            # a direct number belongs to the phone that it rings
            groups.append((first or home, how, [leg]))
            continue
        department, _, legs = groups[-1]
        if home == department:
            legs.append(leg)  # sent on to a colleague of the same department: still one stay
        elif _answered_before(leg, legs):
            groups.append((home, "attended_transfer" if leg.get("via_transfer") else "blind_transfer", [leg]))
        elif legs[-1]["outcome"] == "forwarded" and home != department:
            groups.append((home, "forward", [leg]))
        elif plan.overflow.get(told["dialled"]) == home != department:
            groups.append((home, "overflow", [leg]))
        else:
            legs.append(leg)
    if not groups and entry[0]:
        groups.append((entry[0], entry[1], []))
    # what no phone can see: nobody was offered the call in the queue that it went on to
    onward = plan.overflow.get(told["dialled"])
    if onward and groups and groups[-1][0] != onward and len(set(told.get("queues", ()))) > 1:
        groups.append((onward, "overflow", []))
    return groups


def _answered_before(leg: Leg, legs: Iterable[Leg]) -> bool:
    """Whether one of the legs was answered before this one was tried."""
    return any(g["outcome"] == "answered" and g["t_final"] < leg["t_invite"] for g in legs)


def _entry(told: TruthCall, town: Town, plan: Dialplan) -> tuple[str | None, str]:
    """The department that the call enters first (None: the one of the first phone tried) and how."""
    dialled = told["dialled"]
    if dialled in town.hotline:
        return town.hotline_department, "dialled"
    if dialled == plan.menu:
        if told["legs"] and town.phones.get(told["legs"][0]["phone"]) == plan.menu_default:
            return plan.menu_default, "menu"
        return str(told["unit"]), "dialled" if told["outcome"] == "abandoned_in_menu" else "menu"
    return town.numbers.get(dialled) or town.phones.get(dialled.removeprefix(plan.direct_prefix)), "dialled"


def _visit_outcome(legs: Sequence[Leg], call: str, answered: bool, goes_on: bool, call_answered: bool) -> str:
    if answered:
        return "answered"
    if goes_on:
        return "overflowed"
    if not call_answered:
        return call
    kinds = {g["outcome"] for g in legs}  # a transferred call that nobody took
    if "caller_abandoned" in kinds:
        return "abandoned"
    return kinds.pop() if kinds in ({"busy"}, {"unavailable"}) else "unanswered"


def _attempt(
    leg: Leg, answered_at: float | None, answered_by: str | None, call_end: float, cut: str | None
) -> Attempt:
    said: str = leg["outcome"]
    said = {"lost_to_other": "answered_elsewhere", "caller_abandoned": "abandoned"}.get(said, said)
    end = _stop(leg, call_end)
    if (
        said == "no_answer"
        and answered_by
        and answered_by != leg["phone"]
        and answered_at
        and abs(end - answered_at) < 0.6
    ):
        said = "answered_elsewhere"  # picked up from another phone
    return Attempt(
        employee=leg["phone"],
        outcome=said,
        tried_at=leg["t_invite"],
        ring_at=leg.get("t_180", leg.get("t_183")),
        ended_at=end,
        also=("unknown",) if cut and said == "no_answer" and call_end - end < 0.6 else (),
    )


def _dead(told: TruthCall, plan: Dialplan, place: int) -> tuple[Attempt, ...]:
    """Attempts on phones that were switched off or never reacted: no phone saw them, the dialplan makes
    them.
    """
    phones = plan.dead.get(told["dialled"], ()) if place == 0 else ()
    until = min((g["t_invite"] for g in told["legs"]), default=_ended(told))
    return tuple(Attempt(phone, "unavailable", told["t_start"], None, until) for phone in phones)


def _offer(attempt: Attempt) -> Offer:
    return Offer(attempt.employee, attempt.outcome, attempt.tried_at, attempt.ring_at is not None)
