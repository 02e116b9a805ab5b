"""Two channels in a bridge: what an employee does while talking, and who hangs up."""

from __future__ import annotations

from collections.abc import Callable

from callstats.simulate.channel import NORMAL, SECOND_US, UP, Bridge, Channel
from callstats.simulate.clockwork import Event, Steps
from callstats.simulate.dialing import heard_of_caller
from callstats.simulate.halves import make_halves, tie
from callstats.simulate.story import Transfer
from callstats.simulate.switch import Switch

__all__ = ["Ends", "Talked", "join", "talk"]

Ends = Callable[[str, str], None]
SOUND_US = 960_000  # "transfer", said to who presses the feature code
BEEP_US = 440_000  # to the colleague, when the client is handed over
BETWEEN_US, LISTENS_US = 205_000, 1_708_000


class Talked:
    """How a talk ended: who hung up (``caller``, ``phone``), or the extension the caller was sent to."""

    __slots__ = ("by", "target")

    def __init__(self, by: str, target: str = "") -> None:
        self.by, self.target = by, target


def _unheard(by: str, target: str) -> None:
    return None


def join(x: Switch, channel: Channel, peer: Channel) -> Bridge:
    """The phone enters first, then the caller."""
    bridge = x.new_bridge()
    x.enter(bridge, peer)
    if peer.linkedid != channel.linkedid:
        x.relinked(peer, channel.linkedid)
    x.enter(bridge, channel)
    if not (channel.other_half or peer.other_half):
        bridge.technology = "native_rtp"
    return bridge


def talk(x: Switch, channel: Channel, peer: Channel, ends: Ends = _unheard) -> Steps:
    """Wait for the end of the talk. Returns `Talked`; the phone's channel has ended then.

    `ends` hears who ended it (``agent``, ``caller``, ``transfer`` and where to) before anybody has left.
    After an attended transfer the caller goes on talking, to the half that leads to the other colleague.
    """
    while True:
        event = yield None
        assert event is not None
        who, what = event.channel, event.what
        if what == "bye":
            x.catch_up(channel)
        if who is channel and what == "bye":
            heard_of_caller(x, channel, event)
            peer.source = channel.source
            ends("caller", "")
            part(x, channel, peer)
            return Talked("caller")
        if who is channel and what == "digit":
            x.trace.digit(x.tick(), channel, event.value)
        if who is not peer:
            continue
        if what in ("bye", "hungup_half"):
            _phone_left(x, channel, peer, event)
            ends("agent", "")
            part(x, peer, channel)
            return Talked("phone")
        if what == "transfer":
            transfer: Transfer = event.value
            if transfer.kind == "attended":
                after = yield from _attended(x, channel, peer, transfer)
            elif transfer.kind == "blind":
                after = yield from _blind(x, channel, peer, transfer, ends)
            else:
                after = _refer(x, channel, peer, transfer, ends)
            if isinstance(after, Talked):
                return after
            peer = after


def _phone_left(x: Switch, channel: Channel, peer: Channel, event: Event) -> None:
    if event.what == "hungup_half":
        x.trace.hangup_request(x.tick(), peer, event.value)
        return
    _said_bye(x, peer)
    channel.source = peer.name


def _said_bye(x: Switch, peer: Channel) -> None:
    if peer.leg and peer.leg.bye is None:
        peer.leg.bye = x.now - 400
    if peer.taken_over and peer.call and peer.call.bye is None:
        peer.call.bye, peer.call.bye_by = x.now - 400, "caller"
    peer.source = peer.name
    x.trace.hangup_request(x.tick(), peer, peer.cause or None)


def part(x: Switch, first: Channel, second: Channel) -> None:
    """Both leave the bridge; the dialled one ends, the other one's thread goes on."""
    x.leave(first)
    x.leave(second)
    first.cause = second.cause = NORMAL
    if first.target is not None:
        x.hang_up(first, NORMAL)
    if second.target is not None:
        # its own thread ends it, a little later than the one of who hung up
        x.end_soon(second)


def _refer(x: Switch, channel: Channel, peer: Channel, transfer: Transfer, ends: Ends) -> Talked:
    """The phone sends the caller on by REFER: the dialplan's new place is known before anybody has left."""
    if peer.leg:
        peer.leg.refer = x.now - 400
    _transferred(x, channel, peer, transfer, ends)
    _sent(x, channel, transfer)
    _one_by_one(x, peer, channel)
    x.hang_up(peer, NORMAL)
    return Talked("phone", transfer.target)


def _one_by_one(x: Switch, first: Channel, second: Channel) -> None:
    """The media goes through the PBX again before anybody has left."""
    if first.bridge is not None:
        first.bridge.technology = "simple_bridge"
    x.leave(first)
    x.leave(second)


def _blind(x: Switch, channel: Channel, peer: Channel, transfer: Transfer, ends: Ends) -> Steps:
    """By feature code: the caller's new place is only known after the employee has left."""
    if (gone := (yield from _dialled_on(x, channel, peer, "#1", transfer.target, ends))) is not None:
        return gone
    _transferred(x, channel, peer, transfer, ends)
    bridge = channel.bridge
    assert bridge is not None
    x.leave(peer)
    bridge.technology = "simple_bridge"
    x.trace.stream(x.now, channel, False, "MOH", {})
    channel.music = False
    _sent(x, channel, transfer)
    x.leave(channel)
    x.hang_up(peer, NORMAL)
    return Talked("phone", transfer.target)


