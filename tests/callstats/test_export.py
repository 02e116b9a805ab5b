import csv
import io
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from callstats import export
from callstats.errors import InputError
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
