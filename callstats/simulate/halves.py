"""Local channels: two halves of one pipe; what happens to one is heard at the other."""

from __future__ import annotations

from callstats.simulate.channel import DOWN, RING, RINGING, Channel
from callstats.simulate.switch import Switch

__all__ = ["half_rings", "make_halves", "tie"]


def make_halves(x: Switch, caller: Channel, exten: str, context: str) -> tuple[Channel, Channel]:
    """``;1`` is dialled by the caller's thread, ``;2`` has the dialplan of `exten` in a thread of its own."""
    device = f"Local/{exten}@{context}"
    one = x.make(device, DOWN, context, exten, call=caller.call, like=caller, half=";1")
    two = x.make(device, RING, context, exten, call=caller.call, like=caller, half=";2")
    one.other_half, two.other_half = two, one
    one.dialed = True
    one.owner = caller.owner
    one.target = caller
    one.rdnis = two.rdnis = caller.rdnis
    return one, two


def tie(x: Switch, caller: Channel, one: Channel, two: Channel) -> None:
    """The second half takes over who is calling, and is let into the dialplan."""
    two.num, two.caller_name, two.ani = caller.num, caller.caller_name, caller.ani or caller.num
    two.presented = caller.presented
    two.account = caller.account
    x.trace.account(x.now, two)
    x.trace.callerid(x.tick(), two)
    x.trace.local_bridge(x.tick(), one, two)
    x.serve_half(two)


def half_rings(x: Switch, two: Channel) -> None:
    """A phone behind the second half rings: so does the first half."""
    one = two.other_half
    if one is None or one.dead or one.state != DOWN:
        return
    if one.late_caller is not None:
        one.num, one.caller_name = one.late_caller
    x.set_state(one, RINGING)
    x.catch_up(one)
    x.at(x.now, one, "half_rings")
