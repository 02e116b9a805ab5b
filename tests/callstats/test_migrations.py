import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from callstats.cases import database as module
from callstats.cases.database import HEAD, Database
from callstats.cases.models import metadata
from callstats.errors import SettingsError, StoreError
from tests.shared import ROOT

MIGRATIONS = Path(module.__file__).with_name("migrations")


def test_migrating_an_empty_database_gives_exactly_the_models(database_url: str) -> None:
    database = Database.open(database_url)
    assert database.revision() == HEAD
    with database.engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    database.close()


def test_the_head_that_is_asked_for_is_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_opening_again_keeps_what_is_there(database_url: str) -> None:
    first = Database.open(database_url)
    with first.write() as connection:
        connection.execute(text("UPDATE data_version SET counter = 7"))
    first.close()
    again = Database.open(database_url)
    with again.read() as connection:
        assert connection.execute(text("SELECT counter FROM data_version")).scalar() == 7
    again.close()


def test_many_that_open_an_empty_database_at_once_migrate_it_once(database_url: str) -> None:
    script = (
        "import sys; from callstats.cases.database import Database; from sqlalchemy import text\n"
        "database = Database.open(sys.argv[1])\n"
        "with database.write() as c: c.execute(text('UPDATE data_version SET counter = counter + 1'))\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", script, database_url], cwd=ROOT) for _ in range(4)]
    assert [process.wait() for process in running] == [0, 0, 0, 0]
    database = Database.open(database_url)
    with database.read() as connection:
        assert connection.execute(text("SELECT counter FROM data_version")).scalar() == 4
    database.close()


def test_a_migration_that_fails_leaves_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import command

    real = command.upgrade

    def fails(config: Config, revision: str) -> None:
        real(config, revision)
        raise OSError("no space left")

    monkeypatch.setattr(command, "upgrade", fails)
    with pytest.raises(StoreError, match="no space left"):
        Database.open(database_url)
    monkeypatch.undo()
    plain = create_engine(database_url)
    with plain.connect() as connection:
        assert inspect(connection).get_table_names() == []
    plain.dispose()
    Database.open(database_url).close()


def test_a_database_of_a_newer_program_is_refused(database_url: str) -> None:
    database = Database.open(database_url)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="restart"), database.write():
        pass
    database.close()
    with pytest.raises(StoreError, match="newer callstats"):
        Database.open(database_url)


def test_a_transaction_that_fails_changes_nothing(database_url: str) -> None:
    database = Database.open(database_url)

    def fail() -> None:
        with database.write() as connection:
            connection.execute(text("UPDATE data_version SET counter = 5"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.read() as connection:
        assert connection.execute(text("SELECT counter FROM data_version")).scalar() == 0
    database.close()


def test_foreign_keys_and_values_are_checked(database_url: str) -> None:
    database = Database.open(database_url)
    orphan = (
        "INSERT INTO files (id, table_name, local_date, path, rows, bytes, state, created_at, batch) "
        "VALUES ('f', 'events', '2026-01-01', 'p', 0, 0, {state}, '2026-01-01', {batch})"
    )
    for values in ({"state": "'live'", "batch": "'none'"}, {"state": "'odd'", "batch": "NULL"}):
        with pytest.raises(StoreError) as caught, database.write() as connection:
            connection.execute(text(orphan.format(**values)))
        assert isinstance(caught.value.__cause__, IntegrityError)
    database.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+psycopg://someone:secret-word@127.0.0.1:1/callstats", "127.0.0.1"),
        ("postgresql+psycopg://someone:secret-word@127.0.0.1:port/callstats", "address cannot be read"),
        ("nonsense-secret-word", "database"),
        ("sqlite:///:memory:", "needs a file"),
        ("sqlite:////dev/null/callstats.sqlite3", "File exists"),
    ],
)
def test_an_address_where_no_database_is_is_a_fault_of_the_settings(url: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Database.open(url)
    assert "secret-word" not in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "callstats.sqlite3"
    path.write_bytes(b"this is a letter, not a database" * 200)
    with pytest.raises(StoreError, match="not a database"):
        Database.open(f"sqlite:///{path}")


def test_the_sqlite_file_is_for_its_owner_only_and_in_wal_mode(tmp_path: Path) -> None:
    path = tmp_path / "callstats.sqlite3"
    database = Database.open(f"sqlite:///{path}")
    assert path.stat().st_mode & 0o777 == 0o600
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    database.close()


def test_a_database_of_the_first_revision_keeps_its_data(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEAD", "0001")
    first = Database.open(database_url)
    assert first.revision() == "0001"
    with first.write() as connection:
        connection.execute(text("UPDATE data_version SET counter = 7"))
    first.close()
    monkeypatch.undo()
    again = Database.open(database_url)
    assert again.revision() == HEAD
    with again.read() as connection:
        assert connection.execute(text("SELECT counter FROM data_version")).scalar() == 7
        assert connection.execute(text("SELECT count(*) FROM number_keys")).scalar() == 0
    again.close()
