"""What must hold for the whole tree: nothing of one machine, no module too long, every command described."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.shared import ROOT

LINES = 400
LARGEST_BYTES = 2_000_000
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-spark.lock", "package-lock.json")
# Written so that the patterns do not find themselves.
MACHINE_PATH = re.compile(r"(?<![\w.:/*-])/(?:wor[k]|roo[t]|hom[e]/\w+|User[s]/\w+|tm[p])/\w")
DOWNLOAD_SETTING = re.compile(r"(?<!emit-)\b(?:inde[x]-url|find-link[s]|trusted-hos[t])\b|\bregistr[y]\s*=")
DOWNLOAD_ADDRESS = re.compile(
    r"https?://[^\s\"'<>)]*(?:pyp[i]|pythonhoste[d]|npmj[s]|yarnpk[g]|artifac[t]|\.pkg\.de[v]|/simpl[e]/)",
    re.IGNORECASE,
)


@cache
def _tracked() -> tuple[Path, ...]:
    """The files that belong to the project: what git knows. A log that somebody wrote here is not ours."""
    command = ["git", "ls-files", "-z", "--cached"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def _lines() -> list[tuple[str, str]]:
    """Every line of every text file, with where it stands."""
    found = []
    for path in _tracked():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        where = path.relative_to(ROOT).as_posix()
        text = content.decode("utf-8", errors="replace")
        found += [(f"{where}:{number}", line) for number, line in enumerate(text.splitlines(), 1)]
    return found


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(MACHINE_PATH, id="path of a machine"),
        pytest.param(DOWNLOAD_SETTING, id="download setting"),
        pytest.param(DOWNLOAD_ADDRESS, id="download address"),
    ],
)
def test_nothing_of_one_machine_is_written_down(pattern: re.Pattern[str]) -> None:
    assert [f"{where}: {line.strip()[:100]}" for where, line in _lines() if pattern.search(line)] == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (MACHINE_PATH, "see /" + "work/main"),
        (MACHINE_PATH, '"/' + 'home/anna/x"'),
        (DOWNLOAD_SETTING, "--index" + "-url x"),
        (DOWNLOAD_ADDRESS, "https://pyp" + "i.org/simple/"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


def test_modules_are_short_enough_to_read() -> None:
    sizes = {p.relative_to(ROOT).as_posix(): _length(p) for p in _tracked() if p.suffix == ".py"}
    assert "tests/test_repo.py" in sizes
    assert {name: size for name, size in sizes.items() if size >= LINES} == {}


def _length(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_file_is_large() -> None:
    assert [p.name for p in _tracked() if p.stat().st_size > LARGEST_BYTES and p.name not in LOCKS] == []


def test_every_command_of_the_makefile_is_in_its_help() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.M)
    assert phony is not None
    inner = {"dev", "spark", "system-run", "system-test", "system-spark"}
    # a make that runs these tests hands its flags on; they would change what this one prints
    environment = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}}
    done = subprocess.run(["make"], cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    assert set(re.findall(r"^  make ([a-z-]+) +\S", done.stdout, re.M)) == set(phony[1].split()) - inner


def test_the_ci_entry_can_be_run() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    subprocess.run(["bash", "-n", ".ci/run"], cwd=ROOT, check=True)
