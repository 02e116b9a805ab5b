"""Whose turn it is in a queue: who can be rung, in which order, and what somebody's hand changes about it."""

from __future__ import annotations

from dataclasses import dataclass

from callstats.simulate.channel import Call, Channel
from callstats.simulate.phones import act_of
from callstats.simulate.plant import Member
from callstats.simulate.story import QueueAction
from callstats.simulate.switch import LiveQueue, Switch, Turn

__all__ = ["Attempt", "act_on_queue", "attempts_of", "best_of", "free_members", "next_turn"]

LATER = 1000  # added to the place of members before the one whose turn it is


@dataclass(slots=True, eq=False)
class Attempt:
    """A member in one try of a caller: not rung yet, ringing, or done."""

    member: Member
    metric: int
    channel: Channel | None = None
    going: bool = True


def free_members(x: Switch, queue: LiveQueue) -> int:
    """How many members could be rung now."""
    return sum(1 for m in queue.members if m.interface not in queue.paused and x.idle(m.phone))


def attempts_of(x: Switch, queue: LiveQueue, turn: Turn, call: Call) -> list[Attempt]:
    """The members that can be rung, each with its place by the strategy.

    One that is busy is not rung, and no line says so (ringinuse=no).
    """
    found = []
    for place, member in enumerate(queue.members):
        metric = 0
        if queue.of.strategy != "ringall":
            metric = LATER + place if place < turn.place else place
            turn.wrapped |= place > turn.place
        if member.interface in queue.paused or not x.idle(member.phone):
            continue
        if member.interface.startswith("Local/") or act_of(call, member.phone, x.plant).kind != "off":
            found.append(Attempt(member, metric))
    return found


def best_of(attempts: list[Attempt]) -> Attempt | None:
    """The first of those that were not rung yet."""
    best = None
    for attempt in attempts:
        if attempt.going and attempt.channel is None and (best is None or attempt.metric < best.metric):
            best = attempt
    return best


def next_turn(queue: LiveQueue, turn: Turn, attempts: list[Attempt]) -> None:
    """Where the strategy goes on: at the best member that was not tried, else one further."""
    if queue.of.strategy == "ringall":
        return
    best = best_of(attempts)
    if best is not None:
        turn.place = best.metric % LATER
    else:
        turn.place = 0 if turn.wrapped else turn.place + 1
        turn.wrapped = False


def act_on_queue(x: Switch, action: QueueAction) -> None:
    """Somebody pauses, unpauses, adds or removes a member."""
    queue = x.queues[action.queue]
    known = next((m for m in queue.members if m.interface == action.interface), None)
    name = action.member or (known.name if known else action.interface)
    match action.action:
        case "add" if known is None:
            queue.members.append(Member(action.interface, name, action.interface.rpartition("/")[2]))
        case "remove" if known is not None:
            queue.members.remove(known)
            queue.paused.discard(action.interface)
        case "pause":
            queue.paused.add(action.interface)
        case "unpause":
            queue.paused.discard(action.interface)
        case _:
            return
    values = {
        "queue": queue.name,
        "interface": action.interface,
        "member": name,
        "reason": action.reason,
        "paused": action.interface in queue.paused,
    }
    x.trace.member(x.tick(), action.action, values)
