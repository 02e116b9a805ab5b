import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest

from callstats import export, workbook
from callstats.errors import InputError, UsageError
from tests.callstats.facts import calls


def test_no_spreadsheet_runs_an_exported_cell() -> None:
    wild = ["=1+1", "+371", "-1", "@SUM(A1)", "\tx", "\rx", "plain", "", None]
    table = pa.table(
        {
            "text": wild,
            "list": pa.array([[cell] if cell is not None else None for cell in wild], pa.list_(pa.string())),
            "number": pa.array([-1.5] * len(wild)),
        }
    )
    out = io.BytesIO()
    export.write_csv(table, out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue().decode(), newline="")))
    for name in ("text", "list"):
        cells = [row[name] for row in rows]
        assert cells == ["'=1+1", "'+371", "'-1", "'@SUM(A1)", "'\tx", "'\rx", "plain", "", ""]
    assert {row["number"] for row in rows} == {"-1.5"}


def test_an_export_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("old")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(export.WRITERS, ".csv", fails)
    with pytest.raises(InputError, match="No space left"):
        export.write(calls(date(2026, 1, 1), "a"), path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["calls.csv"]


def _book(table: pa.Table) -> openpyxl.Workbook:
    out = io.BytesIO()
    export.WRITERS[".xlsx"](table, out)
    return openpyxl.load_workbook(out)


@pytest.mark.parametrize("small", [True, False])
def test_a_workbook_holds_values_as_they_are_and_what_they_mean(
    small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not small:
        monkeypatch.setattr(workbook, "IN_MEMORY", 1)  # rows go through a temporary file
    wild = ["=1+1", "+371", "@SUM(A1)", "http://example.org", None]
    instant = datetime(2026, 3, 2, 8, 30, 15, tzinfo=UTC)
    told = pa.field("text", pa.string(), metadata={"meaning": "what was said", "unit": "words"})
    schema = pa.schema(
        [
            told,
            ("share", pa.float64()),
            ("n", pa.int64()),
            ("sure", pa.bool_()),
            ("at", pa.timestamp("us", "UTC")),
            ("shown", pa.timestamp("s")),
            ("day", pa.date32()),
            ("lines", pa.list_(pa.string())),
        ]
    )
    local = instant.replace(tzinfo=None)
    values = {"share": 0.25, "n": -3, "sure": True, "at": instant, "shown": local, "day": local.date()}
    rows = [{"text": text, **values, "lines": ["a", "b"]} for text in wild]
    book = _book(pa.Table.from_pylist(rows, schema))
    first, second = book.worksheets
    cells = list(first.iter_rows())
    assert [cell.value for cell in cells[0]] == schema.names
    assert [row[0].value for row in cells[1:]] == wild
    assert {row[0].data_type for row in cells[1:5]} == {"s"}, "texts, no formulas"
    assert all(cell.hyperlink is None for row in cells for cell in row)
    midnight = datetime(2026, 3, 2)
    assert [cell.value for cell in cells[1][1:]] == [0.25, -3, True, local, local, midnight, "a;b"]
    meanings = [[cell.value for cell in row] for row in second.iter_rows()]
    assert meanings[:2] == [["column", "unit", "meaning"], ["text", "words", "what was said"]]
    assert ["at", "UTC", None] in [[one or None for one in row] for row in meanings]


def test_an_empty_table_is_a_workbook_of_headings() -> None:
    first = _book(pa.table({"a": pa.array([], pa.string())})).worksheets[0]
    assert [[cell.value for cell in row] for row in first.iter_rows()] == [["a"]]


def test_what_a_sheet_cannot_hold_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=r"text: a text of 40000 letters in row 2: .*as CSV or Parquet"):
        export.write(pa.table({"text": ["a", "x" * 40_000]}), tmp_path / "t.xlsx")
    monkeypatch.setattr(workbook, "MOST_ROWS", 2)
    with pytest.raises(UsageError, match="3 rows: a sheet holds 2; export as CSV or Parquet"):
        export.write(pa.table({"n": [1, 2, 3]}), tmp_path / "t.xlsx")
    assert list(tmp_path.iterdir()) == []
