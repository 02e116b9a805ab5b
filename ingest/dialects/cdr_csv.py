"""`cdr_csv`: Master.csv with accountcode first, 16 to 21 columns by cdr.conf [csv].

16 columns always; `loguniqueid` and `loguserfield` add one each, `newcdrcolumns` peeraccount, linkedid and
sequence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ingest.base import Context
from ingest.cdr_rows import CDR_COLUMNS, DISPOSITIONS, shape_cdr
from ingest.csvlines import CsvReader
from ingest.csvtext import BadLineError, exact
from ingest.lines import LineDialect, LineReader, head_lines
from ingest.shape import Shaper

__all__ = ["CdrCsv"]

BASE = (
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start",
    "answer", "end", "duration", "billsec", "disposition", "amaflags",
)  # fmt: skip
NEW = ("peeraccount", "linkedid", "sequence")
# One more column is uniqueid or userfield: its text tells which.
EITHER = "uniqueid or userfield"
LAYOUTS: Mapping[int, tuple[str, ...]] = {
    16: BASE,
    17: (*BASE, EITHER),
    18: (*BASE, "uniqueid", "userfield"),
    19: (*BASE, *NEW),
    20: (*BASE, EITHER, *NEW),
    21: (*BASE, "uniqueid", "userfield", *NEW),
}
_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def is_row(values: list[str]) -> bool:
    """Whether fields stand where cdr_csv writes them: dates, whole seconds, disposition."""
    return (
        len(values) in LAYOUTS
        and all(_DATE.fullmatch(values[i]) for i in (9, 11))
        and (not values[10] or _DATE.fullmatch(values[10]) is not None)
        and values[12].isdigit()
        and values[13].isdigit()
        and values[14] in DISPOSITIONS
    )


class CdrCsv(LineDialect):
    """CDR rows of `cdr_csv`; times local, or UTC with `[pbx_time] cdr_csv_utc` (cdr.conf `usegmtime=yes`)."""

    name = "cdr_csv"
    source = "cdr"
    family = "cdr"

    def identify(self, head: bytes, path_name: str) -> bool:
        """At least half of the first lines are rows."""
        lines = head_lines(head)
        rows = 0
        for line in lines:
            try:
                rows += is_row(exact(line))
            except BadLineError:
                continue
        return bool(rows) and 2 * rows >= len(lines)

    def opened(self, head: bytes, context: Context, path: str) -> LineReader:
        """One reader for all: the number of columns tells the layout of each line."""
        return CsvReader(LAYOUTS, (*CDR_COLUMNS, EITHER))

    def shape(self, shaper: Shaper) -> None:
        """See `cdr_rows.shape_cdr`."""
        shaper.either(EITHER, "uniqueid", "userfield")
        shape_cdr(shaper, utc=shaper.context.settings.pbx_time.cdr_csv_utc)
