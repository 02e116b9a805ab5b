"""Rows of a folder (CDR, CEL, queue_log, AMI), cut into stories, with identifiers that two runs share.

Uniqueids and channels are numbered in the order in which a story made them, bridges are called by who was in
them; times are seconds since the story's first channel; a sequence is its rank among the story's rows.
"""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ingest.ami_events import COMMON, KEPT

__all__ = ["CDR", "CEL", "Folder", "Row", "StoryRows"]

CDR = (
    "clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer",
    "end", "duration", "billsec", "disposition", "amaflags", "accountcode", "uniqueid", "userfield",
    "sequence", "linkedid", "peeraccount",
)  # fmt: skip
CEL = (
    "type", "time", "name", "num", "ani", "rdnis", "dnid", "exten", "context", "channel", "app", "appdata",
    "amaflags", "account", "uniqueid", "linkedid", "peer", "userfield", "usertype", "extra",
)  # fmt: skip
Row = dict[str, Any]
UNIQUEID = re.compile(r"(?:[\w]+-)?\d{9,10}\.\d+")
CHANNEL = re.compile(r"(?:PJSIP/\w+|Local/[\w*]+@[\w-]+)-[0-9a-f]{8}(?:;[12])?")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# What readers keep, and states of phones: these are never kept, but the simulated PBX says them too.
SEEN: Mapping[str, Mapping[str, str]] = {
    **KEPT,
    "QueueMemberStatus": {"status": "status"},
    "DeviceStateChange": {"channel": "device", "status": "state"},
    "ContactStatus": {"member": "aor", "status": "contactstatus"},
}


@dataclass(frozen=True)
class StoryRows:
    """What a PBX wrote about one call of a story; `began` is its first channel's instant (epoch seconds)."""

    call_id: str
    began: float
    cdr: tuple[Row, ...]
    cel: tuple[Row, ...]
    queue: tuple[Row, ...]
    ami: tuple[Row, ...]


class Folder:
    """A recording, or what the simulator wrote in the same layout."""

    def __init__(self, path: Path, truth: Mapping[str, Any]) -> None:
        self.path = path
        self.truth = truth

    @cached_property
    def cdr(self) -> list[Row]:
        """Rows of `cdr_custom`."""
        return [dict(zip(CDR, r, strict=True)) for r in self._csv("cdr_custom/Master.csv")]

    @cached_property
    def cel(self) -> list[Row]:
        """Rows of CEL."""
        return [dict(zip(CEL, r, strict=True)) for r in self._csv("cel/Master.csv")]

    @cached_property
    def queue(self) -> list[list[str]]:
        """Lines of `queue_log`, split."""
        text = (self.path / "queue_log").read_text(encoding="utf-8")
        return [line.split("|") for line in text.splitlines()]

    @cached_property
    def ami(self) -> list[dict[str, str]]:
        """AMI events that our dialect keeps, with the fields that it reads."""
        return list(_ami((self.path / "ami.raw").read_bytes()))

    def _csv(self, name: str) -> list[list[str]]:
        with (self.path / name).open(encoding="utf-8", newline="") as stream:
            return list(csv.reader(stream))

    def stories(self) -> dict[str, StoryRows]:
        """call_id → its rows, for every call that reached the PBX."""
        return {c["call_id"]: s for c in self.truth["calls"] if (s := self._story(c)) is not None}

    def _story(self, call: Mapping[str, Any]) -> StoryRows | None:
        first = next((r for r in self.cel if _begins(r, call)), None)
        if first is None:
            return None
        linked = first["linkedid"]
        cel = [r for r in self.cel if r["linkedid"] == linked or r["uniqueid"] == first["uniqueid"]]
        ids = {r["uniqueid"] for r in cel}
        began = float(first["time"])
        name = _Names(cel)
        cdr = [r for r in self.cdr if r["linkedid"] == linked]
        ranks = {
            r["sequence"]: str(n) for n, r in enumerate(sorted(cdr, key=lambda r: int(r["sequence"])), 1)
        }
        return StoryRows(
            call["call_id"],
            began,
            tuple(name.row(r | {"sequence": ranks[r["sequence"]]}) for r in cdr),
            tuple(name.row(r | {"time": float(r["time"]) - began}) for r in cel),
            tuple(name.row(_queue_row(r, began)) for r in self.queue if r[1] in ids),
            tuple(name.row(r) for r in self._events(ids, linked, began)),
        )

    def _events(self, ids: set[str], linked: str, began: float) -> Iterator[Row]:
        for event in self.ami:
            told = {event.get(k) for k in ("uniqueid", "linkedid", "dest_uniqueid", "dest_linkedid")}
            if linked in told or told & ids:
                yield event | {"time": float(event["time"]) - began}


