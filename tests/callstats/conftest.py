"""Fixtures of the domain's tests: the SQL side on SQLite and on a real PostgreSQL."""

from pathlib import Path

import pytest

from tests.ingest.conftest import sites

__all__ = ["database_url", "sites"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database; a test that asks for it runs on both."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'callstats.sqlite3'}"
    url: str = request.getfixturevalue("postgres_url")
    return url
