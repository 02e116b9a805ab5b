import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from callstats import gather as module
from callstats.engine import Session
from callstats.fields import REJECTS, TABLES
from callstats.gather import gather
from callstats.snapshot import Snapshot, at_one_moment
from callstats.store import GRACE, LEASE, ConflictError, Store
from tests.callstats import churn
from tests.callstats.facts import NOON, Time, batch, calls, event, events, keys, site
from tests.ingest.loading import Site, lines_of
from tests.shared import ROOT

DAY = date(2026, 3, 10)
ONE_DAY = timedelta(days=1)
SETTLED = datetime(2026, 4, 12, tzinfo=UTC)


@pytest.fixture
def time() -> Time:
    return Time(SETTLED)


@pytest.fixture
def store(tmp_path: Path, database_url: str, time: Time) -> Iterator[Store]:
    with Store.open(site(tmp_path, database_url), time) as opened:
        yield opened


def computed(store: Store) -> None:
    """As if every day had been computed."""
    with store.database.read() as connection:
        from callstats.cases import catalog

        days = [day.local_date for day in catalog.known_days(connection)]
    store.replace_days(days, {})


def test_the_files_of_a_day_and_voice_become_one_in_order_of_time(store: Store) -> None:
    for n in (3, 1, 2):
        at = NOON + n * timedelta(hours=1)
        store.append_batch(batch(f"b{n}"), [events(event(f"k{n}", at, batch=f"b{n}"))])
    store.append_batch(batch("q", source="queue_log"), [events(event("q", source="queue_log", batch="q"))])
    computed(store)
    before = store.data_version()
    assert gather(store, all_of_it=True) == 3
    assert store.data_version() == before
    found = store.snapshot().files("events")
    assert sorted((file.source, file.rows) for file in found) == [("cel", 3), ("queue_log", 1)]
    (cel,) = (file for file in found if file.source == "cel")
    assert (cel.min_at, cel.max_at) == (NOON + timedelta(hours=1), NOON + timedelta(hours=3))
    assert pq.read_table(store.root / cel.path)["line_key"].to_pylist() == [b"k1", b"k2", b"k3"]


def test_a_day_with_lines_that_nothing_was_computed_from_waits(store: Store) -> None:
    for n in range(3):
        store.append_batch(batch(f"b{n}"), [events(event(f"k{n}", NOON + n * timedelta(hours=1)))])
    assert gather(store, all_of_it=True) == 0


def test_few_files_are_left_alone_until_their_day_has_many(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 3)
    for n in range(4):
        store.append_batch(batch(f"b{n}"), [events(event(f"k{n}", NOON + n * timedelta(hours=1)))])
        computed(store)
        assert gather(store) == (4 if n == 3 else 0)
    assert keys(store.scan("events")) == ["k0", "k1", "k2", "k3"]


def visits(day: date, *rows: tuple[str, int]) -> pa.Table:
    schema = TABLES["visits"].schema
    given = [
        {"call_id": f"{department}{hour}", "visit": 1, "department": department, "local_date": day,
         "entered_at": datetime(day.year, day.month, day.day, hour, tzinfo=UTC), "employees_tried": ["201"]}
        for department, hour in rows
    ]  # fmt: skip
    return pa.Table.from_pylist([dict.fromkeys(schema.names) | row for row in given], schema=schema)


def test_a_month_that_ended_becomes_one_file_by_department_and_time(store: Store, time: Time) -> None:
    store.replace_days([DAY], {"visits": visits(DAY, ("social", 9), ("finance", 10))})
    store.replace_days([DAY + ONE_DAY], {"visits": visits(DAY + ONE_DAY, ("finance", 8))})
    before, listed = store.scan("visits").sort_by("call_id"), store.snapshot()
    time.at = SETTLED - 3 * ONE_DAY
    assert gather(store) == 0
    time.at = SETTLED
    assert gather(store) == 2
    (month,) = store.snapshot().files("visits")
    assert (month.local_date, month.until) == (DAY, DAY + ONE_DAY)
    rows = pq.read_table(store.root / month.path)
    assert rows["call_id"].to_pylist() == ["finance10", "finance8", "social9"]
    assert store.scan("visits").sort_by("call_id").equals(before)
    assert store.scan("visits", DAY, DAY).num_rows == 2
    assert listed.scan("visits").num_rows == 3  # a reader who came before reads on
    assert gather(store) == 0


