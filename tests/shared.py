"""Where the material shared beside the project lies (recordings, cases), and how a test does without it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
RECORDINGS = SHARED / "pbx" / "recordings"
CASES = SHARED / "cases"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared recordings and cases (../shared) are not beside this project"
)
