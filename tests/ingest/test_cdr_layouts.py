from pathlib import Path

import pytest

from callstats.errors import InputError
from callstats.settings import CdrCustom, Settings
from ingest.cdr_layouts import column_name
from ingest.dialects.cdr_custom import CdrCustom as Dialect
from ingest.reader import identify
from tests.ingest.reading import SAMPLES, SETTINGS, result

ROW = '"{}","{}","2026-11-23 04:47:32","7","{}","ANSWERED","1795402052.14","1795402051.9"\n'
COLUMNS = ("src", "dst", "start", "duration", "billsec", "disposition", "uniqueid", "linkedid")
SWAPPED = ("dst", "src", "start", "duration", "billsec", "disposition", "uniqueid", "linkedid")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("clid", "clid"), ("Start", "start"), ("CDR(src)", "src"), ("CDR(start,f)", "start"),
        ("start,f", "start"), ("start(double)", "start"), ("start(%FT%T%z)", "start"),
        ("uniqueid(noquote)", "uniqueid"), ("${CSV_QUOTE(${CDR(clid)})}", "clid"),
        ("${CDR(sequence)}", "sequence"),
        ("${CSV_QUOTE(${CDR(billsec,f)})}", "billsec"), ("unit(uservar)", "-"), ("My literal", "-"),
        ("unit", "-"), ("start(uservar)", "-"),
    ],
)  # fmt: skip
def test_columns_are_named_as_the_configuration_writes_them(text: str, name: str) -> None:
    assert column_name(text) == name


def _settings(*layouts: CdrCustom) -> Settings:
    return SETTINGS.model_copy(update={"cdr_custom": layouts})


def _file(folder: Path, name: str = "Simple.csv") -> Path:
    path = folder / name
    path.write_text(ROW.format("+37120000001", "67012201", 4) * 3)
    return path


def test_an_own_mapping_is_known_only_when_it_is_configured(tmp_path: Path) -> None:
    path = _file(tmp_path)
    with pytest.raises(InputError, match=r"a cdr_custom file needs its columns in \[\[cdr_custom\]\]"):
        identify(path, SETTINGS)
    settings = _settings(CdrCustom(columns=COLUMNS))
    assert identify(path, settings).name == "cdr_custom"


def test_two_layouts_that_fit_ask_for_the_name_of_the_file(tmp_path: Path) -> None:
    settings = _settings(CdrCustom(columns=COLUMNS), CdrCustom(columns=SWAPPED, name="Other.csv"))
    with pytest.raises(InputError, match="8 columns can be read as 2 different cdr_custom layouts; name"):
        identify(_file(tmp_path), settings)
    other = _file(tmp_path, "Other.csv")
    rows = result(other, identify(other, settings), settings, path=str(other)).rows()
    assert [(r["caller"], r["exten_class"]) for r in rows] == [("67012201", "mobile")] * 3


def test_two_layouts_of_the_same_count_are_told_apart_by_what_stands_in_them(tmp_path: Path) -> None:
    moved = ("start", "src", "dst", "duration", "billsec", "disposition", "uniqueid", "linkedid")
    settings = SETTINGS.model_copy(
        update={"cdr_custom": (CdrCustom(columns=moved), CdrCustom(columns=COLUMNS))}
    )
    path = _file(tmp_path)
    rows = result(path, identify(path, settings), settings).rows()
    assert {r["exten"] for r in rows} == {"67012201"}


def test_a_configured_layout_takes_the_place_of_a_common_one() -> None:
    columns = ("-",) * 12 + ("disposition",)
    known = Dialect(_settings(CdrCustom(columns=columns))).layouts
    assert [x.columns for x in known if len(x.columns) == 13] == [columns]


def test_a_mapping_that_changes_in_the_middle_of_the_file_is_read_on() -> None:
    first = (SAMPLES / "cdr_custom/HighRes.csv").read_bytes()
    second = (SAMPLES / "cdr_custom/Master.csv").read_bytes()
    kind = identify(first, SETTINGS, path="x.csv")
    both = result(first + second, kind)
    assert both.rejects == ()
    assert both.kept == first.count(b"\n") + second.count(b"\n")
    assert both.events["context"].null_count == first.count(b"\n")
