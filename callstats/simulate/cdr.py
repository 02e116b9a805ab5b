"""CDR as Asterisk's engine makes them: one record per pair of channels, kept by the first one of the pair.

The rules are those that the recordings show (FACTS, CDR 1 to 26): each channel has a chain of records;
dialling and bridging give a record its second party; a record that is over stays as it was; the chain is
written when its channel ends, without the records of a dialled channel that never was the first of a pair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from callstats.simulate.channel import BUSY, NO_ROUTE, SECOND_US, UP, Bridge, Channel
from callstats.simulate.trace import Sink

__all__ = ["CdrEngine", "Record"]

SINGLE, DIAL, PENDING, BRIDGE, FINAL = range(5)
DISPOSITIONS: Final = {
    "ANSWER": "ANSWERED",
    "BUSY": "BUSY",
    "NOANSWER": "NO ANSWER",
    "CANCEL": "NO ANSWER",
    "CONGESTION": "FAILED",
    "CHANUNAVAIL": "FAILED",
}
CAUSES: Final = {BUSY: "BUSY", NO_ROUTE: "FAILED"}


@dataclass(slots=True, eq=False)
class Record:
    """One CDR. Instants are epoch microseconds; texts are those of its end."""

    a: Channel
    start: int
    last: int
    sequence: int
    b: Channel | None = None
    state: int = SINGLE
    answer: int | None = None
    end: int | None = None
    disposition: str = ""
    exten: str = ""
    context: str = ""
    app: str = ""
    data: str = ""
    locked: bool = False
    userfield: str = ""
    bridge: Bridge | None = None
    dialed: bool = False
    number: str = ""
    name: str = ""
    account: str = ""
    peer_account: str = ""
    linkedid: str = ""

    @property
    def duration_s(self) -> int:
        """Whole seconds, truncated."""
        assert self.end is not None
        return (self.end - self.start) // SECOND_US

    @property
    def billed_s(self) -> int:
        """Whole seconds since the answer, truncated; 0 without one."""
        assert self.end is not None
        return 0 if self.answer is None else (self.end - self.answer) // SECOND_US


class Chain:
    """A channel's records, oldest first, and the application that its listeners heard of last."""

    __slots__ = ("app", "records")

    def __init__(self, record: Record) -> None:
        self.records = [record]
        self.app = ""


