"""The simulated PBX: a plan of stories goes in, what Asterisk would write and the truth come out.

`run` takes the plan lazily, in rising order of `at_s`, and holds no more than the calls alive at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from callstats.errors import CallstatsError
from callstats.simulate.channel import DOWN, NORMAL, RING, RINGING, SECOND_US, UP, Call, Channel
from callstats.simulate.clockwork import Steps, Task
from callstats.simulate.dialing import refused
from callstats.simulate.dialplan import rest, route, serve, walk
from callstats.simulate.phones import offer
from callstats.simulate.plant import Dial, Hangup, Plant
from callstats.simulate.story import FeedBreak, QueueAction, Story
from callstats.simulate.strategy import act_on_queue
from callstats.simulate.switch import HALT, Counters, Summary, Switch
from callstats.simulate.trace import Sink

__all__ = ["Counters", "PlanError", "Sink", "Summary", "run"]

STOPPING_US = 1_100_000
PICKED_US = 501_000  # Pickup() is tried so long after the code was dialled


class PlanError(CallstatsError):
    """A plan that cannot be played: out of order, or with a call that nobody ends."""


class Exchange(Switch):
    """The PBX with its threads."""

    def __init__(self, plant: Plant, sinks: Sequence[Sink], seed: int) -> None:
        super().__init__(plant, sinks, seed)
        self.serve_half = self._serve_half

    def begin(self, story: Story) -> Call:
        """A story's first INVITE, or its Originate, is here."""
        t = round(story.at_s * SECOND_US)
        self.count.calls += 1
        call = Call(self.count.calls, story, t)
        self.live.add(call)
        self.most_live = max(self.most_live, len(self.live))
        task = Task(call)
        self.now = t
        steps = self._click(call, task) if story.kind == "click_to_call" else self._call(call, task)
        self.start(task, steps, t + 600 + int(self.chance() * 800))
        if (pickup := story.pickup) is not None:
            at_s = story.at_s + pickup.after_s
            dialled = Story(at_s, "staff", pickup.by, self.plant.pickup_code, tag=story.tag, unit=story.unit)
            self._pickup(call, Call(0, dialled, round(at_s * SECOND_US)))
        return call

    def _pickup(self, of: Call, call: Call) -> None:
        self.count.calls += 1
        call.number = self.count.calls
        self.live.add(call)
        task = Task(call)
        self.start(task, self._pick_up(of, call, task), call.began + 800)

    def _caller(self, call: Call, task: Task) -> Channel:
        """The channel of who calls."""
        story, plant = call.story, self.plant
        if story.kind == "public":
            hidden = story.withheld == "plain"
            channel = self.make(
                f"PJSIP/{plant.trunk}", RING, "from-public", story.dialled, call=call,
                account=plant.trunk_account,
                number="anonymous" if hidden else story.caller, name="Anonymous" if hidden else story.name,
            )  # fmt: skip
            channel.presented = not story.withheld
        else:
            channel = self.make(
                f"PJSIP/{story.caller}", RING, "from-staff", story.dialled, call=call,
                account=plant.accounts.get(story.caller, ""), number=story.caller,
                name=plant.names.get(story.caller, ""),
            )  # fmt: skip
        channel.dnid = story.dialled
        channel.priority = 0
        channel.owner = task
        call.channel = channel
        if story.patience_s is not None:
            self.at(call.began + round(story.patience_s * SECOND_US) + 400, channel, "patience")
        return channel

    def _call(self, call: Call, task: Task) -> Steps:
        channel = self._caller(call, task)
        if call.story.kind == "public":
            yield from serve(self, channel, call.story.dialled)
        else:
            yield from route(self, channel, call.story.dialled)
        self.end_caller(channel, channel.cause)

    def _serve_half(self, two: Channel) -> None:
        """The dialplan behind a Local channel, in a thread of its own."""
        task = Task(two.call)
        two.owner = task
        two.priority = 0
        self.start(task, self._half(two), self.now + 200)

    def _half(self, two: Channel) -> Steps:
        if two.context == "from-staff":
            yield from route(self, two, two.exten)
        else:
            yield from walk(self, two, (Dial((two.exten,), self.plant.agent_timeout_s), Hangup()))
        self.end_caller(two, two.cause)

    def _pick_up(self, of: Call, call: Call, task: Task) -> Steps:
        """A colleague dials the pickup code, and gets what rings, if anything does."""
        pickup = of.story.pickup
        assert pickup is not None
        channel = self._caller(call, task)
        channel.ani = channel.num
        self.set_state(channel, UP)
        yield from rest(self, channel, PICKED_US)
        rung = self.ringing_at.get(f"PJSIP/{pickup.phone}")
        if rung is None or rung.owner is None:
            self.end_caller(channel, NORMAL)
            return
        channel.taken_over = True
        call.tasks += 1
        self.at(self.now, rung, "picked_up", channel)
        self.at(self.now + round(pickup.talk_s * SECOND_US), channel, "bye")

    def _click(self, call: Call, task: Task) -> Steps:
        """Originate: the employee's own phone rings first; answered, it dials on (FACTS CDR 25)."""
        story, plant = call.story, self.plant
        channel = self.make(
            f"PJSIP/{story.caller}", DOWN, "from-staff", "s", call=call,
            account=plant.accounts.get(story.caller, ""), number=story.caller,
            name=plant.names.get(story.caller, ""),
        )  # fmt: skip
        channel.originated = True
        channel.owner = task
        call.channel = channel
        channel.app, channel.data = "AppDial2", "(Outgoing Line)"
        self.trace.dialplan(self.tick(), channel)
        channel.num = channel.connected_num = channel.ani = story.dialled
        channel.caller_name = channel.connected_name = story.name
        self.trace.callerid(self.now, channel)
        offer(self, call, channel, story.caller, story.dialled, story.caller)
        self.trace.dial_begin(self.tick(), None, channel, story.caller)
        legs, call.legs = call.legs, []
        until = self.now + 20 * SECOND_US
        while (event := (yield until)) is not None:
            if event.what in ("alerting", "progress"):
                self._own_phone_rings(channel, event.value)
            elif event.what == "answer":
                legs[0].final, legs[0].code = event.value, 200
                break
            elif event.what in ("busy", "decline", "unavailable"):
                cause, status = refused(self, channel, channel, event)
                self.trace.dial_end(self.tick(), None, channel, status)
                self._never_began(channel, cause)
                return
        if event is None:
            self.trace.dial_end(self.tick(), None, channel, "NOANSWER")
            self._never_began(channel, 0)
            return
        self.set_state(channel, UP)
        self.trace.dial_end(self.tick(), None, channel, "ANSWER")
        channel.exten, channel.priority = story.dialled, 0
        self.trace.originated(self.tick(), channel, {"response": "Success", "exten": story.dialled})
        yield from route(self, channel, story.dialled)
        self.end_caller(channel, channel.cause)

    def _own_phone_rings(self, channel: Channel, t: int) -> None:
        if channel.leg:
            channel.leg.ringing = t
        self.set_state(channel, RINGING)
        self.trace.dial_state(self.tick(), None, channel, "RINGING")

    def _never_began(self, channel: Channel, cause: int) -> None:
        self.trace.originated(self.tick(), channel, {"response": "Failure", "exten": channel.exten})
        self.hang_up(channel, cause)


