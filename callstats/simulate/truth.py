"""The truth of the phones' side: one JSON object per call, one line each, with the keys of a recording's
`truth.json`.
"""

from __future__ import annotations

import json
from typing import Any, TextIO

from callstats.simulate.channel import SECOND_US, Call, Leg
from callstats.simulate.plant import Plant
from callstats.simulate.trace import Sink

__all__ = ["Truth", "told"]

EMPTY_US = 3 * SECOND_US  # a shorter message is empty, and the call was given up
OUTCOMES = {200: "answered", 486: "busy", 603: "declined", 480: "unavailable", 302: "forwarded"}
CANCELLED = {"other": "lost_to_other", "caller": "caller_abandoned"}


class Truth(Sink):
    """Writes each call when everything about it is over."""

    def __init__(self, stream: TextIO, plant: Plant) -> None:
        self.write = stream.write
        self.plant = plant

    def finished(self, call: Call) -> None:
        """See `Sink.finished`."""
        self.write(json.dumps(told(call, self.plant), ensure_ascii=False) + "\n")


def told(call: Call, plant: Plant) -> dict[str, Any]:
    """A call as its phones saw it; times are epoch seconds, rounded to milliseconds."""
    story = call.story
    number = story.caller
    public = story.kind == "public"
    for foreign in (f"+{plant.country}", f"00{plant.country}"):
        number = number.removeprefix(foreign) if public else number
    hidden = story.withheld == "plain"
    by = call.person_phone or None
    return {
        "call_id": str(call.number),
        "scenario": story.tag,
        "unit": story.unit,
        "note": "",
        "kind": "ami" if story.kind == "click_to_call" else story.kind,
        "caller": "anonymous" if hidden else story.caller,
        "caller_national": "" if hidden else number,
        "withheld": {"plain": "plain", "asserted": "pai"}.get(story.withheld),
        "dialled": story.dialled,
        "callback_of": story.callback_of or None,
        "outcome": _outcome(call, plant),
        "t_start": _s(call.began),
        "t_answer": _s(call.person) if call.person is not None else None,
        "answered_by": by,
        "caller_side": _side(call),
        "legs": [_leg(leg) for leg in call.legs],
        "queues": call.queues,
    }


def _s(t: int) -> float:
    return round(t / SECOND_US, 3)


def _times(**instants: int | None) -> dict[str, float]:
    return {name: _s(t) for name, t in instants.items() if t is not None}


def _side(call: Call) -> dict[str, Any]:
    if call.story.kind == "click_to_call":  # nobody watches it
        return _times(t_invite=call.began)
    side: dict[str, Any] = _times(t_invite=call.began, t_180=call.ringing, t_183=call.progress)
    if call.final is not None:
        side |= {"final": call.code, "t_final": _s(call.final)}
    side |= _times(t_cancel=call.cancel, t_bye=call.bye)
    if call.bye is not None:
        side["bye_by"] = call.bye_by
    return side


def _leg(leg: Leg) -> dict[str, Any]:
    seen: dict[str, Any] = {"phone": leg.phone, "from_user": leg.from_user, "to_user": leg.to_user}
    seen |= _times(t_invite=leg.invite, t_180=leg.ringing, t_183=leg.progress, t_final=leg.final)
    if leg.code:
        seen["final"] = leg.code
    seen |= _times(t_cancel=leg.cancel, t_bye=leg.bye, t_refer=leg.refer)
    seen["outcome"] = _leg_outcome(leg)
    if leg.via_transfer:
        seen["via_transfer"] = True
    return seen


def _leg_outcome(leg: Leg) -> str:
    if leg.code in OUTCOMES:
        return OUTCOMES[leg.code]
    if leg.cancel is None:
        return "no_final"
    return CANCELLED.get(leg.why_cancelled, "no_answer")


def _outcome(call: Call, plant: Plant) -> str:
    """By the words of a recording: what the caller got."""
    story = call.story
    if call.person is not None:
        return "answered"
    if story.kind == "staff" and story.dialled == plant.listen_code:
        return "service"
    if story.kind == "staff" and story.dialled == plant.pickup_code:
        return "pickup" if call.code == 200 and call.bye_by == "caller" else "lost"
    if call.voicemail and call.message >= EMPTY_US:
        return "voicemail"
    if call.cancel is not None or call.bye_by == "caller":
        return "abandoned" if call.legs or not (call.voicemail or call.in_menu) else "abandoned_in_menu"
    return "lost"
