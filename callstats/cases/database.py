"""The SQL database: opened, migrated, read and written in short transactions; SQLite and PostgreSQL alike."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError

from callstats.errors import SettingsError, StoreError

HEAD: Final = "0011"
BUSY_S: Final = 60.0
MIGRATION_LOCK: Final = 0x63616C6C  # advisory lock number on PostgreSQL
REVISION: Final = text("SELECT version_num FROM alembic_version")


class Database:
    """One SQL database; `read()` and `write()` give a connection in a transaction, ended with the block."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, url: str) -> Database:
        """Opens the database, creates or migrates its tables.

        Raises SettingsError where the address is wrong or nobody answers there, else StoreError.

        Migration is exclusive: whoever else opens or writes waits until it is done.
        """
        try:
            database = cls(_engine(url))
        except ValueError:  # its text may hold the password
            raise SettingsError("database: the address cannot be read; see the setting `database`") from None
        except (SQLAlchemyError, OSError) as error:
            raise SettingsError(_plain(error, url)) from None
        try:
            _reach(database)
        except (SQLAlchemyError, OSError) as error:
            database.close()
            if isinstance(error, OperationalError):
                raise SettingsError(f"{_plain(error, url)}; see the setting `database`") from None
            raise StoreError(_plain(error, url)) from None
        try:
            if database.revision() != HEAD:
                _migrate(database)
        except (SQLAlchemyError, OSError, StoreError) as error:
            database.close()
            raise (error if isinstance(error, StoreError) else StoreError(_plain(error, url))) from None
        return database

    @property
    def name(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()

    def revision(self) -> str | None:
        """Revision of the tables; None for an empty database."""
        with self.engine.connect() as connection:
            return _revision(connection)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one moment of the database; nothing may be written through it."""
        try:
            with self.engine.connect() as connection:
                if self.name == "postgresql":
                    connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
                yield connection
        except DBAPIError as error:
            raise StoreError(_plain(error, str(self.engine.url))) from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection with the right to write from the start; commits at the end of the block."""
        try:
            with self.engine.connect().execution_options(writing=True) as connection, connection.begin():
                if self.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock_shared(:n)"), {"n": MIGRATION_LOCK})
                if (found := connection.execute(REVISION).scalar()) != HEAD:  # each write asks: no inspecting
                    raise StoreError(
                        f"database: tables are of revision {found}, this program needs {HEAD}; restart it"
                    )
                yield connection
        except DBAPIError as error:
            raise StoreError(_plain(error, str(self.engine.url))) from error


def inserted(connection: Connection, table: Table) -> Any:
    """An INSERT that may say what is done on a conflict: each database has its own, of the same form."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    if parsed.database in (None, "", ":memory:"):
        raise SettingsError(
            "database: an SQLite database needs a file, such as sqlite:////srv/callstats/callstats.sqlite3"
        )
    path = Path(str(parsed.database))
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # holds personal data: for its owner only
    engine = create_engine(parsed, connect_args={"timeout": BUSY_S})
    event.listen(engine, "connect", _sqlite_connect)
    event.listen(engine, "begin", _sqlite_begin)
    return engine


def _reach(database: Database) -> None:
    with database.engine.connect():
        pass


def _sqlite_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by _sqlite_begin, not by the driver
    for pragma in (f"busy_timeout = {int(BUSY_S * 1000)}", "foreign_keys = ON", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(REVISION).scalar()


def _migrate(database: Database) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    with _exclusively(database) as connection:
        found = _revision(connection)
        if found == HEAD:
            return  # another process was first
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, HEAD)
        except CommandError:
            raise StoreError(
                f"database: revision {found} of the tables is not known here; use a newer callstats"
            ) from None


@contextmanager
def _exclusively(database: Database) -> Iterator[Connection]:
    """A transaction in which nobody else migrates or writes."""
    engine = database.engine
    if database.name == "postgresql":
        with engine.connect() as connection, connection.begin():
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": MIGRATION_LOCK})
            yield connection
        return
    lock = Path(f"{engine.url.database}.lock")
    with open(os.open(lock, os.O_CREAT | os.O_RDWR, 0o600), "w") as handle:
        _flock(handle.fileno(), lock.name)
        raw = engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA journal_mode = WAL")  # outside a transaction; stays with the file
        finally:
            raw.close()
        with engine.connect().execution_options(writing=True) as connection, connection.begin():
            yield connection


def _flock(descriptor: int, name: str) -> None:
    for _ in range(int(BUSY_S * 10)):
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.1)
    raise StoreError(
        f"database: another process has been migrating it for {BUSY_S:.0f} s ({name}); try again later"
    )


def _plain(error: Exception, url: str) -> str:
    """One line without password or statement parameters."""
    try:
        where = make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        where = "database"
    if isinstance(error, DBAPIError):
        cause = str(error.orig).strip().splitlines()
        hint = (
            "; another process holds it"
            if isinstance(error, OperationalError) and "locked" in str(error.orig)
            else ""
        )
        return f"{where}: {cause[0] if cause else type(error.orig).__name__}{hint}"
    return f"{where}: {str(error).splitlines()[0]}"
