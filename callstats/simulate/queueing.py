"""Queue(): callers wait in turn, members are rung by the queue's strategy (FACTS, queue_log)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from callstats.simulate.channel import ELSEWHERE, NO_CAUSE, NORMAL, RING, SECOND_US, UP, Channel
from callstats.simulate.clockwork import Event, Steps
from callstats.simulate.dialing import (
    OUTGOING,
    REFUSALS,
    alerting,
    hand_over,
    heard_of_caller,
    invite,
    refused,
    taken,
)
from callstats.simulate.halves import make_halves, tie
from callstats.simulate.phones import person_answered
from callstats.simulate.strategy import Attempt, attempts_of, best_of, free_members, next_turn
from callstats.simulate.switch import HALT, LiveQueue, Switch, Turn
from callstats.simulate.talking import Ends, join, talk

__all__ = ["enqueue"]

RECHECK_US = SECOND_US  # how often somebody who is not the next looks again


@dataclass(slots=True, eq=False)
class Entry:
    """A caller's stay in a queue."""

    x: Switch
    queue: LiveQueue
    channel: Channel
    since: int
    position: int
    expires: int
    turn: Turn

    def tell(self, kind: str, **values: Any) -> None:
        """Something about the caller, with queue and position."""
        self.x.trace.queue(self.x.tick(), kind, self.channel, {"queue": self.queue.name, **values})

    @property
    def held_s(self) -> int:
        """Whole seconds in the queue, as a difference of whole seconds."""
        return self.x.now // SECOND_US - self.since // SECOND_US


def enqueue(x: Switch, channel: Channel, name: str, timeout_s: float) -> Steps:
    """Wait in a queue. Returns ``timeout``, ``gone``, or `Talked` after an answer."""
    queue = x.queues[name]
    queue.waiting.append(channel)
    second = x.now // SECOND_US
    # linear begins with the first member for every caller, the other strategies go on where they were
    turn = Turn() if queue.of.strategy == "linear" else queue.turn
    entry = Entry(x, queue, channel, x.now, len(queue.waiting), second + int(timeout_s), turn)
    if channel.call is not None:
        channel.call.queues.append(name)
    entry.tell("join", position=entry.position, count=len(queue.waiting), original=entry.position)
    x.trace.stream(x.tick(), channel, True, "MOH", {"class": "default"})
    channel.music = True
    result = yield from _wait(entry)
    _stop_music(entry)
    if channel in queue.waiting:
        queue.waiting.remove(channel)
    queue.being_tried.discard(channel)
    return result


def _wait(entry: Entry) -> Steps:
    x, queue, channel = entry.x, entry.queue, entry.channel
    while True:
        if x.now // SECOND_US >= entry.expires:
            return _timed_out(entry)
        if not _my_turn(entry):
            if (yield from _pause(entry, RECHECK_US)):
                return _abandoned(entry)
            continue
        result = yield from _try_members(entry)
        queue.being_tried.discard(channel)
        if result is not None:
            return result
        if x.now // SECOND_US >= entry.expires:
            return _timed_out(entry)
        if (yield from _pause(entry, round(queue.of.retry_s * SECOND_US))):
            return _abandoned(entry)


def _my_turn(entry: Entry) -> bool:
    """Whether enough members are free for everybody before this caller and for this one (autofill)."""
    queue = entry.queue
    place = 0
    for other in queue.waiting:
        if other is entry.channel:
            break
        place += other not in queue.being_tried
    if place == 0:
        return True
    if place >= (1 if queue.of.strategy == "ringall" else len(queue.members)):
        return False
    return place < free_members(entry.x, queue)


def _pause(entry: Entry, length_us: int) -> Steps:
    """Let time go by; whether the caller left meanwhile."""
    x, channel = entry.x, entry.channel
    until = x.now + length_us
    while True:
        event = yield until
        if event is None:
            return False
        if event.channel is channel and event.what == "bye":
            heard_of_caller(x, channel, event)
            return True
        if event.channel is channel and event.what == "digit":
            x.trace.digit(x.tick(), channel, event.value)


def _timed_out(entry: Entry) -> str:
    place = _place(entry)
    # it is called an abandon in AMI although nobody gave up (FACTS, AMI)
    entry.tell("timeout", position=place, original=entry.position, held=entry.held_s)
    entry.tell("leave", position=place, count=len(entry.queue.waiting) - 1)
    return "timeout"


