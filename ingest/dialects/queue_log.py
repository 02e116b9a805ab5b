"""`queue_log`: `time|callid|queue|agent|event|data1|…|data5`, in whole seconds."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.base import Context
from ingest.blocks import Block
from ingest.csvblock import plain
from ingest.csvtext import BadLineError, bare, text_fault
from ingest.lines import LineDialect, LineReader, Tokens, head_lines
from ingest.shape import NAME, Shaper, optional
from ingest.times import NONE, SECOND_US

__all__ = ["QueueLog"]

COLUMNS = ("time", "callid", "queue", "agent", "event", "data1", "data2", "data3", "data4", "data5")
MILLISECOND_US = 1000
_LINE = re.compile(
    rb"(?:\d{9,10}(?:\.\d+)?|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)\|"
    rb"[^|]*\|[^|]*\|[^|]*\|[A-Za-z0-9_ ]+(?:\||$)"
)
_UNIQUEID = r"^(?:.*-)?[0-9]{9,10}\.[0-9]+$"

# event → event column → data column, by unit. Columns of text:
TEXT: Mapping[str, Mapping[str, str]] = {
    "ENTERQUEUE": {"caller": "data2"},
    "CONNECT": {"dest_uniqueid": "data2"},
    "PAUSE": {"reason": "data1"},
    "UNPAUSE": {"reason": "data1"},
    "PAUSEALL": {"reason": "data1"},
    "UNPAUSEALL": {"reason": "data1"},
    "TRANSFER": {"target_exten": "data1"},
    "BLINDTRANSFER": {"target_exten": "data1"},
    "EXITWITHKEY": {"status": "data1"},
    "SYSCOMPAT": {"status": "data1"},
}
SECONDS: Mapping[str, Mapping[str, str]] = {
    "CONNECT": {"hold_us": "data1", "ring_us": "data3"},
    "ABANDON": {"hold_us": "data3"},
    "EXITEMPTY": {"hold_us": "data3"},
    "EXITWITHTIMEOUT": {"hold_us": "data3"},
    "EXITWITHKEY": {"hold_us": "data4"},
    "COMPLETEAGENT": {"hold_us": "data1", "talk_us": "data2"},
    "COMPLETECALLER": {"hold_us": "data1", "talk_us": "data2"},
    "TRANSFER": {"hold_us": "data3", "talk_us": "data4"},
    "BLINDTRANSFER": {"hold_us": "data3", "talk_us": "data4"},
}
MILLISECONDS: Mapping[str, Mapping[str, str]] = {
    "RINGNOANSWER": {"ring_us": "data1"},
    "RINGCANCELED": {"ring_us": "data1"},
}
WHOLE: Mapping[str, Mapping[str, str]] = {
    "ENTERQUEUE": {"position": "data3"},
    "ABANDON": {"position": "data1"},
    "EXITEMPTY": {"position": "data1"},
    "EXITWITHTIMEOUT": {"position": "data1"},
    "EXITWITHKEY": {"position": "data2"},
    "COMPLETEAGENT": {"position": "data3"},
    "COMPLETECALLER": {"position": "data3"},
}
ENDED_BY = {"COMPLETEAGENT": "agent", "COMPLETECALLER": "caller"}


class QueueReader(LineReader):
    """Splits at the bars; nothing is quoted in a queue_log."""

    columns = COLUMNS

    def values(self, raw: bytes) -> Mapping[str, str]:
        """See `LineReader.values`."""
        if fault := text_fault(raw):
            raise BadLineError(fault)
        fields = bare(raw).decode("utf-8").split("|")
        if len(fields) < 5 or not fields[4]:
            raise BadLineError(f"{len(fields)} fields, must be at least 5 with an event")
        return dict(zip(COLUMNS, fields, strict=False))

    def quickly(self, block: Block) -> Tokens | None:
        """See `LineReader.quickly`."""
        good = plain(block)
        lines = block.texts()
        parts = pc.split_pattern(lines, "|")
        offsets = parts.offsets.to_numpy()
        count = np.diff(offsets)
        values = parts.values
        event = values.take(pa.array(np.minimum(offsets[:-1] + 4, max(len(values) - 1, 0))))
        good &= (count >= 5) & np.asarray(pc.not_equal(event, ""))
        if not good.any():
            return None
        count, first = count[good], offsets[:-1][good]
        columns = {}
        for place, name in enumerate(COLUMNS):
            there = count > place
            columns[name] = values.take(pa.array(np.where(there, first + place, 0), mask=~there))
        return self.filled(block, good, columns)


class QueueLog(LineDialect):
    """Events of queues and their members."""

    name = "queue_log"
    source = "queue_log"
    family = "queue_log"

    def identify(self, head: bytes, path_name: str) -> bool:
        """At least half of the first lines have time, four more fields and an event's name."""
        lines = head_lines(head)
        rows = sum(_LINE.match(line) is not None for line in lines)
        return bool(rows) and 2 * rows >= len(lines)

    def opened(self, head: bytes, context: Context, path: str) -> LineReader:
        """The layout is always the same."""
        return QueueReader()

    def shape(self, shaper: Shaper) -> None:
        """Fields by event; what another system adds is kept under its own event name."""
        out = shaper.out
        kind = shaper.column("event")
        at = shaper.moments("time", shaper.zone, "time")
        shaper.fault((at.early == NONE) & ~at.bad, "no time")
        shaper.fault(~np.asarray(pc.match_substring_regex(kind, NAME)), "unknown event")
        texts = _pick(shaper, kind, TEXT)
        out["kind"] = kind
        uniqueid = shaper.text("callid")
        nobody = pc.is_in(uniqueid, pa.array(["NONE", "MANAGER", "REALTIME"]))
        out["uniqueid"] = shaper.ids(pc.if_else(nobody, pa.scalar(None, pa.string()), uniqueid))
        queue = shaper.scrubbed(shaper.text("queue"))
        out["queue"] = pc.if_else(pc.equal(queue, "NONE"), pa.scalar(None, pa.string()), queue)
        out["member"] = shaper.members(shaper.text("agent"))
        out["caller"], out["caller_class"] = shaper.number(texts["caller"])
        out["withheld"] = shaper.withheld(out["caller_class"])
        out["target_exten"], out["target_class"] = shaper.number(texts["target_exten"])
        out["dest_uniqueid"] = shaper.ids(shaper.word(texts["dest_uniqueid"], _UNIQUEID))
        out["status"] = shaper.word(texts["status"], r"^[A-Za-z0-9*#_.-]{1,12}$")
        ended_by = pa.array([ENDED_BY.get(k) for k in kind.to_pylist()], pa.string())
        out["reason"] = pc.coalesce(shaper.written(texts["reason"]), ended_by)
        seconds, millis = _pick(shaper, kind, SECONDS), _pick(shaper, kind, MILLISECONDS)
        ring = shaper.amount_us(seconds["ring_us"], "ring time")
        ring_ms = shaper.amount_us(millis["ring_us"], "ring time", MILLISECOND_US)
        out["ring_us"] = optional(np.where(ring == NONE, ring_ms, ring))
        out["hold_us"] = optional(shaper.amount_us(seconds["hold_us"], "hold time", SECOND_US))
        out["talk_us"] = optional(shaper.amount_us(seconds["talk_us"], "talk time", SECOND_US))
        out["position"] = shaper.integer(_pick(shaper, kind, WHOLE)["position"], "position")
        shaper.finish(at.early, at.resolution)


def _pick(shaper: Shaper, kind: pa.Array, table: Mapping[str, Mapping[str, str]]) -> dict[str, pa.Array]:
    """Each event column of a table from the data column that the row's event keeps it in."""
    names = sorted({name for fields in table.values() for name in fields})
    found = {}
    for name in names:
        column = pa.nulls(shaper.rows, pa.string())
        for place in sorted({fields[name] for fields in table.values() if name in fields}):
            events = pa.array([event for event, fields in table.items() if fields.get(name) == place])
            column = pc.if_else(pc.is_in(kind, events), shaper.text(place), column)
        found[name] = column
    return found
