"""Dial(): phones rung together, the first that answers is bridged with the caller."""

from __future__ import annotations

from collections.abc import Sequence

from callstats.simulate.channel import (
    BUSY,
    DECLINED,
    ELSEWHERE,
    NO_CAUSE,
    NO_ROUTE,
    NORMAL,
    NOT_THERE,
    RINGING,
    SECOND_US,
    SERVER_FAILURE,
    UP,
    Channel,
)
from callstats.simulate.clockwork import Event, Steps
from callstats.simulate.halves import half_rings, make_halves, tie
from callstats.simulate.phones import act_of, answered, offer, person_answered
from callstats.simulate.switch import HALT, Switch

__all__ = [
    "REFUSALS",
    "Dialled",
    "alerting",
    "dial",
    "hand_over",
    "heard_of_caller",
    "invite",
    "refused",
    "taken",
]

OUTGOING = "(Outgoing Line)"
# What a phone says → hangup cause, SIP code, status of Dial.
REFUSALS = {
    "busy": (BUSY, 486, "BUSY"),
    "decline": (DECLINED, 603, "NOANSWER"),
    "unavailable": (NOT_THERE, 480, "NOANSWER"),
    "forward": (23, 302, "CANCEL"),
}


class Dialled:
    """How a Dial ended: status, and the phone that answered."""

    __slots__ = ("peer", "status")

    def __init__(self, status: str, peer: Channel | None = None) -> None:
        self.status, self.peer = status, peer


def dial(x: Switch, channel: Channel, phones: Sequence[str], timeout_s: float, number: str = "") -> Steps:
    """Ring phones until one answers, all refuse, time is over or the caller is gone. Returns `Dialled`.

    `number` is what is dialled where the phone is the trunk.
    """
    call = channel.call
    assert call is not None
    plant = x.plant
    there = [p for p in phones if p in plant.phones or p == plant.trunk]
    if not there:
        channel.cause = NO_ROUTE
        return Dialled("CHANUNAVAIL")
    peers: list[Channel] = []
    for phone in there:
        if act_of(call, phone, plant).kind == "off":
            channel.cause = NO_ROUTE  # no contact that could be asked: as if there were no such phone
            continue
        peer = x.phone_channel(phone, channel)
        prepare(x, channel, peer)
        peers.append(peer)
    for peer in peers:
        phone = peer.device.removeprefix("PJSIP/")
        goal = f"{phone}/{plant.trunk_uri.format(number=number)}" if number else phone
        invite(x, channel, peer, phone, goal, number or phone)
    return (yield from _await(x, channel, peers, timeout_s))


def prepare(x: Switch, channel: Channel, peer: Channel) -> None:
    """A dialled channel takes over extension, account and, where it has none, a number."""
    peer.owner = channel.owner
    peer.exten = channel.exten
    peer.app, peer.data = "AppDial", OUTGOING
    peer.account = channel.account or peer.account
    peer.rdnis = channel.rdnis
    numbered = bool(peer.num)
    if numbered:
        peer.ani = peer.num
    else:
        peer.num = channel.connected_num or channel.exten
        peer.caller_name = channel.connected_name
    t = x.tick()
    x.trace.account(t, peer)
    x.trace.dialplan(t, peer)
    if not numbered:
        x.trace.callerid(t, peer)


def invite(x: Switch, channel: Channel, peer: Channel, phone: str, goal: str, to_user: str) -> None:
    """The INVITE goes out."""
    call = channel.call
    assert call is not None
    shown = "anonymous" if not channel.presented else channel.num
    offer(x, call, peer, phone, shown, to_user)
    x.trace.dial_begin(x.tick(), channel, peer, goal)
    if (one := channel.other_half) is not None and not one.dead:
        one.late_caller = (peer.num, peer.caller_name)
        if one.bridge is not None:
            x.catch_up(one)


