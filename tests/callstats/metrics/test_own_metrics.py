"""A site's own metrics: modules of a folder that the environment names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from callstats.metrics import answered_share
from tests.shared import ROOT

SEEN = "from callstats.metrics.registry import METRICS; print(*METRICS)"


def asked(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SEEN],
        env=os.environ | {"CALLSTATS_METRICS": str(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_module_of_the_folder_is_a_metric_like_the_others(tmp_path: Path) -> None:
    text = Path(answered_share.__file__).read_text(encoding="utf-8")
    (tmp_path / "own_share.py").write_text(text, encoding="utf-8")
    found = asked(tmp_path)
    assert found.returncode == 0, found.stderr
    assert {"own_share", "answered_share"} <= set(found.stdout.split())


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("answered_share.py", "", "there is a module of that name already"),
        ("own_share.py", "", "declares no METRIC"),
        ("own_share.py", "METRIC = (", "own_share.py cannot be loaded: '(' was never closed"),
    ],
)
def test_what_is_no_metric_is_told(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert says in asked(tmp_path).stderr


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "is no folder" in asked(tmp_path / "nowhere").stderr
