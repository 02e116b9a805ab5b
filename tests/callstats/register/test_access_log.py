"""The log of who saw a number: each row follows from the one before, and what was changed in it shows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from callstats.cases import access_log
from callstats.cases.access_log import Access, sealed
from callstats.cases.database import Database
from callstats.cases.register_tables import access_log as table

FIRST = datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=UTC)


def look(number: int) -> Access:
    """Each a minute after the one before."""
    when = FIRST + timedelta(minutes=number - 1)
    return Access(when, "Ilze", "number_shown", f"case {number}", "atzvanīt" if number % 2 else None)


@pytest.fixture
def log(database_url: str) -> Iterator[Database]:
    """A log of five looks, at cases 1 to 5."""
    database = Database.open(database_url)
    for number in range(1, 6):
        with database.write() as connection:
            access_log.note(connection, look(number))
    yield database
    database.close()


def broken(database: Database) -> int | None:
    with database.read() as connection:
        return access_log.broken(connection)


def test_an_empty_log_is_whole(database_url: str) -> None:
    database = Database.open(database_url)
    assert broken(database) is None
    with database.read() as connection:
        assert access_log.listed(connection) == []
    database.close()


def test_what_was_noted_is_listed_in_order_and_whole(log: Database) -> None:
    with log.read() as connection:
        assert access_log.listed(connection) == [look(number) for number in range(1, 6)]
    assert broken(log) is None


@pytest.mark.parametrize("row", [1, 3, 5])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"author": "Anna"}, id="who"),
        pytest.param({"at": FIRST + timedelta(seconds=30)}, id="when"),
        pytest.param({"action": "exported"}, id="what"),
        pytest.param({"about": "case 99"}, id="of which case"),
        pytest.param({"reason": "cits"}, id="why"),
        pytest.param({"before": "0" * 32}, id="the row before"),
        pytest.param({"seal": "0" * 32}, id="the seal"),
    ],
)
def test_a_row_that_was_changed_shows(log: Database, row: int, change: dict[str, Any]) -> None:
    with log.write() as connection:
        connection.execute(update(table).where(table.c.id == row).values(change))
    assert broken(log) == row


def test_a_row_that_was_changed_and_sealed_anew_shows_in_the_next(log: Database) -> None:
    with log.write() as connection:
        before = connection.execute(select(table.c.before).where(table.c.id == 3)).scalar_one()
        forged = Access(FIRST, "Anna", "number_shown", "case 3")
        values = {**vars(forged), "seal": sealed(before, forged)}
        connection.execute(update(table).where(table.c.id == 3).values(values))
    assert broken(log) == 4


def test_a_row_that_was_taken_out_shows_in_the_next(log: Database) -> None:
    with log.write() as connection:
        connection.execute(delete(table).where(table.c.id == 3))
    assert broken(log) == 4


def test_two_rows_that_changed_places_show(log: Database) -> None:
    with log.write() as connection:
        for one, other in ((3, 99), (4, 3), (99, 4)):
            connection.execute(update(table).where(table.c.id == one).values(id=other))
    assert broken(log) == 3


def test_a_row_that_was_put_at_the_end_without_the_one_before_shows(log: Database) -> None:
    forged = look(6)
    with log.write() as connection:
        values = {**vars(forged), "before": "", "seal": sealed("", forged)}
        number = connection.execute(insert(table).values(values).returning(table.c.id)).scalar_one()
    assert broken(log) == number


def test_what_remains_after_retention_is_whole_and_goes_on(log: Database) -> None:
    until = look(3).at  # rows from before: 1 and 2
    with log.write() as connection:
        assert access_log.old(connection, until) == 2
        assert access_log.forget(connection, until) == 2
        assert access_log.old(connection, until) == 0
        access_log.note(connection, look(6))
    with log.read() as connection:
        assert [row.about for row in access_log.listed(connection)] == [f"case {n}" for n in (3, 4, 5, 6)]
    assert broken(log) is None


def test_a_look_that_was_rolled_back_leaves_nothing(log: Database) -> None:
    def fails() -> None:
        with log.write() as connection:
            access_log.note(connection, look(6))
            raise RuntimeError("the number was not shown")

    with pytest.raises(RuntimeError):
        fails()
    with log.read() as connection:
        assert len(access_log.listed(connection)) == 5
    assert broken(log) is None


def test_of_many_who_look_at_once_each_is_noted_and_the_log_stays_whole(log: Database) -> None:
    faults: list[Exception] = []

    def go(name: str) -> None:
        try:
            for number in range(6, 11):
                with log.write() as connection:
                    access_log.note(connection, Access(FIRST, name, "number_shown", f"case {number}"))
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=go, args=(f"Person {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with log.read() as connection:
        assert len(access_log.listed(connection)) == 5 + 4 * 5
    assert broken(log) is None