def alerting(x: Switch, channel: Channel | None, peer: Channel, event: Event) -> None:
    """A phone said 180 or 183."""
    leg = peer.leg
    if event.what == "progress":
        if leg:
            leg.progress = event.value
        x.trace.dial_state(x.tick(), channel, peer, "PROGRESS")
        call = peer.call
        if call and channel and channel is call.channel and channel.state != UP and call.progress is None:
            call.progress = x.wire()
        return
    if leg:
        leg.ringing = event.value
    x.ringing_at[peer.device] = peer
    x.set_state(peer, RINGING)
    if channel is not None and channel.other_half is not None:
        half_rings(x, channel)
    x.trace.dial_state(x.tick(), channel, peer, "RINGING")
    if channel is not None:
        x.alert_caller(channel)


def refused(x: Switch, channel: Channel, peer: Channel, event: Event) -> tuple[int, str]:
    """A phone refused: cause and status."""
    if event.what == "hungup_half":
        cause = event.value
        return cause, "BUSY" if cause == BUSY else "NOANSWER"
    cause, code, status = REFUSALS[event.what]
    if peer.leg:
        peer.leg.final, peer.leg.code = event.value, code
    peer.source = peer.name
    x.trace.hangup_request(x.tick(), peer, cause)
    return cause, status


def heard_of_caller(x: Switch, channel: Channel, event: Event) -> None:
    """The caller hung up: CANCEL before an answer, BYE after it; or the other half of a Local channel did."""
    call = channel.call
    channel.gone = True
    if event.value == HALT:
        _halted(x, channel)
        return
    if channel.other_half is not None:
        channel.cause = event.value
        x.trace.hangup_request(x.tick(), channel, event.value)
        return
    channel.source = channel.name
    mine = call is not None and channel is call.channel
    if channel.state != UP:
        channel.cause = SERVER_FAILURE
        if call is not None and mine:
            call.cancel = x.now
            call.final, call.code = x.wire(), 487
    elif call is not None and mine and call.bye is None:
        call.bye, call.bye_by = x.now, "caller"
    x.trace.hangup_request(x.tick(), channel, channel.cause or None)


def _halted(x: Switch, channel: Channel) -> None:
    """The PBX stops under a running call (FACTS CDR 26)."""
    call = channel.call
    x.trace.soft_hangup(x.tick(), channel, 4)
    if call is None or channel is not call.channel:
        return
    if channel.state == UP:
        call.bye, call.bye_by = x.wire(), "pbx"
    else:
        call.final, call.code = x.wire(), 603


def taken(x: Switch, peer: Channel, event: Event) -> None:
    """A phone answered."""
    answered(x, peer, event.value)
    x.ringing_at.pop(peer.device, None)
    x.set_state(peer, UP)


def _await(x: Switch, channel: Channel, peers: list[Channel], timeout_s: float) -> Steps:
    deadline = x.now + round(timeout_s * SECOND_US)
    status = "CHANUNAVAIL" if not peers else "NOANSWER"
    seen: set[str] = set()
    going = list(peers)
    while going:
        event = yield deadline
        if event is None:
            for peer in going:
                x.trace.dial_end(x.now, channel, peer, "NOANSWER")
            for peer in going:
                x.hang_up(peer, NO_CAUSE)
            return Dialled("NOANSWER")
        peer, what = event.channel, event.what
        if peer is channel:
            if what == "bye":
                heard_of_caller(x, channel, event)
                _caller_left(x, channel, going, event.value == HALT)
                return Dialled("CANCEL")
            if what == "digit":
                x.trace.digit(x.tick(), channel, event.value)
        elif peer not in going:
            continue
        elif what in ("alerting", "progress"):
            alerting(x, channel, peer, event)
        elif what == "half_rings":
            x.trace.dial_state(x.tick(), channel, peer, "RINGING")
            x.alert_caller(channel)
        elif what in ("answer", "half_up"):
            going.remove(peer)
            if what == "answer":
                taken(x, peer, event)
            else:
                x.set_state(peer, UP)
            x.trace.dial_end(x.tick(), channel, peer, "ANSWER")
            for other in going:
                x.trace.dial_end(x.tick(), channel, other, "CANCEL")
                x.hang_up(other, ELSEWHERE)
            channel.cause = peer.cause = NORMAL
            if channel.state != UP:
                x.set_state(channel, UP)
            if what == "answer":
                _person(x, channel, peer)
            peer.exten = ""
            x.trace.dialplan(x.tick(), peer)
            return Dialled("ANSWER", peer)
        elif what == "picked_up":
            return Dialled("ANSWER", _picked_up(x, channel, peer, event.value))
        elif what == "forward":
            refused(x, channel, peer, event)
            assert peer.leg is not None
            going[going.index(peer)] = _forward(x, channel, peer, peer.leg.act.target)
        elif what in REFUSALS or what == "hungup_half":
            if what == "hungup_half":
                x.trace.hangup_request(x.tick(), peer, event.value)
            cause, status = refused(x, channel, peer, event)
            channel.cause = cause
            seen.add(status)
            going.remove(peer)
            x.trace.dial_end(x.tick(), channel, peer, status)
            x.hang_up(peer, cause)
    if seen == {"BUSY"}:
        status = "BUSY"
    return Dialled(status)


