"""CDR rows of whatever format: names of the columns, and from their text to events."""

from __future__ import annotations

import numpy as np

from ingest import times
from ingest.base import Int64, same
from ingest.shape import APP, Shaper, optional
from ingest.times import HOUR_US, NONE, SECOND_US, Times

__all__ = ["CDR_COLUMNS", "CDR_SHARED", "DISPOSITIONS", "shape_cdr"]

# What is used of a CDR row. Accounts are not: they do not tell the department.
CDR_COLUMNS = (
    "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start",
    "answer", "end", "duration", "billsec", "disposition", "uniqueid", "userfield", "linkedid",
    "sequence",
)  # fmt: skip
# Of these there are few different ones.
CDR_SHARED = frozenset({
    "src", "dst", "dcontext", "lastapp", "lastdata", "duration", "billsec", "disposition", "userfield",
})  # fmt: skip
DISPOSITIONS = frozenset(
    {"NO ANSWER", "FAILED", "BUSY", "ANSWERED", "CONGESTION", "CANCEL", "UNKNOWN", "NULL"}
)


def shape_cdr(shaper: Shaper) -> None:
    """Events of CDR rows. Local times are of the site's zone, or UTC where cdr_csv writes it.

    In the doubled hour the epoch in uniqueid decides, as a row begins after its channel did; where there is
    none, what fits end and duration; else the first hour, with an hour's resolution.
    """
    zone = shaper.zone
    out = shaper.out
    start = shaper.moments("start", zone, "start")
    answer = shaper.moments("answer", zone, "answer")
    end = shaper.moments("end", zone, "end")
    duration = shaper.amount_us(shaper.values("duration"), "duration")
    billsec = shaper.amount_us(shaper.values("billsec"), "billsec")
    shaper.fault((start.early == NONE) & ~start.bad, "no start time")
    uniqueid = shaper.text("uniqueid")

    at, resolution = start.early, start.resolution
    if start.doubled.any():
        at, resolution = _which_hour(start, end, duration, times.uniqueid_us(uniqueid))
    ended = _nearest(end, at, duration)
    talk = np.where(billsec == NONE, 0, billsec)
    answered = _nearest(answer, np.where(ended == NONE, at, ended), -talk)

    hidden = shaper.hidden(shaper.values("userfield"), shaper.values("clid"))
    out["caller"], out["caller_class"] = shaper.number(shaper.values("src"), hidden)
    out["withheld"] = shaper.withheld(out["caller_class"])
    out["exten"], out["exten_class"] = shaper.number(shaper.values("dst"))
    app = shaper.word(shaper.texts("lastapp"), APP)
    out["app"], out["app_data"] = app, shaper.app_data(app, shaper.texts("lastdata"))
    out["queue"] = shaper.queue_of(app, out["app_data"])
    out["kind"] = same("cdr", shaper.rows)
    out["uniqueid"], out["linkedid"] = shaper.ids(uniqueid), shaper.ids(shaper.text("linkedid"))
    out["channel"] = shaper.channel(shaper.text("channel"), out["withheld"])
    out["dest_channel"] = shaper.channel(shaper.text("dstchannel"))
    out["context"] = shaper.scrubbed(shaper.texts("dcontext"))
    out["status"] = shaper.word(shaper.texts("disposition"), r"^[A-Z ]{1,20}$")
    out["answered_at"], out["ended_at"] = times.to_arrow(answered), times.to_arrow(ended)
    out["duration_us"], out["billsec_us"] = optional(duration), optional(billsec)
    out["sequence"] = shaper.integer(shaper.column("sequence"), "sequence")
    shaper.finish(at, resolution)


def _which_hour(start: Times, end: Times, duration: Int64, epoch: Int64) -> tuple[Int64, Int64]:
    """The instant of each start and its resolution."""
    # A channel is made before its row begins; a second of tolerance for clocks cut to seconds.
    by_epoch = np.where(start.early >= epoch - SECOND_US, start.early, start.late)
    known_end = (end.early == end.late) & (end.early != NONE) & (duration != NONE)
    miss_early = np.abs(end.early - duration - start.early)
    miss_late = np.abs(end.early - duration - start.late)
    by_end = np.where(miss_late < miss_early, start.late, start.early)
    guessed = start.doubled & (epoch == NONE) & ~known_end
    at = np.where(epoch != NONE, by_epoch, np.where(known_end, by_end, start.early))
    return np.where(start.doubled, at, start.early), np.where(guessed, HOUR_US, start.resolution)


def _nearest(moment: Times, origin: Int64, after: Int64) -> Int64:
    """Of two instants the one nearer to `origin + after`; `after` is 0 where not known."""
    if not moment.doubled.any():
        return moment.early
    expected = origin + np.where(after == NONE, 0, after)
    nearer = np.abs(moment.late - expected) < np.abs(moment.early - expected)
    return np.where(nearer, moment.late, moment.early)