class Breaks:
    """What befalls the PBX and its listeners, in time order: instants and what is to be done then."""

    def __init__(self, exchange: Exchange, breaks: Sequence[FeedBreak]) -> None:
        self.exchange = exchange
        self.down = False
        self.todo: list[tuple[int, int, Callable[[int], None]]] = []
        for number, one in enumerate(breaks):
            start, end = round(one.from_s * SECOND_US), round(one.to_s * SECOND_US)
            if one.kind == "gap":
                self.todo.append((start, number, self._deaf))
                self.todo.append((end, number, self._hears))
                continue
            if one.kind == "stop":
                self.todo.append((start, number, self._halt))
                start += STOPPING_US
            self.todo.append((start, number, self._stopped if one.kind == "stop" else self._crashed))
            self.todo.append((max(end, start + 1), number, self._boot))
        self.todo.sort(key=lambda t: t[:2], reverse=True)

    def next(self) -> None:
        """Do the next one."""
        t, _, act = self.todo.pop()
        act(t)

    def _deaf(self, t: int) -> None:
        self.exchange.trace.listening(t, False)

    def _hears(self, t: int) -> None:
        self.exchange.trace.listening(t, True)

    def _halt(self, t: int) -> None:
        """In order: every caller is hung up, what was to be written is written."""
        self.down = True
        x = self.exchange
        for call in sorted(x.live, key=lambda c: c.number):
            if call.channel is not None:
                x.at(t + 20_000, call.channel, "bye", HALT)

    def _stopped(self, t: int) -> None:
        self._end(t, "stop")

    def _crashed(self, t: int) -> None:
        self._end(t, "crash")

    def _end(self, t: int, how: str) -> None:
        self.down = True
        x = self.exchange
        x.trace.stopped(t, how)
        for call in sorted(x.live, key=lambda c: c.number):
            if call.channel is not None:
                _cut_off(call, t)
                x.over(call)
        x.forget()

    def _boot(self, t: int) -> None:
        self.down = False
        self.exchange.now = t
        self.exchange.trace.opened(t)


