"""VoiceMail() and VoiceMailMain(): messages left and listened to."""

from __future__ import annotations

from callstats.simulate.channel import SECOND_US, UP, Channel
from callstats.simulate.clockwork import Steps
from callstats.simulate.dialing import heard_of_caller
from callstats.simulate.plant import Voicemail, VoicemailMain
from callstats.simulate.switch import Switch

__all__ = ["leave_message", "listen"]

FOUND_US = 116_000  # until the greeting is found
# Lengths of Asterisk's own sounds (asterisk-core-sounds-en).
DIGIT_S = 0.82
SOUNDS_S = {"beep": 0.44, "vm-theperson": 2.04, "vm-isunavail": 1.26, "digits/0": 0.88, "digits/2": 0.76}


def leave_message(x: Switch, channel: Channel, step: Voicemail) -> Steps:
    """Greeting, beep, message, until the caller hangs up. Returns ``over``."""
    call = channel.call
    assert call is not None
    if channel.state != UP:
        x.set_state(channel, UP)
    call.voicemail = True
    sounds = ["beep"]
    if "u" in step.options:
        box = step.mailbox.partition("@")[0]
        sounds = ["vm-theperson", *(f"digits/{d}" for d in box), "vm-isunavail", "beep"]
        x.now += FOUND_US
    story = call.story
    if story.message_s is None and story.patience_s is None:
        x.at(x.now + SECOND_US, channel, "bye")
    for name in sounds:
        if not (yield from _heard(x, channel, name, SOUNDS_S.get(name, DIGIT_S))):
            _stored(x, channel, step, x.now)
            return "over"
    beeped = x.now
    if story.message_s is not None:
        x.at(beeped + round(story.message_s * SECOND_US), channel, "bye")
    while True:
        event = yield None
        assert event is not None
        if event.channel is channel and event.what == "bye":
            break
    heard_of_caller(x, channel, event)
    call.message = x.now - beeped
    _stored(x, channel, step, beeped)
    return "over"


def _heard(x: Switch, channel: Channel, sound: str, seconds: float) -> Steps:
    """Whether the caller stayed until the end of a sound."""
    values = {"sound": sound, "format": "gsm", "language": "en"}
    x.trace.stream(x.tick(), channel, True, "FILE", values)
    until = x.now + round(seconds * SECOND_US)
    stayed = True
    while stayed and (event := (yield until)) is not None:
        if event.channel is channel and event.what == "bye":
            heard_of_caller(x, channel, event)
            stayed = False
    x.trace.stream(x.now, channel, False, "FILE", {})
    return stayed


def _stored(x: Switch, channel: Channel, step: Voicemail, since: int) -> None:
    """The message is in the spool, even one of no length (FACTS CDR 22)."""
    x.boxes[step.mailbox] = x.boxes.get(step.mailbox, 0) + 1
    seconds = max(0, x.now - since) // SECOND_US
    x.trace.message(
        x.tick(),
        channel,
        {
            "mailbox": step.mailbox,
            "new": x.boxes[step.mailbox],
            "began": since,
            "seconds": seconds,
            "left": True,
        },
    )


def listen(x: Switch, channel: Channel, step: VoicemailMain) -> Steps:
    """An employee hears messages; the first key 1 plays one, which is no new one then. Returns ``over``."""
    heard = 0
    while True:
        event = yield None
        assert event is not None
        if event.channel is not channel:
            continue
        if event.what == "digit":
            x.trace.digit(x.tick(), channel, event.value)
            heard |= event.value == "1"
        elif event.what == "bye":
            break
    heard_of_caller(x, channel, event)
    if heard and x.boxes.get(step.mailbox):
        x.boxes[step.mailbox] -= 1
        values = {"mailbox": step.mailbox, "new": x.boxes[step.mailbox], "left": False}
        x.trace.message(x.tick(), channel, values)
    return "over"