def _begins(row: Row, call: Mapping[str, Any]) -> bool:
    if row["type"] != "CHAN_START" or not 0 <= float(row["time"]) - call["t_start"] + 0.002 < 0.3:
        return False
    if call["kind"] == "public":
        return bool(row["num"] == call["caller"] and row["exten"] == call["dialled"])
    exten = "s" if call["kind"] == "ami" else call["dialled"]
    return bool(row["channel"].startswith(f"PJSIP/{call['caller']}-") and row["exten"] == exten)


def _queue_row(line: Sequence[str], began: float) -> Row:
    row: Row = {
        "time": float(line[0]) - began,
        "call": line[1],
        "queue": line[2],
        "agent": line[3],
        "event": line[4],
    }
    return row | {f"data{n}": value for n, value in enumerate(line[5:], 1)}


def _ami(raw: bytes) -> Iterator[dict[str, str]]:
    for block in raw.split(b"\r\n\r\n"):
        fields: dict[str, str] = {}
        for line in block.decode("utf-8").split("\r\n"):
            key, _, value = line.partition(": ")
            fields.setdefault(key.lower(), value)
        kind = fields.get("event", "")
        if kind in SEEN and "timestamp" in fields:
            named = {column: fields.get(key, "") for column, key in {**COMMON, **SEEN[kind]}.items()}
            read = {c: v for c, v in named.items() if v and v not in ("<unknown>", "<none>", "none")}
            yield read | {"kind": kind, "time": fields["timestamp"]}


class _Names:
    """Identifiers by the order in which the story made them."""

    def __init__(self, cel: Sequence[Row]) -> None:
        starts = sorted(
            (r for r in cel if r["type"] == "CHAN_START"), key=lambda r: int(r["uniqueid"].rpartition(".")[2])
        )
        self.ids = {r["uniqueid"]: f"U{n}" for n, r in enumerate(starts, 1)}
        self.channels: dict[str, str] = {}
        for n, r in enumerate(starts, 1):
            base, _, tail = r["channel"].rpartition("-")
            self.channels[r["channel"]] = f"{base}-#{n}{tail[8:]}"
        inside: dict[str, set[str]] = defaultdict(set)
        for r in cel:
            if r["type"] == "BRIDGE_ENTER":
                inside[json.loads(r["extra"])["bridge_id"]].add(self.ids[r["uniqueid"]])
        self.bridges = {bridge: "bridge of " + ", ".join(sorted(who)) for bridge, who in inside.items()}

    def row(self, row: Row) -> Row:
        """A row with its identifiers replaced."""
        return {k: self._text(v) if isinstance(v, str) else v for k, v in row.items()}

    def _text(self, text: str) -> str:
        if text.startswith("{"):
            text = json.dumps(json.loads(text), sort_keys=True)
        text = CHANNEL.sub(
            lambda m: self.channels.get(m[0]) or m[0].rpartition("-")[0] + " of another call", text
        )
        text = UUID.sub(lambda m: self.bridges.get(m[0], "bridge of another call"), text)
        return UNIQUEID.sub(lambda m: self.ids.get(m[0], "id of another call"), text)