def _abandoned(entry: Entry) -> str:
    place = _place(entry)
    entry.tell("abandon", position=place, original=entry.position, held=entry.held_s)
    entry.tell("leave", position=place, count=len(entry.queue.waiting) - 1)
    return "gone"


def _place(entry: Entry) -> int:
    return entry.queue.waiting.index(entry.channel) + 1


def _stop_music(entry: Entry) -> None:
    if entry.channel.music:
        entry.channel.music = False
        entry.x.trace.stream(entry.x.now, entry.channel, False, "MOH", {})


def _ring(entry: Entry, attempts: list[Attempt]) -> None:
    """Ring the best, or all that are as good as the best."""
    best = best_of(attempts)
    if best is None:
        return
    for attempt in attempts:
        if attempt is best or (
            entry.queue.of.strategy == "ringall" and attempt.channel is None and attempt.going
        ):
            _ring_one(entry, attempt)


def _ring_one(entry: Entry, attempt: Attempt) -> None:
    x, channel = entry.x, entry.channel
    interface = attempt.member.interface
    values = {"interface": interface, "member": attempt.member.name}
    if interface.startswith("Local/"):
        exten, _, context = interface.removeprefix("Local/").partition("@")
        one, two = make_halves(x, channel, exten, context.partition("/")[0])
        one.num, one.caller_name = channel.connected_num or channel.exten, channel.connected_name
        one.app, one.data = "AppQueue", OUTGOING
        attempt.channel = one
        x.trace.dialplan(x.tick(), one)
        x.trace.callerid(x.now, one)
        tie(x, channel, one, two)
        one.late_exten = channel.exten
        entry.tell("called", peer=one, **values)
        x.trace.dial_begin(x.now, channel, one, interface)
        return
    peer = x.phone_channel(attempt.member.phone, channel)
    peer.owner = channel.owner
    attempt.channel = peer
    peer.app, peer.data = "AppQueue", OUTGOING
    peer.ani = peer.num
    entry.tell("called", peer=peer, **values)
    peer.rdnis = channel.rdnis
    invite(x, channel, peer, attempt.member.phone, interface, attempt.member.phone)
    peer.late_exten = channel.exten


