"""Lines of CSV whose column layout follows from their number of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ingest.csvtext import BadLineError, exact
from ingest.lines import LineReader

__all__ = ["CsvReader"]


class CsvReader(LineReader):
    """Reads lines of the given layouts (number of columns → column names); other counts are faults."""

    def __init__(self, layouts: Mapping[int, Sequence[str]], columns: Sequence[str]) -> None:
        self.layouts = layouts
        self.columns = columns

    def values(self, raw: bytes) -> Mapping[str, str]:
        """See `LineReader.values`."""
        fields = exact(raw)
        names = self.layouts.get(len(fields))
        if names is None:
            allowed = ", ".join(str(n) for n in sorted(self.layouts))
            raise BadLineError(f"{len(fields)} columns, must be {allowed}")
        return dict(zip(names, fields, strict=True))
