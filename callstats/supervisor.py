"""Several commands as one: started together, started again when one falls, stopped in order.

One that falls takes no other with it, not even when it cannot run as things are (a port that is taken): what
collects must go on. What it says goes where the supervisor's own words go.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final

log = logging.getLogger(__name__)

TICK_S: Final = 0.2
STEADY_S: Final = 60.0  # a child that ran so long begins the waiting anew
LONGEST_S: Final = 30.0
PARENT: Final = "CALLSTATS_RUN_BY"  # a child whose parent is another by now stops: see `with_parent`


@dataclass(frozen=True)
class Part:
    """A command: its name for people, its arguments, and how long it may take to stop (s)."""

    name: str
    argv: Sequence[str]
    patience_s: float = 30.0


@dataclass
class _Child:
    part: Part
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    falls: int = 0
    not_before: float = 0.0


@dataclass
class Supervisor:
    """Runs the parts until `stop` is set, then stops them in their order. State: the children."""

    parts: Sequence[Part]
    stop: Event
    tick: Callable[[], float] = time.monotonic
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def run(self) -> None:
        """Returns when all have ended."""
        children = [_Child(part) for part in self.parts]
        try:
            while not self.stop.is_set():
                for child in children:
                    self._look(child)
                self.stop.wait(TICK_S)
        finally:
            for child in children:
                _end(child)

    def _look(self, child: _Child) -> None:
        now, process = self.tick(), child.process
        if process is None:
            if now >= child.not_before:
                child.process, child.began = self._started(child.part), now
            return
        if process.poll() is None:
            return
        child.falls = 1 if now - child.began > STEADY_S else child.falls + 1
        wait = min(LONGEST_S, 2.0 ** (child.falls - 1))
        log.error(
            "%s ended (status %d); it is started again in %.0f s", child.part.name, process.returncode, wait
        )
        child.process, child.not_before = None, now + wait

    def _started(self, part: Part) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            list(part.argv),
            env={**self.environment, PARENT: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # a key pressed at a terminal stops the supervisor, and that the children
        )


def _end(child: _Child) -> None:
    process = child.process
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(child.part.patience_s)
    except subprocess.TimeoutExpired:
        log.error("%s does not stop; it is killed", child.part.name)
        process.kill()
        process.wait()


def with_parent() -> None:
    """Of a supervisor's child: stops it when the supervisor is gone, however that ended."""
    parent = os.environ.get(PARENT, "")
    if parent.isdigit():
        Thread(target=_follow, args=(int(parent),), name="parent", daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)
