"""What is told of files that are followed: each thing once, and once more when it is over."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from callstats.errors import InputError
from ingest.listing import Key
from ingest.load import told
from ingest.storing import FileReport

__all__ = ["AGAIN", "Telling"]

AGAIN: Final = "can be read again"
LONGEST_S: Final = 60.0  # before a file that could not be read is tried again
LONGEST_INPUT_S: Final = 3600.0  # what is wrong in a file seldom heals by itself


class Telling:
    """Reports for people. State: those not handed out, what was said of each path, files that failed."""

    def __init__(self, tick: Callable[[], float]) -> None:
        self._tick = tick
        self._reports: list[FileReport] = []
        self._said: dict[str, str] = {}
        self._failed: dict[Key, tuple[int, float]] = {}  # how often, and when it is tried again

    def taken(self) -> list[FileReport]:
        """The reports since the last time."""
        reports, self._reports = self._reports, []
        return reports

    def report(self, report: FileReport) -> None:
        """Tells what was read."""
        self._reports.append(report)

    def note(self, path: Path, reason: str) -> None:
        """Tells something that happened to a file."""
        self._reports.append(FileReport(str(path), "noted", reason=reason))

    def once(self, path: Path, status: str, reason: str) -> None:
        """Tells how it is with a path, unless that was told."""
        if self._said.get(str(path)) != reason:
            self._said[str(path)] = reason
            self._reports.append(FileReport(str(path), status, reason=reason))

    def over(self, path: Path) -> None:
        """Tells that a path can be read again, where it was told that it cannot."""
        if self._said.pop(str(path), None) is not None:
            self.note(path, AGAIN)

    def failed(self, key: Key, path: Path, error: Exception) -> None:
        """Tells what is wrong with a file; it is to be tried again later, and more and more rarely."""
        count = self._failed[key][0] + 1 if key in self._failed else 1
        longest = LONGEST_INPUT_S if isinstance(error, InputError) else LONGEST_S
        self._failed[key] = count, self._tick() + min(longest, 2.0 ** min(count, 20))
        report = told(path, error)
        self.once(path, report.status, report.reason or "")

    def waits(self, key: Key) -> bool:
        """Whether a file failed and is not to be tried again yet."""
        return key in self._failed and self._tick() < self._failed[key][1]

    def went_well(self, key: Key, path: Path) -> None:
        """Tells that a file that failed does so no more."""
        if self._failed.pop(key, None) is not None:
            self.over(path)

    def forget_all_but(self, keys: Collection[Key]) -> None:
        """Forgets the faults of files that are gone."""
        self._failed = {key: fault for key, fault in self._failed.items() if key in keys}
