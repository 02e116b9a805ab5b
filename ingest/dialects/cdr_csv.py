"""`cdr_csv`: Master.csv with accountcode first, 16 to 21 columns by cdr.conf [csv].

16 columns always; `loguniqueid` and `loguserfield` add one each, `newcdrcolumns` peeraccount, linkedid and
sequence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from zoneinfo import ZoneInfo

from ingest.base import Context
from ingest.cdr_layouts import fits
from ingest.cdr_rows import CDR_COLUMNS, CDR_SHARED, shape_cdr
from ingest.csvlines import CsvReader, head_rows
from ingest.lines import LineDialect, LineReader, head_lines
from ingest.shape import Shaper
from ingest.times import SECOND_US, one

__all__ = ["CdrCsv"]

BASE = (
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start",
    "answer", "end", "duration", "billsec", "disposition", "amaflags",
)  # fmt: skip
NEW = ("peeraccount", "linkedid", "sequence")
# One more column is uniqueid or userfield: its text tells which.
EITHER = "uniqueid or userfield"
_EPOCH = re.compile(r"(?:^|-)(\d{9,10})\.\d+$", re.ASCII)
LAYOUTS: Mapping[int, tuple[str, ...]] = {
    16: BASE,
    17: (*BASE, EITHER),
    18: (*BASE, "uniqueid", "userfield"),
    19: (*BASE, *NEW),
    20: (*BASE, EITHER, *NEW),
    21: (*BASE, "uniqueid", "userfield", *NEW),
}


def is_row(values: Sequence[str]) -> bool:
    """Whether values stand where cdr_csv writes them: channel, dates, seconds, disposition, ids."""
    return len(values) in LAYOUTS and fits(LAYOUTS[len(values)], values)


def _surely_utc(head: bytes, zone: ZoneInfo) -> bool:
    """Whether all first rows, read as local time, would begin before their channel was made (uniqueid)."""
    told = []
    for row in filter(is_row, head_rows(head)):
        names = dict(zip(LAYOUTS[len(row)], row, strict=True))
        made = _EPOCH.search(names.get("uniqueid", names.get(EITHER, "")))
        local, utc = one(names["start"], zone), one(names["start"], UTC)
        if made and local and utc:
            channel_us = (int(made[1]) - 1) * SECOND_US
            told.append(local.late < channel_us <= utc.early)
    return bool(told) and all(told)


class CdrCsv(LineDialect):
    """CDR rows of `cdr_csv`; times local, or UTC (cdr.conf `usegmtime=yes`).

    UTC is seen by uniqueids where they are written; else `[pbx_time] cdr_csv_utc` says it.
    """

    name = "cdr_csv"
    source = "cdr"
    family = "cdr"

    def identify(self, head: bytes, path_name: str) -> bool:
        """At least half of the first lines are rows."""
        rows = sum(map(is_row, head_rows(head)))
        return rows > 0 and 2 * rows >= len(head_lines(head))

    def opened(self, head: bytes, context: Context, path: str) -> LineReader:
        """One reader for all: the number of columns tells the layout of each line."""
        reader = CsvReader(LAYOUTS, (*CDR_COLUMNS, EITHER), fits, head, CDR_SHARED)
        reader.utc = context.settings.pbx_time.cdr_csv_utc or _surely_utc(head, context.zone)
        return reader

    def shape(self, shaper: Shaper) -> None:
        """See `cdr_rows.shape_cdr`."""
        shaper.either(EITHER, "uniqueid", "userfield")
        shape_cdr(shaper)
