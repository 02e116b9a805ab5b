from collections.abc import Collection, Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from callstats.cases import catalog, commits, crossings, keeping
from callstats.cases.catalog import ConflictError, FileRow, Index
from callstats.cases.database import Database
from callstats.cases.models import files
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


def commit(database: Database, name: str, *new: FileRow, touched: Collection[date] = ()) -> int:
    with database.write() as connection:
        commits.register(connection, new, NOON, LEASE)
    with database.write() as connection:
        based = catalog.version(connection)[0]
        return commits.commit_batch(connection, batch(name), new, touched, now=NOON, based_on=based)


def names(database: Database, *given: object, **named: object) -> list[str]:
    with database.read() as connection:
        return [found.id for found in catalog.live_files(connection, *given, **named)]  # type: ignore[arg-type]


def test_a_pending_file_is_not_valid(database: Database) -> None:
    with database.write() as connection:
        commits.register(connection, [file("f1")], NOON, LEASE)
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
        commits.register(connection, [file("f2")], NOON, LEASE)
    with pytest.raises(ConflictError), database.write() as connection:
        commits.commit_batch(connection, batch("b1"), [file("f2")], [], now=NOON, based_on=1)
    assert names(database, "events") == ["f1"]
    with database.read() as connection:
        assert catalog.version(connection)[0] == 1


def test_a_batch_and_its_longer_versions_are_found_by_their_beginning(database: Database) -> None:
    for name, size in (("b1", 10), ("b2", 30), ("b3", 20)):
        with database.write() as connection:
            commits.commit_batch(connection, batch(name, size=size), [], [], now=NOON, based_on=99)
    with database.read() as connection:
        assert [b.id for b in catalog.lineage(connection, "l", "pbx", "cel_csv")] == ["b2", "b3", "b1"]
        assert catalog.lineage(connection, "l", "pbx", "cdr_csv") == []
        assert catalog.lineage(connection, "other", "pbx", "cel_csv") == []


def test_new_events_make_their_day_stale(database: Database) -> None:
    commit(database, "b1", file("f1"), touched=[DAY])
    with database.read() as connection:
        stale = catalog.stale_days(connection, "rules")
    assert [day.local_date for day in stale] == [DAY]


def test_computing_makes_a_day_current_until_new_events_or_rules_come(database: Database) -> None:
    based = commit(database, "b1", file("f1"), touched=[DAY])
    with database.write() as connection:
        commits.commit_days(connection, [DAY], ["calls"], [], now=NOON, based_on=based, rules="rules")
    with database.read() as connection:
        assert DAY not in [day.local_date for day in catalog.stale_days(connection, "rules")]
        assert DAY in [day.local_date for day in catalog.stale_days(connection, "other rules")]
    commit(database, "b2", file("f2", min_at=NOON + ONE_DAY, max_at=NOON + ONE_DAY), touched=[DAY])
    with database.read() as connection:
        assert DAY in [day.local_date for day in catalog.stale_days(connection, "rules")]


def test_events_that_came_while_a_day_was_computed_leave_it_stale(database: Database) -> None:
    based = commit(database, "b1", file("f1"), touched=[DAY])
    commit(database, "b2", file("f2", min_at=NOON + ONE_DAY, max_at=NOON + ONE_DAY), touched=[DAY])
    with database.write() as connection:
        commits.commit_days(connection, [DAY], ["calls"], [], now=NOON, based_on=based, rules="rules")
    with database.read() as connection:
        assert DAY in [day.local_date for day in catalog.stale_days(connection, "rules")]


def test_a_day_beside_new_events_is_computed_but_keeps_its_own_lines_to_be_spread(database: Database) -> None:
    """Its rows are of now, but what its own new lines touch is still to be computed."""
    based = commit(database, "b1", file("f1"), touched=[DAY, DAY + ONE_DAY])
    with database.write() as connection:
        both = [DAY, DAY + ONE_DAY]
        commits.commit_days(
            connection, both, ["calls"], [], now=NOON, based_on=based, rules="rules", spread=[DAY]
        )
    with database.read() as connection:
        assert [day.local_date for day in catalog.stale_days(connection, "rules")] == [DAY + ONE_DAY]
        assert {day.computed_version for day in catalog.known_days(connection)} == {based}


def test_many_days_at_once(database: Database) -> None:
    commit(database, "b1", file("f1"), touched=[DAY + n * ONE_DAY for n in range(1500)])
    with database.read() as connection:
        assert len(catalog.stale_days(connection, "rules")) == 1500


