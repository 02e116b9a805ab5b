"""Columns in which the same texts come again and again: what is done, is done once for each different text.

Such a column is a `pyarrow.DictionaryArray`; every function here takes a plain one as well.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["SHARED", "each", "encoded", "masked", "plain"]

SHARED = pa.dictionary(pa.int32(), pa.string())


def plain(column: pa.Array) -> pa.Array:
    """The column value by value."""
    return column.dictionary.take(column.indices) if isinstance(column, pa.DictionaryArray) else column


def encoded(column: pa.Array) -> pa.DictionaryArray:
    """The column as different values, and which of them stands where."""
    return column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()


def each(column: pa.Array, function: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """What a function of single values makes of the column; asked once for each value of an encoded one."""
    if not isinstance(column, pa.DictionaryArray):
        return function(column)
    return pa.DictionaryArray.from_arrays(column.indices, function(column.dictionary))


def masked(column: pa.Array, wanted: pa.Array) -> pa.Array:
    """The column with null where `wanted` is not true; of an encoded one, values that nobody wants too."""
    wanted = pc.fill_null(wanted, False)
    if not isinstance(column, pa.DictionaryArray):
        return pc.if_else(wanted, column, pa.scalar(None, pa.string()))
    indices = pc.if_else(wanted, column.indices, pa.scalar(None, column.indices.type))
    used = pc.is_in(
        pa.array(range(len(column.dictionary)), indices.type), value_set=pc.unique(indices).drop_null()
    )
    values = pc.if_else(used, column.dictionary, pa.scalar(None, column.dictionary.type))
    return pa.DictionaryArray.from_arrays(indices, values)
