"""Time in the PBX: a heap of what is due, and the threads that wait for it."""

from __future__ import annotations

import heapq
from collections.abc import Generator
from typing import Any, NamedTuple

from callstats.simulate.channel import RINGING, Call, Channel

__all__ = ["Clockwork", "Event", "Steps", "Task"]


class Event(NamedTuple):
    """Something that a thread hears of: what, about which channel, and a value."""

    what: str
    channel: Channel
    value: Any = None


# A thread yields until when it waits (None: for ever); it gets an event, or None at that instant.
Steps = Generator[int | None, Event | None, Any]


class Task:
    """A thread of the PBX: steps that wait for events and instants."""

    __slots__ = ("call", "steps", "waits")

    def __init__(self, call: Call | None) -> None:
        self.call = call
        self.steps: Steps | None = None
        self.waits = 0


class Clockwork:
    """The heap, the present, and the delivery of events to the thread that serves their channel.

    `now` runs a little ahead within one step of a thread: what a PBX does takes time.
    """

    def __init__(self) -> None:
        self.now = 0
        self._heap: list[tuple[int, int, Any, Any]] = []
        self._order = 0
        self.live: set[Call] = set()
        self.most_live = 0

    @property
    def due(self) -> int | None:
        """When something happens next."""
        return self._heap[0][0] if self._heap else None

    def at(self, t: int, channel: Channel, what: str, value: Any = None) -> None:
        """An event about a channel at an instant."""
        self._order += 1
        heapq.heappush(self._heap, (t, self._order, channel, Event(what, channel, value)))

    def start(self, task: Task, steps: Steps, t: int) -> None:
        """Begin a thread at an instant."""
        task.steps = steps
        if task.call is not None:
            task.call.tasks += 1
        self._order += 1
        heapq.heappush(self._heap, (t, self._order, task, 0))

    def turn(self) -> None:
        """Let the next thing happen."""
        t, _, target, what = heapq.heappop(self._heap)
        if type(target) is Channel:
            if what.what == "picked_up" and (target.dead or target.state != RINGING):
                self.now = t
                self.end(what.value)  # somebody else was faster
                return
            if target.dead:
                return
            if what.what == "end":
                self.now = t
                self.end(target)
                return
            if (task := target.owner) is None or task.steps is None:
                return
            self.now = t
            if what.what == "patience":
                call = target.call
                assert call is not None
                if call.person is not None or (call.voicemail and call.story.message_s is not None):
                    return
                what = Event("bye", target)
            self._run(task, what)
        elif what == target.waits and target.steps is not None:
            self.now = t
            self._run(target, None)

    def _run(self, task: Task, event: Event | None) -> None:
        assert task.steps is not None
        try:
            until = task.steps.send(event)
        except StopIteration:
            task.steps = None
            if task.call is not None:
                self.released(task.call)
            return
        task.waits += 1
        if until is not None:
            self._order += 1
            heapq.heappush(self._heap, (until, self._order, task, task.waits))

    def released(self, call: Call) -> None:
        """One thing less works for a call; after the last one it is over."""
        call.tasks -= 1
        if not call.tasks:
            self.over(call)

    def end(self, channel: Channel) -> None:
        """A channel's own thread ends it."""
        raise NotImplementedError

    def over(self, call: Call) -> None:
        """The last thread of a call has ended."""
        raise NotImplementedError