def test_the_ids_that_cross_days_and_the_ends_of_feeds_are_those_of_valid_files(database: Database) -> None:
    end = {"line_key": "k", "pbx": "pbx", "batch": "b1", "at": NOON, "kind": "connected"}
    crossing = Index((("pbx:1.1", DAY - 3 * ONE_DAY),), ({**end, "connection": 1, "line": 1},))
    commit(database, "b1", file("f1", feed_ends=True, index=crossing), file("f2", DAY + ONE_DAY))
    found = crossings.Crossing("pbx:1.1", DAY, DAY - 3 * ONE_DAY)
    with database.read() as connection:
        assert crossings.around(connection, [DAY]) == [found]
        assert crossings.around(connection, [DAY - 3 * ONE_DAY]) == [found]
        assert crossings.around(connection, [DAY - ONE_DAY]) == []
        assert crossings.between(connection, DAY - ONE_DAY, DAY - ONE_DAY) == [found]
        assert crossings.of_ids(connection, ["pbx:1.1", "pbx:1.2"]) == [found]
        assert [one["kind"] for one in crossings.ends(connection)] == ["connected"]
        assert [one.id for one in crossings.files_with_ends_of(connection, "b1")] == ["f1"]
        assert crossings.feeds_changed(connection)
    with database.write() as connection:
        crossings.see_feeds(connection, {("pbx", 0, 5)}, catalog.version(connection)[0])
        assert not crossings.feeds_changed(connection)
        assert crossings.gaps(connection) == {("pbx", 0, 5)}
        counter = commits.raise_version(connection, None)
        commits.retire(connection, files.c.id == "f1", NOON, counter)
        assert crossings.feeds_changed(connection)
        assert crossings.around(connection, [DAY]) == []
        assert crossings.ends(connection) == []


def test_the_files_of_an_earlier_version_are_listed_as_long_as_they_are_there(database: Database) -> None:
    first = commit(database, "b1", file("f1"))
    with database.write() as connection:
        commits.register(connection, [file("f2")], NOON, LEASE)
    with database.write() as connection:
        commits.commit_gathered(connection, catalog.live_files(connection, "events"), [file("f2")], now=NOON)
        assert [one.id for one in catalog.live_files(connection, "events")] == ["f2"]
        assert [one.id for one in catalog.live_files(connection, "events", at=first)] == ["f1"]
        assert keeping.kept(connection) == 1


def test_gathering_files_changes_no_word_of_the_facts(database: Database) -> None:
    commit(database, "b1", file("f1"), file("f2", DAY))
    with database.write() as connection:
        before, old = catalog.content(connection), catalog.live_files(connection, "events")
        commits.register(connection, [file("f3", rows=2)], NOON, LEASE)
        commits.commit_gathered(connection, old, [file("f3", rows=2)], now=NOON)
        assert catalog.content(connection) == before
        with pytest.raises(ConflictError, match="meanwhile"):
            commits.commit_gathered(connection, old, [file("f3", rows=2)], now=NOON)


def test_extending_the_lease_of_a_swept_file_fails(database: Database) -> None:
    with database.write() as connection:
        commits.register(connection, [file("f1")], NOON, LEASE)
    with database.write() as connection:
        commits.extend(connection, ["f1"], LEASE + ONE_DAY)
        assert keeping.sweep(connection, LEASE + timedelta(hours=2), timedelta(0)) == []
        assert keeping.sweep(connection, LEASE + 2 * ONE_DAY, timedelta(0)) == ["events/f1"]
    with pytest.raises(StoreError, match="swept"), database.write() as connection:
        commits.extend(connection, ["f1"], LEASE + 3 * ONE_DAY)


def test_writing_waits_for_the_other_writer(database: Database, database_url: str) -> None:
    """Two that raise the version at the same time both count."""
    import threading

    other = Database.open(database_url)
    entered = threading.Event()

    def second() -> None:
        entered.set()
        with other.write() as connection:
            commits.commit_batch(connection, batch("b2"), [], [], now=NOON, based_on=99)

    thread = threading.Thread(target=second)
    with database.write() as connection:
        commits.commit_batch(connection, batch("b1"), [], [], now=NOON, based_on=99)
        thread.start()
        entered.wait()
        connection.execute(text("SELECT 1"))
    thread.join()
    other.close()
    with database.read() as connection:
        assert catalog.version(connection)[0] == 2
        assert {b.id for b in catalog.all_batches(connection)} == {"b1", "b2"}
