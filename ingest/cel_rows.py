"""CEL rows of whatever format: names of the columns, event names, and from their text to events."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.cel_extra import extras
from ingest.shape import APP, NAME, Shaper
from ingest.times import NONE

__all__ = ["CEL_COLUMNS", "CEL_EVENTS", "CEL_SHARED", "IGNORED", "shape_cel"]

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
# Of these there are few different ones.
CEL_SHARED = frozenset({
    "eventtype", "userdeftype", "name", "num", "exten", "context", "appname", "appdata", "userfield",
})  # fmt: skip


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

    extra, faults = extras(kind, shaper.text("eventextra"))
    for row, why in faults.items():
        shaper.faults.setdefault(row, why)
    extra["status"] = shaper.word(extra["status"], r"^[A-Z_ ]{1,40}$")
    caller = shaper.values("num")
    hidden = shaper.hidden(shaper.values("userfield"), shaper.values("name"))
    out["caller"], out["caller_class"] = shaper.number(caller, hidden)
    out["withheld"] = shaper.withheld(out["caller_class"])
    out["exten"], out["exten_class"] = shaper.number(shaper.values("exten"))
    out["target_exten"], out["target_class"] = shaper.number(extra["target_exten"])
    out["kind"], out["status"] = kind, pc.coalesce(status, extra["status"])
    out["uniqueid"], out["linkedid"] = (shaper.ids(shaper.text(name)) for name in ("uniqueid", "linkedid"))
    out["channel"] = shaper.channel(shaper.text("channame"), out["withheld"])
    out["dest_uniqueid"] = shaper.ids(extra["dest_uniqueid"])
    out["dest_channel"] = shaper.channel(pc.coalesce(extra["dest_channel"], shaper.text("peer")))
    out["context"], out["app"] = (
        shaper.scrubbed(shaper.texts("context")),
        shaper.word(shaper.texts("appname"), APP),
    )
    out["app_data"] = shaper.app_data(out["app"], shaper.texts("appdata"))
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
