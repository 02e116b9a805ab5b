import os
import random
from pathlib import Path

import pytest

from callstats.errors import InputError
from callstats.fields import EVENTS
from ingest.reader import Dialect, dialects, identify
from tests.ingest.reading import (
    GOLDEN,
    SAMPLES,
    dialect,
    golden_text,
    sample_result,
    samples,
    settings_for,
)

# read before the fixture that clears the environment of settings
REWRITE = bool(os.environ.get("CALLSTATS_REWRITE_GOLDEN"))
HEADS = {sample: (SAMPLES / sample).read_bytes() for sample in samples()}


@pytest.mark.parametrize("sample", samples())
def test_a_sample_gives_its_golden_result(sample: str) -> None:
    golden = SAMPLES / (sample + GOLDEN)
    found = golden_text(sample_result(sample))
    if REWRITE:
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [d.name for d in dialects()])
def test_every_dialect_has_a_sample(kind: str) -> None:
    assert any(sample.startswith(f"{kind}/") for sample in samples())


@pytest.mark.parametrize("sample", samples())
def test_one_dialect_claims_a_sample_in_whatever_order_they_are_asked(sample: str) -> None:
    known = list(dialects(settings_for(sample)))
    claims = set()
    for seed in range(3):
        random.Random(seed).shuffle(known)
        claims.add(identify(SAMPLES / sample, among=known).name)
    assert claims == {sample.partition("/")[0]}


@pytest.mark.parametrize("sample", samples())
def test_no_number_and_no_name_is_in_events_rejects_or_ignored_reasons(sample: str) -> None:
    found = sample_result(sample)
    said = golden_text(found)
    for secret in ("37120000001", "28404019", "Jancis", "Hara", "Rīga", "Kalniņa", "Bērziņš", "Ozola"):
        assert secret not in said


@pytest.mark.parametrize("sample", samples())
def test_events_have_the_schema_and_the_dialect_says_its_source(sample: str) -> None:
    found = sample_result(sample)
    kind = dialect(sample.partition("/")[0])
    assert found.events.schema == EVENTS.schema
    assert set(found.events["source"].to_pylist()) == {kind.source}
    assert set(found.events["dialect"].to_pylist()) == {kind.name}
    assert found.events["line_key"].null_count == 0
    assert len(set(found.events["line_key"].to_pylist())) == found.events.num_rows


def test_a_file_that_nobody_knows_is_an_error_that_names_it_and_the_dialects(tmp_path: Path) -> None:
    stranger = tmp_path / "letter.txt"
    stranger.write_text("Dear Sir or Madam,\n")
    with pytest.raises(InputError, match=r"letter\.txt: no dialect knows this file \(known: ami, cdr_csv, "):
        identify(stranger)


def test_a_file_that_two_dialects_claim_is_an_error_that_names_them() -> None:
    class Twin(type(dialect("queue_log"))):  # type: ignore[misc]
        name = "twin"

    known: list[Dialect] = [*dialects(), Twin()]
    head = HEADS["queue_log/queue_log"]
    with pytest.raises(InputError, match=r"log: claimed by 2 dialects \(queue_log, twin\)"):
        identify(head, path="log", among=known)


def test_an_empty_file_and_a_missing_file_are_errors(tmp_path: Path) -> None:
    (tmp_path / "Master.csv").touch()
    with pytest.raises(InputError, match="is empty"):
        identify(tmp_path / "Master.csv")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        identify(tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        identify(tmp_path)


@pytest.mark.parametrize("sample", [s for s in samples() if not s.startswith(("ami/", "voicemail/"))])
def test_a_file_is_known_by_its_content_also_when_it_begins_badly(sample: str) -> None:
    settings = settings_for(sample)
    kind = identify(SAMPLES / sample, settings).name
    torn = HEADS[sample][7:]  # the first line lacks its beginning
    assert identify(torn, settings, path=sample).name == kind
    assert identify(b"\n\n" + HEADS[sample], settings, path=sample).name == kind
    assert identify(HEADS[sample].replace(b"\n", b"\r\n"), settings, path=sample).name == kind


def test_all_samples_read_again_give_the_same_keys() -> None:
    for sample in samples():
        keys = [sample_result(sample).events["line_key"] for _ in range(2)]
        assert keys[0].equals(keys[1])


def test_formats_of_the_same_rows_say_the_same() -> None:
    columns = ["uniqueid", "caller", "exten", "status", "billsec_us", "dest_channel", "channel", "local_date"]
    names = ["18_columns.csv", "17_columns_uniqueid.csv"]
    tables = [sample_result(f"cdr_csv/{n}").events.select(columns).slice(0, 10) for n in names]
    tables.append(sample_result("cdr_custom/full_tz.csv").events.select(columns).slice(0, 10))
    assert all(table.equals(tables[0]) for table in tables)
    assert tables[0].num_rows == 10
