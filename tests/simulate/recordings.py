"""The recordings that the simulator is held to, each with its PBX's setting."""

from __future__ import annotations

from pathlib import Path

from tests.shared import RECORDINGS, ROOT
from tests.simulate.played import Setting

__all__ = ["HERE", "SETTINGS", "folder_of"]

# `sample_cdr` is recording a, trimmed
HERE = {
    "a": ROOT / "sample_cdr",
    "autumn_night": ROOT / "tests/recordings/autumn_night",
    "breaks": ROOT / "tests/recordings/breaks",
}
SETTINGS = {
    "a": Setting(),
    "autumn_night": Setting(cancel_disposition=True),
    "breaks": Setting(systemname="pbx9"),
    "c": Setting(systemname="pbx1"),
}


def folder_of(name: str) -> Path:
    """Where a recording lies."""
    return HERE.get(name) or RECORDINGS / name