def test_a_late_day_is_taken_out_of_its_month(store: Store) -> None:
    for n in range(3):
        store.replace_days([DAY + n * ONE_DAY], {"calls": calls(DAY + n * ONE_DAY, f"c{n}")})
    gather(store)
    store.replace_days([DAY + ONE_DAY], {"calls": calls(DAY + ONE_DAY, "late", "later")})
    assert sorted(store.scan("calls")["call_id"].to_pylist()) == ["c0", "c2", "late", "later"]
    assert store.scan("calls", DAY + ONE_DAY, DAY + ONE_DAY).num_rows == 2
    store.replace_days([DAY + n * ONE_DAY for n in range(3)], {"calls": calls(DAY, "only")})
    assert store.scan("calls")["call_id"].to_pylist() == ["only"]


def test_a_day_that_is_gathered_while_it_is_computed_is_not_put_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(2):
        store.replace_days([DAY + n * ONE_DAY], {"calls": calls(DAY + n * ONE_DAY, f"c{n}")})
    real = Store.write_files

    def slowly(self: Store, new: object) -> object:
        monkeypatch.undo()
        assert gather(self) == 2  # another process gathers meanwhile
        return real(self, new)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "write_files", slowly)
    with pytest.raises(ConflictError, match="gathered"):
        store.replace_days([DAY], {"calls": calls(DAY, "new")})
    assert sorted(store.scan("calls")["call_id"].to_pylist()) == ["c0", "c1"]


def test_rejects_that_were_gathered_still_give_way_to_a_longer_version(store: Store) -> None:
    def reject(name: str) -> pa.Table:
        row = dict.fromkeys(REJECTS.names) | {"batch": name, "line": 1, "path": name, "line_key": name}
        return pa.Table.from_pylist([row], schema=REJECTS.schema)

    for name in ("b1", "b2"):
        store.append_batch(batch(name), [], reject(name))
    assert gather(store, all_of_it=True) == 2
    (file,) = store.snapshot().files("rejects")
    assert file.batch is None
    longer = store.writer(batch("b3"))
    rows = store.scan("rejects")
    longer.replace_rows(file, rows.filter(pc.equal(rows["batch"], "b2")))
    longer.commit(batch("b3"), grown_from=["b1"])
    assert store.scan("rejects")["batch"].to_pylist() == ["b2"]


@pytest.mark.parametrize("name", ["cel/Master.csv", "queue_log"])
def test_lines_are_known_after_gathering(sites: list[Site], name: str) -> None:
    site_of, lines = sites[0], lines_of(name)[:80]
    for number, place in enumerate(range(0, 60, 20)):
        site_of.load(site_of.put(f"{number}", b"".join(lines[place : place + 20])), compute=number == 2)
    assert gather(site_of.store, all_of_it=True) >= 3
    (report,) = site_of.load(site_of.put("whole", b"".join(lines)))
    assert report.new <= len(lines) - 60
    assert report.known == report.kept - report.new > 0
    stored = site_of.store.scan("events")["line_key"].to_pylist()
    assert len(set(stored)) == len(stored)


