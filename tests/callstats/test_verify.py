import contextlib
import io
import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from callstats.agreement import PAIRS, agreement
from callstats.cases import catalog, retaining
from callstats.cli import main
from callstats.settings import Settings
from callstats.store import Store
from callstats.verify import Verification, told, verify
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"
CONFIG = SAMPLE / "callstats.toml"
DAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("sample") / "data"
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["ingest", str(SAMPLE), "--config", str(CONFIG), "--data", str(data)]) == 0
    return data


@pytest.fixture
def data(tmp_path: Path, sample: Path) -> Path:
    return Path(shutil.copytree(sample, tmp_path / "data"))


def looked_at(data: Path, **options: int) -> Verification:
    settings = Settings.load(CONFIG, data)
    with Store.open(settings) as store:
        return verify(store, settings, **options)


def stored(data: Path, table: str) -> Path:
    settings = Settings.load(CONFIG, data)
    with Store.open(settings) as store, store.database.read() as connection:
        (file,) = catalog.live_files(connection, table, DAY, DAY)
        return store.root / file.path


def rewritten(path: Path, table: pa.Table) -> None:
    pq.write_table(table, path)


def test_what_was_computed_from_the_events_equals_itself(data: Path) -> None:
    found = looked_at(data, calls=1000, seed=1)
    assert found.well
    assert found.days == [DAY]
    assert found.calls == 94
    assert found.rows > 3 * found.calls
    assert found.figures > 0
    assert list(told(found))[-1] == "Everything equals what is served."


def test_a_sample_is_taken_again_by_its_seed(data: Path) -> None:
    first, again, other = (looked_at(data, calls=5, seed=seed) for seed in (7, 7, 8))
    assert first == again
    assert first.calls == other.calls == 5
    assert looked_at(data, calls=5).seed != looked_at(data, calls=5).seed


def test_an_answer_that_somebody_moved_is_seen_in_the_row_and_in_the_figures(data: Path) -> None:
    path = stored(data, "visits")
    rows = pq.read_table(path)
    place = rows.column_names.index("outcome")
    nobody = pc.if_else(pc.equal(rows["outcome"], "answered"), "unanswered", rows["outcome"])
    rewritten(path, rows.set_column(place, "outcome", nobody))
    found = looked_at(data, calls=1000, seed=1)
    what = [one.what for one in found.differences]
    assert any(name.startswith("visits ") and name.endswith(" outcome") for name in what)
    assert any(name.startswith("figure answered_share answered social") for name in what)
    assert not found.well


def test_a_call_that_vanished_from_the_stored_table_is_named(data: Path) -> None:
    path = stored(data, "calls")
    rows = pq.read_table(path)
    lost = rows["call_id"][3].as_py()
    rewritten(path, rows.filter(pc.not_equal(rows["call_id"], lost)))
    found = looked_at(data, calls=1, seed=1)
    assert f"call {lost}" in [one.what for one in found.differences]
    (file,) = (one for one in found.differences if one.what.startswith("file "))
    assert (file.served, file.recomputed) == ("94 rows", "93 rows")


def test_a_missing_and_a_damaged_file_are_named(data: Path) -> None:
    stored(data, "messages").write_bytes(b"PAR1 and then nothing")
    gone = stored(data, "channels")
    gone.unlink()
    with pytest.raises(FileNotFoundError):
        pq.read_metadata(gone)
    found = looked_at(data)
    assert {one.what.split("/")[0] for one in found.differences} == {"file messages", "file channels"}
    assert {one.recomputed for one in found.differences} == {"missing or damaged"}
    assert found.days == []


def test_nothing_loaded_is_nothing_wrong(tmp_path: Path) -> None:
    found = looked_at(tmp_path / "empty", seed=1)
    assert found.well
    assert found.days == []
    assert list(told(found))[-1] == "There was no day that could be compared."


