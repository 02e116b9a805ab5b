"""Following the files and folders that a PBX writes, for years: what is new comes into the store at once.

Files are looked at again and again (a network folder tells nobody of changes). Files of one record per line
are followed line by line; others (messages, recorded AMI bytes, compressed parts) are loaded when they are
quiet. Nothing is written down but what the store holds: a restart goes on where the last commit was.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

from callstats.cases.catalog import ConflictError
from callstats.cases.vault import Vault
from callstats.errors import ClosedMonthError, InputError, StoreError
from callstats.settings import Settings
from callstats.store import Store
from ingest.base import Dialect
from ingest.dialects.voicemail import Voicemail
from ingest.follow import Followed, RewrittenError
from ingest.heads import HEAD_BYTES
from ingest.lines import LineDialect
from ingest.listing import Found, Key, is_own, listed
from ingest.load import LINK, UNKNOWN, finish, is_text, load_file
from ingest.packed import is_packed
from ingest.reader import identify
from ingest.rounds import Rounds
from ingest.storing import FileReport, added
from ingest.telling import Telling

__all__ = ["Watch"]

log = logging.getLogger(__name__)

QUIET_S: Final = 2.0  # of a file that does not grow line by line, before it is loaded
RESTS: Final = 20  # times as long as its loading took, before such a file is loaded again
LOST_S: Final = 600.0  # of quiet, before a file that has no path any more is let go
IDLE_S: Final = 86400.0  # the same of one that has: its lines come at once, however quiet the night was
MANY: Final = 100  # files held open, above which LOST_S is enough
TIDY_S: Final = 30.0  # between two tidyings of the store
FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
NOT_THERE: Final = "is not there; it is waited for"
Stamp = tuple[int, int]


@dataclass
class Seen:
    """A file that is not followed, as it was when it was looked at last.

    `since`: when it became so; `done`: nothing is to be done while it stays so, under this `path` if that
    matters; `unknown`: its size when nobody knew what it is.
    """

    stamp: Stamp
    since: float
    path: Path | None = None
    done: bool = False
    not_before: float = 0.0
    unknown: int = 0


class Watch:
    """Follows files and folders into a store; `poll` is one round, `run` goes on until it is stopped.

    State: files held open, what the others were, what was told, reports not handed out yet, and the store's
    version before the first lines that no figure shows yet.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        paths: Iterable[Path],
        *,
        compute: bool = True,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without `compute`, `load.finish` is for the caller to do after rounds that brought something."""
        self._settings = settings
        self._store = store
        self._paths = list(paths)
        self._tick = tick
        self._stop = Event()
        self._vault: Vault | None = None
        self._followed: dict[Key, Followed] = {}
        self._stamps: dict[Key, Stamp] = {}
        self._grew: dict[Key, float] = {}
        self._seen: dict[Key, Seen] = {}
        self._telling = Telling(tick)
        self._closed_month = ""
        self._there: set[Path] = set()
        self._closed: set[Path] = set()
        self._before: int | None = None
        self._computes = compute
        self._due = True  # what a killed process brought may not be computed yet
        self._tidied = float("-inf")

    def close(self) -> None:
        """Lets go of all files."""
        for followed in self._followed.values():
            followed.close()
        self._followed.clear()

    def run(
        self, stop: Event, every_s: float, tell: Callable[[FileReport], None] = lambda report: None
    ) -> None:
        """Polls until `stop` is set, which ends it between two commits; each report goes to `tell`.

        While the store cannot be written to, it waits longer and longer, up to a minute, and goes on.
        """
        self._stop, rounds = stop, Rounds(log, "nothing is lost", "the store can be written to again")

        def look() -> None:
            for report in self.poll():
                tell(report)

        while not stop.is_set():
            rounds.tried(look)
            stop.wait(rounds.wait_s(every_s))
        self.close()

    def poll(self) -> list[FileReport]:
        """Brings what is new since the last round and computes its days; returns what changed.

        Raises StoreError where the store cannot be read or written; the next round then goes on.
        """
        if self._before is None:
            self._before = self._store.counter()
        if self._vault is None or not self._vault.current():
            self._vault = Vault.open(self._settings, self._store.database, self._store.clock)
        files = self._listed()
        self._read_on(files)
        self._seen = {key: seen for key, seen in self._seen.items() if key in files}
        self._telling.forget_all_but(files.keys() | self._followed.keys())
        for key, file in files.items():
            if key not in self._followed and not self._stop.is_set():
                self._guarded(key, file.path, partial(self._look, key, file))
        self._compute()
        return self._telling.taken()

    # which files there are

    def _listed(self) -> dict[Key, Found]:
        """Files by what they stay through all names; the first name of each."""
        files: dict[Key, Found] = {}
        closed: set[Path] = set()
        for file in listed(self._paths, self._settings.data):
            path = file.path
            if file.named:
                self._there.add(path)
            if file.is_file:
                files.setdefault(file.key, file)
            elif file.is_folder and path.is_symlink():
                self._telling.once(path, "skipped", LINK)
            elif file.is_folder:
                closed.add(path)
                self._telling.once(path, "failed", f"{path}: cannot be listed; see to its rights")
            elif file.named:
                self._telling.once(path, "failed", f"{path}: no regular file; name a file or a folder")
        for path in self._closed - closed:
            self._telling.over(path)
        self._closed = closed
        for path in self._paths:
            if os.path.exists(path):
                self._there.add(path)
            elif path not in self._there:
                self._telling.once(path, "noted", NOT_THERE)
        return files

    # files of lines

    def _read_on(self, files: Mapping[Key, Found]) -> None:
        """Reads on in what is followed; first in files that have another name now, or none."""
        moved = [k for k, one in self._followed.items() if k not in files or files[k].path != one.path]
        for key in [*moved, *(self._followed.keys() - set(moved))]:
            if self._stop.is_set():
                return
            followed = self._followed[key]
            if key in files:
                followed.path = files[key].path
            self._guarded(key, followed.path, partial(self._advance, key))
            if key in self._followed:
                self._let_go(key, files.get(key))

    def _advance(self, key: Key) -> None:
        """Brings all whole lines of a followed file."""
        followed = self._followed[key]
        told = followed.stat()
        stamp = told.st_size, told.st_mtime_ns
        if self._stamps.get(key) == stamp:
            return
        together: FileReport | None = None
        try:
            while not self._stop.is_set() and (report := followed.bring(self._current())):
                together = added(together, report) if together else report
        finally:
            if together is not None:
                self._brought(together)
                self._grew[key] = self._tick()
        if not self._stop.is_set():
            self._stamps[key] = stamp

    def _let_go(self, key: Key, file: Found | None) -> None:
        """Closes a file that is lost, or has long been quiet; a rest without end is then loaded as it is."""
        if file is None:
            if self._tick() - self._grew[key] >= LOST_S:
                self._drop(key)
            return
        idle = LOST_S if len(self._followed) > MANY else IDLE_S
        if self._age(file) < idle or self._stamps.get(key) != file.stamp:
            return
        rest = self._followed[key].rest
        self._drop(key)
        self._seen[key] = Seen(file.stamp, self._tick(), done=not rest)
        if rest:
            self._guarded(key, file.path, partial(self._load, self._seen[key], file))

    def _drop(self, key: Key) -> None:
        self._followed.pop(key).close()
        self._stamps.pop(key, None)
        self._grew.pop(key, None)

    # other files, and new ones

    def _look(self, key: Key, file: Found) -> None:
        """Looks at a file that is not followed: one of lines is followed from now on, another loaded."""
        seen = self._seen_as_now(key, file)
        if seen.done or not self._worth_it(seen, key, file):
            return
        if is_own(file.path, self._settings.data):
            seen.done = True
            return
        opened = io.FileIO(file.path)
        try:
            told = os.fstat(opened.fileno())
            if (told.st_dev, told.st_ino) != key:
                return  # another file came in its place: the next round's
            kind = self._identified(opened, file)
            packed = is_packed(os.pread(opened.fileno(), HEAD_BYTES, 0))
            if isinstance(kind, LineDialect) and not packed:
                self._followed[key] = Followed(file.path, opened, kind, self._settings, self._store)
        finally:
            if key not in self._followed:
                opened.close()
        if key in self._followed:
            del self._seen[key]
            self._grew[key] = self._tick()
            self._advance(key)
        elif isinstance(kind, InputError):
            self._unknown(seen, file, kind)
        elif self._quiet(seen, file):
            seen.path = file.path if isinstance(kind, Voicemail) else None  # it tells the mailbox
            self._load(seen, file)

    def _seen_as_now(self, key: Key, file: Found) -> Seen:
        seen = self._seen.get(key)
        if seen is None:
            seen = Seen(file.stamp, self._tick())
        elif seen.stamp != file.stamp or seen.path not in (None, file.path):
            seen = Seen(file.stamp, self._tick(), not_before=seen.not_before, unknown=seen.unknown)
        self._seen[key] = seen
        return seen

    def _worth_it(self, seen: Seen, key: Key, file: Found) -> bool:
        """Whether it is time to look at a file: not at a stranger again that has grown a little."""
        size, now = file.stat.st_size, self._tick()
        stranger = HEAD_BYTES <= seen.unknown <= size < 2 * seen.unknown
        waiting = now < seen.not_before or self._telling.waits(key)
        return size > 0 and not waiting and not stranger

    def _quiet(self, seen: Seen, file: Found) -> bool:
        return max(self._age(file), self._tick() - seen.since) >= QUIET_S

    def _identified(self, opened: io.FileIO, file: Found) -> Dialect | InputError:
        try:
            return identify(opened, self._settings, path=str(file.path))
        except InputError as error:
            return error

    def _unknown(self, seen: Seen, file: Found, fault: InputError) -> None:
        """What nobody knows is told once it has some lines, and looked at again when twice as large."""
        seen.unknown = file.stat.st_size
        if seen.unknown < HEAD_BYTES and not self._quiet(seen, file):
            return
        seen.done = True
        if file.named:
            self._telling.once(file.path, "failed", str(fault))
        elif is_text(file.path):
            self._telling.once(file.path, "skipped", UNKNOWN)

    def _load(self, seen: Seen, file: Found) -> None:
        """Loads a file that does not grow line by line as a whole."""
        begun = self._tick()
        report = load_file(file.path, file.named, self._settings, self._store, self._current())
        seen.done = True
        seen.not_before = self._tick() + RESTS * (self._tick() - begun)
        self._telling.went_well(file.key, file.path)
        if report.status == "loaded":
            self._brought(report)

    # figures

    def _brought(self, report: FileReport) -> None:
        self._telling.report(report)
        self._due = True

    def _compute(self) -> None:
        """Computes what the new lines touch; the store is tidied now and then."""
        if not self._due or not self._computes:
            self._before = None
        if self._stop.is_set() or self._before is None:
            return
        now = self._tick()
        tidy = now - self._tidied >= TIDY_S
        try:
            finish(self._settings, self._store, self._before, tidy=tidy)
        except ClosedMonthError as error:  # lines go on coming in; figures wait for the settings
            if self._closed_month != str(error):
                self._closed_month = str(error)
                log.warning("%s", error)
        if tidy:
            self._tidied = now
        self._due, self._before = False, None

    # faults

    def _guarded(self, key: Key, path: Path, act: Callable[[], None]) -> None:
        """Does something with one file; its faults are told once, and do not stop the others."""
        try:
            act()
        except ConflictError as error:
            log.info("%s", error)  # the next round's
        except RewrittenError as error:
            self._drop(key)
            self._telling.note(path, str(error))
        except StoreError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in FULL:
                raise StoreError(f"{self._settings.data}: cannot be written to: {error.strerror}") from None
            if key in self._followed:
                self._drop(key)
            self._telling.failed(key, path, error)
        else:
            if key in self._followed:
                self._telling.went_well(key, path)

    def _age(self, file: Found) -> float:
        """Seconds since a file was written to, by the site's clock."""
        return self._store.clock().timestamp() - file.stat.st_mtime

    def _current(self) -> Vault:
        assert self._vault is not None, "asked for in a round"
        return self._vault
