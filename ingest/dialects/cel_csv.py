"""`cel_custom` CSV: the mapping of the sample configuration in its forms of different Asterisk versions."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.base import Context
from ingest.cel_rows import CEL_COLUMNS, CEL_EVENTS, shape_cel
from ingest.csvlines import CsvReader
from ingest.csvtext import BadLineError, exact
from ingest.lines import LineDialect, LineReader, head_lines
from ingest.shape import Shaper
from ingest.times import is_time

__all__ = ["CelCsv"]

_NAMES = ("name", "num", "-", "-", "-")
_CHANNEL = ("exten", "context", "channame", "appname", "appdata", "-", "-", "uniqueid")
_MAIN = (*_NAMES, *_CHANNEL, "linkedid", "peer", "userfield", "userdeftype")
_ADVANCED = ("eventtime", "userdeftype", "name", "num", *_CHANNEL, "userfield", "-", "-", "-", "peer",
             "linkedid", "-", "eventextra", "-")  # fmt: skip
LAYOUTS: Mapping[int, tuple[str, ...]] = {
    19: ("eventtype", "eventtime", *_MAIN),  # Asterisk 1.8 to 10
    20: ("eventtype", "eventtime", *_MAIN, "eventextra"),
    21: ("eventtype", "-", "eventtime", *_MAIN, "eventextra"),  # with the sample's literal
    23: ("eventtype", "eventenum", *_ADVANCED),
    24: ("eventtype", "eventenum", "-", *_ADVANCED),
}


class CelCsv(LineDialect):
    """CEL rows of `cel_custom`."""

    name = "cel_csv"
    source = "cel"
    family = "cel"

    def identify(self, head: bytes, path_name: str) -> bool:
        """At least half of the first lines have a CEL layout with a time, and one a known event's name."""
        lines = head_lines(head)
        rows = [row for row in map(_row, lines) if row]
        return 2 * len(rows) >= len(lines) and any(row["eventtype"] in CEL_EVENTS for row in rows)

    def opened(self, head: bytes, context: Context, path: str) -> LineReader:
        """One reader for all: the number of columns tells the layout of each line."""
        return CsvReader(LAYOUTS, CEL_COLUMNS)

    def shape(self, shaper: Shaper) -> None:
        """See `cel_rows.shape_cel`."""
        shape_cel(shaper)


def _row(line: bytes) -> Mapping[str, str] | None:
    try:
        fields = exact(line)
    except BadLineError:
        return None
    names = LAYOUTS.get(len(fields))
    row = dict(zip(names, fields, strict=True)) if names else {}
    return row if is_time(row.get("eventtime", "")) else None
