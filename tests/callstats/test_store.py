import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from callstats import parquet
from callstats import writer as writer_module
from callstats.cases import keeping
from callstats.clock import utc_now
from callstats.errors import StoreError
from callstats.fields import REJECTS, TABLES
from callstats.store import GRACE, LEASE, ConflictError, Store
from tests.callstats import crash
from tests.callstats.facts import NOON, Time, batch, calls, event, events, keys, site
from tests.shared import ROOT

DAY = date(2026, 3, 10)
ONE_DAY = timedelta(days=1)
REJECT = {
    "batch": "b1", "path": "a.csv", "line": 3, "dialect": "cel_csv", "reason": "cut off", "text": "x",
    "line_key": "k",
}  # fmt: skip


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def store(tmp_path: Path, database_url: str, time: Time) -> Iterator[Store]:
    with Store.open(site(tmp_path, database_url), time) as opened:
        yield opened


def on_disk(store: Store) -> set[Path]:
    return {path for path in store.root.rglob("*") if path.is_file() and ".parquet" in path.name}


def test_an_empty_store_has_every_table_without_rows(store: Store) -> None:
    assert store.data_version() == "0"
    assert store.event_files() == []
    for name in TABLES:
        assert store.scan(name).num_rows == 0
        assert store.scan(name).column_names == list(TABLES[name].names)


def test_events_come_back_by_day_and_columns(store: Store) -> None:
    rows = [event("k1"), event("k2", NOON + ONE_DAY), event("k3", NOON + 2 * ONE_DAY)]
    assert store.append_batch(batch(), [events(*rows[:2]), events(rows[2])])
    assert keys(store.scan("events")) == ["k1", "k2", "k3"]
    assert keys(store.scan("events", DAY + ONE_DAY)) == ["k2", "k3"]
    assert keys(store.scan("events", None, DAY)) == ["k1"]
    assert store.scan("events", DAY, DAY, columns=["line_key"]).to_pylist() == [{"line_key": b"k1"}]
    assert [path.parent.name for path in store.event_files(DAY, DAY + ONE_DAY)] == [
        "2026-03-10",
        "2026-03-11",
    ]


def test_a_batch_that_is_known_changes_nothing(store: Store) -> None:
    assert store.append_batch(batch(), [events(event("k1"))])
    version, files = store.data_version(), on_disk(store)
    assert not store.append_batch(batch(), [events(event("k1"))])
    assert (store.data_version(), on_disk(store)) == (version, files)


def test_a_batch_loaded_by_two_at_once_is_there_once(store: Store) -> None:
    first, second = store.writer(batch()), store.writer(batch())
    first.add(events(event("k1")))
    second.add(events(event("k1")))
    first.commit(batch())
    with pytest.raises(ConflictError):
        second.commit(batch())
    assert keys(store.scan("events")) == ["k1"]


def test_lines_of_one_time_loaded_by_two_at_once_are_refused_to_the_slower(store: Store) -> None:
    slower = store.writer(batch("part"))
    slower.add(events(event("k1")))
    store.append_batch(batch("whole"), [events(event("k1"), event("k2"))])
    with pytest.raises(ConflictError):
        slower.commit(batch("part"))
    assert keys(store.scan("events")) == ["k1", "k2"]


def test_lines_of_different_times_may_be_loaded_by_two_at_once(store: Store) -> None:
    slower = store.writer(batch("b2"))
    slower.add(events(event("k2", NOON + timedelta(hours=1))))
    store.append_batch(batch("b1"), [events(event("k1"))])
    slower.commit(batch("b2"))
    assert keys(store.scan("events")) == ["k1", "k2"]


def test_many_rows_are_written_before_the_end_and_valid_only_after_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "BUFFERED_ROWS", 3)
    writer = store.writer(batch())
    for hour in range(8):
        rows = [event(f"k{hour}{n}", NOON + timedelta(hours=8 * hour)) for n in range(2)]
        writer.add(events(*rows))
    assert on_disk(store)
    assert store.event_files() == []
    writer.commit(batch())
    assert store.scan("events").num_rows == 16


def test_rejects_are_kept_beside_the_events(store: Store) -> None:
    store.append_batch(batch(), [], pa.Table.from_pylist([REJECT], schema=REJECTS.schema))
    assert store.scan("rejects").to_pylist() == [REJECT]


def test_the_rejects_of_a_shorter_version_give_way(store: Store) -> None:
    store.append_batch(
        batch("b1"), [events(event("k1"))], pa.Table.from_pylist([REJECT], schema=REJECTS.schema)
    )
    longer = store.writer(batch("b2"))
    longer.commit(batch("b2"), grown_from=["b1"])
    assert store.scan("rejects").num_rows == 0
    assert keys(store.scan("events")) == ["k1"]


