"""Fixtures of the readers' tests: sites with data folders of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest import journal
from tests.ingest.following import close_all
from tests.ingest.loading import Site


@pytest.fixture(autouse=True)
def _files_closed() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[list[Site]]:
    made = [Site(tmp_path / name) for name in ("one", "two")]
    yield made
    for site in made:
        site.store.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "alone")
    yield made
    made.store.close()


@pytest.fixture(autouse=True)
def from_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Journals of a test begin with segment 1, not with the second of the clock."""
    monkeypatch.setattr(journal, "first_number", lambda: 1)