def _try_members(entry: Entry) -> Steps:
    """One round. None: nobody answered and the caller still waits."""
    x, queue, channel = entry.x, entry.queue, entry.channel
    call = channel.call
    assert call is not None
    attempts = attempts_of(x, queue, entry.turn, call)
    queue.being_tried.add(channel)
    limit = min(queue.of.timeout_s, entry.expires - x.now // SECOND_US)
    _ring(entry, attempts)
    began = x.now
    result = None
    deadline = began + round(limit * SECOND_US)
    if any(a.channel for a in attempts):
        result = yield from _await(entry, attempts, began, deadline)
    next_turn(queue, entry.turn, attempts)
    if not isinstance(result, Attempt):
        return result
    return (yield from _connected(entry, result, attempts, began))


def _await(entry: Entry, attempts: list[Attempt], began: int, deadline: int) -> Steps:
    """Wait for an answer: the attempt that was answered, ``gone``, or None."""
    x, channel = entry.x, entry.channel
    while any(a.going and a.channel for a in attempts):
        event = yield deadline
        if event is None:
            _nobody(entry, attempts, began)
            return None
        if event.channel is channel:
            if event.what == "bye":
                heard_of_caller(x, channel, event)
                if event.value == HALT:
                    _nobody(entry, attempts, began, halted=True)
                else:
                    _cancel(entry, attempts, began)
                return _abandoned(entry)
            continue
        attempt = next((a for a in attempts if a.channel is event.channel and a.going), None)
        if attempt is None:
            continue
        peer, what = event.channel, event.what
        if what in ("alerting", "progress"):
            alerting(x, channel, peer, event)
        elif what == "half_rings":
            x.trace.dial_state(x.tick(), channel, peer, "RINGING")
            x.alert_caller(channel)
        elif what == "answer":
            taken(x, peer, event)
            return attempt
        elif what == "half_up":
            x.set_state(peer, UP)
            return attempt
        elif what == "picked_up":
            hand_over(x, channel, peer, event.value)
            x.hang_up(peer, NORMAL)
            attempt.channel = event.value
            return attempt
        elif what in REFUSALS or what == "hungup_half":
            _refused(entry, attempt, attempts, event, began)
    return None


def _refused(entry: Entry, attempt: Attempt, attempts: list[Attempt], event: Event, began: int) -> None:
    x, peer = entry.x, event.channel
    if event.what == "hungup_half":
        x.trace.hangup_request(x.tick(), peer, event.value)
    cause, _ = refused(x, entry.channel, peer, event)
    attempt.going = False
    x.trace.dial_end(x.tick(), entry.channel, peer, "NOANSWER")
    _rang_in_vain(entry, attempt, began)
    x.hang_up(peer, cause)
    if entry.queue.of.strategy != "ringall":
        _ring(entry, attempts)


def _rang_in_vain(entry: Entry, attempt: Attempt, began: int) -> None:
    ms = (entry.x.now // SECOND_US - began // SECOND_US) * 1000
    entry.tell(
        "no_answer",
        peer=attempt.channel,
        interface=attempt.member.interface,
        member=attempt.member.name,
        ms=ms,
    )


def _ringing(attempts: list[Attempt]) -> list[tuple[Attempt, Channel]]:
    return [(a, a.channel) for a in attempts if a.going and a.channel is not None]


def _nobody(entry: Entry, attempts: list[Attempt], began: int, *, halted: bool = False) -> None:
    """The time of this round is over, or the PBX stops."""
    x = entry.x
    going = _ringing(attempts)
    for attempt, _ in going:
        _rang_in_vain(entry, attempt, began)
    for _, peer in going:
        x.trace.dial_end(x.tick(), entry.channel, peer, "NOANSWER")
    for attempt, peer in going:
        attempt.going = False
        if halted:
            x.trace.soft_hangup(x.tick(), peer, 4)
        else:
            x.trace.dial_end(x.tick(), entry.channel, peer, "CANCEL")
        x.hang_up(peer, NO_CAUSE)


def _cancel(entry: Entry, attempts: list[Attempt], began: int) -> None:
    """The caller is gone while members rang."""
    x = entry.x
    going = _ringing(attempts)
    for attempt, peer in going:
        x.trace.dial_end(x.tick(), entry.channel, peer, "CANCEL")
        ms = max(0, x.now - began) // 1000  # who leaves as a round begins
        entry.tell("cancelled", interface=attempt.member.interface, member=attempt.member.name, ms=ms)
    for attempt, peer in going:
        attempt.going = False
        if peer.leg:
            peer.leg.why_cancelled = "caller"
        x.trace.dial_end(x.tick(), entry.channel, peer, "CANCEL")
        x.hang_up(peer, NO_CAUSE)


def _connected(entry: Entry, attempt: Attempt, attempts: list[Attempt], began: int) -> Steps:
    x, queue, channel = entry.x, entry.queue, entry.channel
    peer = attempt.channel
    assert peer is not None
    call = channel.call
    assert call is not None
    _stop_music(entry)
    attempt.going = False
    x.trace.dial_end(x.tick(), channel, peer, "ANSWER")
    for other, losing in _ringing(attempts):
        other.going = False
        x.trace.dial_end(x.tick(), channel, losing, "CANCEL")
        x.trace.dial_end(x.tick(), channel, losing, "CANCEL")
        x.hang_up(losing, ELSEWHERE)
    place = _place(entry)
    queue.waiting.remove(channel)
    queue.being_tried.discard(channel)
    held, ring_s = entry.held_s, (x.now - began) // SECOND_US
    entry.tell("leave", position=place, count=len(queue.waiting))
    who = {"interface": attempt.member.interface, "member": attempt.member.name, "peer": peer}
    entry.tell("connect", held=held, ring_s=ring_s, **who)
    if channel.state == RING:
        x.set_state(channel, UP)
    if peer.leg is not None and peer.leg.final is not None:
        person_answered(x, call, peer.leg.phone, peer.leg.final)
    since = x.now
    join(x, channel, peer)
    return (yield from talk(x, channel, peer, _ends(entry, who, held, since)))


def _ends(entry: Entry, who: dict[str, Any], held: int, since: int) -> Ends:
    def ends(by: str, target: str) -> None:
        now = entry.x.now
        entry.tell(
            "complete",
            held=held,
            talk_s=now // SECOND_US - since // SECOND_US,
            original=entry.position,
            reason=by,
            target=target,
            **who,
        )

    return ends
