"""The collector: stays connected to an Asterisk for years, and puts all that it says into the journal.

One thread per PBX. A connection that is over is made again, after a while that grows with each vain try; what
is wrong is told once, in plain words. When the journal cannot be written the collector ends: it would lose
what it receives.
"""

from __future__ import annotations

import logging
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from callstats.clock import Clock, utc_now
from callstats.feed_status import FeedStatus, State, utc
from callstats.pseudonyms import Pseudonymiser
from callstats.settings import Settings
from callstats.settings_ami import AmiServer
from ingest import ami_link
from ingest.ami_link import LinkDownError, LoginRefusedError, WrongPeerError
from ingest.journal import Journal, JournalError, Place
from ingest.journal_format import Kind

__all__ = ["Collector", "backoff_s", "collectors"]

log = logging.getLogger(__name__)

FIRST_S: Final = 1.0
LONGEST_S: Final = 30.0
STEADY_S: Final = 60.0  # a connection that lasted so long begins the waiting anew
TELL_S: Final = 5.0
RIGHTS_S: Final = 300.0  # after so long calls must have been heard where there are any
CLASSES: Final = ("call", "agent")
# An event without a time: two collectors could not tell that they hear the same, gaps would be of our clock.
TIMELESS: Final = re.compile(rb"\nPrivilege: (?:call|agent)[^\r\n]*\r\n(?!Timestamp: )")


class StoppedError(Exception):
    """The collector is to end."""


def backoff_s(tries: int, refused: bool = False, chance: Callable[[], float] = random.random) -> float:
    """How long to wait after so many vain tries (s): 1, 2, 4 … 30, give or take a half.

    A refused login is not tried again soon: a PBX may lock such an address out.
    """
    longest = LONGEST_S if not refused else 2 * LONGEST_S
    wait = longest if refused else min(FIRST_S * 2.0 ** min(tries, 10), longest)
    return wait * (0.5 + chance())


def collectors(
    settings: Settings, keys: Pseudonymiser, stop: threading.Event, name: str = ""
) -> list[Collector]:
    """A collector per entry of [[ami]]; ``name`` tells a second collector of the same PBX from the first."""
    return [
        Collector(server, pbx, settings.journal.folder, keys, stop, name=name)
        for pbx, server in settings.managers.items()
    ]


@dataclass
class _Told:
    """What was noticed of a connection. State: when it began, what was heard."""

    began: float
    heard_us: int = 0
    heard: frozenset[str] = frozenset()
    channels: bool = False
    timeless: bool = False
    booted: bool = False
    denied: bool = False


