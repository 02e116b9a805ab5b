"""What a PBX holds while it works: channels, bridges, and the call of a story that they serve.

Instants are whole microseconds since the epoch, as the PBX's own clock has them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from callstats.simulate.story import Act, Story

if TYPE_CHECKING:
    from callstats.simulate.clockwork import Task

SECOND_US = 1_000_000
DOWN, RING, RINGING, UP = 0, 4, 5, 6  # channel states by Asterisk's numbers
STATE_NAMES = {DOWN: "Down", RING: "Ring", RINGING: "Ringing", UP: "Up"}
# Hangup causes (Q.850) that a PBX writes.
NO_CAUSE, NO_ROUTE, NORMAL, BUSY, NOT_THERE, DECLINED, ELSEWHERE, ABSENT = 0, 3, 16, 17, 19, 21, 26, 20
SERVER_FAILURE = 127


@dataclass(slots=True, eq=False)
class Leg:
    """One offer to a phone as the phone saw it (epoch microseconds, None: never)."""

    phone: str
    from_user: str
    to_user: str
    act: Act
    invite: int
    ringing: int | None = None
    progress: int | None = None
    final: int | None = None
    code: int = 0
    cancel: int | None = None
    bye: int | None = None
    refer: int | None = None
    via_transfer: bool = False
    why_cancelled: str = ""


@dataclass(slots=True, eq=False)
class Call:
    """A story while it runs: what its phones have been offered, and what the caller has seen."""

    number: int
    story: Story
    began: int
    channel: Channel | None = None
    legs: list[Leg] = field(default_factory=list)
    offers: dict[str, int] = field(default_factory=dict)
    ringing: int | None = None
    progress: int | None = None
    final: int | None = None
    code: int = 0
    cancel: int | None = None
    bye: int | None = None
    bye_by: str = ""
    person: int | None = None  # when an employee (or the client of a call out) answered
    person_phone: str = ""
    voicemail: bool = False
    in_menu: bool = False
    queues: list[str] = field(default_factory=list)  # that it waited in
    message: int = 0  # microseconds that the caller spoke after the beep
    tasks: int = 0  # threads of the PBX that still work for it
    ended: int | None = None


@dataclass(slots=True, eq=False)
class Channel:
    """One PBX channel, with what Asterisk's records tell of it.

    What is `late_` shows in no event before the channel's next one of its own.
    """

    name: str
    device: str
    uniqueid: str
    linkedid: str
    created: int
    state: int
    context: str
    exten: str
    account: str = ""
    num: str = ""
    caller_name: str = ""
    ani: str = ""
    dnid: str = ""
    rdnis: str = ""
    app: str = ""
    data: str = ""
    priority: int = 1
    connected_num: str = ""
    connected_name: str = ""
    userfield: str = ""
    presented: bool = True
    cause: int = NO_CAUSE
    source: str = ""
    dialstatus: str = ""
    dialed: bool = False  # made by the PBX to reach a phone
    originated: bool = False
    consults: bool = False  # the half that an attended transfer rings a colleague with
    dead: bool = False
    gone: bool = False  # its phone has hung up, or the PBX has decided to
    owner: Task | None = None
    call: Call | None = None
    leg: Leg | None = None
    bridge: Bridge | None = None
    other_half: Channel | None = None
    target: Channel | None = None  # the caller's channel for which it rings
    music: bool = False
    half: str = ""  # ``;1`` or ``;2`` of a Local channel
    taken_over: bool = False  # a picker's, that another call's thread serves; it keeps its own call alive
    late_exten: str | None = None  # known to the channel, but no listener was told yet
    late_caller: tuple[str, str] | None = None  # number and name that it will have when its thread looks

    @property
    def epoch(self) -> int:
        """The second it was made in."""
        return self.created // SECOND_US


@dataclass(slots=True, eq=False)
class Bridge:
    """Channels that hear one another, in the order they came."""

    number: int
    seed: int
    channels: list[Channel] = field(default_factory=list)
    technology: str = "simple_bridge"

    @property
    def uniqueid(self) -> str:
        """A UUID that depends on nothing but the seed and the bridge's number."""
        text = hashlib.md5(f"{self.seed} {self.number}".encode(), usedforsecurity=False).hexdigest()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"

    def peer_of(self, channel: Channel) -> Channel | None:
        """The other one of two."""
        return next((c for c in self.channels if c is not channel), None)
