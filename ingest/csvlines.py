"""Lines of CSV whose column layout follows from their number of columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set

import numpy as np
import pyarrow as pa

from ingest.blocks import Block
from ingest.csvblock import read_lines, regular
from ingest.csvtext import BadLineError, exact
from ingest.lines import LineReader, Tokens, head_lines

__all__ = ["CsvReader", "head_rows"]

Fits = Callable[[Sequence[str], Sequence[str]], bool]


def head_rows(head: bytes) -> list[list[str]]:
    """The fields of those of a file's first lines that are CSV."""
    rows = []
    for line in head_lines(head):
        try:
            rows.append(exact(line))
        except BadLineError:
            continue
    return rows


class CsvReader(LineReader):
    """Reads lines of the given layouts (number of columns → column names); other counts are faults.

    A configuration may change in the middle of a file, and a broken line may have any number of columns: so a
    line with a number of columns that was not seen before must also fit its layout by what stands in it.
    """

    def __init__(
        self,
        layouts: Mapping[int, Sequence[str]],
        columns: Sequence[str],
        fits: Fits,
        head: bytes,
        shared: Set[str] = frozenset(),
    ) -> None:
        self.layouts = layouts
        self.columns = columns
        self.fits = fits
        self.shared = shared
        self.seen: set[int] = set()
        for row in head_rows(head):
            self._names(row)

    def _names(self, fields: Sequence[str]) -> Sequence[str] | None:
        names = self.layouts.get(len(fields))
        if names is None or (len(fields) not in self.seen and not self.fits(names, fields)):
            return None
        self.seen.add(len(fields))
        return names

    def values(self, raw: bytes) -> Mapping[str, str]:
        """See `LineReader.values`."""
        fields = exact(raw)
        names = self._names(fields)
        if names is None:
            allowed = ", ".join(str(n) for n in sorted(self.seen or self.layouts))
            raise BadLineError(f"{len(fields)} columns that fit no layout; this file has {allowed}")
        return dict(zip(names, fields, strict=True))

    def quickly(self, block: Block) -> Tokens | None:
        """See `LineReader.quickly`; irregular lines are read one by one and put in their places."""
        good = regular(block)
        if not good.any():
            return None
        count = len(exact(block.line(int(np.argmax(good)))))
        if count not in self.seen:
            return None
        found = read_lines(block, good, self.layouts[count], self.columns, self.shared)
        if found is None:
            return None
        nothing = pa.nulls(int(good.sum()), pa.string())
        return self.filled(block, good, {name: found.get(name, nothing) for name in self.columns})