def test_replacing_days_leaves_other_days_alone(store: Store) -> None:
    store.replace_days(
        [DAY, DAY + ONE_DAY], {"calls": pa.concat_tables([calls(DAY, "a"), calls(DAY + ONE_DAY, "b")])}
    )
    store.replace_days([DAY], {"calls": calls(DAY, "c", "d")})
    assert store.scan("calls")["call_id"].to_pylist() == ["c", "d", "b"]
    store.replace_days([DAY], {"calls": TABLES["calls"].schema.empty_table()})
    assert store.scan("calls")["call_id"].to_pylist() == ["b"]


def test_rows_of_a_day_that_is_not_replaced_are_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="2026-03-11"):
        store.replace_days([DAY], {"calls": calls(DAY + ONE_DAY, "a")})
    assert store.data_version() == "0"


def test_days_computed_from_older_events_do_not_replace_newer_ones(store: Store) -> None:
    store.append_batch(batch("b1"), [events(event("k1"))])
    old = store.counter()
    store.append_batch(batch("b2"), [events(event("k2", NOON + timedelta(hours=1)))])
    store.replace_days([DAY], {"calls": calls(DAY, "new")}, based_on=store.counter())
    with pytest.raises(ConflictError):
        store.replace_days([DAY], {"calls": calls(DAY, "old")}, based_on=old)
    assert store.scan("calls")["call_id"].to_pylist() == ["new"]


def test_an_internal_table_keeps_the_columns_it_has(store: Store) -> None:
    links = pa.table({"uniqueid": ["1.1"], "local_date": pa.array([DAY], pa.date32())})
    store.replace_days([DAY], {"links": links})
    assert store.scan("links").to_pylist() == links.to_pylist()
    assert store.scan("links", columns=["uniqueid"]).column_names == ["uniqueid"]


def test_a_table_with_a_missing_column_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="lacks answered_at"):
        store.replace_days([DAY], {"calls": calls(DAY, "a").drop_columns(["answered_at"])})


def test_a_row_without_a_day_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="no local_date"):
        store.append_batch(batch(), [events(event("k1", local_date=None))])


def test_every_commit_changes_the_data_version(store: Store) -> None:
    seen = [store.data_version()]
    store.append_batch(batch("b1"), [events(event("k1"))])
    seen.append(store.data_version())
    store.replace_days([DAY], {"calls": calls(DAY, "a")})
    seen.append(store.data_version())
    assert len(set(seen)) == 3


def test_replaced_files_stay_for_the_grace_period_and_no_longer(store: Store, time: Time) -> None:
    store.replace_days([DAY], {"calls": calls(DAY, "a")})
    old = store.table_files("calls")
    store.replace_days([DAY], {"calls": calls(DAY, "b")})
    assert store.sweep() == 0
    assert pq.read_table(old[0])["call_id"].to_pylist() == ["a"]
    time.pass_by(GRACE + timedelta(seconds=1))
    assert store.sweep() == 1
    assert on_disk(store) == set(store.table_files("calls"))


def test_replaced_files_stay_as_long_as_somebody_reads(store: Store, time: Time) -> None:
    store.replace_days([DAY], {"calls": calls(DAY, "a")})
    with store.reading(lease=timedelta(days=1)):
        old = store.table_files("calls")
        store.replace_days([DAY], {"calls": calls(DAY, "b")})
        time.pass_by(timedelta(hours=5))
        assert store.sweep() == 0
        assert old[0].exists()
    assert store.sweep() == 1


def test_a_reader_that_died_holds_files_until_its_lease_ends(store: Store, time: Time) -> None:
    store.replace_days([DAY], {"calls": calls(DAY, "a")})
    with store.database.write() as connection:
        keeping.begin_reading(connection, "dead", time(), time() + timedelta(hours=6))
    store.replace_days([DAY], {"calls": calls(DAY, "b")})
    time.pass_by(timedelta(hours=5))
    assert store.sweep() == 0
    time.pass_by(timedelta(hours=2))
    assert store.sweep() == 1