def test_a_longer_recording_of_a_feed_takes_the_end_of_a_gathered_one_back(sites: list[Site]) -> None:
    site_of, ami = sites[0], (ROOT / "sample_cdr/ami.raw").read_bytes()
    cut = ami.index(b"\r\n\r\n", len(ami) // 3) + 4
    cut = ami.rindex(b"\r\n\r\n", 0, cut) + 4
    site_of.load(site_of.put("short", ami[:cut]), compute=True)
    gather(site_of.store, all_of_it=True)
    site_of.load(site_of.put("long", ami), compute=True)
    sites[1].load(sites[1].put("long", ami))
    assert site_of.said() == sites[1].said()


# ------------------------------------------------------------------ one moment


def test_a_snapshot_shows_one_version_of_all_tables(store: Store) -> None:
    store.replace_days([DAY], {"calls": calls(DAY, "old")})
    facts = store.snapshot()
    store.replace_days([DAY], {"calls": calls(DAY, "new"), "visits": visits(DAY, ("social", 9))})
    assert facts.scan("calls")["call_id"].to_pylist() == ["old"]
    assert facts.scan("visits").num_rows == 0
    assert facts.data_version() != store.data_version()
    assert facts.snapshot() is facts


def test_who_finds_a_file_gone_reads_all_tables_anew(store: Store, time: Time) -> None:
    store.replace_days([DAY], {"calls": calls(DAY, "old")})
    tries = []

    def read(facts: Snapshot) -> list[str]:
        tries.append(facts.counter)
        paths = facts.table_files("calls")
        if len(tries) == 1:  # an hour passes, and somebody sweeps
            store.replace_days([DAY], {"calls": calls(DAY, "new")})
            time.pass_by(GRACE + LEASE)
            store.sweep()
        with Session() as session:
            session.table("calls", paths)
            found: list[str] = session.query("SELECT call_id FROM calls")["call_id"].to_pylist()
        return found

    assert at_one_moment(store, read) == ["new"]
    assert len(tries) == 2


def test_a_fault_that_is_no_missing_file_is_not_tried_again(store: Store) -> None:
    tries = []

    def fails(_: Snapshot) -> None:
        tries.append(1)
        raise FileNotFoundError("something else")

    with pytest.raises(FileNotFoundError):
        at_one_moment(store, fails)
    assert len(tries) == 1


def test_readers_see_whole_days_while_writers_replace_gather_and_die(
    tmp_path: Path, database_url: str
) -> None:
    """Writers are killed at random; who reads sees every day once, all of one round, in both tables."""
    chance, rounds, command = random.Random(7), 0, [sys.executable, "-m", "tests.callstats.churn"]
    with Store.open(site(tmp_path, database_url), churn.later) as store:
        churn.replace(store, 0)
        for _ in range(3):
            arguments = [str(tmp_path), database_url, str(rounds + 1)]
            with subprocess.Popen(
                [*command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
            ) as writer:
                assert writer.stdout is not None
                for _ in range(chance.randrange(2, 5)):
                    rounds = int(writer.stdout.readline())
                    for _ in range(5):
                        _whole(_seen(store))
                writer.send_signal(signal.SIGKILL)
        _whole(_seen(store))
        churn.replace(store, 10_000)  # the next run goes on
        gather(store, all_of_it=True)
        assert _whole(_seen(store)) == 10_000
        store.clock = lambda: churn.later() + 3 * LEASE
        store.sweep()
        valid = {path for name in ("calls", "messages") for path in store.table_files(name)}
        assert {path for path in store.root.rglob("*") if ".parquet" in path.name} == valid
        assert list((store.root / "spill").glob("*")) == []


def _seen(store: Store) -> list[tuple[str, date, str]]:
    """What a reader gets in the end: the writer sweeps at once, without the grace that readers have."""
    while True:
        try:
            return at_one_moment(store, _read)
        except (FileNotFoundError, duckdb.IOException):
            continue


def _read(facts: Snapshot) -> list[tuple[str, date, str]]:
    found = []
    for name in ("calls", "messages"):
        with Session() as session:
            session.table("rows", facts.table_files(name))
            rows = session.query("SELECT local_date, call_id FROM rows").to_pylist()
        found += [(name, row["local_date"], row["call_id"]) for row in rows]
    return found


def _whole(rows: list[tuple[str, date, str]]) -> int:
    numbers = {int(name.partition("-")[0]) for _, _, name in rows}
    assert len(numbers) == 1
    assert Counter((table, day) for table, day, _ in rows) == {
        (table, day): 2 for table in ("calls", "messages") for day in churn.DAYS
    }
    return numbers.pop()
