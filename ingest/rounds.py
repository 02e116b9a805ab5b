"""Rounds that go on although some fail: a fault is told once, and tried again more and more rarely."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from callstats.errors import in_words

__all__ = ["Rounds"]

LONGEST_S: Final = 60.0


class Rounds:
    """Does one round after another. State: how many failed in a row.

    `meanwhile` is told with the first fault (what keeps the data), `well` when it is over.
    """

    def __init__(self, log: logging.Logger, meanwhile: str, well: str) -> None:
        self._log, self._meanwhile, self._well = log, meanwhile, well
        self._failures = 0

    def tried(self, work: Callable[[], object]) -> None:
        """One round."""
        try:
            work()
        except Exception as error:
            self._failures += 1
            if self._failures == 1:
                told = in_words(error)
                self._log.warning("%s; trying again until it works; %s", told, self._meanwhile)
        else:
            if self._failures:
                self._log.warning("%s", self._well)
            self._failures = 0

    def wait_s(self, every_s: float) -> float:
        """How long until the next round (s)."""
        if not self._failures:
            return every_s
        return min(LONGEST_S, every_s * 2.0 ** min(self._failures, 10))
