"""`cdr_csv`: Master.csv with accountcode first, 16 to 21 columns by cdr.conf [csv].

16 columns always; `loguniqueid` and `loguserfield` add one each, `newcdrcolumns` peeraccount, linkedid and
sequence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ingest.base import Context
from ingest.cdr_layouts import fits
from ingest.cdr_rows import CDR_COLUMNS, shape_cdr
from ingest.csvlines import CsvReader, head_rows
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


def is_row(values: Sequence[str]) -> bool:
    """Whether values stand where cdr_csv writes them: channel, dates, seconds, disposition, ids."""
    return len(values) in LAYOUTS and fits(LAYOUTS[len(values)], values)


class CdrCsv(LineDialect):
    """CDR rows of `cdr_csv`; times local, or UTC with `[pbx_time] cdr_csv_utc` (cdr.conf `usegmtime=yes`)."""

    name = "cdr_csv"
    source = "cdr"
    family = "cdr"

    def identify(self, head: bytes, path_name: str) -> bool:
        """At least half of the first lines are rows."""
        rows = sum(map(is_row, head_rows(head)))
        return rows > 0 and 2 * rows >= len(head_lines(head))

    def opened(self, head: bytes, context: Context, path: str) -> LineReader:
        """One reader for all: the number of columns tells the layout of each line."""
        return CsvReader(LAYOUTS, (*CDR_COLUMNS, EITHER), fits, head)

    def shape(self, shaper: Shaper) -> None:
        """See `cdr_rows.shape_cdr`."""
        shaper.either(EITHER, "uniqueid", "userfield")
        shape_cdr(shaper, utc=shaper.context.settings.pbx_time.cdr_csv_utc)
