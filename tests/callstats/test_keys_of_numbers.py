from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from callstats.cases.database import Database
from callstats.cases.keys import (
    FOREIGN,
    generation,
    generation_since,
    key_fault,
    site_pseudonymiser,
    take_into_use,
)
from callstats.cases.models import batches, number_keys
from callstats.errors import SettingsError
from callstats.pseudonyms import load_pseudonymiser
from callstats.settings import Settings
from tests.callstats.facts import NOON, batch, site


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return site(tmp_path, database_url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
    yield opened
    opened.close()


def key(settings: Settings, text: str) -> None:
    settings.numbers.key_file.parent.mkdir(exist_ok=True)
    settings.numbers.key_file.write_text(text)
    settings.numbers.key_file.chmod(0o600)


def stored(database: Database) -> None:
    with database.write() as connection:
        connection.execute(batches.insert(), [asdict(batch()) | {"loaded_at": NOON, "state": "live"}])


ONE, OTHER = f"1 {'a' * 64}\n", f"1 {'b' * 64}\n"


def test_a_key_is_made_where_nothing_is_stored(settings: Settings, database: Database) -> None:
    assert key_fault(settings, database) is None
    assert not settings.numbers.key_file.exists()
    first = site_pseudonymiser(settings, database)
    stored(database)
    assert site_pseudonymiser(settings, database) == first
    assert key_fault(settings, database) is None


def test_a_missing_key_is_a_fault_once_something_is_stored(settings: Settings, database: Database) -> None:
    site_pseudonymiser(settings, database)
    stored(database)
    settings.numbers.key_file.unlink()
    with pytest.raises(SettingsError, match="key file of the numbers is missing; restore it"):
        site_pseudonymiser(settings, database)
    assert not settings.numbers.key_file.exists()
    assert "is missing" in (key_fault(settings, database) or "")


def test_another_key_of_the_same_id_is_refused(settings: Settings, database: Database) -> None:
    key(settings, ONE)
    site_pseudonymiser(settings, database)
    stored(database)
    key(settings, OTHER)
    with pytest.raises(SettingsError) as caught:
        site_pseudonymiser(settings, database)
    assert str(caught.value) == key_fault(settings, database) == f"{settings.numbers.key_file}: {FOREIGN}"
    key(settings, ONE)
    site_pseudonymiser(settings, database)


def test_a_later_key_is_prepared_and_not_used_before_everything_is_rewritten(
    settings: Settings, database: Database
) -> None:
    key(settings, ONE)
    first = site_pseudonymiser(settings, database)
    stored(database)
    key(settings, f"{ONE}2 {'c' * 64}\n")
    assert site_pseudonymiser(settings, database) == first
    with database.write() as connection:
        take_into_use(connection, load_pseudonymiser(settings.numbers.key_file), 7)
    assert site_pseudonymiser(settings, database).key_id == 2
    with database.read() as connection:
        assert (generation(connection), generation_since(connection)) == (2, 7)
    key(settings, ONE)  # a key that is in use may not be taken away
    with pytest.raises(SettingsError, match="is not the key file"):
        site_pseudonymiser(settings, database)


def test_where_nothing_is_stored_another_key_may_be_used(settings: Settings, database: Database) -> None:
    key(settings, ONE)
    site_pseudonymiser(settings, database)
    key(settings, OTHER)
    found = site_pseudonymiser(settings, database)
    stored(database)
    assert site_pseudonymiser(settings, database) == found


def test_data_of_an_older_program_take_the_key_that_is_there(settings: Settings, database: Database) -> None:
    key(settings, ONE)
    stored(database)
    with database.write() as connection:
        connection.execute(delete(number_keys))
    site_pseudonymiser(settings, database)
    key(settings, OTHER)
    with pytest.raises(SettingsError, match="is not the key file"):
        site_pseudonymiser(settings, database)


def test_the_database_does_not_hold_the_key(settings: Settings, database: Database) -> None:
    key(settings, ONE)
    site_pseudonymiser(settings, database)
    with database.read() as connection:
        (row,) = connection.execute(select(number_keys)).all()
    assert row.key_id == 1
    assert len(row.fingerprint) == 32
    assert row.fingerprint not in ONE
