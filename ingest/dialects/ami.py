"""AMI as recorded: the bytes of the socket, banner first, connection after connection.

Two events of our own stand around each connection, `connected` and `disconnected` (at its first and last
time), so that gaps of the feed are known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.ami_events import COMMON, IGNORED, KEPT, OLD_DIAL, OLD_NAMES, RENAMED
from ingest.ami_stream import Piece, Splitter
from ingest.base import BLOCK_BYTES, Context, Dialect, Reading, Reject, rejected, table_of
from ingest.csvtext import BadLineError, text_fault
from ingest.keys import LineKeys
from ingest.lines import UselessLineError
from ingest.shape import APP, Shaper, optional
from ingest.times import NONE, SECOND_US, one

__all__ = ["Ami", "AmiReader", "epoch_text", "pairs"]

COLUMNS = (
    "kind", "timestamp", *COMMON, "app", "app_data", "target_exten", "mailbox", "new_messages", "ring_s",
    "ring_ms", "reason",
)  # fmt: skip
STATUS = r"^(?:[A-Za-z][A-Za-z_ -]{0,39}|[0-9]{1,4})$"
OWN_ACTIONS = "callstats-"  # what the collector asks, see ingest.ami_actions
CUT_OFF = "cut off by the end of the connection"
_BEGINS = re.compile(rb"(?:Asterisk Call Manager/[0-9.]+|(?:Event|Response): [A-Za-z][\w -]*)\r\n")
_QUICK = re.compile(rb"Event: ([\w-]+)\r\n(?:Privilege: [^\r\n]*\r\n)?(?:Timestamp: ([0-9.]+)(?:\r\n|\Z))?")
# What AMI writes where a channel has no value; not the same as a number that was withheld.
_NOTHING = frozenset({"<unknown>", "<none>", "none", "(null)"})


def pairs(raw: bytes) -> list[tuple[str, str]]:
    """The fields of a block in order. Raises BadLineError when it is no text or has no field."""
    if fault := text_fault(raw):
        raise BadLineError(fault)
    found = []
    for line in raw.decode("utf-8").split("\r\n"):
        key, colon, value = line.partition(":")
        if colon:
            found.append((key, value.removeprefix(" ")))
    if not found:
        raise BadLineError("no field")
    return found


class AmiReader:
    """Turns pieces of a stream into events; keeps count of connections and of the pieces in the stream."""

    def __init__(self, context: Context, path: str) -> None:
        self.context = context
        self.path = path
        self.keys = LineKeys(context.pbx, Ami.family)
        self.connection = 0
        self.ordinal = 0
        self._last: int | None = None
        self._banner: int | None = None  # ordinal of a banner after which no time was told yet
        self._start()

    def _start(self) -> None:
        self._rows: list[dict[str, str]] = []
        self._places: list[tuple[int, int]] = []
        self._identities: list[bytes] = []
        self._rejects: list[Reject] = []
        self._ignored: Counter[str] = Counter()
        self._read = 0
        self._made = 0

    @property
    def pending(self) -> bool:
        """Whether pieces were read since the last reading."""
        return self._read > 0

    def take(self, piece: Piece) -> None:
        """Read one piece."""
        if piece.banner:
            self.hang_up()
            self.ordinal += 1
            self.connection += 1
            self._read += 1
            self._ignored["beginning of a connection"] += 1
            self._banner = self.ordinal
            return
        self.ordinal += 1
        self._read += 1
        try:
            if piece.long:
                raise BadLineError("too long for an AMI event")
            if not piece.whole:
                raise BadLineError(CUT_OFF)
            row = self._row(piece)
        except BadLineError as fault:
            self._rejects.append(rejected(self.path, self.ordinal, str(fault), piece.data))
        except UselessLineError as reason:
            self._ignored[str(reason)] += 1
        else:
            self._keep(row, self.ordinal, self._identity(piece))

    def hang_up(self) -> None:
        """The connection is over. One in which nothing with a time came says nothing of gaps."""
        if self._last is not None:
            self._mark("disconnected", self._last, self.ordinal)
        self._banner = self._last = None

    def reading(self, end: int) -> Reading:
        """What the pieces since the last reading gave."""
        shaper = Shaper(_columns(self._rows), len(self._rows), self.context)
        _shape(shaper)
        lost = np.zeros(shaper.rows, bool)
        lost[list(shaper.faults)] = True
        rejects = self._rejects + [
            rejected(self.path, self._places[row][0], why, self._identities[row])
            for row, why in shaper.faults.items()
        ]
        rows = np.flatnonzero(~lost)
        columns = {name: column.filter(pa.array(~lost)) for name, column in shaper.out.items()}
        columns |= Ami.constants(self.context, len(rows))
        places = np.array(self._places, np.int64).reshape(-1, 2)[rows]
        columns |= {"line": pa.array(places[:, 0]), "connection": pa.array(places[:, 1])}
        columns["line_key"] = self.keys.keys([self._identities[row] for row in rows.tolist()], places[:, 0])
        reading = Reading.of(
            table_of(columns, len(rows)),
            tuple(sorted(rejects, key=lambda r: r.line)),
            self._ignored,
            read=self._read,
            made=self._made,
            end=end,
        )
        self._start()
        return reading

    def _identity(self, piece: Piece) -> bytes:
        """What tells a block from others; where it is told again it is the same."""
        return piece.data

    def _keep(self, row: dict[str, str], line: int, identity: bytes) -> None:
        self._rows.append(row)
        self._places.append((line, self.connection))
        self._identities.append(identity)

    def _mark(self, kind: str, at: int, line: int) -> None:
        self._made += 1
        self._keep({"kind": kind, "timestamp": epoch_text(at)}, line, b"%s %d" % (kind.encode(), at))

    def _row(self, piece: Piece) -> dict[str, str]:
        quick = _QUICK.match(piece.data)
        if quick and (kind := quick[1].decode()) in IGNORED:
            self._told((quick[2] or b"").decode(), piece.offset)
            raise UselessLineError(kind)
        fields: dict[str, str] = {}
        for key, value in pairs(piece.data):
            fields.setdefault(key.lower(), value)
        time = self._told(fields.get("timestamp", ""), piece.offset)
        if "event" not in fields:
            raise (
                UselessLineError("response")
                if "response" in fields
                else BadLineError("neither event nor response")
            )
        kind = fields["event"]
        if fields.get("actionid", "").startswith(OWN_ACTIONS):  # how it was when we asked; nothing happened
            raise UselessLineError("answer to the collector")
        if kind in IGNORED:
            raise UselessLineError(kind)
        if kind not in KEPT:
            name = kind if re.fullmatch(r"[\w-]{1,40}", kind, re.ASCII) else "of no name"
            raise UselessLineError(f"unknown event {name}")
        if kind == "FullyBooted" and not fields.get("timestamp"):
            raise UselessLineError(
                "FullyBooted without Timestamp"
            )  # the greeting of a login, not a start of the PBX
        named = {name: fields.get(key, "") for name, key in {**COMMON, **KEPT[kind]}.items()}
        row = {name: value for name, value in named.items() if value and value not in _NOTHING}
        row["kind"] = RENAMED.get(kind, kind)
        if kind == "Dial":
            row["kind"] = OLD_DIAL.get(fields.get("subevent", "").lower(), kind)
        for old, new in OLD_NAMES.items():
            if old in row:
                row.setdefault(new, row.pop(old))
        row["timestamp"] = time
        return row

    def _told(self, text: str, offset: int) -> str:
        """The time of a piece, or of its arrival; the first one of a connection is its beginning."""
        if not text and self.context.arrival is not None:
            arrived = self.context.arrival(offset)
            text = "" if arrived is None else epoch_text(arrived)
        instant = one(text, UTC) if text else None
        if instant is None:
            return text
        self._last = instant.early
        if self._banner is not None:
            self._mark("connected", instant.early, self._banner)
            self._banner = None
        return text


def epoch_text(us: int) -> str:
    """Epoch microseconds as a PBX writes them."""
    return f"{us // SECOND_US}.{us % SECOND_US:06}"


def _columns(rows: Sequence[Mapping[str, str]]) -> dict[str, pa.Array]:
    return {name: pa.array([row.get(name) for row in rows], pa.string()) for name in COLUMNS}


def _shape(shaper: Shaper) -> None:
    out = shaper.out
    at = shaper.moments("timestamp", UTC, "Timestamp")
    shaper.fault((at.early == NONE) & ~at.bad, "no Timestamp")
    out["kind"], out["mailbox"] = shaper.text("kind"), shaper.text("mailbox")
    for name in ("uniqueid", "linkedid", "dest_uniqueid", "dest_linkedid", "bridge"):
        out[name] = shaper.ids(shaper.text(name))
    for name in ("queue", "context"):
        out[name] = shaper.scrubbed(shaper.text(name))
    out["app"], out["status"] = (
        shaper.word(shaper.text("app"), APP),
        shaper.word(shaper.text("status"), STATUS),
    )
    # what other events keep here (dial strings, bridges, hints) is Asterisk's own text
    data, of_app = shaper.text("app_data"), pc.equal(out["kind"], "Newexten")
    out["app_data"] = pc.if_else(of_app, shaper.app_data(out["app"], data), shaper.scrubbed(data))
    out["reason"] = shaper.written(shaper.text("reason"))
    for name in ("state", "cause", "position", "new_messages"):
        out[name] = shaper.integer(shaper.column(name), name)
    hidden = shaper.hidden(shaper.column("presentation"), shaper.column("caller_name"))
    out["caller"], out["caller_class"] = shaper.number(shaper.text("caller"), hidden)
    out["withheld"] = shaper.withheld(out["caller_class"])
    out["channel"] = shaper.channel(shaper.text("channel"), out["withheld"])
    out["dest_channel"] = shaper.channel(shaper.text("dest_channel"))
    out["exten"], out["exten_class"] = shaper.number(shaper.text("exten"))
    out["target_exten"], out["target_class"] = shaper.number(shaper.text("target_exten"))
    out["member"] = shaper.members(shaper.text("member"))
    ring = shaper.amount_us(shaper.column("ring_s"), "RingTime")
    ring_ms = shaper.amount_us(shaper.column("ring_ms"), "RingTime", SECOND_US // 1000)
    out["ring_us"] = optional(np.where(ring == NONE, ring_ms, ring))
    out["hold_us"] = optional(shaper.amount_us(shaper.column("hold_s"), "HoldTime"))
    out["talk_us"] = optional(shaper.amount_us(shaper.column("talk_s"), "TalkTime"))
    shaper.finish(at.early, at.resolution)


class Ami(Dialect):
    """Events of the manager interface, as its socket gave them."""

    name = "ami"
    source = "ami"
    family = "ami"

    def identify(self, head: bytes, path_name: str) -> bool:
        """It begins with a server's banner, or with a block of an event or response."""
        return _BEGINS.match(head) is not None

    def read(
        self,
        stream: BinaryIO,
        context: Context,
        path: str,
        *,
        complete: bool = True,
        block_bytes: int = BLOCK_BYTES,
    ) -> Iterator[Reading]:
        """See `Dialect.read`."""
        splitter, reader = Splitter(), AmiReader(context, path)
        while chunk := stream.read(block_bytes):
            for piece in splitter.feed(chunk):
                reader.take(piece)
            if reader.pending:
                yield reader.reading(splitter.offset)
        if complete:
            for piece in splitter.end():
                reader.take(piece)
            reader.hang_up()
            yield reader.reading(splitter.offset)