def test_sealed_days_are_past_checking_and_counted(data: Path) -> None:
    settings = Settings.load(CONFIG, data)
    with Store.open(settings) as store:
        with store.database.write() as connection:
            retaining.seal(connection, DAY)
        assert (verify(store, settings, seed=1).days, verify(store, settings, seed=1).past) == ([DAY], 0)
        with store.database.write() as connection:
            retaining.seal(connection, DAY + timedelta(days=1))
        found = verify(store, settings, seed=1)
    assert (found.days, found.past, found.well) == ([], 1, True)
    text = "\n".join(told(found))
    assert "past checking: 1 days with calls" in text
    assert "Everything equals" not in text


def test_a_figure_that_only_one_side_has_is_named(data: Path) -> None:
    path = stored(data, "visits")
    visits = pq.read_table(path)
    nobody = pa.array([None] * visits.num_rows, visits.schema.field("department").type)
    place = visits.schema.get_field_index("department")
    rewritten(path, visits.set_column(place, visits.schema.field("department"), nobody))
    found = looked_at(data, calls=1, seed=1)
    only = {one.what: one for one in found.differences if one.recomputed == "missing"}
    assert only[f"figure answered_share answered {DAY}"].served == "there"


def test_only_some_of_many_differences_are_told() -> None:
    from callstats.verify import SHOWN, Difference

    found = Verification(
        0, differences=[Difference(f"call {n}", "there", "missing") for n in range(SHOWN + 5)]
    )
    lines = list(told(found))
    assert len(lines) == SHOWN + 2
    assert lines[-1] == "… and 5 more"


def test_voices_are_counted_over_the_calls_that_both_saw(data: Path) -> None:
    settings = Settings.load(CONFIG, data)
    with Store.open(settings) as store:
        rows = agreement(store, DAY, date(2026, 11, 24)).to_pylist()
        assert agreement(store, date(2026, 11, 24), date(2026, 11, 25)).num_rows == 0
    found = {(row["taken_source"], row["other_source"], row["fact"]): row for row in rows}
    assert set(found) <= set(PAIRS)
    assert found["ami", "cel", "answered_at"]["calls"] == 94
    assert {row["differences"] for row in rows} == {0}
    assert {row["median_s"] for row in rows} == {None}


def test_a_disagreement_stands_beside_the_calls_that_both_saw(data: Path) -> None:
    path = stored(data, "calls")
    one = pq.read_table(path)["call_id"][0].as_py()
    row = {
        "call_id": one, "local_date": DAY, "uniqueid": "u", "fact": "ended_at", "taken_source": "ami",
        "taken": "a", "other_source": "cdr", "other": "b",
    }  # fmt: skip
    settings = Settings.load(CONFIG, data)
    with Store.open(settings) as store:
        schema = store.scan("disagreements").schema
        told_twice = [row | {"difference_s": 2.0}, row | {"uniqueid": "v", "difference_s": 4.0}]
        store.replace_days([DAY], {"disagreements": pa.Table.from_pylist(told_twice, schema)})
        rows = agreement(store, DAY, date(2026, 11, 24)).to_pylist()
    (found,) = (r for r in rows if r["differences"])
    assert (found["taken_source"], found["other_source"], found["fact"]) == ("ami", "cdr", "ended_at")
    assert (found["calls_differing"], found["differences"]) == (1, 2)
    assert (found["median_s"], found["max_s"]) == (3.0, 4.0)


def test_pairs_are_those_that_the_text_compares() -> None:
    from callstats.assemble import text

    written = text("disagreements")
    assert {source for pair in PAIRS for source in pair[:2]} == {
        source for source in ("ami", "cel", "queue_log", "cdr") if f"'{source}'" in written
    }


def test_the_command_tells_it_and_its_status_says_it(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["verify", "--calls", "3", "--seed", "5", "--config", str(CONFIG), "--data", str(data)]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "(seed 5)" in said
    assert "How far the PBX's voices agree:" in said
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["well"] is True
    stored(data, "messages").write_bytes(b"no Parquet")
    assert main(arguments) == 1
    assert "DIFFERS file messages/" in capsys.readouterr().out
    assert main(["verify", "--calls", "0", "--config", str(CONFIG), "--data", str(data)]) == 2
