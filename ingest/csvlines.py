"""Lines of CSV whose column layout follows from their number of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from ingest.blocks import Block
from ingest.csvblock import read_lines, regular
from ingest.csvtext import BadLineError, exact
from ingest.lines import LineReader, Tokens

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

    def quickly(self, block: Block) -> Tokens | None:
        """See `LineReader.quickly`; irregular lines are read one by one and put in their places."""
        good = regular(block)
        if not good.any():
            return None
        count = len(exact(block.line(int(np.argmax(good)))))
        names = self.layouts.get(count)
        found = read_lines(block, good, names, self.columns) if names is not None else None
        if found is None:
            return None
        nothing = pa.nulls(int(good.sum()), pa.string())
        return self.filled(block, good, {name: found.get(name, nothing) for name in self.columns})
