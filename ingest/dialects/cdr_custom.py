"""`cdr_custom` CSV: columns by the site's own mapping, of `[[cdr_custom]]` or a common one."""

from __future__ import annotations

from callstats.settings import Settings
from ingest.base import Context
from ingest.cdr_layouts import choose, fits, layouts
from ingest.cdr_rows import CDR_COLUMNS, CDR_SHARED, shape_cdr
from ingest.csvlines import CsvReader, head_rows
from ingest.dialects.cdr_csv import is_row
from ingest.lines import LineDialect, LineReader, head_lines
from ingest.shape import Shaper

__all__ = ["CdrCustom"]


class CdrCustom(LineDialect):
    """CDR rows of `cdr_custom`; each time may be local, with zone, or an epoch."""

    name = "cdr_custom"
    source = "cdr"
    family = "cdr"

    def __init__(self, settings: Settings | None = None) -> None:
        self.layouts = layouts(settings)

    def identify(self, head: bytes, path_name: str) -> bool:
        """At least half of the first lines fit a layout, and they are not rows of cdr_csv."""
        rows = head_rows(head)
        chosen = choose(self.layouts, [row for row in rows if not is_row(row)], path_name)
        fitting = [row for row in rows if len(row) in chosen and not is_row(row)]
        return bool(fitting) and 2 * len(fitting) >= len(head_lines(head))

    def opened(self, head: bytes, context: Context, path: str) -> LineReader:
        """A reader of the layouts that the first lines have, else of all that are clear by their count."""
        known = layouts(context.settings)
        chosen = choose(known, head_rows(head), path)
        counts = [len(x.columns) for x in known]
        clear = {len(x.columns): x.columns for x in known if counts.count(len(x.columns)) == 1}
        return CsvReader({**clear, **chosen}, CDR_COLUMNS, fits, head, CDR_SHARED)

    def shape(self, shaper: Shaper) -> None:
        """See `cdr_rows.shape_cdr`."""
        shape_cdr(shaper)
