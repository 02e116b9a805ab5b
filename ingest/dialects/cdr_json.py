"""`cdr_custom` with `format = json`: one object per line, keys are the names of CDR fields."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.base import Context
from ingest.cdr_rows import CDR_COLUMNS, shape_cdr
from ingest.csvtext import BadLineError
from ingest.jsontext import flat
from ingest.lines import LineDialect, LineReader, head_lines
from ingest.shape import Shaper

__all__ = ["CdrJson"]

NEEDED = frozenset({"start", "disposition"})


class JsonReader(LineReader):
    """Reads flat JSON lines; all keys in `needed` must be there."""

    def __init__(self, columns: tuple[str, ...], needed: frozenset[str]) -> None:
        self.columns = columns
        self.needed = needed

    def values(self, raw: bytes) -> Mapping[str, str]:
        """See `LineReader.values`."""
        found = flat(raw)
        if missing := self.needed - found.keys():
            raise BadLineError(f"no {', '.join(sorted(missing))}")
        return found


def claims(head: bytes, needed: frozenset[str]) -> bool:
    """Whether at least half of the first lines are objects with the needed keys."""
    lines, found = head_lines(head), 0
    for line in lines:
        try:
            found += needed <= flat(line).keys()
        except BadLineError:
            continue
    return bool(found) and 2 * found >= len(lines)


class CdrJson(LineDialect):
    """CDR rows as JSON lines."""

    name = "cdr_json"
    source = "cdr"
    family = "cdr"

    def identify(self, head: bytes, path_name: str) -> bool:
        """See `claims`."""
        return claims(head, NEEDED)

    def opened(self, head: bytes, context: Context, path: str) -> LineReader:
        """Keys name the columns."""
        return JsonReader(CDR_COLUMNS, NEEDED)

    def shape(self, shaper: Shaper) -> None:
        """See `cdr_rows.shape_cdr`."""
        shape_cdr(shaper)
