from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from callstats.calendar import Calendar
from callstats.cases.database import Database
from callstats.cases.models import numbers
from callstats.cases.vault import Vault, working_day_expiry
from callstats.errors import StoreError
from callstats.pseudonyms import Pseudonymiser
from callstats.settings import Settings
from tests.callstats.facts import NOON, Time

KEY = Pseudonymiser(b"k" * 32)
NUMBER = "+37120000001"
NAME = KEY.pseudonym(NUMBER)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
    yield opened
    opened.close()


@pytest.fixture
def vault(database: Database, time: Time) -> Vault:
    return Vault(database, KEY, lambda seen: seen + timedelta(days=7), time)


def test_a_number_is_shown_again_until_it_expires(vault: Vault, time: Time) -> None:
    assert vault.put({NAME: (NUMBER, NOON)}) == 1
    assert vault.reveal(NAME) == NUMBER
    time.pass_by(timedelta(days=7) - timedelta(seconds=1))
    assert vault.reveal(NAME) == NUMBER
    time.pass_by(timedelta(seconds=1))
    assert vault.reveal(NAME) is None
    assert vault.size() == 1  # still there, but shown to nobody
    assert vault.purge() == 1
    assert vault.size() == 0


def test_purging_leaves_what_has_not_expired(vault: Vault) -> None:
    other = KEY.pseudonym("+37120000002")
    vault.put({NAME: (NUMBER, NOON), other: ("+37120000002", NOON + timedelta(days=1))})
    assert vault.purge(NOON + timedelta(days=7)) == 1
    assert (vault.reveal(NAME), vault.reveal(other)) == (None, "+37120000002")


def test_an_unknown_pseudonym_has_no_number(vault: Vault) -> None:
    assert vault.reveal("n1-" + "0" * 32) is None


def test_a_number_seen_again_is_kept_longer_and_never_shorter(vault: Vault, time: Time) -> None:
    vault.put({NAME: (NUMBER, NOON + timedelta(days=3))})
    vault.put({NAME: (NUMBER, NOON)})  # an older file, loaded later
    time.pass_by(timedelta(days=9))
    assert vault.reveal(NAME) == NUMBER
    time.pass_by(timedelta(days=1))
    assert vault.reveal(NAME) is None


def test_what_expired_long_ago_is_never_stored(vault: Vault) -> None:
    assert vault.put({NAME: (NUMBER, NOON - timedelta(days=7))}) == 0
    assert vault.size() == 0


def test_nothing_is_stored_where_the_vault_is_off(database: Database) -> None:
    expiry = working_day_expiry(Calendar.from_settings(Settings()), 0)
    assert expiry is None
    vault = Vault(database, KEY, expiry, Time())
    assert vault.put({NAME: (NUMBER, NOON)}) == 0
    assert vault.size() == 0


def test_the_database_never_holds_the_number(vault: Vault, database: Database) -> None:
    vault.put({NAME: (NUMBER, NOON)})
    with database.read() as connection:
        row = connection.execute(select(numbers)).one()
    assert NUMBER[-8:] not in str(row)
    assert NUMBER[-8:].encode() not in bytes(row.secret)


def test_one_number_is_encrypted_differently_each_time(vault: Vault, database: Database) -> None:
    secrets = set()
    for _ in range(3):
        vault.put({NAME: (NUMBER, NOON)})
        with database.read() as connection:
            secrets.add(bytes(connection.execute(select(numbers.c.secret)).scalar_one()))
    assert len(secrets) == 3


def test_another_key_file_opens_nothing(vault: Vault, database: Database, time: Time) -> None:
    vault.put({NAME: (NUMBER, NOON)})
    other = Vault(database, Pseudonymiser(b"x" * 32), None, time)
    with pytest.raises(StoreError, match="key file"):
        other.reveal(NAME)


def test_a_ciphertext_moved_to_another_pseudonym_does_not_open(vault: Vault, database: Database) -> None:
    vault.put({NAME: (NUMBER, NOON)})
    moved = "n1-" + "1" * 32
    with database.write() as connection:
        connection.execute(numbers.update().values(pseudonym=moved))
    with pytest.raises(StoreError, match="does not open"):
        vault.reveal(moved)


def test_numbers_stored_under_an_older_key_still_open(vault: Vault, database: Database, time: Time) -> None:
    vault.put({NAME: (NUMBER, NOON)})
    rotated = Vault(database, Pseudonymiser(b"y" * 32, 2, KEY), None, time)
    assert rotated.reveal(NAME) == NUMBER


def test_many_numbers_are_stored_at_once(vault: Vault) -> None:
    many = {KEY.pseudonym(f"+371200{n:05}"): (f"+371200{n:05}", NOON) for n in range(1200)}
    assert vault.put(many) == vault.size() == 1200


@pytest.mark.parametrize(
    ("seen", "until"),
    [
        # Monday noon: five working days later is the next Monday, to its end (22:00 UTC in winter time)
        (datetime(2026, 3, 2, 10, tzinfo=UTC), datetime(2026, 3, 9, 22, tzinfo=UTC)),
        # Friday evening
        (datetime(2026, 3, 6, 20, tzinfo=UTC), datetime(2026, 3, 13, 22, tzinfo=UTC)),
        # Saturday counts from Monday, and the clock goes forward in between (21:00 UTC)
        (datetime(2026, 3, 28, 10, tzinfo=UTC), datetime(2026, 4, 7, 21, tzinfo=UTC)),
    ],
)
def test_five_working_days_end_at_midnight_of_the_fifth(seen: datetime, until: datetime) -> None:
    expiry = working_day_expiry(Calendar.from_settings(Settings()), 5)
    assert expiry is not None
    assert expiry(seen) == until


def test_the_key_file_lies_outside_the_database_and_is_its_owners(tmp_path: Path, database: Database) -> None:
    settings = Settings.load(None, tmp_path / "data")
    Vault.open(settings, database)
    assert settings.numbers.key_file.stat().st_mode & 0o777 == 0o600
