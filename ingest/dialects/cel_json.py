"""`cel_custom` with `format = json`: one object per line; keys as the configuration's fields are called."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.base import Context
from ingest.cel_rows import CEL_COLUMNS, shape_cel
from ingest.dialects.cdr_json import JsonReader, claims
from ingest.lines import LineDialect, LineReader
from ingest.shape import Shaper

__all__ = ["CelJson"]

NEEDED = frozenset({"eventtype", "eventtime"})
# Field names of the newer sample configuration.
ALIASES = {
    "usereventname": "userdeftype",
    "cidname": "name",
    "cidnum": "num",
    "extra": "eventextra",
}


class CelReader(JsonReader):
    """JSON lines under whichever name a field is called."""

    def values(self, raw: bytes) -> Mapping[str, str]:
        """See `LineReader.values`."""
        return {ALIASES.get(key, key): value for key, value in super().values(raw).items()}


class CelJson(LineDialect):
    """CEL rows as JSON lines."""

    name = "cel_json"
    source = "cel"
    family = "cel"

    def identify(self, head: bytes, path_name: str) -> bool:
        """See `cdr_json.claims`."""
        return claims(head, NEEDED)

    def opened(self, head: bytes, context: Context, path: str) -> LineReader:
        """Keys name the columns."""
        return CelReader(CEL_COLUMNS, NEEDED)

    def shape(self, shaper: Shaper) -> None:
        """See `cel_rows.shape_cel`."""
        shape_cel(shaper)
