"""Fixtures that every test may use."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from callstats.cases import database
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

# No deadline: a slow machine is not a fault. In CI the same examples every time, so that a failure repeats.
settings.register_profile("callstats", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("callstats")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("CALLSTATS_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with all its tables and nothing in them."""
    path = tmp_path_factory.mktemp("database") / "migrated.sqlite3"
    database.Database.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(autouse=True)
def _tables_made_once(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, migrated: Path
) -> None:
    """A new SQLite database is a copy of a migrated one: migrations were a tenth of all the time."""
    if request.module.__name__.endswith("test_migrations"):
        return
    made = database._engine

    def copied(url: str) -> Engine:
        with suppress(ValueError):  # an address that cannot be read is told by who opens it
            parsed = make_url(url)
            if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
                _copy(migrated, Path(str(parsed.database)))
        return made(url)

    monkeypatch.setattr(database, "_engine", copied)


def _copy(migrated: Path, path: Path) -> None:
    """In one step, and only where there is nothing: several may open a new database at once."""
    if path.exists() or not path.parent.is_dir():
        return
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    shutil.copyfile(migrated, fresh)
    fresh.chmod(0o600)
    with suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()