def _caller_left(x: Switch, channel: Channel, going: Sequence[Channel], halted: bool) -> None:
    """The phones are let go; where the PBX stops they are told so, not that the caller gave up."""
    for peer in going:
        if halted:
            x.trace.soft_hangup(x.tick(), peer, 4)
        x.trace.dial_end(x.tick(), channel, peer, "NOANSWER" if halted else "CANCEL")
    call = channel.call
    client = channel if channel.other_half is None or call is None else call.channel
    for peer in going:
        if peer.leg and not halted and client is not None and client.gone:
            peer.leg.why_cancelled = "caller"
        x.hang_up(peer, NO_CAUSE if halted else channel.cause or NORMAL)


def _picked_up(x: Switch, channel: Channel, rung: Channel, picker: Channel) -> Channel:
    """A colleague's channel takes the place of the one that rings (FACTS CDR 17)."""
    hand_over(x, channel, rung, picker)
    x.trace.dial_end(x.tick(), channel, picker, "ANSWER")
    channel.cause = NORMAL
    if channel.state != UP:
        x.set_state(channel, UP)
    x.hang_up(rung, NORMAL)
    picker.exten = ""
    x.trace.dialplan(x.tick(), picker)
    return picker


def hand_over(x: Switch, channel: Channel, rung: Channel, picker: Channel) -> None:
    """The picker's channel becomes the dialled one; the one that rang becomes what the picker had dialled."""
    code, account = picker.exten, picker.account
    picker.app, picker.data, picker.owner, picker.target = rung.app, rung.data, rung.owner, channel
    picker.exten = rung.exten
    x.trace.dialplan(x.tick(), picker)
    picker.exten = code
    x.trace.pickup(x.tick(), picker, rung)
    picker.exten = rung.exten
    picker.dialed, rung.dialed = True, False
    rung.exten, rung.account, rung.app, rung.data = code, account, "", ""
    x.trace.account(x.now, rung)
    call = channel.call
    if call is not None:
        person_answered(
            x,
            call,
            picker.device.removeprefix("PJSIP/"),
            picker.call.final if picker.call and picker.call.final else x.now,
        )


def _forward(x: Switch, channel: Channel, peer: Channel, target: str) -> Channel:
    """A phone's 302: a Local channel takes its place."""
    channel.rdnis = peer.rdnis = peer.num
    one, two = make_halves(x, channel, target, "from-staff")
    one.num, one.caller_name = channel.connected_num or channel.exten, channel.connected_name
    one.account = channel.account
    one.app, one.data = "AppDial", OUTGOING
    x.trace.account(x.now, one)
    x.trace.callerid(x.tick(), one)
    x.trace.dialplan(x.tick(), one)
    x.trace.forwarded(x.tick(), channel, target)
    tie(x, channel, one, two)
    x.trace.dial_end(x.tick(), channel, peer, "CANCEL", target)
    x.trace.dial_begin(x.tick(), channel, one, f"{target}@from-staff")
    x.hang_up(peer, 23)
    return one


def _person(x: Switch, channel: Channel, peer: Channel) -> None:
    call = channel.call
    leg = peer.leg
    if call is not None and leg is not None and leg.final is not None:
        person_answered(x, call, leg.phone, leg.final)
