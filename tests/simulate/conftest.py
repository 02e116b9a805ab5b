"""A recording's plan is played once for all tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulate.played import play
from tests.simulate.recordings import SETTINGS, folder_of

Played = Callable[[str], Path]


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Recording's name → folder with what the simulator wrote from its plan."""
    done: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in done:
            done[name] = tmp_path_factory.mktemp(name)
            play(folder_of(name), done[name], SETTINGS[name])
        return done[name]

    return folder
