"""Set-up: what the system lacks is named in one line, and an unchanged environment is left alone."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import ROOT
from tools import install, system

ABSENT = (
    system.Need("a thing", ("thing", "thing-data"), lambda: False),
    system.Need("another", ("another",), lambda: False),
)


def test_a_lacking_system_gets_one_line_to_type() -> None:
    assert system.advice(ABSENT) == (
        "missing: a thing, another; "
        "type: sudo apt-get update && sudo apt-get install --yes thing thing-data another"
    )


def test_only_what_is_lacking_is_named() -> None:
    present = system.Need("here", ("here",), lambda: True)
    assert system.missing([present, *ABSENT]) == list(ABSENT)


def test_without_root_nothing_is_installed_but_the_line_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "TEST", ABSENT)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert system.main(["test"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [system.advice(ABSENT)]


def test_a_python_out_of_range_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "OLDEST", (3, 99))
    assert system.main(["run"]) == 1
    assert "callstats needs 3.11 to 3.13" in capsys.readouterr().err


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", *install.LOCKS.values()):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def _stamp(root: Path, *held: str) -> dict[str, str]:
    return install.ground(root / ".venv") | {what: install.wanted(root, what) for what in held}


def test_an_unchanged_environment_is_left_alone(project: Path) -> None:
    assert install.is_current(_stamp(project, "run"), project, "run")


def test_the_development_environment_also_runs_callstats(project: Path) -> None:
    assert install.is_current(_stamp(project, "dev"), project, "run")
    assert not install.is_current(_stamp(project, "run"), project, "dev")


def test_spark_lies_beside_the_checks_and_is_no_part_of_them(project: Path) -> None:
    assert install.is_current(_stamp(project, "dev", "spark"), project, "spark")
    assert not install.is_current(_stamp(project, "dev"), project, "spark")
    assert not install.is_current(_stamp(project, "spark"), project, "dev")


@pytest.mark.parametrize(
    ("said", "good"),
    [
        ('openjdk version "17.0.15" 2025-04-15', True),
        ('openjdk version "21" 2023-09-19', True),
        ('openjdk version "11.0.2" 2019-01-15', False),
        ('java version "1.8.0_392"', False),
        ("no such thing", False),
    ],
)
def test_java_of_the_right_age_is_asked_for(
    said: str, good: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert system.has_java() is good
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "elsewhere"))
    assert not system.has_java()


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_changed_lock_or_project_is_installed_again(project: Path, name: str) -> None:
    stamp = _stamp(project, "run")
    with (project / name).open("a") as file:
        file.write("# changed\n")
    assert not install.is_current(stamp, project, "run")


def test_a_moved_environment_is_made_anew(project: Path) -> None:
    stamp = _stamp(project, "run") | {"folder": str(project / "elsewhere" / ".venv")}
    assert not install.is_current(stamp, project, "run")
    assert not install.usable(project / ".venv", stamp)


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00"])
def test_a_damaged_stamp_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / install.STAMP).write_text(content)
    assert install.read_stamp(tmp_path) == {}


def test_the_stamp_of_this_environment_is_readable_json(tmp_path: Path) -> None:
    (tmp_path / install.STAMP).write_text(json.dumps({"run": "x"}))
    assert install.read_stamp(tmp_path) == {"run": "x"}


def test_set_up_needs_the_standard_library_only() -> None:
    for name in ("system", "install"):
        command = [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path('tools/{name}.py')"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
