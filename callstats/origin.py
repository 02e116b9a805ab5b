"""Where calls come from: what is simulated says so wherever it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from callstats.metrics.base import Said

SIMULATED: Final = Said("Simulēti dati", "Simulated data")
MEANING: Final = Said(
    "Izdomāta pašvaldība: neviens zvans, numurs vai darbinieks nav īsts.",
    "An invented municipality: no call, number or employee is real.",
)
COLUMN: Final = "simulated"
HEADER: Final = "X-Callstats-Simulated"


def labelled(table: pa.Table, simulated: bool) -> pa.Table:
    """The table; of simulated data with a last column `simulated` that is true in every row."""
    if not simulated or COLUMN in table.column_names:
        return table
    return table.append_column(
        pa.field(COLUMN, pa.bool_(), nullable=False, metadata={"meaning": MEANING.en}),
        pa.array([True] * table.num_rows, pa.bool_()),
    )


def marked(row: Mapping[str, object], simulated: bool) -> dict[str, object]:
    """A JSON object; of simulated data it begins with `simulated`: true."""
    return {**({COLUMN: True} if simulated else {}), **row}


def notice(simulated: bool, language: str = "en") -> str:
    """One line for people, with its line end; nothing for real data."""
    if not simulated:
        return ""
    title, text = (SIMULATED.lv, MEANING.lv) if language == "lv" else (SIMULATED.en, MEANING.en)
    return f"{title.upper()}. {text}\n"
