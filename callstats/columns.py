"""What a column and a table are, and the words that their values are made of; see `callstats.fields`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, get_args

import pyarrow as pa

from callstats.numbers import NumberClass

UTC_US: Final = pa.timestamp("us", tz="UTC")
TEXT: Final = pa.string()
KEY: Final = pa.binary()
INT: Final = pa.int64()
SECONDS: Final = pa.float64()
FLAG: Final = pa.bool_()
DAY: Final = pa.date32()
NAMES: Final = pa.list_(pa.string())


@dataclass(frozen=True)
class Field:
    """One column: name, Arrow type, what it means in one English phrase, unit ("" where it has none), and
    the values of a closed vocabulary.
    """

    name: str
    dtype: pa.DataType
    meaning: str
    unit: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table: its name, what one row is, and its columns in export order."""

    name: str
    row: str
    fields: tuple[Field, ...]

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema, with each column's unit and meaning as field metadata."""
        return pa.schema(
            [pa.field(f.name, f.dtype, metadata={"unit": f.unit, "meaning": f.meaning}) for f in self.fields]
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(f.name for f in self.fields)

    def __getitem__(self, name: str) -> Field:
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"{self.name} has no column {name}")


CERTAINTY: Final = ("certain", "borderline", "estimated", "unknown")
SOURCES: Final = ("ami", "cel", "queue_log", "cdr", "voicemail")
DIRECTIONS: Final = ("inbound", "outbound", "internal")
OUTCOMES: Final = ("answered", "abandoned", "unanswered", "busy", "voicemail", "unavailable", "failed")
VISIT_OUTCOMES: Final = (*OUTCOMES, "overflowed")
ENTERED_BY: Final = ("dialled", "menu", "overflow", "forward", "blind_transfer", "attended_transfer")
ATTEMPT_OUTCOMES: Final = (
    "answered",
    "no_answer",
    "busy",
    "declined",
    "unavailable",
    "forwarded",
    "answered_elsewhere",
    "abandoned",
    "unknown",
)
ROTATIONS: Final = ("not_needed", "rotated", "not_rotated", "no_second_member", "caller_left", "unknown")
NUMBER_CLASSES: Final[tuple[str, ...]] = get_args(NumberClass)