def _cut_off(call: Call, t: int) -> None:
    """The far ends hear nothing any more, and give up after a while."""
    gone = t + 32 * SECOND_US
    if call.final is None:
        call.cancel = gone
    elif call.code == 200 and call.bye is None:
        call.bye, call.bye_by = gone, "caller"
    for leg in call.legs:
        if leg.code == 200 and leg.bye is None:
            leg.bye = gone


def run(
    plant: Plant,
    plan: Iterable[Story | QueueAction],
    sinks: Sequence[Sink],
    *,
    seed: int,
    breaks: Sequence[FeedBreak] = (),
) -> Summary:
    """Play a plan through the PBX.

    `plan` must rise in `at_s`. Raises PlanError where it does not, and where a call never ends.
    """
    exchange = Exchange(plant, sinks, seed)
    befalls = Breaks(exchange, breaks)
    unreached = 0
    planned: Iterator[Story | QueueAction] = iter(plan)
    head = next(planned, None)
    last = 0.0
    if head is not None:
        exchange.trace.opened(round(head.at_s * SECOND_US) - 5 * SECOND_US)
    turn = exchange.turn
    while True:
        due = exchange.due
        if head is not None:
            at = round(head.at_s * SECOND_US)
            if befalls.todo and befalls.todo[-1][0] <= (at if due is None else min(at, due)):
                befalls.next()
                continue
            if due is None or at <= due:
                if head.at_s < last:
                    raise PlanError(f"the plan goes back in time: {head.at_s} after {last}")
                last = head.at_s
                if befalls.down:
                    unreached += isinstance(head, Story)
                elif isinstance(head, Story):
                    exchange.begin(head)
                else:
                    exchange.now = at
                    act_on_queue(exchange, head)
                head = next(planned, None)
                continue
        elif befalls.todo and (due is None or befalls.todo[-1][0] <= due):
            befalls.next()
            continue
        elif due is None:
            break
        turn()
    if exchange.live:
        story = min(exchange.live, key=lambda c: c.number).story
        raise PlanError(f"a call of {story.kind} to {story.dialled!r} never ends: nobody hangs up")
    exchange.trace.close(exchange.now)
    made = exchange.made + exchange.count.uniqueid
    return Summary(exchange.ended, made, exchange.most_live, exchange.now / SECOND_US, unreached)
