"""`queue_log` as `app_queue` writes it: whole seconds, a bar between fields (FACTS, queue_log)."""

from __future__ import annotations

from typing import TextIO

from callstats.simulate.channel import SECOND_US, Channel
from callstats.simulate.trace import Sink, Values

__all__ = ["QueueLog"]

NOBODY = "NONE"


class QueueLog(Sink):
    """Writes a line per event; the agent is the member's name."""

    def __init__(self, stream: TextIO) -> None:
        self.write = stream.write

    def _line(self, t: int, call: str, queue: str, agent: str, event: str, *data: object) -> None:
        values = "|".join(str(d) for d in data)
        self.write(f"{t // SECOND_US}|{call}|{queue}|{agent}|{event}|{values}\n")

    def opened(self, t: int) -> None:
        """See `Sink.opened`."""
        self._line(t, NOBODY, NOBODY, NOBODY, "QUEUESTART", "")

    def queue(self, t: int, kind: str, channel: Channel, values: Values) -> None:
        """See `Sink.queue`."""
        call, queue = channel.uniqueid, str(values["queue"])
        v = values
        match kind:
            case "join":
                self._line(t, call, queue, NOBODY, "ENTERQUEUE", "", channel.num, v["position"])
            case "connect":
                peer: Channel = v["peer"]
                self._line(t, call, queue, v["member"], "CONNECT", v["held"], peer.uniqueid, v["ring_s"])
            case "no_answer":
                self._line(t, call, queue, v["member"], "RINGNOANSWER", v["ms"])
            case "cancelled":
                self._line(t, call, queue, v["member"], "RINGCANCELED", v["ms"])
            case "abandon":
                self._line(t, call, queue, NOBODY, "ABANDON", v["position"], v["original"], v["held"])
            case "timeout":
                self._line(t, call, queue, NOBODY, "EXITWITHTIMEOUT", v["position"], v["original"], v["held"])
            case "complete":
                self._complete(t, channel, v)
            case _:
                pass

    def _complete(self, t: int, channel: Channel, v: Values) -> None:
        call, queue = channel.uniqueid, str(v["queue"])
        if v["reason"] == "transfer":
            self._line(
                t, call, queue, v["member"], "BLINDTRANSFER", v["target"], "from-staff", v["held"],
                v["talk_s"], v["original"],
            )  # fmt: skip
            return
        event = "COMPLETEAGENT" if v["reason"] == "agent" else "COMPLETECALLER"
        self._line(t, call, queue, v["member"], event, v["held"], v["talk_s"], v["original"])

    def member(self, t: int, kind: str, values: Values) -> None:
        """See `Sink.member`."""
        queue = str(values["queue"])
        match kind:
            case "add" | "remove":
                event = "ADDMEMBER" if kind == "add" else "REMOVEMEMBER"
                self._line(t, "MANAGER", queue, str(values["interface"]), event, "")
            case "pause" | "unpause":
                event = kind.upper()
                self._line(t, NOBODY, queue, str(values["member"]), event, values["reason"])
            case _:
                pass
