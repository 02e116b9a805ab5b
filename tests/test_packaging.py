"""One wheel, three real packages: the folder's name is the import name, wherever they are installed."""

import subprocess
import sys
import tomllib
import zipfile
from email import message_from_bytes
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.shared import ROOT

PACKAGES = ("callstats", "ingest", "api")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WHERE = "import callstats, ingest, api; print(*(m.__file__ for m in (callstats, ingest, api)), sep='\\n')"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (built,) = folder.glob("*.whl")
    return built


def _source_files() -> set[str]:
    found = {p for package in PACKAGES for p in (ROOT / package).rglob("*") if p.is_file()}
    return {
        p.relative_to(ROOT).as_posix()
        for p in found
        if "__pycache__" not in p.parts and p.suffix not in {".pyc", ".mo"}
    }


def test_wheel_holds_the_three_packages_and_everything_in_them(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name and not name.endswith("/")}
    assert packed == _source_files()
    assert {f"{package}/py.typed" for package in PACKAGES} <= packed


def test_wheel_cannot_be_uploaded_and_brings_the_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        (entry_points,) = (n for n in archive.namelist() if n.endswith(".dist-info/entry_points.txt"))
        headers = message_from_bytes(archive.read(metadata))
        commands = archive.read(entry_points).decode()
    assert "Private :: Do Not Upload" in headers.get_all("Classifier", [])
    assert headers["Version"] == version("callstats") == PYPROJECT["project"]["version"]
    assert "callstats = callstats.cli:main" in commands


def test_installed_wheel_imports_under_the_folder_names(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:  # what an installer does with a pure wheel
        archive.extractall(target)
    script = f"import sys; sys.path.insert(0, {str(target)!r}); {WHERE}"
    assert _files_of(script, tmp_path) == [target / package / "__init__.py" for package in PACKAGES]


def test_editable_install_imports_the_project_itself(tmp_path: Path) -> None:
    assert _files_of(WHERE, tmp_path) == [ROOT / package / "__init__.py" for package in PACKAGES]


def _files_of(script: str, cwd: Path) -> list[Path]:
    """Run with -I, so that neither the current folder nor PYTHONPATH helps."""
    command = [sys.executable, "-I", "-c", script]
    done = subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)
    return [Path(line) for line in done.stdout.split()]


def test_type_checker_finds_the_packages_from_outside(tmp_path: Path) -> None:
    user = tmp_path / "user.py"
    user.write_text("import callstats.errors\nimport ingest\nimport api\n")
    cache = ["--cache-dir", str(tmp_path / "cache"), "--config-file", "", "--follow-imports=silent"]
    command = [sys.executable, "-m", "mypy", "--python-executable", sys.executable, *cache, str(user)]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("lock", "extras"), [("requirements.lock", ()), ("requirements-dev.lock", ("dev",))])
def test_lock_pins_every_dependency_with_hashes_for_each_python(lock: str, extras: tuple[str, ...]) -> None:
    project = PYPROJECT["project"]
    declared = list(project["dependencies"]) + PYPROJECT["build-system"]["requires"]
    declared += [item for extra in extras for item in project["optional-dependencies"][extra]]
    pins = _pins(lock)
    for item in map(Requirement, declared):
        assert item.name in pins, f"{lock} lacks {item.name}; type: make lock"
        assert item.specifier.contains(pins[item.name]), f"{lock} is too old; type: make lock"


def test_both_locks_agree() -> None:
    development = _pins("requirements-dev.lock")
    assert {name: development.get(name) for name in _pins("requirements.lock")} == _pins("requirements.lock")


def _pins(lock: str) -> dict[str, str]:
    """Package -> version; every entry must be a plain pin with at least one SHA-256."""
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    entries = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    pins = {}
    for entry in entries:
        pin, *hashes = entry.split()
        name, equals, release = pin.partition("==")
        assert equals, f"{lock}: {pin} is not a plain pin"
        assert hashes, f"{lock}: {pin} has no hash"
        assert all(h.startswith("--hash=sha256:") for h in hashes), f"{lock}: {pin}"
        pins[name] = release
    return pins
