"""The PBX's own hands: making channels, changing their state, dialling, bridging, hanging up."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle

from callstats.simulate.channel import (
    DOWN,
    ELSEWHERE,
    NORMAL,
    SECOND_US,
    UP,
    Bridge,
    Call,
    Channel,
)
from callstats.simulate.clockwork import Clockwork
from callstats.simulate.plant import Member, Plant, QueueOf
from callstats.simulate.trace import Sink, Trace

__all__ = ["HALT", "Counters", "LiveQueue", "Summary", "Switch", "Turn"]

HALT = "halt"  # why a channel ends when the PBX stops


@dataclass
class Counters:
    """What an Asterisk process counts since it started."""

    channel: int = 0
    local: int = 0
    uniqueid: int = 0
    bridge: int = 0
    calls: int = 0


@dataclass(frozen=True)
class Summary:
    """What a run came to. `most_live`: the most calls that were held at once; instants are epoch seconds.

    `unreached`: calls that came while the PBX was down; neither it nor the truth knows of them.
    """

    calls: int
    channels: int
    most_live: int
    ended_at: float
    unreached: int = 0


@dataclass
class Turn:
    """The member that is next by a strategy; `wrapped`: somebody after it was seen."""

    place: int = 0
    wrapped: bool = False


@dataclass
class LiveQueue:
    """A queue at work: who is a member, who is paused, whose turn it is, and who waits."""

    name: str
    of: QueueOf
    members: list[Member]
    paused: set[str] = field(default_factory=set)
    turn: Turn = field(default_factory=Turn)
    waiting: list[Channel] = field(default_factory=list)
    being_tried: set[Channel] = field(default_factory=set)


class Switch(Clockwork):
    """State of the PBX and the elementary things it does. Each tells the trace and takes a little time."""

    def __init__(self, plant: Plant, sinks: Sequence[Sink], seed: int) -> None:
        super().__init__()
        self.plant = plant
        self.trace = Trace(sinks)
        self.seed = seed
        self.rng = random.Random(seed)
        self.chance: Callable[[], float] = self.rng.random
        # microseconds that a step of the PBX takes, drawn once and used in turn
        self._little = cycle([90 + int(self.chance() * 260) for _ in range(4096)]).__next__
        self.count = Counters()
        self.busy: dict[str, int] = {}  # phone → channels that ring or talk there
        self.queues = self._queues()
        self.boxes: dict[str, int] = dict.fromkeys(plant.mailboxes, 0)
        self.ringing_at: dict[str, Channel] = {}  # phone → the channel that rings there now
        self.serve_half: Callable[[Channel], None] = _unserved
        self.finished: Callable[[Call], None] = self.trace.finished
        self.ended = 0
        self.made = 0

    def _queues(self) -> dict[str, LiveQueue]:
        return {n: LiveQueue(n, q, list(q.members)) for n, q in self.plant.queues.items()}

    def forget(self) -> None:
        """The process is gone: channels, counters, pauses and members that were added."""
        self._heap.clear()
        self.live.clear()
        self.busy.clear()
        self.ringing_at.clear()
        self.queues = self._queues()
        calls = self.count.calls
        self.made += self.count.uniqueid
        self.count = Counters(calls=calls)

    def tick(self) -> int:
        """A little time goes by; the new present."""
        self.now += self._little()
        return self.now

    def make(
        self,
        device: str,
        state: int,
        context: str,
        exten: str,
        *,
        call: Call | None,
        like: Channel | None = None,
        account: str = "",
        number: str = "",
        name: str = "",
        half: str = "",
    ) -> Channel:
        """A new channel; `like` is the channel whose linkedid it takes over."""
        t = self.tick()
        count = self.count
        uniqueid = f"{self.plant.systemname}{t // SECOND_US}.{count.uniqueid}"
        count.uniqueid += 1
        if half:
            serial = count.local
            count.local += half == ";2"
        else:
            serial = count.channel
            count.channel += 1
        channel = Channel(
            name=f"{device}-{serial:08x}{half}",
            device=device,
            uniqueid=uniqueid,
            linkedid=like.linkedid if like else uniqueid,
            created=t,
            state=state,
            context=context,
            exten=exten,
            account=account,
            num=number,
            caller_name=name,
            call=call,
            half=half,
        )
        if not half:
            self.busy[device] = self.busy.get(device, 0) + 1
        self.trace.created(t, channel)
        return channel

    def phone_channel(self, phone: str, caller: Channel) -> Channel:
        """A channel towards a phone, made to be dialled."""
        plant = self.plant
        if phone == plant.trunk:
            channel = self.make(
                f"PJSIP/{phone}", DOWN, "from-public", "s", call=caller.call, like=caller,
                account=plant.trunk_account,
            )  # fmt: skip
        else:
            channel = self.make(
                f"PJSIP/{phone}", DOWN, "from-staff", "s", call=caller.call, like=caller,
                account=plant.accounts.get(phone, ""), number=phone, name=plant.names.get(phone, ""),
            )  # fmt: skip
        channel.dialed = True
        channel.target = caller
        return channel

    def step(self, channel: Channel, app: str, data: str = "", *, exten: str = "", context: str = "") -> None:
        """The dialplan goes on: another application, or elsewhere."""
        if channel.app and channel.app != app:
            self.trace.app_left(self.now, channel)
        if exten:
            channel.exten = exten
            channel.priority = 0
        if context:
            channel.context = context
        channel.priority += 1
        channel.app, channel.data = app, data
        if not channel.ani:
            channel.ani = channel.num
        self.trace.dialplan(self.tick(), channel)

    def move(self, channel: Channel, exten: str) -> None:
        """The dialplan goes on at another extension of its context, before any application there."""
        if channel.app:
            self.trace.app_left(self.now, channel)
        channel.app = channel.data = ""
        channel.exten, channel.priority = exten, 0

    def set_state(self, channel: Channel, state: int) -> None:
        """Ringing or Up."""
        channel.state = state
        late = channel.late_exten
        if late is not None:
            channel.exten, channel.late_exten = late, None
        t = self.tick()
        self.trace.state(t, channel)
        if late is not None:
            self.trace.dialplan(t, channel)
        if state != UP:
            return
        if (call := channel.call) and channel is call.channel and call.final is None:
            call.final, call.code = self.wire(), 200
            for seconds, key in call.story.keys:
                self.at(call.final + round(seconds * SECOND_US), channel, "digit", key)
        if (half := channel.other_half) is not None and half.state != UP and half.half == ";1":
            self.at(self.now, half, "half_up")

    def catch_up(self, channel: Channel) -> None:
        """A channel's thread looks at what it was told: whose phone is behind, or before, a Local channel."""
        if channel.late_caller is None:
            return
        channel.num, channel.caller_name = channel.late_caller
        channel.late_caller = None
        self.trace.callerid(self.tick(), channel)
        if channel.target is not None and channel.half == ";1":
            channel.target.connected_num, channel.target.connected_name = channel.num, channel.caller_name

    def wire(self) -> int:
        """When the other end of the line hears of what the PBX just did."""
        return self.now + 300 + int(self.chance() * 900)

    def alert_caller(self, channel: Channel) -> None:
        """The caller hears that something rings."""
        call = channel.call
        if call and channel is call.channel and channel.state != UP and call.ringing is None:
            call.ringing = self.wire()

    def enter(self, bridge: Bridge, channel: Channel) -> None:
        """A channel joins a bridge."""
        bridge.channels.append(channel)
        channel.bridge = bridge
        self.trace.bridge_enter(self.tick(), bridge, channel)

    def leave(self, channel: Channel) -> None:
        """A channel leaves its bridge."""
        if (bridge := channel.bridge) is None:
            return
        self.trace.bridge_leave(self.tick(), bridge, channel)
        bridge.channels.remove(channel)
        channel.bridge = None

    def new_bridge(self) -> Bridge:
        """An empty bridge."""
        self.count.bridge += 1
        return Bridge(self.count.bridge, self.seed)

    def hang_up(self, channel: Channel, cause: int) -> None:
        """A channel ends; its phone hears of it."""
        if channel.dead:
            return
        if channel.late_exten is not None:
            channel.exten, channel.late_exten = channel.late_exten, None
        self.catch_up(channel)
        channel.dead = True
        channel.cause = cause
        t = self.tick()
        if channel.target is not None and self.ringing_at.get(channel.device) is channel:
            del self.ringing_at[channel.device]
        if channel.other_half is None:
            left = self.busy[channel.device] - 1
            if left:
                self.busy[channel.device] = left
            else:
                del self.busy[channel.device]
        leg = channel.leg
        if leg is not None and leg.bye is None and leg.cancel is None:
            if leg.final is None:
                leg.cancel = self.wire()
                leg.why_cancelled = "other" if cause == ELSEWHERE else leg.why_cancelled
                if leg.ringing is not None or leg.progress is not None:
                    leg.final, leg.code = leg.cancel + 1500 + int(self.chance() * 1500), 487
            elif leg.code == 200:
                leg.bye = self.wire()
        self.trace.hungup(t, channel)
        call = channel.call
        if call is not None and call.channel is channel and channel.taken_over:
            self.released(call)
        if (half := channel.other_half) is not None and not half.dead and not half.gone:
            self.at(self.now, half, "hungup_half" if half.half == ";1" else "bye", cause)
        elif half is not None and half.dead:
            channel.other_half = half.other_half = None

    def end_soon(self, channel: Channel) -> None:
        """A dialled channel ends by its own thread; its phone gets the BYE then."""
        leg = channel.leg
        if leg is not None and leg.bye is None and leg.code == 200:
            leg.bye = self.wire()
        self.at(self.now + 1200 + int(self.chance() * 1500), channel, "end")

    def end_caller(self, channel: Channel, cause: int) -> None:
        """The thread of a caller's channel is over: the last words and the end."""
        call = channel.call
        if call and channel is call.channel:
            if call.cancel is None and call.final is None:
                call.final, call.code = self.wire(), 404 if cause == 3 else 486 if cause == 17 else 480
            elif call.code == 200 and call.bye is None:
                call.bye, call.bye_by = self.wire(), "pbx"
        self.trace.soft_hangup(self.tick(), channel, NORMAL)
        if channel.app:
            self.trace.app_left(self.tick(), channel)
            channel.app, channel.data = ("AppDial2", "(Outgoing Line)") if channel.originated else ("", "")
        self.hang_up(channel, cause)

    def relinked(self, channel: Channel, linkedid: str) -> None:
        """A channel belongs to another call from now on."""
        old, channel.linkedid = channel.linkedid, linkedid
        self.trace.linkedid(self.now, channel, old)

    def end(self, channel: Channel) -> None:
        """See `Clockwork.end`."""
        call = channel.call
        if call is not None and call.channel is channel and call.bye is None:
            call.bye, call.bye_by = self.wire(), "pbx"
        self.hang_up(channel, NORMAL)

    def over(self, call: Call) -> None:
        """The last thread of a call has ended."""
        call.ended = self.now
        self.live.discard(call)
        self.ended += 1
        self.finished(call)
        call.channel = None  # nothing that is over is kept by a circle

    def idle(self, phone: str) -> bool:
        """Whether a phone neither rings nor talks."""
        return f"PJSIP/{phone}" not in self.busy


def _unserved(channel: Channel) -> None:
    raise NotImplementedError(channel.name)
