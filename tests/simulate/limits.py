"""Why a fact may differ from the truth: the limits of each source that the README names, as rules.

Everything together has none, AMI only that no event tells when a greeting ends and a message begins. A rule
never excuses a judgement that is marked certain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.accuracy.rotation import union_s
from tests.accuracy.score import Finding
from tests.accuracy.truth import THIRD_SIGNAL_S

SILENT: Final = "60000620"  # its first phone never reacts
MENU: Final = "60000000"
OVERFLOW: Final = "60000400"  # finance's queue, after which comes another department's
FINANCE: Final = ("401", "402")
GREETED: Final = "60000420"  # a phone whose mailbox greets before the beep
QUEUES: Final = ("60000200", "60000300", "60000400", "60000700")
MANY: Final = 4  # phones tried
SPOOL: Final = "when the greeting ends and the message begins only the spool knows"
STRADDLED: Final = "some milliseconds straddle the third signal"
CROSSED: Final = "a phone came up in the very moment in which its time was over"
ANSWERED_FIRST: Final = ("60000000", "60000300", "60000400", "60000700")  # a menu, queues with Answer()
RINGING: Final = ("ring_s", "no_ring", "third_signal", "rotation", "rotation_cause", "attempt", "outcome")
OWN_ENDS: Final = ("no_answer", "busy", "declined", "unavailable")  # not the caller's doing
ENDS: Final = ("outcome", "visit_outcome", "attempt", "rotation", "rotation_cause")
VISIT: Final = {
    "departments", "department", "entered_by", "visit_outcome", "visit_answered_by", "external", "no_ring",
    "ring_s", "third_signal", "rotation", "rotation_cause", "visit",
}  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What the rules ask of a call.

    `near`: it rang for about as long as three signals last, give or take a second per phone that rang;
    `skipped`: a queue offered it to nobody; `crossed`: a phone came up and was let go at once;
    `left_then`: the caller left within a tenth of a second after a phone was done with the call by itself;
    `unheard`: the live feed was away for a part of it, so that the other sources tell.
    """

    dialled: str
    kind: str
    said: str
    picked_up: bool
    transferred: bool
    legs: int
    skipped: bool
    crossed: bool
    near: bool
    left_then: bool
    unheard: bool = False

    @classmethod
    def of(cls, told: Mapping[str, Any], away: Sequence[tuple[float, float]] = ()) -> Facts:
        """Of a line of the truth; `away`: when the live feed was not there."""
        legs, side = told["legs"], told["caller_side"]
        ends = [value for one in (side, *legs) for name, value in one.items() if name.startswith("t_")]
        answers = [leg["t_final"] for leg in legs if leg["outcome"] == "answered"]
        return cls(
            dialled=told["dialled"],
            kind=told["kind"],
            said=told["outcome"],
            picked_up=told["answered_by"] is not None and not answers,
            transferred=any(leg["t_invite"] > min(answers, default=float("inf")) for leg in legs),
            legs=len(legs),
            skipped=_skipped(told),
            crossed=any(_crossed(leg) for leg in legs),
            near=_near(legs),
            left_then=_left_then(told),
            unheard=any(begin <= max(ends) and told["t_start"] <= end for begin, end in away),
        )

    @property
    def answered_first(self) -> bool:
        """Whether the PBX, or somebody before the one in question, answered the caller's channel."""
        return self.dialled in ANSWERED_FIRST or self.transferred or self.picked_up or self.kind == "ami"


def _left_then(told: Mapping[str, Any]) -> bool:
    side = told["caller_side"]
    left = side.get("t_cancel") or side.get("t_bye") or float("inf")
    ends = [leg.get("t_cancel", leg.get("t_final")) for leg in told["legs"] if leg["outcome"] in OWN_ENDS]
    return any(end is not None and -0.02 <= left - end <= 0.1 for end in ends)


