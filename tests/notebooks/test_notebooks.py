"""Every notebook runs from top to bottom on the demonstration's data, without error or warning."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from tests.shared import ROOT

FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMED = {"first_look", "third_signal", "rotation", "hotline", "staffing", "data_quality", "own_metric"}
STRICT = "import warnings\nwarnings.simplefilter('error')"  # of the notebook's code, not of the kernel's own
ENVIRON = os.environ | {"PYTHONPATH": str(ROOT)}


def _read(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the project's after `make demo`."""
    found = tmp_path_factory.mktemp("project")
    (found / "notebooks").mkdir()
    (found / "sample_cdr").symlink_to(ROOT / "sample_cdr", target_is_directory=True)
    subprocess.run(
        [sys.executable, "-m", "callstats", "demo", "--only-make"],
        cwd=found, env=ENVIRON, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return found


def test_the_seven_are_there() -> None:
    assert {path.stem for path in NOTEBOOKS} == NAMED


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_runs(path: Path, place: Path) -> None:
    _run(path, place / "notebooks")


def test_it_runs_from_the_folder_above_too(place: Path) -> None:
    _run(FOLDER / "third_signal.ipynb", place)


def _run(path: Path, folder: Path) -> None:
    notebook = _read(path)
    notebook.cells.insert(0, new_code_cell(STRICT))  # type: ignore[no-untyped-call]
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute(env=ENVIRON)
    said = [
        output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]
    assert said == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_is_stored_without_outputs(path: Path) -> None:
    cells = [cell for cell in _read(path).cells if cell.cell_type == "code"]
    assert cells
    assert [cell.source for cell in cells if cell.outputs or cell.execution_count is not None] == []
