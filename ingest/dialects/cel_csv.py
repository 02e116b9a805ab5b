"""`cel_custom` CSV: the mapping of the sample configuration in its forms of different Asterisk versions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ingest.base import Context
from ingest.cel_rows import CEL_COLUMNS, CEL_EVENTS, CEL_SHARED, shape_cel
from ingest.csvlines import CsvReader, head_rows
from ingest.lines import LineDialect, LineReader, head_lines
from ingest.shape import Shaper
from ingest.times import is_time

__all__ = ["CelCsv"]

_EVENT = re.compile(r"[\w .-]+")
_UNIQUEID = re.compile(r"(?:(?:.*-)?\d+\.\d+)?")
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


def fits(names: Sequence[str], values: Sequence[str]) -> bool:
    """Whether each value can stand in its column."""
    row = dict(zip(names, values, strict=True))
    return (
        is_time(row["eventtime"])
        and _EVENT.fullmatch(row["eventtype"]) is not None
        and all(_UNIQUEID.fullmatch(row[name]) for name in ("uniqueid", "linkedid"))
    )


class CelCsv(LineDialect):
    """CEL rows of `cel_custom`."""

    name = "cel_csv"
    source = "cel"
    family = "cel"

    def identify(self, head: bytes, path_name: str) -> bool:
        """At least half of the first lines have a CEL layout with a time, and one a known event's name."""
        rows = [row for row in head_rows(head) if len(row) in LAYOUTS and fits(LAYOUTS[len(row)], row)]
        return 2 * len(rows) >= len(head_lines(head)) and any(row[0] in CEL_EVENTS for row in rows)

    def opened(self, head: bytes, context: Context, path: str) -> LineReader:
        """One reader for all: the number of columns tells the layout of each line."""
        return CsvReader(LAYOUTS, CEL_COLUMNS, fits, head, CEL_SHARED)

    def shape(self, shaper: Shaper) -> None:
        """See `cel_rows.shape_cel`."""
        shape_cel(shaper)
