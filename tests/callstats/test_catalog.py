from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text

from callstats.cases import catalog
from callstats.cases.catalog import ConflictError, FileRow
from callstats.cases.database import Database
from callstats.cases.models import days
from callstats.errors import StoreError
from tests.callstats.facts import NOON, batch

DAY = date(2026, 3, 10)
ONE_DAY = timedelta(days=1)
LEASE = NOON + timedelta(hours=1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
    yield opened
    opened.close()


def file(name: str, day: date = DAY, table: str = "events", **columns: object) -> FileRow:
    given = {"pbx": "pbx", "source": "cel", "min_at": NOON, "max_at": NOON, "rows": 1} | columns
    return FileRow(id=name, table_name=table, local_date=day, path=f"{table}/{name}", **given)  # type: ignore[arg-type]


def commit(database: Database, name: str, *new: FileRow, reach: dict[date, date] | None = None) -> int:
    with database.write() as connection:
        catalog.register(connection, new, NOON, LEASE)
    with database.write() as connection:
        based = catalog.version(connection)[0]
        return catalog.commit_batch(connection, batch(name), new, reach or {}, now=NOON, based_on=based)


def names(database: Database, *given: object, **named: object) -> list[str]:
    with database.read() as connection:
        return [found.id for found in catalog.live_files(connection, *given, **named)]  # type: ignore[arg-type]


def test_a_pending_file_is_not_valid(database: Database) -> None:
    with database.write() as connection:
        catalog.register(connection, [file("f1")], NOON, LEASE)
    assert names(database, "events") == []


def test_files_are_found_by_day_source_and_time(database: Database) -> None:
    hour = timedelta(hours=1)
    commit(
        database,
        "b1",
        file("early"),
        file("late", min_at=NOON + 2 * hour, max_at=NOON + 3 * hour),
        file("queue", source="queue_log"),
        file("other", pbx="second"),
        file("next", DAY + ONE_DAY),
        file("calls", table="calls"),
    )
    assert names(database, "events", pbx="pbx", source="cel") == ["early", "late", "next"]
    assert names(database, "events", DAY, DAY, pbx="pbx", source="cel") == ["early", "late"]
    assert names(database, "events", pbx="pbx", source="cel", span=(NOON + hour, NOON + 2 * hour)) == ["late"]
    assert names(database, "events", pbx="pbx", source="cel", span=(NOON, NOON)) == ["early", "next"]
    assert names(database, "calls") == ["calls"]


def test_the_version_rises_with_every_commit_and_tells_contents_apart(database: Database) -> None:
    assert commit(database, "b1", file("f1")) == 1
    with database.read() as connection:
        first = catalog.version(connection)
    assert commit(database, "b2", file("f2", min_at=NOON + ONE_DAY, max_at=NOON + ONE_DAY)) == 2
    with database.read() as connection:
        second = catalog.version(connection)
    assert (first[0], second[0]) == (1, 2)
    assert first[1] != second[1]


def test_a_batch_is_committed_once(database: Database) -> None:
    commit(database, "b1", file("f1"))
    with database.write() as connection:
        catalog.register(connection, [file("f2")], NOON, LEASE)
    with pytest.raises(ConflictError), database.write() as connection:
        catalog.commit_batch(connection, batch("b1"), [file("f2")], {}, now=NOON, based_on=1)
    assert names(database, "events") == ["f1"]
    with database.read() as connection:
        assert catalog.version(connection)[0] == 1


def test_a_batch_and_its_longer_versions_are_found_by_their_beginning(database: Database) -> None:
    for name, size in (("b1", 10), ("b2", 30), ("b3", 20)):
        with database.write() as connection:
            catalog.commit_batch(connection, batch(name, size=size), [], {}, now=NOON, based_on=99)
    with database.read() as connection:
        assert [b.id for b in catalog.lineage(connection, "l", "pbx", "cel_csv")] == ["b2", "b3", "b1"]
        assert catalog.lineage(connection, "l", "pbx", "cdr_csv") == []
        assert catalog.lineage(connection, "other", "pbx", "cel_csv") == []


def test_new_events_make_their_day_and_its_neighbours_stale(database: Database) -> None:
    commit(database, "b1", file("f1"), reach={DAY: DAY})
    with database.read() as connection:
        stale = catalog.stale_days(connection, "rules")
    assert [day.local_date for day in stale] == [DAY - ONE_DAY, DAY, DAY + ONE_DAY]


def test_computing_makes_a_day_current_until_new_events_or_rules_come(database: Database) -> None:
    based = commit(database, "b1", file("f1"), reach={DAY: DAY})
    with database.write() as connection:
        catalog.commit_days(connection, [DAY], ["calls"], [], now=NOON, based_on=based, rules="rules")
    with database.read() as connection:
        assert DAY not in [day.local_date for day in catalog.stale_days(connection, "rules")]
        assert DAY in [day.local_date for day in catalog.stale_days(connection, "other rules")]
    commit(database, "b2", file("f2", DAY + ONE_DAY), reach={DAY + ONE_DAY: DAY + ONE_DAY})
    with database.read() as connection:
        assert DAY in [day.local_date for day in catalog.stale_days(connection, "rules")]


def test_events_that_came_while_a_day_was_computed_leave_it_stale(database: Database) -> None:
    based = commit(database, "b1", file("f1"), reach={DAY: DAY})
    commit(database, "b2", file("f2", min_at=NOON + ONE_DAY, max_at=NOON + ONE_DAY), reach={DAY: DAY})
    with database.write() as connection:
        catalog.commit_days(connection, [DAY], ["calls"], [], now=NOON, based_on=based, rules="rules")
    with database.read() as connection:
        assert DAY in [day.local_date for day in catalog.stale_days(connection, "rules")]


def test_how_far_the_calls_of_a_day_reach_is_never_forgotten(database: Database) -> None:
    far = DAY + 4 * ONE_DAY
    commit(database, "b1", file("f1"), reach={DAY: far})
    commit(database, "b2", file("f2", min_at=NOON + ONE_DAY, max_at=NOON + ONE_DAY), reach={DAY: DAY})
    with database.read() as connection:
        reach = connection.execute(select(days.c.reach_to).where(days.c.local_date == DAY)).scalar()
        assert reach == far
        assert [day.reach_to for day in catalog.known_days(connection, DAY, DAY)] == [far]


def test_many_days_at_once(database: Database) -> None:
    many = {DAY + n * ONE_DAY: DAY + n * ONE_DAY for n in range(1500)}
    commit(database, "b1", file("f1"), reach=many)
    with database.read() as connection:
        assert len(catalog.stale_days(connection, "rules")) == 1502


def test_the_nearest_ends_of_each_feed_are_found(database: Database) -> None:
    def end(name: str, days_off: int, pbx: str = "pbx") -> FileRow:
        at = NOON + days_off * ONE_DAY
        return file(name, DAY + days_off * ONE_DAY, pbx=pbx, min_at=at, max_at=at, feed_ends=True)

    ends = [end("a", -9), end("b", -5), end("in", 0), end("c", 4), end("d", 9), end("e", -20, "second")]
    commit(database, "b1", *ends, file("no", DAY - ONE_DAY))
    with database.read() as connection:
        found = catalog.nearest_feed_ends(connection, DAY - 2 * ONE_DAY, DAY + 2 * ONE_DAY)
    assert sorted(one.id for one in found) == ["b", "c", "e"]


def test_extending_the_lease_of_a_swept_file_fails(database: Database) -> None:
    with database.write() as connection:
        catalog.register(connection, [file("f1")], NOON, LEASE)
    with database.write() as connection:
        catalog.extend(connection, ["f1"], LEASE + ONE_DAY)
        assert catalog.sweep(connection, LEASE + timedelta(hours=2), timedelta(0)) == []
        assert catalog.sweep(connection, LEASE + 2 * ONE_DAY, timedelta(0)) == ["events/f1"]
    with pytest.raises(StoreError, match="swept"), database.write() as connection:
        catalog.extend(connection, ["f1"], LEASE + 3 * ONE_DAY)


def test_writing_waits_for_the_other_writer(database: Database, database_url: str) -> None:
    """Two that raise the version at the same time both count."""
    import threading

    other = Database.open(database_url)
    entered = threading.Event()

    def second() -> None:
        entered.set()
        with other.write() as connection:
            catalog.commit_batch(connection, batch("b2"), [], {}, now=NOON, based_on=99)

    thread = threading.Thread(target=second)
    with database.write() as connection:
        catalog.commit_batch(connection, batch("b1"), [], {}, now=NOON, based_on=99)
        thread.start()
        entered.wait()
        connection.execute(text("SELECT 1"))
    thread.join()
    other.close()
    with database.read() as connection:
        assert catalog.version(connection)[0] == 2
        assert {b.id for b in catalog.all_batches(connection)} == {"b1", "b2"}