def _crossed(leg: Mapping[str, Any]) -> bool:
    """Whether a phone came up and was let go at once, as its time was over."""
    return leg["outcome"] == "answered" and bool(leg.get("t_bye", float("inf")) - leg["t_final"] < 0.1)


def _skipped(told: Mapping[str, Any]) -> bool:
    """Whether a queue that it waited in offered it to nobody, and it went on to other steps."""
    legs = told["legs"]
    if told["dialled"] == OVERFLOW:
        return not any(leg["phone"] in FINANCE for leg in legs)
    return told["dialled"] == MENU and not legs and bool(told.get("queues"))


def _near(legs: Sequence[Mapping[str, Any]]) -> bool:
    """Whether whole seconds, one per phone that rang, may move the ring time over the third signal."""
    answer = min((leg["t_final"] for leg in legs if leg["outcome"] == "answered"), default=None)
    rang = [
        (leg.get("t_180", leg["t_invite"]), min(leg[t] for t in ("t_cancel", "t_final") if t in leg))
        for leg in legs
        if answer is not None and leg["t_invite"] < answer
    ]
    return abs((union_s(rang, answer) or 0.0) - THIRD_SIGNAL_S) < 1.1 * len(rang)


def _greeted(call: Facts) -> bool:
    return call.dialled == GREETED and call.said == "abandoned"


def limit(sources: str, found: Finding, call: Facts | None) -> str | None:
    """The limit that explains a difference; None: nothing does."""
    if call is not None and found.certainty == "borderline" and found.fact == "third_signal" and call.near:
        return STRADDLED
    if call is not None and call.crossed and found.fact == "transferred":
        return CROSSED
    if call is None or found.certainty == "certain" or (sources == "all" and not call.unheard):
        return None
    if sources == "all":
        sources = "cel+queue_log+cdr"
    elif _greeted(call) and found.fact in (*ENDS, "messages") and found.got in ("voicemail", "1"):
        return SPOOL
    if sources == "ami":
        return None
    if call.dialled == SILENT and found.fact in (*RINGING, "visit_outcome"):
        return "a phone that never reacts looks like one that rings"
    if sources.startswith("cel"):
        if found.fact == "third_signal" and call.near:
            return "CEL tells when a phone was asked to ring, not when it rang"
        if found.fact in ENDS and call.left_then:
            return "CEL does not tell who was first: the caller who left or the phone's time"
        return None
    return _cdr(found, call)


def _cdr(found: Finding, call: Facts) -> str | None:
    """The CDR's own limits."""
    if found.fact == "dialled" and found.status == "unknown":
        return "what was dialled before a menu or a transfer is nowhere in the CDR"
    if found.fact in ("ring_s", "answered_at", "third_signal", "no_ring") and found.status == "unknown":
        return "the PBX answered first: the person's answer is hidden" if call.answered_first else None
    if call.said == "abandoned_in_menu" and found.fact in (*VISIT, "outcome", "messages"):
        return "given up in the menu or before the beep: no row names the department"
    if found.fact in ENDS and "answered" not in (found.expected, found.got.rpartition(" ")[2]):
        return "how a phone ended that was not answered is inferred"
    if found.fact == "third_signal" and (found.certainty == "borderline" or call.near):
        return "whole seconds straddle the third signal"
    if found.fact == "transferred" and call.transferred:
        return "sent on within a department or in vain: no row tells it from rotation"
    # the third signal follows from the ring time: where that is a stand-in, so is this
    if found.fact in ("ring_s", "no_ring", "third_signal") and (
        call.legs >= MANY or call.dialled in (*QUEUES, MENU)
    ):
        return "the rows of a queue's rounds are whole seconds each and may begin before a phone rings"
    if found.fact == "answered_at" and call.answered_first:
        return "the PBX answered first: the person's answer is hidden"
    if call.skipped and found.fact in VISIT:
        return "a queue that offered the call to nobody and sent it on leaves no row"
    return None
