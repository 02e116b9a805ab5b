"""The dialplan: which steps a number means, and how the PBX walks through them."""

from __future__ import annotations

from collections.abc import Sequence

from callstats.simulate import plant as p
from callstats.simulate.channel import NORMAL, SECOND_US, UP, Channel
from callstats.simulate.clockwork import Steps
from callstats.simulate.dialing import Dialled, dial, heard_of_caller
from callstats.simulate.queueing import enqueue
from callstats.simulate.switch import Switch
from callstats.simulate.talking import Talked, join, talk
from callstats.simulate.voicemail import leave_message, listen

__all__ = ["route", "serve", "walk"]

ANSWERED_US = 501_300  # Answer() waits so long for the media to flow
OVER = "over"


def route(x: Switch, channel: Channel, exten: str) -> Steps:
    """What happens where an employee's phone has dialled `exten`, or somebody is sent there (from-staff)."""
    plant = x.plant
    if exten == plant.listen_code:
        return walk(x, channel, (p.Answer(), p.VoicemailMain(plant.listen_mailbox), p.Hangup()))
    if exten in plant.phones or len(exten) == 3:
        return walk(x, channel, (p.Dial((exten,), plant.internal_timeout_s), p.Hangup("${HANGUPCAUSE}")))
    return _out(x, channel, exten)


def _out(x: Switch, channel: Channel, exten: str) -> Steps:
    plant = x.plant
    number = exten
    if exten in plant.numbers or (exten.startswith(plant.direct_prefix) and len(exten) == 8):
        x.step(channel, "Goto", f"from-public,{exten},1")
        channel.context, channel.priority = "from-public", 0
        return (yield from serve(x, channel, exten))
    if len(exten) == 9 and exten.startswith(plant.outbound_prefix):
        number = exten[1:]
        x.step(channel, "Set", f"CALLERID(num)={plant.main_number}")
        channel.num = plant.main_number
        x.trace.callerid(x.tick(), channel)
        x.step(channel, "Set", f"CALLERID(name)={plant.main_name}")
        channel.caller_name = plant.main_name
        x.trace.callerid(x.tick(), channel)
    else:
        for foreign in (f"+{plant.country}", f"00{plant.country}"):
            number = number.removeprefix(foreign)
    x.step(channel, "Goto", f"out,{number},1")
    data = f"PJSIP/{plant.trunk}/{plant.trunk_uri.format(number=number)},{plant.outbound_timeout_s:g},T"
    x.step(channel, "Dial", data, exten=number, context="out")
    ended = yield from dial(x, channel, (plant.trunk,), plant.outbound_timeout_s, number)
    if ended.peer is not None:
        join(x, channel, ended.peer)
        yield from talk(x, channel, ended.peer)
    elif not channel.gone:
        _hangup(x, channel, "${HANGUPCAUSE}")
    return OVER


def serve(x: Switch, channel: Channel, number: str) -> Steps:
    """What happens where somebody outside has dialled `number` (context from-public)."""
    plant = x.plant
    if (steps := plant.numbers.get(number)) is not None:
        return walk(x, channel, steps)
    if number.startswith(plant.direct_prefix):
        phone = number.removeprefix(plant.direct_prefix)
        return walk(x, channel, (p.Dial((phone,), plant.direct_timeout_s), p.Hangup("${HANGUPCAUSE}")))
    return walk(x, channel, (p.Hangup("1"),))


def walk(x: Switch, channel: Channel, steps: Sequence[p.Step]) -> Steps:
    """Step after step, until the caller is gone, has talked, or the PBX hangs up. Returns ``over``."""
    status = ""
    last: p.Step | None = None
    for step in steps:
        result = yield from _one(x, channel, step, status)
        if result == OVER or channel.gone:
            return OVER
        status = result or status
        last = step
    _hangup(x, channel, "${HANGUPCAUSE}" if isinstance(last, p.Dial) else "")
    return OVER


