"""Trim a lab recording to a sample that fits a repository: `python -m tests.accuracy.trim RECORDING SAMPLE`.

Whole files and whole AMI blocks are left out; what stays keeps its bytes. Only `truth.json` is written anew,
with the keys that the accuracy report and the tests read.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COPIED = (
    "cdr_csv/Master.csv",
    "cdr_custom/Master.csv",
    "cdr_custom/full_tz.csv",
    "cel/Master.csv",
    "queue_log",
)
# AMI events that carry a fact of a call, of a phone or of the feed. The others (channel variables, tests,
# media, the copies of CEL and CDR) are seven tenths of the bytes.
_KEPT = """
    Newchannel Newstate Newexten NewCallerid Hangup HangupRequest SoftHangupRequest DialBegin
    DialState DialEnd BridgeEnter BridgeLeave BlindTransfer AttendedTransfer Pickup LocalBridge
    LocalOptimizationBegin LocalOptimizationEnd QueueCallerJoin QueueCallerLeave QueueCallerAbandon
    AgentCalled AgentConnect AgentComplete AgentRingNoAnswer QueueMemberAdded QueueMemberRemoved
    QueueMemberPause QueueMemberStatus MessageWaiting OriginateResponse FullyBooted Shutdown
    ContactStatus DeviceStateChange
"""
KEPT = frozenset(_KEPT.split())
_EVENT = re.compile(rb"^Event: *(\w+)", re.MULTILINE)
_CALL = """
    call_id scenario unit note kind caller caller_national withheld dialled callback_of outcome
    t_start t_answer answered_by
"""
_LEG = (
    "phone from_user to_user t_invite t_180 t_183 t_final final t_cancel t_bye t_refer outcome via_transfer"
)
_CALL_KEYS, _LEG_KEYS = tuple(_CALL.split()), tuple(_LEG.split(" "))
_SIDE_KEYS = frozenset({"t_invite", "t_180", "t_183", "final", "t_final", "t_cancel", "t_bye", "bye_by"})
_NULLABLE = ("t_answer", "answered_by", "withheld", "callback_of")


def trim(recording: Path, sample: Path) -> None:
    """Write the trimmed recording into the folder `sample`. Raises OSError when a file of the recording
    is missing.
    """
    for name in COPIED:
        (sample / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(recording / name, sample / name)
    for told in sorted((recording / "voicemail").rglob("msg*.txt")):
        goal = sample / told.relative_to(recording)
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(told, goal)
    (sample / "ami.raw").write_bytes(trim_ami((recording / "ami.raw").read_bytes()))
    segments = json.loads((recording / "ami_segments.json").read_text(encoding="utf-8"))
    if len(segments) > 1:
        times = [{k: s[k] for k in ("t_connect", "t_disconnect")} for s in segments]
        (sample / "ami_segments.json").write_text(json.dumps(times, indent=1) + "\n", encoding="utf-8")
    truth = json.loads((recording / "truth.json").read_text(encoding="utf-8"))
    (sample / "truth.json").write_text(_compact(trim_truth(truth)), encoding="utf-8")


def trim_ami(raw: bytes) -> bytes:
    """The stream without the blocks that callstats does not use; banners and responses stay."""
    blocks = raw.split(b"\r\n\r\n")
    return b"\r\n\r\n".join(b for b in blocks if b"Asterisk Call Manager/" in b or _kept(b))


def _kept(block: bytes) -> bool:
    name = _EVENT.search(block)
    return name is None or name[1].decode() in KEPT


def trim_truth(truth: Mapping[str, Any]) -> dict[str, Any]:
    """The truth with the keys that are read."""
    calls = [
        {k: c[k] for k in _CALL_KEYS if c.get(k) is not None}
        | {k: None for k in _NULLABLE if c[k] is None}
        | {"caller_side": {k: v for k, v in c["caller_side"].items() if k in _SIDE_KEYS}}
        | {"legs": [{k: g[k] for k in _LEG_KEYS if k in g} for g in c["legs"]]}
        for c in truth["calls"]
    ]
    actions = [{"t": a["t"], "action": a["action"]} for a in truth["ami_actions"]]
    return {
        "seed": truth["seed"],
        "tz": truth["tz"],
        "t0": truth["t0"],
        "ami_actions": actions,
        "calls": calls,
    }


def _compact(truth: Mapping[str, Any]) -> str:
    """JSON with one call per line: a change in it stays readable."""
    head = {k: v for k, v in truth.items() if k != "calls"}
    calls = ",\n".join(json.dumps(c, ensure_ascii=False) for c in truth["calls"])
    return f'{json.dumps(head, ensure_ascii=False)[:-1]},\n"calls": [\n{calls}\n]}}\n'


if __name__ == "__main__":
    trim(Path(sys.argv[1]), Path(sys.argv[2]))
