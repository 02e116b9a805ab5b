"""AMI events: which are of use, and which of their fields says what (Asterisk 11 to 22)."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["COMMON", "IGNORED", "KEPT", "OLD_DIAL", "OLD_NAMES", "RENAMED"]

# Event column ← field, for every event that does not say otherwise. Fields are compared in small letters.
COMMON: Mapping[str, str] = {
    "uniqueid": "uniqueid",
    "linkedid": "linkedid",
    "channel": "channel",
    "dest_uniqueid": "destuniqueid",
    "dest_linkedid": "destlinkedid",
    "dest_channel": "destchannel",
    "caller": "calleridnum",
    "caller_name": "calleridname",
    "presentation": "cid-callingpres",
    "exten": "exten",
    "context": "context",
    "state": "channelstate",
    "status": "dialstatus",
    "cause": "cause",
    "bridge": "bridgeuniqueid",
    "queue": "queue",
    "member": "interface",
    "position": "position",
    "hold_s": "holdtime",
    "talk_s": "talktime",
}
_MEMBER = {"status": "paused", "reason": "pausedreason"}
# Asterisk 11 numbers the halves of a Local channel.
_HALVES = {
    "old_uniqueid": "uniqueid1",
    "old_channel": "channel1",
    "old_dest_uniqueid": "uniqueid2",
    "old_dest": "channel2",
}
_ORDINARY: Mapping[str, str] = {}

KEPT: Mapping[str, Mapping[str, str]] = {
    "Newchannel": _ORDINARY,
    "Newstate": _ORDINARY,
    "Newexten": {"exten": "extension", "app": "application", "app_data": "appdata"},
    "NewCallerid": _ORDINARY,
    "Rename": {"dest_channel": "newname"},
    "Hangup": _ORDINARY,
    "HangupRequest": _ORDINARY,
    "SoftHangupRequest": _ORDINARY,
    "DialBegin": {"app_data": "dialstring"},
    "DialState": _ORDINARY,
    "DialEnd": {"target_exten": "forward"},
    "Dial": {"app_data": "dialstring", "dest_channel": "destination"},
    "Bridge": {
        "channel": "channel1",
        "uniqueid": "uniqueid1",
        "caller": "callerid1",
        "dest_channel": "channel2",
        "dest_uniqueid": "uniqueid2",
        "status": "bridgestate",
    },
    "Link": {
        "channel": "channel1",
        "uniqueid": "uniqueid1",
        "dest_channel": "channel2",
        "dest_uniqueid": "uniqueid2",
    },
    "Unlink": {
        "channel": "channel1",
        "uniqueid": "uniqueid1",
        "dest_channel": "channel2",
        "dest_uniqueid": "uniqueid2",
    },
    "BridgeEnter": _ORDINARY,
    "BridgeLeave": _ORDINARY,
    "BridgeMerge": {"bridge": "tobridgeuniqueid", "app_data": "frombridgeuniqueid"},
    "BlindTransfer": {
        "uniqueid": "transfereruniqueid",
        "linkedid": "transfererlinkedid",
        "channel": "transfererchannel",
        "dest_uniqueid": "transfereeuniqueid",
        "dest_linkedid": "transfereelinkedid",
        "dest_channel": "transfereechannel",
        "caller": "transferercalleridnum",
        "target_exten": "extension",
        "status": "result",
    },
    "AttendedTransfer": {
        "uniqueid": "origtransfereruniqueid",
        "linkedid": "origtransfererlinkedid",
        "channel": "origtransfererchannel",
        "dest_uniqueid": "secondtransfereruniqueid",
        "dest_linkedid": "secondtransfererlinkedid",
        "dest_channel": "secondtransfererchannel",
        "caller": "origtransferercalleridnum",
        "bridge": "origbridgeuniqueid",
        "status": "result",
    },
    "Transfer": {
        "dest_uniqueid": "targetuniqueid",
        "dest_channel": "targetchannel",
        "target_exten": "transferexten",
        "status": "transfertype",
    },
    "Masquerade": {"channel": "original", "dest_channel": "clone"},
    "Pickup": {
        "dest_uniqueid": "targetuniqueid",
        "dest_linkedid": "targetlinkedid",
        "dest_channel": "targetchannel",
    },
    "LocalBridge": {
        **_HALVES,
        "uniqueid": "localoneuniqueid",
        "linkedid": "localonelinkedid",
        "channel": "localonechannel",
        "caller": "localonecalleridnum",
        "dest_uniqueid": "localtwouniqueid",
        "dest_linkedid": "localtwolinkedid",
        "dest_channel": "localtwochannel",
    },
    "LocalOptimizationBegin": {
        "uniqueid": "localoneuniqueid",
        "linkedid": "localonelinkedid",
        "channel": "localonechannel",
        "dest_uniqueid": "localtwouniqueid",
        "dest_linkedid": "localtwolinkedid",
        "dest_channel": "localtwochannel",
    },
    "LocalOptimizationEnd": {
        "uniqueid": "localoneuniqueid",
        "linkedid": "localonelinkedid",
        "channel": "localonechannel",
        "dest_uniqueid": "localtwouniqueid",
        "dest_linkedid": "localtwolinkedid",
        "dest_channel": "localtwochannel",
    },
    "QueueCallerJoin": _ORDINARY,
    "QueueCallerLeave": _ORDINARY,
    "QueueCallerAbandon": _ORDINARY,
    "Join": _ORDINARY,
    "Leave": _ORDINARY,
    "AgentCalled": {
        "old_member": "agentcalled",
        "old_channel": "channelcalling",
        "old_dest": "destinationchannel",
    },
    "AgentConnect": {"ring_s": "ringtime", "old_member": "member", "old_dest_uniqueid": "bridgedchannel"},
    "AgentComplete": {"reason": "reason", "old_member": "member"},
    "AgentRingNoAnswer": {"ring_ms": "ringtime", "old_member": "member"},
    "AgentDump": {"old_member": "member"},
    "QueueMemberAdded": _MEMBER,
    "QueueMemberRemoved": _MEMBER,
    "QueueMemberPause": _MEMBER,
    "QueueMemberPaused": {**_MEMBER, "old_member": "location", "reason": "reason"},
    "QueueMemberPenalty": _ORDINARY,
    "QueueMemberRinginuse": _ORDINARY,
    "MessageWaiting": {"mailbox": "mailbox", "new_messages": "new"},
    "OriginateResponse": {"status": "response"},
    "FullyBooted": _ORDINARY,
    "Shutdown": {"status": "shutdown"},
    "Reload": _ORDINARY,
}
# A pair of Asterisk 11 that says what two events of later versions say.
OLD_DIAL: Mapping[str, str] = {"begin": "DialBegin", "end": "DialEnd"}
# Fields of older versions, by the column that they fill when the newer field is missing.
OLD_NAMES: Mapping[str, str] = {
    "old_member": "member",
    "old_uniqueid": "uniqueid",
    "old_channel": "channel",
    "old_dest": "dest_channel",
    "old_dest_uniqueid": "dest_uniqueid",
}
RENAMED: Mapping[str, str] = {"Join": "QueueCallerJoin", "Leave": "QueueCallerLeave"}

# Known, and nothing that a figure is made of.
IGNORED = frozenset({
    "VarSet", "TestEvent", "RTCPSent", "RTCPReceived", "RTPSenderStat", "RTPReceiverStat",
    "JitterBufStats", "DTMF", "DTMFBegin", "DTMFEnd", "CEL", "Cdr", "SuccessfulAuth", "FailedACL",
    "InvalidPassword", "InvalidAccountID", "ChallengeSent", "ChallengeResponseFailed",
    "AuthMethodNotAllowed", "RequestBadFormat", "SessionLimit", "LoadAverageLimit", "RequestNotAllowed",
    "MemoryLimit", "UnexpectedAddress", "NewConnectedLine", "NewAccountCode", "MusicOnHold",
    "MusicOnHoldStart", "MusicOnHoldStop", "Hold", "Unhold", "BridgeCreate", "BridgeDestroy",
    "BridgeInfoChannel", "BridgeInfoComplete", "BridgeVideoSourceUpdate", "UserEvent", "ChannelUpdate",
    "ChannelReload", "Registry", "PeerEntry", "PeerlistComplete", "Status", "StatusComplete",
    "CoreShowChannel", "CoreShowChannelsComplete", "QueueParams", "QueueMember", "QueueEntry",
    "QueueStatusComplete", "QueueSummary", "QueueSummaryComplete", "DeviceStateListComplete",
    "ExtensionStateListComplete", "PresenceStateChange", "PresenceStatus", "ChanSpyStart", "ChanSpyStop",
    "HangupHandlerPush", "HangupHandlerPop", "HangupHandlerRun", "FAXStatus", "AorDetail", "EndpointList",
    "EndpointListComplete", "ContactStatusDetail", "DAHDIChannel", "Alarm", "AlarmClear", "SpanAlarm",
    "SpanAlarmClear", "AsyncAGIStart", "AsyncAGIExec", "AsyncAGIEnd", "AGIExecStart", "AGIExecEnd",
    "MixMonitorStart", "MixMonitorStop", "MixMonitorMute", "MonitorStart", "MonitorStop",
    "ExtensionStateChange", "Load", "Unload", "FlashEvent", "Flash", "Wink", "AOC-D", "AOC-E", "AOC-S",
    "ChannelTalkingStart", "ChannelTalkingStop", "LogChannel", "DNDState", "MCID",
    "VoicemailPasswordChange", "MiniVoiceMail", "MessageWaitingSummary", "QueueCallerCancel",
    # whether somebody is at hand is read for the moment only, never kept (domain/05 requirement 1)
    "DeviceStateChange", "ContactStatus", "ExtensionStatus", "PeerStatus", "QueueMemberStatus",
})  # fmt: skip
