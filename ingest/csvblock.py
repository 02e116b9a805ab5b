"""Reading a block of CSV lines by pyarrow, where that surely gives what `csvtext.exact` gives.

pyarrow reads without complaint what is no CSV (a quote inside a bare field, text after a closing one). So
each line is checked first, on the bytes, by the grammar of `csvtext`; lines that fail, or hold bytes that
the two treat differently (NUL, CR, invalid UTF-8, a byte order mark), are left to the exact way.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from ingest.base import Int64
from ingest.blocks import Block
from ingest.csvtext import BOM, marked
from ingest.distinct import SHARED

__all__ = ["plain", "read_lines", "regular"]

QUOTE, COMMA, NEWLINE, RETURN, NUL = 34, 44, 10, 13, 0
Mask = npt.NDArray[np.bool_]
# what may stand before a quote that opens and after one that closes
_BESIDE = np.zeros(256, bool)
_BESIDE[[COMMA, NEWLINE, QUOTE]] = True


def plain(block: Block) -> Mask:
    """Which lines hold nothing but text that every reader takes the same way, and are not blank."""
    data = np.frombuffer(block.data, np.uint8)
    good: Mask = block.ends > block.starts
    if b"\x00" in block.data or b"\r" in block.data:
        good[_lines_of(np.flatnonzero((data == NUL) | (data == RETURN)), block)] = False
    if marked(block.data):
        good[[i for i in np.flatnonzero(good) if block.line(int(i)).startswith(BOM)]] = False
    if not _is_text(block.data):
        for line in np.unique(_lines_of(np.flatnonzero(data > 127), block)):
            good[line] &= _is_text(block.line(int(line)))
    return good


def regular(block: Block) -> Mask:
    """Which lines of a block both ways read alike, given that their number of columns is the same."""
    return plain(block) & _quotes_fit(np.frombuffer(block.data, np.uint8), block)


def _lines_of(places: Int64, block: Block) -> Int64:
    """Index of the line that holds each byte; a newline belongs to the line that it ends."""
    found = np.searchsorted(block.ends, places)
    return found[found < len(block.ends)]


def _is_text(raw: bytes) -> bool:
    offsets = pa.py_buffer(np.array([0, len(raw)], np.int32))
    try:
        pa.StringArray.from_buffers(1, offsets, pa.py_buffer(raw)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _quotes_fit(data: npt.NDArray[np.uint8], block: Block) -> Mask:
    """Lines in which quotes open at a field's start, close at its end, and are doubled in between."""
    places = np.flatnonzero(data == QUOTE)
    after = np.searchsorted(places, block.ends)  # lines end with their newline: no quote stands between two
    first = np.concatenate(([0], after[:-1])) if len(after) else after
    count = after - first
    fit: Mask = count % 2 == 0
    if not len(places):
        return fit
    if fit.all():  # then quotes open and close in turn through the whole block
        # (a quote at the very start of the block is its own neighbour here, and allowed)
        before = data[places[0::2] - 1] if places[0] else data[np.maximum(places[0::2] - 1, 0)]
        if _BESIDE[before].all() and _BESIDE[data[places[1::2] + 1]].all():
            return fit
    # Quotes of a line open and close in turn; one that opens right after one has closed is a doubled quote.
    opens = (np.arange(len(places)) - np.repeat(first, count)) % 2 == 0
    wrong = ~_BESIDE[np.where(opens, data[np.maximum(places - 1, 0)], data[places + 1])]
    fit[np.repeat(np.arange(len(fit)), count)[wrong]] = False
    return fit


def read_lines(
    block: Block, good: Mask, names: Sequence[str], wanted: Sequence[str], shared: Set[str] = frozenset()
) -> dict[str, pa.Array] | None:
    """The wanted columns of the good lines as text, or None when the lines do not all have these columns.

    Of `shared` ones the different texts are told apart as they are read.
    """
    if good.all():
        data = block.data
    else:
        starts, ends = block.starts[good].tolist(), block.ends[good].tolist()
        data = b"".join(block.data[s : e + 1] for s, e in zip(starts, ends, strict=True))
    unique = [name if name in wanted else f"#{place}" for place, name in enumerate(names)]
    take = [name for name in unique if not name.startswith("#")]
    try:
        table = pyarrow.csv.read_csv(
            pa.py_buffer(data),
            read_options=pyarrow.csv.ReadOptions(
                column_names=unique, block_size=len(data) + 1, use_threads=False
            ),
            parse_options=pyarrow.csv.ParseOptions(ignore_empty_lines=False),
            convert_options=pyarrow.csv.ConvertOptions(
                check_utf8=False,  # the whole block was checked
                column_types={name: SHARED if name in shared else pa.string() for name in take},
                include_columns=take,
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != int(good.sum()):
        return None
    return {name: table[name].combine_chunks() for name in take}
