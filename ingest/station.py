"""One process of the live feed: a collector and a live picture per PBX, and the journals into the figures.

A collector that cannot write ends the process loudly; a database that is down does not: the journal goes on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from callstats.errors import in_words, unexpected
from callstats.pseudonyms import Pseudonymiser
from callstats.settings import Settings
from callstats.store import Store
from ingest.collect import Collector, collectors
from ingest.intake import Durable, Intake
from ingest.journal import JournalError
from ingest.live_feed import LiveFeed
from ingest.storing import FileReport

__all__ = ["Station", "take_in"]

log = logging.getLogger(__name__)

RETRY_S: Final = 5.0


class Station:
    """Runs until `stop` is set. State: its threads, and the fault that ended it."""

    def __init__(
        self, settings: Settings, keys: Pseudonymiser, stop: threading.Event, name: str = "",
        journal_only: bool = False,
    ) -> None:  # fmt: skip
        self.settings, self.stop = settings, stop
        self.collectors = collectors(settings, keys, stop, name)
        self.fault: str | None = None
        self._lives = [LiveFeed(settings, one.pbx, one.folder, one.journal, keys) for one in self.collectors]
        self._journal_only = journal_only

    def run(self) -> None:
        """Collects until stopped; what is in the journal then is taken in before it returns."""
        ended = threading.Event()
        works = [
            *(self._thread(f"collect {one.name}", partial(self._collect, one)) for one in self.collectors),
            *(self._thread("live", partial(one.run, self.stop)) for one in self._lives),
        ]
        durable = {one.name: one.on_disk for one in self.collectors}
        taking = self._thread("intake", partial(take_in, self.settings, ended, durable))
        if not self._journal_only:
            taking.start()
        for work in works:
            work.start()
        for work in works:
            work.join()
        ended.set()
        if not self._journal_only:
            taking.join()

    def _collect(self, collector: Collector) -> None:
        try:
            collector.run()
        except JournalError as error:
            self.fault = str(error)  # it was told
        except Exception as error:
            self.fault = unexpected(error)
            log.critical("%s: %s", collector.name, self.fault)
        if self.fault is not None:
            self.stop.set()

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        return threading.Thread(target=work, name=name)


def take_in(
    settings: Settings,
    stop: threading.Event,
    durable: Durable | None = None,
    also: Callable[[Store], Callable[[], Sequence[FileReport]]] | None = None,
) -> None:
    """Takes the journals into the figures until stopped; waits for a database that is not there yet."""
    told = ""
    while not stop.is_set():
        try:
            with Store.open(settings) as store:
                Intake(settings, store, durable, also(store) if also else None).run(stop)
            return
        except Exception as error:  # also of ours: what stands in the journal must get in some day
            reason = in_words(error)
            if reason != told:
                log.warning("%s; the journal waits, nothing is lost", reason)
            told = reason
        stop.wait(RETRY_S)
