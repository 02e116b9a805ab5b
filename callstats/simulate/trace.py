"""What happens in the PBX, told to whoever asked: sinks override what they need, the rest costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from callstats.simulate.channel import Bridge, Call, Channel

__all__ = ["Sink", "Trace"]

Values = Mapping[str, Any]


class Sink:
    """A listener. `t` is epoch microseconds; channels are live: what is needed later must be copied."""

    def joins(self, others: Sequence[Sink]) -> Sink:
        """Who really listens: this one, or an engine that it shares with one of the `others`."""
        return self

    def opened(self, t: int) -> None:
        """The PBX has started, or a listener's connection begins."""

    def created(self, t: int, channel: Channel) -> None:
        """A channel was made."""

    def dialplan(self, t: int, channel: Channel) -> None:
        """A channel's extension, priority or application is another one."""

    def app_left(self, t: int, channel: Channel) -> None:
        """A channel's application is about to end."""

    def state(self, t: int, channel: Channel) -> None:
        """A channel's state is another one."""

    def callerid(self, t: int, channel: Channel) -> None:
        """A channel's caller number or name is another one."""

    def account(self, t: int, channel: Channel) -> None:
        """A channel's account code is another one."""

    def linkedid(self, t: int, channel: Channel, old: str) -> None:
        """A channel was taken into another call."""

    def userfield(self, t: int, channel: Channel) -> None:
        """The dialplan wrote CDR(userfield)."""

    def dial_begin(self, t: int, caller: Channel | None, peer: Channel, dialled: str) -> None:
        """An INVITE went to `peer`."""

    def dial_state(self, t: int, caller: Channel | None, peer: Channel, status: str) -> None:
        """A dialled phone rings or says progress."""

    def dial_end(self, t: int, caller: Channel | None, peer: Channel, status: str, forward: str = "") -> None:
        """Dialling `peer` is over."""

    def forwarded(self, t: int, peer: Channel, target: str) -> None:
        """A phone answered 302."""

    def bridge_enter(self, t: int, bridge: Bridge, channel: Channel) -> None:
        """A channel is now in the bridge."""

    def bridge_leave(self, t: int, bridge: Bridge, channel: Channel) -> None:
        """A channel is no longer in the bridge."""

    def hangup_request(self, t: int, channel: Channel, cause: int | None) -> None:
        """A phone hung up."""

    def soft_hangup(self, t: int, channel: Channel, cause: int) -> None:
        """The PBX decided to hang a channel up."""

    def hungup(self, t: int, channel: Channel) -> None:
        """A channel is gone."""

    def stream(self, t: int, channel: Channel, begins: bool, sort: str, extra: Values) -> None:
        """Music or a sound file begins or ends."""

    def digit(self, t: int, channel: Channel, digit: str) -> None:
        """A digit was received."""

    def local_bridge(self, t: int, one: Channel, two: Channel) -> None:
        """The two halves of a Local channel were tied."""

    def blind_transfer(self, t: int, transferer: Channel, transferee: Channel, values: Values) -> None:
        """A blind transfer."""

    def attended_transfer(self, t: int, transferer: Channel, second: Channel, values: Values) -> None:
        """An attended transfer by feature code."""

    def pickup(self, t: int, picker: Channel, target: Channel) -> None:
        """A ringing channel was picked up."""

    def queue(self, t: int, kind: str, channel: Channel, values: Values) -> None:
        """Something about a caller in a queue: join, leave, called, connect, complete, …"""

    def member(self, t: int, kind: str, values: Values) -> None:
        """A queue's member was added, removed, paused, unpaused, or has another status."""

    def device(self, t: int, device: str, status: str) -> None:
        """A device's state is another one."""

    def message(self, t: int, channel: Channel, values: Values) -> None:
        """A mailbox has more, or fewer, new messages."""

    def originated(self, t: int, channel: Channel, values: Values) -> None:
        """A click-to-call got its first answer, or none."""

    def stopped(self, t: int, how: str) -> None:
        """The PBX stops: ``stop`` in order, ``crash`` without a word."""

    def listening(self, t: int, on: bool) -> None:
        """Nobody listens to AMI from now on, or again."""

    def finished(self, call: Call) -> None:
        """Everything about a call is over."""

    def close(self, t: int) -> None:
        """The simulation is over."""


def _nothing(*_: Any) -> None:
    return None


def _told(handlers: Sequence[Callable[..., None]]) -> Callable[..., None]:
    if not handlers:
        return _nothing
    if len(handlers) == 1:
        return handlers[0]

    def each(*values: Any) -> None:
        for handler in handlers:
            handler(*values)

    return each


class Trace(Sink):
    """All sinks as one: an event that nobody overrides is a call of nothing."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        real: list[Sink] = []
        for sink in sinks:
            listener = sink.joins(real)
            if listener not in real:
                real.append(listener)
        for name in vars(Sink):
            if not name.startswith("_") and name != "joins":
                theirs = [getattr(s, name) for s in real if getattr(type(s), name) is not getattr(Sink, name)]
                setattr(self, name, _told(theirs))