class Collector:
    """Collects from one PBX until `stop` is set. State: journal, status, the connection under way."""

    def __init__(
        self,
        server: AmiServer,
        pbx: str,
        folder: Path,
        keys: Pseudonymiser,
        stop: threading.Event,
        *,
        name: str = "",
        clock: Clock = utc_now,
    ) -> None:
        self.server, self.pbx, self.stop = server, pbx, stop
        self.name = f"{pbx}-{name}" if name else pbx
        self.folder = folder / self.name
        self.journal = Journal(self.folder, keys)
        self._clock = clock
        now = clock()
        self.status = FeedStatus(pbx, self.name, "connecting", now, now)
        self._connection = 0
        self._up: _Told | None = None
        self._told_at = 0.0
        self._complained: str | None = None

    def on_disk(self) -> Place:
        """The place in the journal up to which all is on disk."""
        return self.journal.durable

    def run(self) -> None:
        """Collects until stopped. Raises JournalError when the journal cannot be written."""
        tries = 0
        try:
            while not self.stop.is_set():
                began = time.monotonic()
                fault = self._once()
                if fault is None:
                    break
                steady = time.monotonic() - began > STEADY_S
                tries = 0 if steady else tries + 1
                self._rest(backoff_s(max(0, tries - 1), isinstance(fault, LoginRefusedError)))
        except JournalError as error:
            self._tell("disk", str(error))
            log.critical("%s: %s", self.name, error)
            raise
        finally:
            self._close()

    def _close(self) -> None:
        try:
            self.journal.close()
        except JournalError:
            return  # told already, or by who waits for it
        if self.status.state != "disk":
            self._tell("stopped", None)

    def _once(self) -> LinkDownError | None:
        """One connection from beginning to end; None: stopped."""
        self._up = None
        try:
            ami_link.run(self.server, self)
        except LinkDownError as fault:
            self._over(str(fault))
            self._tell(_state_of(fault), str(fault))
            return fault
        except StoppedError:
            self._over("the collector was stopped")
        return None

    def _over(self, why: str) -> None:
        if self._up is not None:
            self.journal.put(Kind.DOWN, why.encode(), self._connection, 0, self._up.heard_us or _now_us())
        self._up = None

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.stop.is_set():
            self.stop.wait(min(left, TELL_S))
            self._still()

    # what a connection gives: `ingest.ami_link.Sink`

    def connected(self, peer: str, version: str) -> None:
        """Logged in."""
        self._connection = max(self._connection + 1, int(time.time()))
        self._up = _Told(time.monotonic())
        self.journal.put(Kind.CONNECTED, peer.encode(), self._connection, 0, _now_us())
        self.status = replace(self.status, peer=peer, version=version, connection=self._connection)
        self._tell("connected", None)

    def received(self, blocks: bytes, ordinal: int) -> None:
        """Puts blocks into the journal."""
        up = self._up
        assert up is not None
        up.heard_us = _now_us()
        self.journal.put(Kind.DATA, blocks, self._connection, ordinal, up.heard_us)
        _notice(up, blocks)

    def alive(self) -> None:
        """Ends the connection when the collector is to end, or nothing can be kept."""
        if self.stop.is_set():
            raise StoppedError
        if self.journal.fault is not None:
            raise self.journal.fault
        self._still()

    # how it is doing

    def _still(self) -> None:
        if time.monotonic() - self._told_at >= TELL_S:
            self._write(self.status)

    def _tell(self, state: State, fault: str | None) -> None:
        now = self._clock()
        since = self.status.since if state == self.status.state else now
        self._write(replace(self.status, state=state, since=since, fault=fault))
        if fault and fault != self._complained:
            log.error("%s: %s", self.name, fault)  # once, until something else is wrong or it is well again
        elif state == "connected":
            log.warning("%s: connected to %s", self.name, self.status.peer)
        if fault or state == "connected":
            self._complained = fault

    def _write(self, status: FeedStatus) -> None:
        self._told_at = time.monotonic()
        heard = utc(self._up.heard_us) if self._up and self._up.heard_us else status.heard_at
        lacks = _lacking(self._up) if self._up else status.lacks
        self.status = replace(status, told_at=self._clock(), heard_at=heard, lacks=lacks)
        try:
            self.status.write(self.folder)
        except OSError as error:  # the journal is what counts
            log.warning("%s: the status cannot be written: %s", self.name, error.strerror)


def _notice(up: _Told, blocks: bytes) -> None:
    """What the stream tells of the user's rights."""
    for name in CLASSES:
        if name not in up.heard and b"\r\nPrivilege: %s" % name.encode() in blocks:
            up.heard |= {name}
    if not up.channels and b"Event: CoreShowChannel\r\n" in blocks:
        up.channels = True
    if not up.timeless and TIMELESS.search(blocks):
        up.timeless = True
    if not up.booted and b"Event: FullyBooted\r\n" in blocks:
        up.booted = True
    if not up.denied and b"\r\nMessage: Permission denied" in blocks:
        up.denied = True


def _lacking(up: _Told) -> tuple[str, ...]:
    """The rights that the user seems not to have, as words of manager.conf."""
    found = ["timestampevents = yes"] if up.timeless else []
    age = time.monotonic() - up.began
    if up.denied:
        found.append("write: reporting")
    if not up.booted and age > TELL_S:
        found.append("read: system")
    if "call" not in up.heard and age > RIGHTS_S and (up.channels or "agent" in up.heard):
        found.append("read: call")
    return tuple(found)


def _state_of(fault: LinkDownError) -> State:
    if isinstance(fault, LoginRefusedError):
        return "refused"
    return "wrong peer" if isinstance(fault, WrongPeerError) else "down"


def _now_us() -> int:
    return time.time_ns() // 1000
