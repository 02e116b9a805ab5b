"""Tables as XLSX: the values with their types, and beside them a sheet that says what each column means.

No text becomes a formula or a link. A spreadsheet knows no time zones: instants are written in UTC, as the
second sheet says; a time without a zone is as it is shown.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from itertools import chain
from typing import IO, Any, Final

import pyarrow as pa
import xlsxwriter

from callstats.errors import UsageError

MOST_ROWS: Final = 1_048_575  # of a sheet, below its heading
MOST_LETTERS: Final = 32_767  # of a cell
IN_MEMORY: Final = 20_000  # rows: more of them go through a temporary file
LOOKED_AT: Final = 500  # rows that decide how wide a column is
WIDEST: Final = 60
OPTIONS: Final = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
DEFINITION: Final = "definition"  # key of a schema's metadata: JSON, what the figures are
MEANINGS: Final = ("column", "unit", "meaning")


def write_xlsx(table: pa.Table, file: IO[bytes]) -> None:
    """The table as the first sheet, its columns' units and meanings (fields' metadata) as the second.

    Raises UsageError for more rows or longer texts than a sheet holds.
    """
    if table.num_rows > MOST_ROWS:
        raise UsageError(
            f"{table.num_rows} rows: a sheet holds {MOST_ROWS}; export as CSV or Parquet, or a shorter window"
        )
    small = table.num_rows <= IN_MEMORY
    with xlsxwriter.Workbook(file, {**OPTIONS, "in_memory": small, "constant_memory": not small}) as book:
        _sheet(book, "callstats", table)
        _sheet(book, "columns", _meanings(table.schema))
        if DEFINITION.encode() in (table.schema.metadata or {}):
            told = json.loads(table.schema.metadata[DEFINITION.encode()])
            _sheet(book, "definition", pa.table({"what": [*told], "said": [*map(str, told.values())]}))


def _meanings(schema: pa.Schema) -> pa.Table:
    told = [{key.decode(): value.decode() for key, value in (f.metadata or {}).items()} for f in schema]
    instants = ["UTC" if pa.types.is_timestamp(f.type) and f.type.tz else "" for f in schema]
    rows = {
        "column": schema.names,
        "unit": [one.get("unit") or zone for one, zone in zip(told, instants, strict=True)],
        "meaning": [one.get("meaning", "") for one in told],
    }
    return pa.table({name: pa.array(rows[name], pa.string()) for name in MEANINGS})


def _sheet(book: Any, name: str, table: pa.Table) -> None:
    sheet = book.add_worksheet(name)
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    forms = [book.add_format(_form(field.type)) for field in table.schema]
    for place, width in enumerate(_widths(table)):
        sheet.set_column(place, place, width)
    sheet.freeze_panes(1, 1)
    for place, column in enumerate(table.column_names):
        sheet.write_string(0, place, column, head)
    for number, row in enumerate(_rows(table), 1):
        for place, value in enumerate(row):
            if value is not None:
                _write(sheet, number, place, value, forms[place], table.column_names[place])
    if table.num_rows:
        sheet.autofilter(0, 0, table.num_rows, table.num_columns - 1)


def _rows(table: pa.Table) -> Any:
    batches = table.to_batches(max_chunksize=IN_MEMORY)
    return chain.from_iterable(
        zip(*(column.to_pylist() for column in batch.columns), strict=True) for batch in batches
    )


def _form(kind: pa.DataType) -> dict[str, Any]:
    top = {"valign": "top"}
    if pa.types.is_timestamp(kind):
        return {**top, "num_format": "yyyy-mm-dd hh:mm:ss"}
    if pa.types.is_date(kind):
        return {**top, "num_format": "yyyy-mm-dd"}
    return {**top, "text_wrap": True} if pa.types.is_string(kind) else top


def _write(sheet: Any, row: int, place: int, value: Any, form: Any, column: str) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, place, value, form)
    elif isinstance(value, int | float):
        sheet.write_number(row, place, value, form)
    elif isinstance(value, datetime):
        zoneless = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        sheet.write_datetime(row, place, zoneless, form)
    elif isinstance(value, date):
        sheet.write_datetime(row, place, value, form)
    else:
        text = _text(value)
        if len(text) > MOST_LETTERS:
            raise UsageError(
                f"{column}: a text of {len(text)} letters in row {row}: a cell holds {MOST_LETTERS}; "
                "export as CSV or Parquet"
            )
        sheet.write_string(row, place, text, form)


def _text(value: Any) -> str:
    return ";".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _widths(table: pa.Table) -> list[int]:
    first = table.slice(0, LOOKED_AT)
    return [
        min(max(len(name), *(len(_shown(v)) for v in first[name].to_pylist()), 6) + 2, WIDEST)
        for name in table.column_names
    ]


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else _text(value)
