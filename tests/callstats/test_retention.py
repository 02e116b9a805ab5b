import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from callstats.cases import catalog, retaining
from callstats.cases.vault import Vault
from callstats.cli import main
from callstats.doctor import examine
from callstats.errors import SettingsError
from callstats.explain import explain
from callstats.gather import gather
from callstats.recompute import recompute
from callstats.retention import Limits, limits, purge
from callstats.settings import Settings
from callstats.store import COMPUTED, ConflictError, Store
from ingest.load import FileReport, load
from ingest.report import as_json, as_text
from tests.callstats.facts import NOON, Time, batch, event, events
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"
DAY = date(2026, 11, 23)  # of the sample
ONE_DAY = timedelta(days=1)
LOADED = datetime(2026, 11, 25, 12, tzinfo=UTC)


def on(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    given = Settings.load(SAMPLE / "callstats.toml", tmp_path / "data")
    return given.model_copy(update={"database": database_url})


@pytest.fixture
def time() -> Time:
    return Time(LOADED)


@pytest.fixture
def store(settings: Settings, time: Time) -> Iterator[Store]:
    with Store.open(settings, time) as opened:
        yield opened


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def cel() -> list[bytes]:
    return (SAMPLE / "cel/Master.csv").read_bytes().splitlines(keepends=True)


def tables(store: Store) -> dict[str, list[str]]:
    return {name: sorted(map(str, store.scan(name).to_pylist())) for name in COMPUTED}


def test_how_far_retention_reaches(settings: Settings) -> None:
    assert limits(settings, date(2026, 11, 25)) == Limits(
        date(2026, 8, 29), date(2026, 8, 27), date(2025, 11, 1)
    )
    assert limits(settings, date(2026, 11, 1)).facts_before == date(2025, 10, 1)
    assert limits(settings, date(2027, 2, 28)).facts_before == date(2026, 2, 1)


def test_facts_may_not_go_before_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "callstats.toml"
    path.write_text("[retention]\nevents_days = 90\nfacts_months = 2\n")
    with pytest.raises(SettingsError, match="facts_months is shorter than events_days"):
        Settings.load(path)


def test_events_go_and_facts_stay_and_what_went_is_told(
    settings: Settings, store: Store, time: Time, tmp_path: Path
) -> None:
    load([put(tmp_path, "cel.csv", b"".join(cel())), SAMPLE / "queue_log"], settings, store)
    before = tables(store)
    count = store.scan("events").num_rows
    time.at = on(DAY + 91 * ONE_DAY)
    told = purge(store, settings, dry_run=True)
    assert store.scan("events").num_rows == count
    with store.database.read() as connection:
        assert retaining.all_purges(connection) == []
        assert catalog.horizon(connection).sealed_before is None
    done = purge(store, settings)
    assert done == told
    gone = {one.what: one for one in done.gone}
    assert (gone["events"].rows, gone["events"].days) == (count, 1)
    assert gone["events"].setting == "retention.events_days = 90"
    assert set(gone) == {"events", "numbers"}
    assert store.scan("events").num_rows == 0
    assert list((store.root / "events").rglob("*.parquet")) == []
    assert tables(store) == before
    with store.database.read() as connection:
        assert retaining.all_purges(connection) == [(time.at, one) for one in done.gone]
    assert purge(store, settings).gone == ()
    call = store.scan("calls")["call_id"][0].as_py()
    said = explain(store, call, settings, "en")
    assert "were purged" in said
    assert "Lines from before 24 November 2026 are kept no longer" in said
    assert "noslēgta" in explain(store, call, settings, "lv")


def test_lines_of_a_sealed_day_are_counted_kept_apart_and_told(
    settings: Settings, store: Store, time: Time, tmp_path: Path
) -> None:
    lines = cel()
    half = len(lines) // 2
    load([put(tmp_path, "a.csv", b"".join(lines[:half]))], settings, store)
    time.at = on(DAY + 91 * ONE_DAY)
    purge(store, settings)
    before = tables(store)
    (late,) = load([put(tmp_path, "b.csv", b"".join(lines[half:]))], settings, store)
    assert late.read == late.kept + late.ignored + late.rejected
    assert (late.new, late.known, late.late) == (0, 0, late.kept)
    assert late.late > 0
    assert f"late {late.late} (their days are sealed)" in as_text([late])
    assert as_json([late])["late"] == late.late
    rows = store.scan("late")
    assert rows.num_rows == late.late
    assert set(rows["local_date"].to_pylist()) == {DAY}
    assert (store.scan("events").num_rows, tables(store)) == (0, before)
    retention = next(check for check in examine(settings) if check.what == "retention")
    assert not retention.well
    assert f"{late.late} lines came after their days were sealed" in retention.found
    # a longer version of the first file: what it had was known, what was late once is not late twice
    (again,) = load([put(tmp_path, "a.csv", b"".join(lines))], settings, store)
    assert (again.new, again.late) == (0, 0)
    assert again.known == again.kept
    assert store.scan("late").num_rows == late.late


def test_other_rules_do_not_touch_sealed_days(settings: Settings, store: Store, time: Time) -> None:
    load([SAMPLE / "cel"], settings, store)
    time.at = on(DAY + 89 * ONE_DAY)  # the events are still there, the day is sealed
    purge(store, settings)
    before = tables(store)
    assert store.scan("events").num_rows > 0
    changed = settings.model_copy(update={"trunks": ("other",)})
    assert DAY not in recompute(store, changed)
    assert recompute(store, changed, [DAY]) == []
    assert tables(store) == before


def test_the_first_open_day_is_computed_from_the_sealed_day_before(
    settings: Settings, store: Store, time: Time
) -> None:
    """A call over midnight that began on a sealed day stays that day's, whatever comes later."""
    Vault.open(settings, store.database)  # makes the key
    first, midnight = NOON.date(), datetime(2026, 3, 10, 22, tzinfo=UTC)  # midnight in Riga
    began = midnight - timedelta(minutes=5)
    uid = f"{int(began.timestamp())}.1"

    def said(key: str, at: datetime, kind: str) -> dict[str, object]:
        return event(key, at, kind=kind, uniqueid=uid, linkedid=uid, channel="PJSIP/trunk-1", batch=key)

    for row in (said("k1", began, "CHAN_START"), said("k2", midnight + timedelta(minutes=5), "CHAN_END")):
        store.append_batch(batch(str(row["line_key"])), [events(row)])
    time.at = on(first + timedelta(days=90 - 1))  # seals the first day, not the second; purges nothing yet
    assert purge(store, settings).limits.sealed_before == first + ONE_DAY
    before = tables(store)
    assert [row["local_date"] for row in store.scan("calls").to_pylist()] == [first]
    late = said("k3", midnight + timedelta(minutes=4), "ANSWER")
    store.append_batch(batch("k3"), [events(late)])
    assert first not in recompute(store, settings)
    assert tables(store) == before  # no second call on the open day
    assert store.scan("late").num_rows == 0


def test_a_day_that_still_has_lines_to_compute_is_not_sealed(store: Store) -> None:
    store.append_batch(batch("b"), [events(event("k", batch="b"))])
    with pytest.raises(ConflictError), store.database.write() as connection:
        retaining.seal(connection, NOON.date() + ONE_DAY)
    with store.database.read() as connection:
        assert catalog.horizon(connection).sealed_before is None


def test_a_batch_that_is_written_while_its_day_is_sealed_is_refused(store: Store) -> None:
    writer = store.writer(batch("b"))
    assert writer.add(events(event("k", batch="b"))) == 0
    with store.database.write() as connection:
        retaining.seal(connection, NOON.date() + ONE_DAY)
    with pytest.raises(ConflictError, match="sealed meanwhile"):
        writer.commit(batch("b"))
    again = store.writer(batch("b"))
    assert again.add(events(event("k", batch="b"))) == 1
    again.commit(batch("b"))
    assert store.scan("late")["line_key"].to_pylist() == [b"k".hex()]


def test_facts_go_by_whole_months_out_of_gathered_files_too(
    settings: Settings, store: Store, time: Time
) -> None:
    load([SAMPLE / "cel"], settings, store)
    time.at = on(date(2027, 11, 30))
    gather(store)
    purge(store, settings)
    assert store.scan("calls").num_rows > 0
    time.at = on(date(2027, 12, 2))
    gone = {one.what: one for one in purge(store, settings).gone}
    assert {"calls", "visits", "attempts", "channels"} <= set(gone)
    assert gone["calls"].setting == "retention.facts_months = 13"
    assert all(rows == [] for rows in tables(store).values())
    assert list(store.root.rglob("*.parquet")) == []


def test_the_command_tells_and_can_only_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLSTATS_RETENTION__EVENTS_DAYS", "3")
    given = ["--config", str(SAMPLE / "callstats.toml"), "--data", str(tmp_path / "data")]
    old = put(tmp_path, "cel.csv", b"".join(line.replace(b"17954", b"17654") for line in cel()))
    main(["ingest", *given, str(old)])
    capsys.readouterr()
    assert main(["purge", *given, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "events: " in said
    assert "retention.events_days = 3" in said
    assert "This would go." in said
    assert main(["purge", *given, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["dry_run"] is False
    assert {one["what"] for one in told["gone"]} >= {"events"}
    assert main(["purge", *given]) == 0
    assert capsys.readouterr().out.startswith("Nothing went.")


def test_what_is_told_is_how_far_retention_went_before(settings: Settings, store: Store) -> None:
    kept = settings.retention.model_copy(update={"events_days": 3})
    short = settings.model_copy(update={"retention": kept})
    sealed = purge(store, short).limits.sealed_before
    assert sealed == limits(short, LOADED.date()).sealed_before
    longer = purge(store, settings).limits
    assert (longer.sealed_before, longer.purged_before) == (sealed, LOADED.date() - 3 * ONE_DAY)


def test_a_report_without_late_lines_says_nothing_of_them() -> None:
    assert "late" not in as_text([FileReport("a", "loaded", "cel_csv", read=1, kept=1, new=1)])
