"""The phones' side: what a phone does with an INVITE, and when the PBX hears of it."""

from __future__ import annotations

from callstats.simulate.channel import SECOND_US, Call, Channel, Leg
from callstats.simulate.plant import Plant
from callstats.simulate.story import Act
from callstats.simulate.switch import Switch

__all__ = ["act_of", "answered", "offer"]

NOTHING = Act("ring")


def act_of(call: Call, phone: str, plant: Plant) -> Act:
    """What a phone does with its next offer of the call: the acts in order, the last one again and again."""
    name = "public" if phone == plant.trunk else phone
    acts = call.story.phones.get(name)
    if not acts:
        return NOTHING
    return acts[min(call.offers.get(name, 0), len(acts) - 1)]


def offer(x: Switch, call: Call, channel: Channel, phone: str, from_user: str, to_user: str) -> None:
    """An INVITE goes out: the phone's reactions become events of its channel."""
    act = act_of(call, phone, x.plant)
    name = "public" if phone == x.plant.trunk else phone
    call.offers[name] = call.offers.get(name, 0) + 1
    invite = x.now + 400 + int(x.chance() * 1200)
    leg = Leg(name, from_user, to_user, act, invite)
    channel.leg = leg
    leg.via_transfer = channel.target is not None and channel.target.consults
    if act.kind != "silent":
        call.legs.append(leg)
    after = round(act.after_s * SECOND_US)
    alerts = invite + 7000 + int(x.chance() * 4000)
    match act.kind:
        case "ring" | "answer" | "decline":
            x.at(alerts + 600, channel, "alerting", alerts)
            if act.kind != "ring":
                x.at(alerts + after + 600, channel, act.kind, alerts + after)
        case "progress":
            x.at(alerts + 600, channel, "progress", alerts)
            x.at(alerts + after + 600, channel, "answer", alerts + after)
        case "busy" | "unavailable" | "forward":
            done = invite + max(after, 6000 + int(x.chance() * 2000))
            x.at(done + 600, channel, act.kind, done)
        case _:
            pass


def answered(x: Switch, channel: Channel, t: int) -> None:
    """A phone's 200 was taken: what it will do while talking is due from now on."""
    leg = channel.leg
    if leg is None:
        return
    leg.final, leg.code = t, 200
    call = channel.call
    assert call is not None
    if leg.act.talk_s is not None:
        x.at(t + round(leg.act.talk_s * SECOND_US) + 400, channel, "bye")
    if (transfer := leg.act.transfer) is not None:
        x.at(t + round(transfer.after_s * SECOND_US) + 400, channel, "transfer", transfer)


def person_answered(x: Switch, call: Call, phone: str, t: int) -> None:
    """Somebody talks to the caller now, who may hang up so long after it."""
    if call.person is not None:
        return
    call.person, call.person_phone = t, phone
    if call.story.talk_s is not None and call.channel is not None:
        x.at(t + round(call.story.talk_s * SECOND_US), call.channel, "bye")
