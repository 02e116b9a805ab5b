"""What is going to happen: the plan of one story, before the PBX writes a line of it.

Times are seconds; `at_s` is an epoch instant, everything else counts from an event that the field names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Answering = Literal[
    "answer",  # 180, then 200 after `after_s`
    "progress",  # 183 instead of 180, then 200 after `after_s` (FACTS CDR 10)
    "busy",  # 486 after `after_s`
    "decline",  # 180, then 603 after `after_s`
    "unavailable",  # 480 after `after_s`
    "ring",  # 180 and nothing more until the PBX cancels
    "silent",  # no reaction to the INVITE at all (FACTS CDR 9)
    "off",  # known to be unreachable: no INVITE is sent (FACTS CDR 8)
    "forward",  # 302 to `target` after `after_s` (FACTS CDR 16)
]


@dataclass(frozen=True)
class Transfer:
    """What an employee does while talking: sends the client on to `target`, `after_s` after the answer.

    ``refer``: blind, by the phone; ``blind``: by feature code; ``attended``: by feature code, with
    `consult_s` of talk to the colleague before the client is handed over.
    """

    kind: Literal["refer", "blind", "attended"]
    target: str
    after_s: float
    consult_s: float = 0.0


@dataclass(frozen=True)
class Act:
    """What one phone (or a client's, for calls out) does with one offer of the call.

    `talk_s`: this side hangs up so long after its answer; None: it waits for the other side.
    """

    kind: Answering
    after_s: float = 0.0
    talk_s: float | None = None
    target: str = ""
    transfer: Transfer | None = None


@dataclass(frozen=True)
class Pickup:
    """A colleague dials the pickup code `after_s` after the story began and takes `phone`'s ringing call."""

    by: str
    phone: str
    after_s: float
    talk_s: float


@dataclass(frozen=True)
class Story:
    """One call as planned.

    `kind`: ``public`` a client calls `dialled`; ``staff`` an employee's phone calls `dialled` (a colleague, a
    client's number in any form, a feature code); ``click_to_call`` the PBX rings `caller` and then dials
    `dialled` (FACTS CDR 25).
    `phones`: what each phone does, offer after offer (the last act repeats); a phone that is not named rings.
    The client's own phone, where the call goes out, is named ``public``.
    `patience_s`: the caller gives up when no person has answered so long after the beginning; None: never.
    `talk_s`: the caller hangs up so long after a person's answer; None: waits for the other side.
    `keys`: digits pressed, each so many seconds after the PBX has answered.
    `message_s`: how long the caller speaks after the beep where voicemail answers; None: hangs up before it.
    `withheld`: ``plain`` the number is not sent; ``asserted`` it comes in P-Asserted-Identity (FACTS CDR 23).
    """

    at_s: float
    kind: Literal["public", "staff", "click_to_call"]
    caller: str
    dialled: str
    phones: Mapping[str, tuple[Act, ...]] = field(default_factory=dict)
    name: str = ""
    withheld: Literal["", "plain", "asserted"] = ""
    patience_s: float | None = None
    talk_s: float | None = None
    keys: tuple[tuple[float, str], ...] = ()
    message_s: float | None = None
    pickup: Pickup | None = None
    tag: str = ""  # what the story is called in the truth: "callback", "overflow", …
    unit: str = ""  # the department that should answer, for the truth
    callback_of: str = ""  # the client's number as it was shown, where this is a call back


@dataclass(frozen=True)
class QueueAction:
    """Something done to a queue's member at an instant: paused (with a reason), unpaused, added, removed."""

    at_s: float
    action: Literal["pause", "unpause", "add", "remove"]
    queue: str
    interface: str
    member: str = ""
    reason: str = ""


@dataclass(frozen=True)
class FeedBreak:
    """Half-open span in which the PBX's listeners miss something.

    ``gap``: nobody listens to AMI; ``stop``: the PBX is stopped in order; ``crash``: killed.
    """

    from_s: float
    to_s: float
    kind: Literal["gap", "stop", "crash"]
