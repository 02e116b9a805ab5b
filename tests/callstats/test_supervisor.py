"""Several commands as one: what falls is started again, nothing else falls with it, all stop in order."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from callstats import supervisor
from callstats.supervisor import Part, Supervisor

LIVES = """
import os, signal, sys, time
place, name = sys.argv[1:3]
def end(*_):
    open(f"{place}/ended", "a").write(name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
open(f"{place}/{name}", "a").write(f"{os.getpid()}\\n")
while True:
    time.sleep(0.05)
"""
FALLS = 'import sys; open(f"{sys.argv[1]}/{sys.argv[2]}", "a").write("x\\n"); sys.exit(int(sys.argv[3]))'


def part(place: Path, name: str, code: str = LIVES, *more: str, patience_s: float = 5.0) -> Part:
    return Part(name, [sys.executable, "-c", code, str(place), name, *more], patience_s)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def lines(place: Path, name: str) -> list[str]:
    path = place / name
    return path.read_text().split() if path.exists() else []


@contextmanager
def running(*parts: Part) -> Iterator[None]:
    made = Supervisor(parts, threading.Event())
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield
    finally:
        made.stop.set()
        thread.join(60)
        assert not thread.is_alive()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_all_start_and_stop_in_their_order(tmp_path: Path) -> None:
    names = ["serve", "jobs", "collect", "intake"]
    with running(*(part(tmp_path, name) for name in names)):
        until(lambda: all(lines(tmp_path, name) for name in names))
    assert lines(tmp_path, "ended") == names
    assert all(gone(int(lines(tmp_path, name)[0])) for name in names)


def test_one_that_is_killed_is_started_again_and_the_other_does_not_notice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running(part(tmp_path, "a"), part(tmp_path, "b")):
        until(lambda: bool(lines(tmp_path, "a") and lines(tmp_path, "b")))
        os.kill(int(lines(tmp_path, "a")[0]), signal.SIGKILL)
        until(lambda: len(lines(tmp_path, "a")) == 2)
        assert len(lines(tmp_path, "b")) == 1
    assert "a ended (status -9); it is started again" in caplog.text


def test_one_that_falls_again_and_again_is_tried_more_and_more_rarely(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), running(part(tmp_path, "a", FALLS, "2"), part(tmp_path, "b")):
        until(lambda: len(lines(tmp_path, "a")) == 3)
        assert len(lines(tmp_path, "b")) == 1, "what cannot run takes no other with it"
    assert "again in 1 s" in caplog.text
    assert "again in 2 s" in caplog.text


def test_one_that_does_not_stop_is_killed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    deaf = LIVES.replace("sys.exit(0)", "pass")
    with running(part(tmp_path, "a", deaf, patience_s=0.3)):
        until(lambda: bool(lines(tmp_path, "a")))
    assert "does not stop; it is killed" in caplog.text
    assert gone(int(lines(tmp_path, "a")[0]))


def test_a_part_whose_supervisor_was_killed_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "getppid", lambda: 1)
    monkeypatch.setattr(os, "kill", lambda pid, number: said.append((pid, number)))
    monkeypatch.setenv(supervisor.PARENT, "123456")
    supervisor.with_parent()
    until(lambda: bool(said))
    assert said == [(os.getpid(), signal.SIGTERM)]