def _transferred(x: Switch, channel: Channel, peer: Channel, transfer: Transfer, ends: Ends) -> None:
    assert channel.bridge is not None
    ends("transfer", transfer.target)
    values = {"exten": transfer.target, "context": "from-staff", "bridge": channel.bridge}
    x.trace.blind_transfer(x.tick(), peer, channel, values)


def _sent(x: Switch, channel: Channel, transfer: Transfer) -> None:
    """The caller's channel is at the new extension, still with the old application's data."""
    channel.exten, channel.context, channel.priority = transfer.target, "from-staff", 1
    x.trace.dialplan(x.tick(), channel)


def _dialled_on(
    x: Switch, channel: Channel, peer: Channel, code: str, target: str, ends: Ends = _unheard
) -> Steps:
    """The employee presses a feature code and an extension; the caller hears music after the code.

    Returns `Talked` when the caller or the employee hung up meanwhile.
    """
    for place, digit in enumerate(code + target):
        wait = LISTENS_US if place == len(code) else BETWEEN_US
        if place and (gone := (yield from _meanwhile(x, channel, peer, wait, ends))) is not None:
            return gone
        x.trace.digit(x.tick(), peer, digit)
        if place == len(code) - 1:
            sound = {"sound": "pbx-transfer", "format": "gsm", "language": "en"}
            x.trace.stream(x.now + 160_000, peer, True, "FILE", sound)
            x.trace.stream(x.now + 160_000, channel, True, "MOH", {"class": "default"})
            x.trace.stream(x.now + 160_000 + SOUND_US, peer, False, "FILE", {})
            channel.music = True
    return None


def _meanwhile(x: Switch, channel: Channel, peer: Channel, length_us: int, ends: Ends) -> Steps:
    until = x.now + length_us
    while (event := (yield until)) is not None:
        if event.what == "bye" and event.channel in (channel, peer):
            first, second = (channel, peer) if event.channel is channel else (peer, channel)
            if first is channel:
                heard_of_caller(x, channel, event)
                peer.source = channel.source
            else:
                _phone_left(x, channel, peer, event)
            ends("caller" if first is channel else "agent", "")
            part(x, first, second)
            return Talked("caller" if first is channel else "phone")
    return None


def _attended(x: Switch, channel: Channel, peer: Channel, transfer: Transfer) -> Steps:
    """Consult a colleague through a Local channel, then leave the caller with him.

    Returns the half of the Local channel that the caller talks to from then on, or `Talked`.
    """
    if (gone := (yield from _dialled_on(x, channel, peer, "*2", transfer.target))) is not None:
        return gone
    talking = channel.bridge
    assert talking is not None
    one, two = make_halves(x, peer, transfer.target, "from-staff")
    one.target = None
    one.account = peer.account
    consulting = x.new_bridge()
    x.trace.account(x.now, one)
    tie(x, peer, one, two)
    two.consults = True
    x.enter(consulting, one)
    x.leave(peer)
    x.enter(consulting, peer)
    gone = yield from _consult(x, channel, peer, one, two, transfer)
    if gone is not None:
        return gone
    _said_bye(x, peer)
    x.leave(peer)
    x.leave(one)
    x.enter(talking, one)
    talking.technology = "simple_bridge"
    if channel.music:
        channel.music = False
        x.trace.stream(x.now, channel, False, "MOH", {})
    x.trace.attended_transfer(
        x.tick(),
        peer,
        peer,
        {"talking": talking, "consulting": consulting, "transferee": channel, "target": one},
    )
    x.hang_up(peer, NORMAL)
    x.trace.stream(x.now, one, True, "FILE", {"sound": "beep", "format": "gsm", "language": "en"})
    x.trace.stream(x.now + BEEP_US, one, False, "FILE", {})
    two.late_caller = (channel.num, channel.caller_name)
    one.source = peer.name
    one.target = channel
    return one


def _consult(
    x: Switch, channel: Channel, peer: Channel, one: Channel, two: Channel, transfer: Transfer
) -> Steps:
    """The colleague is called, and talked to. Without an answer the caller gets the employee back."""
    until: int | None = None
    talking = channel.bridge
    assert talking is not None
    while True:
        event = yield until
        if event is None:
            return None
        who, what = event.channel, event.what
        if who is one and what == "half_rings":
            x.trace.dial_state(x.tick(), None, one, "RINGING")
        elif who is one and what == "half_up":
            x.set_state(one, UP)
            x.trace.dial_end(x.tick(), None, one, "ANSWER")
            one.dialed = False
            until = x.now + round(transfer.consult_s * SECOND_US)
        elif who is one and what == "hungup_half":
            x.trace.hangup_request(x.tick(), one, event.value)
            x.leave(one)
            x.leave(peer)
            x.hang_up(one, event.value)
            x.enter(talking, peer)
            if channel.music:
                channel.music = False
                x.trace.stream(x.now, channel, False, "MOH", {})
            return peer
        elif what == "bye" and who in (channel, peer):
            first, second = (channel, peer) if who is channel else (peer, channel)
            if who is channel:
                heard_of_caller(x, channel, event)
            else:
                _said_bye(x, peer)
            x.leave(one)
            x.hang_up(one, NORMAL)
            part(x, first, second)
            return Talked("caller" if who is channel else "phone")