class CdrEngine(Sink):
    """Turns what happens into records; `writers` get them in the order in which Asterisk writes them."""

    def __init__(self) -> None:
        self.writers: list[Callable[[Record], None]] = []
        self.cancels = False  # canceldispositionenabled (FACTS CDR 5)
        self.sequence = 0
        self.chains: dict[Channel, Chain] = {}

    def _new(self, channel: Channel, start: int) -> Record:
        record = Record(channel, start, start, self.sequence)
        self.sequence += 1
        _copy(record, channel)
        return record

    def _append(self, chain: Chain, channel: Channel, start: int) -> Record:
        record = self._new(channel, start)
        record.userfield = chain.records[-1].userfield
        chain.records.append(record)
        return record

    def opened(self, t: int) -> None:
        """See `Sink.opened`: a process counts from 0."""
        self.sequence = 0

    def created(self, t: int, channel: Channel) -> None:
        """See `Sink.created`."""
        self.chains[channel] = Chain(self._new(channel, t))

    def dialplan(self, t: int, channel: Channel) -> None:
        """See `Sink.dialplan`: another application begins a new record where all others are over."""
        chain = self.chains[channel]
        for record in chain.records:
            # an originated channel has been answered and goes into the dialplan: it may dial others
            if record.state == PENDING and record.b is None:
                record.state = SINGLE
        if not _update(chain, t, channel) and channel.app and channel.app != chain.app:
            self._append(chain, channel, t)
        chain.app = channel.app

    def state(self, t: int, channel: Channel) -> None:
        """See `Sink.state`."""
        _update(self.chains[channel], t, channel)

    def userfield(self, t: int, channel: Channel) -> None:
        """See `Sink.userfield`: what is not over, and always the last record."""
        records = self.chains[channel].records
        for record in records:
            if record.state != FINAL or record is records[-1]:
                record.userfield = channel.userfield

    def dial_begin(self, t: int, caller: Channel | None, peer: Channel, dialled: str) -> None:
        """See `Sink.dial_begin`."""
        channel = caller or peer
        chain = self.chains[channel]
        _update(chain, t, channel)
        record = next((r for r in chain.records if r.state == SINGLE), None)
        if record is None:
            record = self._append(chain, channel, t)
        if caller is not None:
            record.b = peer
            record.locked = True
        record.state = DIAL

    def dial_end(self, t: int, caller: Channel | None, peer: Channel, status: str, forward: str = "") -> None:
        """See `Sink.dial_end`."""
        for record in self.chains[caller or peer].records:
            if record.state == DIAL and (record.b is peer or caller is None):
                record.last = t
                record.disposition = DISPOSITIONS.get(status, "FAILED")
                if self.cancels and status == "CANCEL":
                    record.disposition = status
                if status == "ANSWER":
                    record.state = PENDING
                else:
                    _finish(record)

    def bridge_enter(self, t: int, bridge: Bridge, channel: Channel) -> None:
        """See `Sink.bridge_enter`: who comes finds its second party among those who are there."""
        chain = self.chains[channel]
        _update(chain, t, channel)
        active = [r for r in chain.records if r.state != FINAL] or [self._append(chain, channel, t)]
        others = [c for c in bridge.channels if c is not channel]
        for record in active:
            record.bridge = bridge
            dialled = record.state in (DIAL, PENDING)
            record.state = BRIDGE
            if others and not any(self._pair(record, other, dialled) for other in others):
                for other in others:
                    self._pair_with_older(other, record)

    def _pair(self, record: Record, other: Channel, dialled: bool) -> bool:
        """Whether `other` becomes the second party of a record."""
        for theirs in self.chains[other].records:
            if theirs.state != BRIDGE or theirs.bridge is not record.bridge:
                continue
            if dialled:
                if record.b is not other:
                    continue
            elif _first(record.a, other) is not record.a:
                continue
            record.b = other
            if theirs.b is None:
                _close(theirs)
            return True
        return False

    def _pair_with_older(self, other: Channel, record: Record) -> None:
        """The one that was there before is the first of the pair."""
        chain = self.chains[other]
        theirs = chain.records[-1]
        if theirs.state == FINAL or theirs.b is not None:
            theirs = self._append(chain, other, theirs.last)
            theirs.state, theirs.bridge = BRIDGE, record.bridge
        theirs.b = record.a
        theirs.end = None

    def bridge_leave(self, t: int, bridge: Bridge, channel: Channel) -> None:
        """See `Sink.bridge_leave`: the pairs of who leaves are over."""
        for other in bridge.channels:
            for record in self.chains[other].records:
                if record.state == BRIDGE and record.bridge is bridge and channel in (record.a, record.b):
                    record.last = t
                    _finish(record)

    def hungup(self, t: int, channel: Channel) -> None:
        """See `Sink.hungup`: the chain is written."""
        chain = self.chains.pop(channel)
        for record in chain.records:
            if record.state != FINAL:
                record.last = t
                _copy(record, channel)
                _finish(record)
        if channel.target is not None and (theirs := self.chains.get(channel.target)) is not None:
            for record in theirs.records:
                if record.b is channel and record.state != FINAL:
                    record.last = t
                    _finish(record)
        for record in chain.records:
            if record.b is not None or not record.dialed:
                for write in self.writers:
                    write(record)

    def stopped(self, t: int, how: str) -> None:
        """See `Sink.stopped`: a crash takes what was not written."""
        self.chains.clear()


def _first(one: Channel, two: Channel) -> Channel:
    """Which of two is the first of a pair: who was not dialled, else the older one."""
    if one.dialed != two.dialed:
        return two if one.dialed else one
    return one if (one.created, one.uniqueid) <= (two.created, two.uniqueid) else two


def _copy(record: Record, channel: Channel) -> None:
    """A record takes over what its first party is now."""
    record.exten, record.context = channel.exten, channel.context
    app = channel.app
    if app and app != record.app and not record.locked and not (record.app and app.startswith("AppDial")):
        record.app, record.data = app, channel.data
        # from Dial on it stays, so that what follows inside it leaves no trace
        record.locked = app == "Dial"
    if channel.state == UP and record.answer is None:
        record.answer = record.last


def _update(chain: Chain, t: int, channel: Channel) -> bool:
    """All records that are not over follow the channel; whether there is one."""
    active = False
    for record in chain.records:
        if record.state != FINAL:
            record.last = t
            _copy(record, channel)
            active = True
    return active


def _close(record: Record) -> None:
    """Set what a record says at its end."""
    if record.end is not None:
        return
    a, b = record.a, record.b
    record.end = record.last
    record.dialed = a.dialed
    record.number, record.name, record.account = a.num, a.caller_name, a.account
    record.linkedid = a.linkedid
    record.peer_account = b.account if b is not None else ""
    if not record.disposition:
        record.disposition = "ANSWERED" if record.answer is not None else CAUSES.get(a.cause, "NO ANSWER")


def _finish(record: Record) -> None:
    _close(record)
    record.state = FINAL
