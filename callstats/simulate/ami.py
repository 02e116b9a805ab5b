"""AMI as a socket gives it: banner, login answer, and the events that say something of a call (FACTS, AMI).

What a recorder of the real thing gets besides (VarSet, TestEvent, RTCP, copies of CDR and CEL, states of
devices that are no phones) is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO, Final

from callstats.simulate.channel import RING, SECOND_US, STATE_NAMES, UP, Bridge, Channel
from callstats.simulate.plant import Plant
from callstats.simulate.trace import Sink, Values

__all__ = ["Ami"]

BANNER: Final = b"Asterisk Call Manager/11.0.0\r\n"
LOGIN: Final = b"Response: Success\r\nActionID: rec-login\r\nMessage: Authentication accepted\r\n\r\n"
CAUSE_TEXTS: Final = {
    0: "Unknown", 1: "Unallocated (unassigned) number", 3: "No route to destination", 16: "Normal Clearing",
    17: "User busy", 19: "User alerting, no answer", 20: "Subscriber absent", 21: "Call Rejected",
    23: "Redirected to new destination", 26: "Answered elsewhere", 127: "Interworking, unspecified",
}  # fmt: skip
IN_USE, NOT_IN_USE, RINGS = "INUSE", "NOT_INUSE", "RINGING"
BOTH = "RINGINUSE"
STATUS_NUMBERS: Final = {NOT_IN_USE: 1, IN_USE: 2, RINGS: 6, BOTH: 7}
PRESENTED = "0 (Presentation Allowed, Not Screened)"
QUEUE_EVENTS: Final = {
    "join": "QueueCallerJoin", "leave": "QueueCallerLeave", "abandon": "QueueCallerAbandon",
    "timeout": "QueueCallerAbandon", "called": "AgentCalled", "no_answer": "AgentRingNoAnswer",
    "connect": "AgentConnect", "complete": "AgentComplete",
}  # fmt: skip
MEMBER_EVENTS: Final = {
    "add": "QueueMemberAdded", "remove": "QueueMemberRemoved", "pause": "QueueMemberPause",
    "unpause": "QueueMemberPause",
}  # fmt: skip


def channel_fields(channel: Channel, prefix: str = "") -> str:
    """The fields that nearly every event has of a channel."""
    c, p = channel, prefix
    return (
        f"{p}Channel: {c.name}\r\n{p}ChannelState: {c.state}\r\n"
        f"{p}ChannelStateDesc: {STATE_NAMES[c.state]}\r\n"
        f"{p}CallerIDNum: {c.num or '<unknown>'}\r\n{p}CallerIDName: {_escaped(c.caller_name)}\r\n"
        f"{p}ConnectedLineNum: {c.connected_num or '<unknown>'}\r\n"
        f"{p}ConnectedLineName: {_escaped(c.connected_name)}\r\n{p}Language: en\r\n"
        f"{p}AccountCode: {c.account}\r\n{p}Context: {c.context}\r\n{p}Exten: {c.exten}\r\n"
        f"{p}Priority: {c.priority}\r\n{p}Uniqueid: {c.uniqueid}\r\n{p}Linkedid: {c.linkedid}\r\n"
    )


def _escaped(name: str) -> str:
    """A name with backslashes before backslashes and quotes of both kinds (FACTS, Text)."""
    if not name:
        return "<unknown>"
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'")


class Ami(Sink):
    """Writes the bytes of the socket, connection after connection."""

    def __init__(self, socket: BinaryIO, plant: Plant) -> None:
        self.socket = socket
        self.plant = plant
        self.on = False
        self.away = False
        self.stopped_at = 0
        self.segments: list[list[float]] = []  # connections: since, until (epoch seconds)
        self.system = f"SystemName: {plant.systemname.removesuffix('-')}\r\n" if plant.systemname else ""
        self.devices: dict[str, dict[Channel, int]] = {}
        self.shown: dict[str, str] = {}
        self.members: dict[str, list[tuple[str, str]]] = {}  # interface → queues and names there
        for queue, of in plant.queues.items():
            for member in of.members:
                self.members.setdefault(member.interface, []).append((queue, member.name))
        self.started = 0

    def _event(self, t: int, kind: str, privilege: str, body: str) -> None:
        if self.on:
            seconds, us = divmod(t, SECOND_US)
            text = (
                f"Event: {kind}\r\nPrivilege: {privilege},all\r\nTimestamp: {seconds}.{us:06d}\r\n"
                f"{self.system}{body}\r\n"
            )
            self.socket.write(text.encode())

    def _of(self, t: int, kind: str, channel: Channel, more: str = "", privilege: str = "call") -> None:
        if self.on:
            self._event(t, kind, privilege, channel_fields(channel) + more)

    # ------------------------------------------------------------------ the connection
    def opened(self, t: int) -> None:
        """See `Sink.opened`: the PBX has started, and a listener logs in at once."""
        self.started = t
        self.devices.clear()
        self.shown.clear()
        self.stopped_at = 0
        if self.away:
            return
        self._connect(t)
        for mailbox in self.plant.mailboxes:
            self._event(
                t, "MessageWaiting", "call", f"Mailbox: {mailbox}\r\nWaiting: 0\r\nNew: 0\r\nOld: 0\r\n"
            )
        self._event(t, "FullyBooted", "system", "Status: Fully Booted\r\nUptime: 0\r\nLastReload: 0\r\n")

    def listening(self, t: int, on: bool) -> None:
        """See `Sink.listening`: connected again, FullyBooted comes at once and nothing is replayed."""
        self.away = not on
        if not on:
            self._disconnect(t)
        elif not self.stopped_at:
            self._connect(t)
            up = (t - self.started) // SECOND_US
            greeting = f"Status: Fully Booted\r\nUptime: {up}\r\nLastReload: {up}\r\n"
            self.socket.write(f"Event: FullyBooted\r\nPrivilege: system,all\r\n{greeting}\r\n".encode())
            self._event(t, "SuccessfulAuth", "security", "Severity: Informational\r\nService: AMI\r\n")

    def stopped(self, t: int, how: str) -> None:
        """See `Sink.stopped`: in order with a word, otherwise without one."""
        if how == "stop":
            self._event(t, "Shutdown", "system", "Shutdown: Cleanly\r\nRestart: False\r\n")
        self.stopped_at = t
        self._disconnect(t)

    def _connect(self, t: int) -> None:
        self.on = True
        self.stopped_at = 0
        self.segments.append([t / SECOND_US])
        self.socket.write(BANNER + LOGIN)

    def _disconnect(self, t: int) -> None:
        if self.on:
            self.segments[-1].append(t / SECOND_US)
        self.on = False

    def close(self, t: int) -> None:
        """See `Sink.close`."""
        self._disconnect(t)

    # ------------------------------------------------------------------------ channels
    def created(self, t: int, channel: Channel) -> None:
        """See `Sink.created`."""
        self._of(t, "Newchannel", channel)
        self.devices.setdefault(channel.device, {})[channel] = channel.state
        if channel.state == RING:
            self._device(t, channel)

    def dialplan(self, t: int, channel: Channel) -> None:
        """See `Sink.dialplan`."""
        more = f"Extension: {channel.exten}\r\nApplication: {channel.app}\r\nAppData: {channel.data}\r\n"
        self._of(t, "Newexten", channel, more, "dialplan")

    def state(self, t: int, channel: Channel) -> None:
        """See `Sink.state`."""
        self._of(t, "Newstate", channel)
        self.devices.setdefault(channel.device, {})[channel] = channel.state
        self._device(t, channel)

    def callerid(self, t: int, channel: Channel) -> None:
        """See `Sink.callerid`."""
        self._of(t, "NewCallerid", channel, f"CID-CallingPres: {PRESENTED}\r\n")

    def hangup_request(self, t: int, channel: Channel, cause: int | None) -> None:
        """See `Sink.hangup_request`."""
        self._of(t, "HangupRequest", channel, "" if cause is None else f"Cause: {cause}\r\n")

    def soft_hangup(self, t: int, channel: Channel, cause: int) -> None:
        """See `Sink.soft_hangup`."""
        self._of(t, "SoftHangupRequest", channel, f"Cause: {cause}\r\n")

    def hungup(self, t: int, channel: Channel) -> None:
        """See `Sink.hungup`."""
        text = CAUSE_TEXTS.get(channel.cause, "Unknown")
        self._of(t, "Hangup", channel, f"Cause: {channel.cause}\r\nCause-txt: {text}\r\n")
        self.devices.get(channel.device, {}).pop(channel, None)
        self._device(t, channel)

    def _device(self, t: int, channel: Channel) -> None:
        """A phone's state follows its channels; members of queues follow the phone."""
        if channel.half:
            return
        device = channel.device
        states = self.devices.get(device) or {}
        if not states:
            self.devices.pop(device, None)
        rings = any(s not in (UP, RING) for s in states.values())
        talks = any(s in (UP, RING) for s in states.values())
        now = BOTH if rings and talks else RINGS if rings else IN_USE if talks else NOT_IN_USE
        if self.shown.get(device, NOT_IN_USE) == now:
            return
        self.shown[device] = now
        if now == NOT_IN_USE:
            del self.shown[device]
        self._event(t, "DeviceStateChange", "call", f"Device: {device}\r\nState: {now}\r\n")
        for queue, name in self.members.get(device, ()):
            body = (
                f"Queue: {queue}\r\nMemberName: {name}\r\nInterface: {device}\r\nStateInterface: {device}\r\n"
            )
            more = f"Membership: static\r\nPenalty: 0\r\nStatus: {STATUS_NUMBERS[now]}\r\nPaused: 0\r\n"
            self._event(t, "QueueMemberStatus", "agent", f"{body}{more}PausedReason: \r\n")

    # ------------------------------------------------------------------------- dialling
    def _two(
        self, t: int, kind: str, first: Channel | None, second: Channel, more: str, privilege: str = "call"
    ) -> None:
        if self.on:
            body = channel_fields(first) if first is not None else ""
            self._event(t, kind, privilege, body + channel_fields(second, "Dest") + more)

    def dial_begin(self, t: int, caller: Channel | None, peer: Channel, dialled: str) -> None:
        """See `Sink.dial_begin`."""
        self._two(t, "DialBegin", caller, peer, f"DialString: {dialled}\r\n")

    def dial_state(self, t: int, caller: Channel | None, peer: Channel, status: str) -> None:
        """See `Sink.dial_state`."""
        self._two(t, "DialState", caller, peer, f"DialStatus: {status}\r\n")

    def dial_end(self, t: int, caller: Channel | None, peer: Channel, status: str, forward: str = "") -> None:
        """See `Sink.dial_end`."""
        said = f"Forward: {forward}\r\n" if forward else ""
        self._two(t, "DialEnd", caller, peer, f"{said}DialStatus: {status}\r\n")

    def local_bridge(self, t: int, one: Channel, two: Channel) -> None:
        """See `Sink.local_bridge`."""
        body = channel_fields(one, "LocalOne") + channel_fields(two, "LocalTwo")
        more = f"Context: {two.context}\r\nExten: {two.exten}\r\nLocalOptimization: No\r\n"
        self._event(t, "LocalBridge", "call", body + more)

    def originated(self, t: int, channel: Channel, values: Values) -> None:
        """See `Sink.originated`."""
        body = (
            f"ActionID: act-1\r\nResponse: {values['response']}\r\nChannel: {channel.name}\r\n"
            f"Context: from-staff\r\nExten: {values['exten']}\r\nReason: 4\r\n"
            f"Uniqueid: {channel.uniqueid}\r\n"
            f"CallerIDNum: {channel.num}\r\nCallerIDName: {_escaped(channel.caller_name)}\r\n"
        )
        self._event(t, "OriginateResponse", "call", body)

    # -------------------------------------------------------------------------- bridges
    def bridge_enter(self, t: int, bridge: Bridge, channel: Channel) -> None:
        """See `Sink.bridge_enter`."""
        self._of(t, "BridgeEnter", channel, _bridge(bridge, "simple_bridge"))

    def bridge_leave(self, t: int, bridge: Bridge, channel: Channel) -> None:
        """See `Sink.bridge_leave`."""
        self._of(t, "BridgeLeave", channel, _bridge(bridge, bridge.technology))

    def blind_transfer(self, t: int, transferer: Channel, transferee: Channel, values: Values) -> None:
        """See `Sink.blind_transfer`."""
        body = (
            "Result: Success\r\n"
            + channel_fields(transferer, "Transferer")
            + channel_fields(transferee, "Transferee")
            + _bridge(values["bridge"], values["bridge"].technology)
            + f"IsExternal: Yes\r\nContext: {values['context']}\r\nExtension: {values['exten']}\r\n"
        )
        self._event(t, "BlindTransfer", "call", body)

    def attended_transfer(self, t: int, transferer: Channel, second: Channel, values: Values) -> None:
        """See `Sink.attended_transfer`."""
        talking: Bridge = values["talking"]
        body = (
            "Result: Success\r\n"
            + channel_fields(transferer, "OrigTransferer")
            + _bridge(talking, "simple_bridge", "Orig")
            + channel_fields(second, "SecondTransferer")
            + _bridge(values["consulting"], "simple_bridge", "Second")
            + channel_fields(values["transferee"], "Transferee")
            + channel_fields(values["target"], "TransferTarget")
            + f"IsExternal: No\r\nDestType: Bridge\r\nDestBridgeUniqueid: {talking.uniqueid}\r\n"
        )
        self._event(t, "AttendedTransfer", "call", body)

    def pickup(self, t: int, picker: Channel, target: Channel) -> None:
        """See `Sink.pickup`."""
        self._of(t, "Pickup", picker, channel_fields(target, "Target"))

    # --------------------------------------------------------------------------- queues
    def queue(self, t: int, kind: str, channel: Channel, values: Values) -> None:
        """See `Sink.queue`."""
        if (event := QUEUE_EVENTS.get(kind)) is None or not self.on:
            return
        v = values
        more = [f"Queue: {v['queue']}"]
        names = {
            "interface": "Interface", "member": "MemberName", "count": "Count", "talk_s": "TalkTime",
            "ring_s": "RingTime", "ms": "RingTime", "held": "HoldTime", "reason": "Reason",
        }  # fmt: skip
        if kind in ("join", "leave", "abandon", "timeout"):
            names = {"position": "Position", "count": "Count", "held": "HoldTime"}
        more += [f"{name}: {v[key]}" for key, name in names.items() if key in v]
        body = channel_fields(channel)
        if (peer := v.get("peer")) is not None:
            body += channel_fields(peer, "Dest")
        self._event(t, event, "agent", body + _lines(more))

    def member(self, t: int, kind: str, values: Values) -> None:
        """See `Sink.member`."""
        v = values
        known = self.members.setdefault(str(v["interface"]), [])
        if kind == "add":
            known.append((str(v["queue"]), str(v["member"])))
        elif kind == "remove" and (str(v["queue"]), str(v["member"])) in known:
            known.remove((str(v["queue"]), str(v["member"])))
        body = (
            f"Queue: {v['queue']}\r\nMemberName: {v['member']}\r\nInterface: {v['interface']}\r\n"
            f"StateInterface: {v['interface']}\r\nMembership: static\r\nPenalty: 0\r\nStatus: 1\r\n"
            f"Paused: {int(v['paused'])}\r\nPausedReason: {v['reason']}\r\nRinginuse: 0\r\nWrapuptime: 0\r\n"
        )
        self._event(t, MEMBER_EVENTS[kind], "agent", body)

    def message(self, t: int, channel: Channel, values: Values) -> None:
        """See `Sink.message`."""
        waiting = int(values["new"] > 0)
        more = f"Mailbox: {values['mailbox']}\r\nWaiting: {waiting}\r\nNew: {values['new']}\r\nOld: 0\r\n"
        self._of(t, "MessageWaiting", channel, more)


def _bridge(bridge: Bridge, technology: str, prefix: str = "") -> str:
    return _lines((
        f"{prefix}BridgeUniqueid: {bridge.uniqueid}", f"{prefix}BridgeType: basic",
        f"{prefix}BridgeTechnology: {technology}", f"{prefix}BridgeCreator: <unknown>",
        f"{prefix}BridgeName: <unknown>", f"{prefix}BridgeNumChannels: {len(bridge.channels)}",
        f"{prefix}BridgeVideoSourceMode: none",
    ))  # fmt: skip


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\r\n" for line in lines)
