"""From the journals of all collectors into the figures, as it comes; and old segments away.

What fails is tried again, more and more rarely, and told once: the journal waits, nothing is lost.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from callstats.cases import feeds_live
from callstats.errors import ClosedMonthError
from callstats.settings import Settings
from callstats.store import Store
from ingest.compact import Compactor, journals
from ingest.journal import Place
from ingest.journal_format import numbers, path_of
from ingest.load import finish
from ingest.rounds import Rounds
from ingest.storing import FileReport

__all__ = ["Intake"]

log = logging.getLogger(__name__)

EVERY_S: Final = 0.5
TIDY_S: Final = 30.0
SWEEP_S: Final = 600.0
DAY_S: Final = 86_400
RESTS: Final = 0.5
Durable = Mapping[str, Callable[[], Place]]


class Intake:
    """Takes journals in, round by round. State: a compactor per journal, what no figure shows yet, times.

    `durable` tells by journal up to where it is on disk, where its collector runs in this process. `also`
    brings what comes another way (followed files), without computing it.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        durable: Durable | None = None,
        also: Callable[[], Sequence[FileReport]] | None = None,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._store, self._durable = settings, store, durable or {}
        self._also = also
        self._tick = tick
        self._compactors: dict[str, Compactor] = {}
        self._before: int | None = store.counter()  # what a killed process brought may not be computed yet
        self._rests_until = self._swept = self._tidied = float("-inf")
        self._closed_month = ""

    def close(self) -> None:
        """Lets go of all journals."""
        for one in self._compactors.values():
            one.close()
        self._compactors.clear()

    def run(self, stop: threading.Event, every_s: float = EVERY_S) -> None:
        """Goes on until stopped, then takes in what is there still."""
        rounds = Rounds(log, "the journal waits, nothing is lost", "the journal is taken in again")
        while True:
            last = stop.is_set()
            rounds.tried(partial(self.round, last))
            if last:
                break
            stop.wait(rounds.wait_s(every_s))
        self.close()

    def round(self, last: bool = False) -> list[FileReport]:
        """Takes in what is new and computes the figures; ``last``: also those that would wait for more."""
        found, faults = list[FileReport](), list[Exception]()
        before = self._store.counter()
        for pbx, name in journals(self._settings):
            compactor = self._compactors.get(name)
            if compactor is None:
                compactor = Compactor(self._settings, self._store, pbx, name, self._durable.get(name))
                self._compactors[name] = compactor
            try:
                while (report := compactor.step()) is not None:
                    found.append(report)
            except Exception as error:  # one journal must not hold up the others
                faults.append(error)
        if self._also is not None:
            try:
                found += self._also()
            except Exception as error:
                faults.append(error)
        if self._before is None and any(one.new or one.rejected for one in found):
            self._before = before
        self._show(last)
        self._sweep()
        if faults:
            raise faults[0]
        return found

    def _show(self, last: bool) -> None:
        """Computes what was brought; rests half as long as that took: a busy PBX leaves room for others."""
        began = self._tick()
        if self._before is None or (began < self._rests_until and not last):
            return
        tidy = began - self._tidied > TIDY_S
        try:
            finish(self._settings, self._store, self._before, tidy=tidy)
        except ClosedMonthError as error:
            if str(error) != self._closed_month:
                log.error("%s; events are kept, figures wait", error)
            self._closed_month = str(error)
        else:
            self._closed_month = ""
        self._before = None
        ended = self._tick()
        self._tidied = ended if tidy else self._tidied
        self._rests_until = ended + RESTS * (ended - began)

    def _sweep(self) -> None:
        """Removes segments that were taken in and are older than the journal is kept."""
        now = self._tick()
        if now - self._swept < SWEEP_S:
            return
        self._swept = now
        oldest = self._store.clock().timestamp() - self._settings.journal.keep_days * DAY_S
        with self._store.database.read() as connection:
            cursors = feeds_live.cursors(connection)
        for cursor in cursors:
            folder = self._settings.journal.folder / cursor.journal
            for number in numbers(folder)[:-1]:
                path = path_of(folder, number)
                with suppress(FileNotFoundError):
                    if number < cursor.segment and path.stat().st_mtime <= oldest:
                        path.unlink()