def _one(x: Switch, channel: Channel, step: p.Step, status: str) -> Steps:
    match step:
        case p.Dial():
            return (yield from _dial(x, channel, step))
        case p.Enqueue():
            x.step(channel, "Queue", f"{step.queue},{step.options},,,{step.timeout_s:g}")
            ended = yield from enqueue(x, channel, step.queue, step.timeout_s)
            if isinstance(ended, Talked):
                return (yield from _after(x, channel, ended))
            return "TIMEOUT" if ended == "timeout" else OVER
        case p.Answer():
            x.step(channel, "Answer")
            if channel.state != UP:
                x.set_state(channel, UP)
                yield from rest(x, channel, ANSWERED_US)
        case p.Wait():
            x.step(channel, "Wait", f"{step.seconds:g}")
            yield from rest(x, channel, round(step.seconds * SECOND_US))
        case p.SetUserfield():
            x.step(channel, "Set", f"CDR(userfield)={step.value}")
            channel.userfield = step.value
            x.trace.userfield(x.tick(), channel)
        case p.SetOther():
            x.step(channel, "Set", step.text)
        case p.NoOp():
            text = step.text.replace("${QUEUESTATUS}", status)
            x.step(channel, "NoOp", text.replace("${HANGUPCAUSE}", str(channel.cause)))
        case p.Playback():
            x.step(channel, "Playback", step.sound)
            yield from play(x, channel, step.sound, step.seconds)
        case p.Hangup():
            _hangup(x, channel, step.cause)
            return OVER
        case p.Voicemail():
            x.step(channel, "VoiceMail", f"{step.mailbox},{step.options}")
            return (yield from leave_message(x, channel, step))
        case p.VoicemailMain():
            x.step(channel, "VoiceMailMain", f"{step.mailbox},{step.options}")
            return (yield from listen(x, channel, step))
        case p.Menu():
            return (yield from _menu(x, channel, step))
    return ""


def _dial(x: Switch, channel: Channel, step: p.Dial) -> Steps:
    data = "&".join(f"PJSIP/{phone}" for phone in step.phones) + f",{step.timeout_s:g},{step.options}"
    if channel.app == "Dial" and channel.priority == 1 and channel.bridge is None and channel.state == UP:
        channel.data = data  # sent here by a transfer: nobody is told of the new data (FACTS, reconstructing)
    else:
        x.step(channel, "Dial", data)
    ended: Dialled = yield from dial(x, channel, step.phones, step.timeout_s)
    if ended.peer is None:
        return OVER if channel.gone else ended.status
    join(x, channel, ended.peer)
    return (yield from _after(x, channel, (yield from talk(x, channel, ended.peer))))


def _after(x: Switch, channel: Channel, ended: Talked) -> Steps:
    """Where a talk ended in a transfer the dialplan goes on at the new extension."""
    if ended.target:
        channel.gone = False
        yield from route(x, channel, ended.target)
    return OVER


def _hangup(x: Switch, channel: Channel, said: str) -> None:
    cause = str(channel.cause) if said == "${HANGUPCAUSE}" else said
    x.step(channel, "Hangup", cause)
    channel.source = "dialplan/builtin"
    channel.cause = int(cause or 0) or (channel.cause if not said and channel.cause else NORMAL)


def _menu(x: Switch, channel: Channel, step: p.Menu) -> Steps:
    if channel.call is not None:
        channel.call.in_menu = True
    x.step(channel, "Goto", f"{step.context},s,1")
    x.step(channel, "Answer", exten="s", context=step.context)
    if channel.state != UP:
        x.set_state(channel, UP)
        yield from rest(x, channel, ANSWERED_US)
    if not channel.gone:
        x.step(channel, "Wait", f"{step.lead_s:g}")
        yield from rest(x, channel, round(step.lead_s * SECOND_US))
    key = ""
    if not channel.gone:
        x.step(channel, "BackGround", step.sound)
        key = yield from play(x, channel, step.sound, step.sound_s, keys=True)
    if not channel.gone and not key:
        x.step(channel, "WaitExten", f"{step.wait_s:g}")
        key = yield from rest(x, channel, round(step.wait_s * SECOND_US), keys=True)
    if channel.gone:
        return OVER
    if not key:
        x.step(channel, "Goto", f"{step.otherwise},1", exten="t")
        key = step.otherwise
    x.move(channel, key)
    if channel.call is not None:
        channel.call.in_menu = False
    return (yield from walk(x, channel, step.choices.get(key, ())))


def rest(x: Switch, channel: Channel, length_us: int, *, keys: bool = False) -> Steps:
    """Let time go by, hearing digits and the caller's end. Returns the digit where one ends the waiting."""
    until = x.now + length_us
    while (event := (yield until)) is not None:
        if event.channel is not channel:
            continue
        if event.what == "bye":
            heard_of_caller(x, channel, event)
            return ""
        if event.what == "digit":
            x.trace.digit(x.tick(), channel, event.value)
            if keys:
                return event.value
    return ""


def play(x: Switch, channel: Channel, sound: str, seconds: float, *, keys: bool = False) -> Steps:
    """A sound file; returns the digit that interrupted it."""
    values = {"sound": sound, "format": "gsm", "language": "en"}
    x.trace.stream(x.tick(), channel, True, "FILE", values)
    key = yield from rest(x, channel, round(seconds * SECOND_US), keys=keys)
    x.trace.stream(x.now, channel, False, "FILE", {})
    return key