def test_a_reader_that_is_killed_keeps_what_it_read_until_its_lease_ends(
    tmp_path: Path, database_url: str
) -> None:
    """In a process of its own: nothing is taken from under it, and nothing stays for ever."""
    code = (
        "import sys, time; from pathlib import Path; from callstats.store import Store\n"
        "from tests.callstats.facts import site\n"
        "store = Store.open(site(Path(sys.argv[1]), sys.argv[2]))\n"
        "with store.reading() as facts:\n"
        "    print(*facts.table_files('calls'), flush=True); time.sleep(600)\n"
    )
    with Store.open(site(tmp_path, database_url)) as store:
        store.replace_days([DAY], {"calls": calls(DAY, "a")})
        command = [sys.executable, "-c", code, str(tmp_path), database_url]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdout is not None
            held = Path(reader.stdout.readline().strip())
            store.replace_days([DAY], {"calls": calls(DAY, "b")})
            reader.kill()
        began = utc_now()
        store.clock = lambda: began + LEASE - timedelta(minutes=5)
        assert store.sweep(timedelta(0)) == 0
        assert pq.read_table(held)["call_id"].to_pylist() == ["a"]
        store.clock = lambda: began + LEASE + timedelta(seconds=1)
        assert store.sweep(timedelta(0)) == 1
        assert on_disk(store) == set(store.table_files("calls"))


def test_only_files_with_an_expired_lease_are_swept(store: Store, time: Time) -> None:
    writer = store.writer(batch())
    writer.add(events(event("k1")))
    writer._flush([DAY])
    assert store.sweep() == 0
    time.pass_by(LEASE + timedelta(seconds=1))
    assert store.sweep() == 1
    with pytest.raises(StoreError, match="load again"):
        writer.commit(batch())
    assert keys(store.scan("events")) == []


def test_a_file_that_no_catalog_knows_is_swept_when_it_is_old(store: Store, time: Time) -> None:
    stray = store.root / "calls" / "2026-03-10-stray.parquet"
    parquet.write(calls(DAY, "a"), stray)
    os.utime(stray, (time().timestamp(), time().timestamp()))
    assert store.sweep() == 0
    time.pass_by(LEASE + timedelta(seconds=1))
    assert store.sweep() == 1
    assert not stray.exists()


def test_a_foreign_file_in_the_data_folder_is_never_swept(store: Store, time: Time) -> None:
    foreign = store.root / "notes" / "mine.parquet"
    parquet.write(calls(DAY, "a"), foreign)
    os.utime(foreign, (0, 0))
    assert store.sweep() == 0
    assert foreign.exists()


def test_a_draft_that_goes_while_sweeping_is_no_fault(
    store: Store, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    stray = store.root / "calls" / "2026-03-10-stray.parquet"
    parquet.write(calls(DAY, "a"), stray)
    os.utime(stray, (0, 0))
    real = Path.glob

    def glob(self: Path, pattern: str) -> list[Path]:  # as if another process renamed it at this moment
        return [self / "calls" / ".2026-03-10-gone.parquet.tmp", *real(self, pattern)]

    monkeypatch.setattr(Path, "glob", glob)
    assert store.sweep() == 1


def test_the_data_folder_is_for_its_owner_only(store: Store) -> None:
    store.append_batch(batch(), [events(event("k1"))])
    assert store.root.stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o777 for path in on_disk(store)} == {0o600}


def test_a_crash_at_any_point_loses_nothing_and_doubles_nothing(tmp_path: Path, database_url: str) -> None:
    time = Time()
    command = [sys.executable, "-m", "tests.callstats.crash", str(tmp_path), database_url]
    pipe = subprocess.PIPE
    with (
        Store.open(site(tmp_path, database_url), time) as store,
        subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as victim,
    ):
        assert victim.stdin is not None
        assert victim.stdout is not None
        for number in range(1, 100):
            print(number, file=victim.stdin, flush=True)
            status = int(victim.stdout.readline())
            _check_after_crash(store, number)
            if status == crash.THROUGH:
                break
            assert status == -signal.SIGKILL
        else:
            pytest.fail("the work never got through")
        assert number > 10
        time.at = max(utc_now(), NOON) + 2 * LEASE  # the child had the real time
        store.sweep()
        valid = {path for name in ("events", "calls", "messages") for path in store.table_files(name)}
        assert on_disk(store) == valid


def _check_after_crash(store: Store, number: int) -> None:
    name, day = f"b{number}", crash.day_of(number)
    last = day + ONE_DAY
    found = keys(store.scan("events", day, last))
    assert len(found) in (0, 2), f"half a batch after a crash at step {number}"
    assert store.scan("calls", day, day).num_rows == store.scan("messages", day, day).num_rows
    crash.work(store, number)
    found = keys(store.scan("events", day, last))
    assert found == [f"{name}-1", f"{name}-2"]
    assert store.scan("calls", day, day)["call_id"].to_pylist() == [name]
