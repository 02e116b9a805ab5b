"""CEL rows of whatever format: names of the columns, event names, and from their text to events."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.csvtext import value_fault
from ingest.shape import APP, NAME, Shaper
from ingest.times import NONE

__all__ = ["CEL_COLUMNS", "CEL_EVENTS", "IGNORED", "shape_cel"]

CEL_COLUMNS = (
    "eventtype", "eventenum", "userdeftype", "eventtime", "name", "num", "exten", "context", "channame",
    "appname", "appdata", "userfield", "uniqueid", "linkedid", "peer", "eventextra",
)  # fmt: skip
CEL_EVENTS = frozenset({
    "CHAN_START", "CHAN_END", "ANSWER", "HANGUP", "APP_START", "APP_END", "PARK_START", "PARK_END",
    "BRIDGE_START", "BRIDGE_END", "BRIDGE_UPDATE", "BRIDGE_ENTER", "BRIDGE_EXIT", "BRIDGE_TO_CONF",
    "CONF_START", "CONF_END", "CONF_ENTER", "CONF_EXIT", "BLINDTRANSFER", "ATTENDEDTRANSFER", "TRANSFER",
    "PICKUP", "FORWARD",
    "3WAY_START", "3WAY_END", "HOOKFLASH", "LINKEDID_END", "LOCAL_OPTIMIZE", "LOCAL_OPTIMIZE_BEGIN",
    "USER_DEFINED", "DTMF", "STREAM_BEGIN", "STREAM_END", "TRANSFEREE_UNIQUEID",
})  # fmt: skip
# Tones and music: nothing that a figure is made of.
IGNORED = frozenset({"DTMF", "STREAM_BEGIN", "STREAM_END"})

# Which key of eventextra says what, by event.
_BRIDGE = {"bridge": "bridge_id"}
EXTRA: Mapping[str, Mapping[str, str]] = {
    "HANGUP": {"cause": "hangupcause", "hangup_source": "hangupsource", "status": "dialstatus"},
    "BRIDGE_ENTER": _BRIDGE,
    "BRIDGE_EXIT": _BRIDGE,
    "BLINDTRANSFER": {
        **_BRIDGE,
        "target_exten": "extension",
        "dest_uniqueid": "transferee_channel_uniqueid",
        "dest_channel": "transferee_channel_name",
    },
    "ATTENDEDTRANSFER": {
        "bridge": "bridge1_id",
        "dest_uniqueid": "channel2_uniqueid",
        "dest_channel": "channel2_name",
    },
    "FORWARD": {"target_exten": "forward"},
    "PICKUP": {"dest_uniqueid": "pickup_channel_uniqueid", "dest_channel": "pickup_channel"},
    "LOCAL_OPTIMIZE": {"dest_uniqueid": "local_two_uniqueid", "dest_channel": "local_two"},
    "LOCAL_OPTIMIZE_BEGIN": {"dest_uniqueid": "local_two_uniqueid", "dest_channel": "local_two"},
}
# Before Asterisk 12 a HANGUP said `16,SIP/401-0000000a,ANSWER`.
_OLD_HANGUP = re.compile(r"(?P<cause>[0-9]{1,3}),(?P<hangup_source>[^,]*)(?:,(?P<status>[A-Z]*))?")
_FIELDS = ("cause", "hangup_source", "status", "bridge", "target_exten", "dest_uniqueid", "dest_channel")
_NOTHING = frozenset({"", "N/A"})


def shape_cel(shaper: Shaper) -> None:
    """Events of CEL rows; eventtime is an epoch or local text (cel.conf `dateformat`)."""
    out = shaper.out
    kind, status = _kinds(shaper)
    at = shaper.moments("eventtime", shaper.zone, "eventtime")
    shaper.fault((at.early == NONE) & ~at.bad, "no eventtime")
    shaper.fault(np.asarray(pc.is_null(kind)), "no event type")
    shaper.fault(~np.asarray(pc.is_in(kind, pa.array(sorted(CEL_EVENTS)))), "unknown event")
    quiet = np.asarray(pc.is_in(kind, pa.array(sorted(IGNORED))))
    shaper.ignore(quiet, kind.filter(pa.array(quiet)).to_pylist())

    extra = _extras(shaper, kind)
    userfield, name = shaper.column("userfield"), shaper.column("name")
    caller = shaper.column("num")
    hidden = shaper.hidden(userfield, name)
    out["caller"], out["caller_class"] = shaper.number(caller, hidden)
    out["withheld"] = shaper.withheld(out["caller_class"])
    out["exten"], out["exten_class"] = shaper.number(shaper.column("exten"))
    out["target_exten"], out["target_class"] = shaper.number(extra["target_exten"])
    out["kind"], out["status"] = kind, pc.coalesce(status, extra["status"])
    out["uniqueid"], out["linkedid"] = (shaper.ids(shaper.text(name)) for name in ("uniqueid", "linkedid"))
    out["channel"] = shaper.channel(shaper.text("channame"), out["withheld"])
    out["dest_uniqueid"] = shaper.ids(extra["dest_uniqueid"])
    out["dest_channel"] = shaper.channel(pc.coalesce(extra["dest_channel"], shaper.text("peer")))
    out["context"], out["app"] = (
        shaper.scrubbed(shaper.text("context")),
        shaper.word(shaper.text("appname"), APP),
    )
    out["app_data"] = shaper.app_data(out["app"], shaper.text("appdata"))
    out["cause"] = shaper.integer(extra["cause"], "hangupcause")
    out["hangup_source"] = shaper.channel(extra["hangup_source"], out["withheld"])
    out["bridge"] = shaper.ids(extra["bridge"])
    out["queue"] = shaper.queue_of(out["app"], out["app_data"])
    shaper.finish(at.early, at.resolution)


def _kinds(shaper: Shaper) -> tuple[pa.Array, pa.Array]:
    """Names of the events, and of those that a dialplan made up the made-up name (as status)."""
    said, enum, own = (shaper.text(name) for name in ("eventtype", "eventenum", "userdeftype"))
    kind = pc.coalesce(enum, said)
    known = pc.is_in(kind, pa.array(sorted(CEL_EVENTS)))
    made_up = pc.or_(pc.equal(kind, "USER_DEFINED"), pc.and_not(pc.is_valid(own), known))
    made_up = pc.fill_null(made_up, False)
    nothing = pa.scalar(None, pa.string())
    name = shaper.word(pc.coalesce(own, said), NAME)
    return pc.if_else(made_up, "USER_DEFINED", kind), pc.if_else(made_up, name, nothing)


def _extras(shaper: Shaper, kind: pa.Array) -> dict[str, pa.Array]:
    """The columns that eventextra fills, each null where the event has no such key."""
    extra = shaper.text("eventextra")
    found: dict[str, list[str | None]] = {name: [None] * shaper.rows for name in _FIELDS}
    told = np.asarray(pc.and_(pc.is_in(kind, pa.array(sorted(EXTRA))), pc.is_valid(extra)))
    rows = np.flatnonzero(told)
    picked = pa.array(rows)
    for row, name, text in zip(
        rows.tolist(), kind.take(picked).to_pylist(), extra.take(picked).to_pylist(), strict=True
    ):
        for column, value in _extra(name, text).items():
            if fault := value_fault(value):
                shaper.faults.setdefault(row, fault)
            else:
                found[column][row] = value
    columns = {name: pa.array(values, pa.string()) for name, values in found.items()}
    return columns | {"status": shaper.word(columns["status"], r"^[A-Z_ ]{1,40}$")}


def _extra(kind: str, text: str) -> dict[str, str]:
    """The values of one eventextra by event column; text that is no JSON gives none (Asterisk 1.8 to 11)."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict):
        values = {column: str(said[key]) for column, key in EXTRA[kind].items() if said.get(key) is not None}
    elif kind == "HANGUP" and (old := _OLD_HANGUP.fullmatch(text)):
        values = {column: value for column, value in old.groupdict().items() if value}
    else:
        values = {}
    return {column: value for column, value in values.items() if value not in _NOTHING}
