"""The page row over real servers, asked a few times only."""

from pathlib import Path

import pytest

from benchmarks.harness import Run
from benchmarks.rows import page


def test_the_page_row_asks_both_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "ASKED", 5)
    found = page.Page().measure(Run(1, tmp_path, rounds=1))
    assert found.ratio > 0
    assert found.size == "5 requests a time"
    assert list(tmp_path.iterdir()) == []
