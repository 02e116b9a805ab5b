"""CEL as `cel_custom` writes it: 20 columns, every one in quotes (FACTS, CEL)."""

from __future__ import annotations

import json
from typing import Final, TextIO

from callstats.simulate.cdr_files import quoted
from callstats.simulate.channel import SECOND_US, UP, Bridge, Channel
from callstats.simulate.trace import Sink, Values

__all__ = ["CelCsv"]

# cel.conf names them; "all" would write none (FACTS, CEL)
APPS: Final = frozenset({
    "Answer", "BackGround", "WaitExten", "Dial", "Queue", "VoiceMail", "VoiceMailMain", "Playback",
})  # fmt: skip


class CelCsv(Sink):
    """Writes a line per event."""

    def __init__(self, stream: TextIO) -> None:
        self.write = stream.write
        self.linked: dict[str, int] = {}  # linkedid → channels that are alive
        self.statuses: dict[Channel, str] = {}
        self.apps: dict[Channel, str] = {}

    def _line(
        self,
        t: int,
        event: str,
        ch: Channel,
        *,
        peer: str = "",
        sort: str = "",
        extra: str = "",
        linkedid: str = "",
    ) -> None:
        seconds, us = divmod(t, SECOND_US)
        self.write(
            f'"{event}","{seconds}.{us:06d}",{quoted(ch.caller_name)},{quoted(ch.num)},{quoted(ch.ani)},'
            f'"{ch.rdnis}",{quoted(ch.dnid if ch.ani else "")},{quoted(ch.exten)},"{ch.context}","{ch.name}",'
            f'"{ch.app}",{quoted(ch.data)},"3","{ch.account}","{ch.uniqueid}",'
            f'"{linkedid or ch.linkedid}","{peer}","","{sort}",{quoted(extra)}\n'
        )

    def created(self, t: int, channel: Channel) -> None:
        """See `Sink.created`."""
        self.linked[channel.linkedid] = self.linked.get(channel.linkedid, 0) + 1
        self._line(t, "CHAN_START", channel)

    def dialplan(self, t: int, channel: Channel) -> None:
        """See `Sink.dialplan`."""
        if channel.app != self.apps.get(channel):
            self.apps[channel] = channel.app
            if channel.app in APPS:
                self._line(t, "APP_START", channel)

    def app_left(self, t: int, channel: Channel) -> None:
        """See `Sink.app_left`."""
        self.apps.pop(channel, None)
        if channel.app in APPS:
            self._line(t, "APP_END", channel)

    def state(self, t: int, channel: Channel) -> None:
        """See `Sink.state`."""
        if channel.state == UP:
            self._line(t, "ANSWER", channel)

    def dial_end(self, t: int, caller: Channel | None, peer: Channel, status: str, forward: str = "") -> None:
        """See `Sink.dial_end`: what a caller's HANGUP will say: ANSWER stays, CANCEL replaces nothing."""
        if caller is None:
            return
        said = self.statuses.get(caller)
        if said is None or (said != "ANSWER" and status != "CANCEL"):
            self.statuses[caller] = status

    def hungup(self, t: int, channel: Channel) -> None:
        """See `Sink.hungup`."""
        self.apps.pop(channel, None)
        said = {
            "hangupcause": channel.cause,
            "hangupsource": channel.source,
            "dialstatus": self.statuses.pop(channel, ""),
        }
        self._line(t, "HANGUP", channel, extra=_json(said))
        self._line(t, "CHAN_END", channel)
        self._gone(t, channel, channel.linkedid)

    def linkedid(self, t: int, channel: Channel, old: str) -> None:
        """See `Sink.linkedid`."""
        self.linked[channel.linkedid] += 1
        self._gone(t, channel, old)

    def _gone(self, t: int, channel: Channel, linkedid: str) -> None:
        left = self.linked[linkedid] - 1
        if left:
            self.linked[linkedid] = left
            return
        del self.linked[linkedid]
        self._line(t, "LINKEDID_END", channel, linkedid=linkedid)

    def bridge_enter(self, t: int, bridge: Bridge, channel: Channel) -> None:
        """See `Sink.bridge_enter`."""
        self._bridge(t, "BRIDGE_ENTER", bridge, channel, "simple_bridge")

    def bridge_leave(self, t: int, bridge: Bridge, channel: Channel) -> None:
        """See `Sink.bridge_leave`."""
        self._bridge(t, "BRIDGE_EXIT", bridge, channel, bridge.technology)

    def _bridge(self, t: int, event: str, bridge: Bridge, channel: Channel, technology: str) -> None:
        peer = ",".join(c.name for c in bridge.channels if c is not channel)
        extra = _json({"bridge_id": bridge.uniqueid, "bridge_technology": technology})
        self._line(t, event, channel, peer=peer, extra=extra)

    def stream(self, t: int, channel: Channel, begins: bool, sort: str, extra: Values) -> None:
        """See `Sink.stream`."""
        word = "BEGIN" if begins else "END"
        kind = f"{sort}_STREAM_{word}"
        self._line(t, f"STREAM_{word}", channel, sort=kind, extra=_json(extra) if extra else "")

    def digit(self, t: int, channel: Channel, digit: str) -> None:
        """See `Sink.digit`."""
        self._line(t, "DTMF", channel, sort="Received", extra=_json({"digit": digit, "duration_ms": 160}))

    def forwarded(self, t: int, peer: Channel, target: str) -> None:
        """See `Sink.forwarded`."""
        self._line(t, "FORWARD", peer, extra=_json({"forward": target}))

    def pickup(self, t: int, picker: Channel, target: Channel) -> None:
        """See `Sink.pickup`."""
        said = {"pickup_channel": picker.name, "pickup_channel_uniqueid": picker.uniqueid}
        self._line(t, "PICKUP", target, extra=_json(said))

    def blind_transfer(self, t: int, transferer: Channel, transferee: Channel, values: Values) -> None:
        """See `Sink.blind_transfer`."""
        said = {
            "extension": values["exten"],
            "context": values["context"],
            "bridge_id": values["bridge"].uniqueid,
            "transferee_channel_name": transferee.name,
            "transferee_channel_uniqueid": transferee.uniqueid,
        }
        self._line(t, "BLINDTRANSFER", transferer, extra=_json(said))

    def attended_transfer(self, t: int, transferer: Channel, second: Channel, values: Values) -> None:
        """See `Sink.attended_transfer`."""
        said = {
            "bridge1_id": values["talking"].uniqueid,
            "channel2_name": second.name,
            "channel2_uniqueid": second.uniqueid,
            "bridge2_id": values["consulting"].uniqueid,
            "transferee_channel_name": values["transferee"].name,
            "transferee_channel_uniqueid": values["transferee"].uniqueid,
            "transfer_target_channel_name": values["target"].name,
            "transfer_target_channel_uniqueid": values["target"].uniqueid,
        }
        self._line(t, "ATTENDEDTRANSFER", transferer, extra=_json(said))

    def stopped(self, t: int, how: str) -> None:
        """See `Sink.stopped`."""
        self.linked.clear()
        self.statuses.clear()
        self.apps.clear()


def _json(said: Values) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))
