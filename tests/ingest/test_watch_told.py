"""What a watch tells, when it waits, and how it ends."""

from __future__ import annotations

import io
import logging
import os
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest

from callstats.cases.vault import Vault
from callstats.cli import main
from callstats.errors import ClosedMonthError, StoreError
from callstats.settings import Settings
from ingest import watch as module
from ingest.base import Dialect
from ingest.follow import Followed
from ingest.load import UNKNOWN
from ingest.reader import identify
from ingest.report import as_change
from ingest.storing import FileReport
from ingest.telling import AGAIN
from ingest.watch import NOT_THERE, Watch
from tests.ingest.following import QUIET, Watched, append, summed
from tests.ingest.loading import SAMPLE, Site, lines_of

LINES = lines_of("queue_log")
A, B = LINES[:40], LINES[40:70]


def test_a_truncated_file_says_so_and_no_number(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    path = site.put("queue_log", b"".join(A))
    watched = Watched(site)
    watched.poll()
    path.write_bytes(b"".join(A[:4]))
    with caplog.at_level(logging.DEBUG):
        (told,) = (report for report in watched.poll() if report.status == "noted")
    assert as_change(told) == f"{path}: {told.reason}"
    assert "was truncated or written anew" in (told.reason or "")
    assert site.store.scan("events").num_rows == len(A)
    append(path, b"".join(A[4:]) + b"".join(B))
    assert summed(watched.poll()).new == len(B)


def test_a_path_that_is_not_there_is_waited_for_and_told_once(site: Site) -> None:
    path = site.inbox / "later" / "queue_log"
    watched = Watched(site, path)
    assert [(r.path, r.reason) for r in watched.poll()] == [(str(path), NOT_THERE)]
    assert watched.poll() == []
    path.parent.mkdir()
    append(path, b"".join(A))
    assert summed(watched.poll()).new == len(A)
    path.unlink()
    assert watched.poll() == []


def test_what_nobody_knows_is_told_once(site: Site) -> None:
    letter = site.put("letter.txt", b"Dear Sir or Madam,\n")
    site.put("sound.wav", bytes(range(256)) * 20)
    watched = Watched(site)
    assert watched.poll() == []
    assert [(r.path, r.status, r.reason) for r in watched.poll(QUIET)] == [(str(letter), "skipped", UNKNOWN)]
    append(letter, b"Yours faithfully\n")
    assert watched.settle() == []
    named = Watched(site, letter)
    assert [(r.status, "no dialect knows" in (r.reason or "")) for r in named.settle()] == [("failed", True)]


def test_a_growing_log_of_others_is_looked_at_again_when_it_is_twice_as_large(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []

    def looking(source: io.FileIO, settings: Settings, *, path: str) -> Dialect:
        looks.append(path)
        return identify(source, settings, path=path)

    monkeypatch.setattr(module, "identify", looking)
    path = site.put("full", b"[Nov 27] VERBOSE: something\n" * 4000)
    watched = Watched(site)
    for _ in range(5):
        watched.poll()
        append(path, b"[Nov 27] VERBOSE: more\n")
    assert len(looks) == 1
    append(path, b"[Nov 27] VERBOSE: something\n" * 5000)
    watched.poll()
    assert len(looks) == 2


def test_a_file_that_cannot_be_read_is_told_once_and_when_it_can(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, opened = site.put("closed", b"".join(A)), site.put("queue_log", b"".join(B))

    class Denied(io.FileIO):
        def __init__(self, path: Path) -> None:  # root may read everything
            if path == closed:
                raise PermissionError(13, "Permission denied")
            super().__init__(path)

    watched = Watched(site)
    with monkeypatch.context() as patched:
        patched.setattr(io, "FileIO", Denied)
        first = watched.poll()
        assert [(r.path, r.status) for r in first] == [(str(closed), "failed"), (str(opened), "loaded")]
        assert watched.poll(100) == []
    again = watched.poll(100)
    assert sorted((r.status, r.reason) for r in again if not r.new) == [("noted", AGAIN)]
    assert summed(again).new == len(A)
    assert watched.poll() == []


def test_a_folder_that_cannot_be_listed_is_told_once_and_when_it_can(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = site.put("closed/queue_log", b"".join(A)).parent
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path) == str(folder):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    watched = Watched(site)
    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", scandir)
        assert [(r.path, r.status) for r in watched.settle()] == [(str(folder), "failed")]
    assert {r.reason for r in watched.poll()} == {AGAIN, None}
    assert site.store.scan("events").num_rows == len(A)


def test_a_fault_of_ours_costs_one_file_and_quotes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.put("broken", b"".join(A))
    site.put("queue_log", b"".join(B))
    real = Followed.bring

    def fails(self: Followed, vault: Vault) -> FileReport | None:
        if self.path.name == "broken":
            raise OverflowError("caller 28404019")
        return real(self, vault)

    monkeypatch.setattr(Followed, "bring", fails)
    watched = Watched(site)
    failed, loaded = watched.poll()
    assert (failed.status, loaded.new) == ("failed", len(B))
    assert "28404019" not in (failed.reason or "")
    assert watched.poll() == []


def test_a_full_disk_stops_the_round_and_the_next_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.put("queue_log", b"".join(LINES))
    watched = Watched(site)
    with monkeypatch.context() as patched:

        def full(*args: object) -> None:
            raise OSError(28, "No space left on device")

        patched.setattr("callstats.parquet.write", full)
        with pytest.raises(StoreError, match="cannot be written to: No space left"):
            watched.poll()
    assert summed(watched.poll()).new == len(LINES)


def test_figures_follow_and_a_crash_before_them_is_made_good(site: Site) -> None:
    site.put("queue_log", b"".join(LINES))
    watched = Watched(site)
    watched.poll()  # as if it were killed then: nothing is computed
    assert site.store.scan("calls").num_rows == 0
    watch = Watch(site.settings, site.store, [site.inbox])
    assert watch.poll() == []
    watch.close()
    assert site.store.scan("calls").num_rows > 0


def test_a_closed_month_is_told_once_and_lines_go_on(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def closed(*args: object, **more: object) -> None:
        raise ClosedMonthError("2026-10: closed")

    monkeypatch.setattr(module, "finish", closed)
    path = site.put("queue_log", b"".join(A))
    watch = Watch(site.settings, site.store, [site.inbox])
    watch.poll()
    append(path, b"".join(B))
    watch.poll()
    watch.close()
    assert caplog.messages == ["2026-10: closed"]
    assert site.store.scan("events").num_rows == len(A) + len(B)


class Stop(threading.Event):
    """Set after some waits; remembers how long they were to be."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.rounds = rounds
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        if len(self.waits) == self.rounds:
            self.set()
        return self.is_set()


def test_while_the_database_is_down_it_waits_longer_and_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site.put("queue_log", b"".join(A))
    real, calls = site.store.counter, []

    def down() -> int:
        calls.append(1)
        if 2 <= len(calls) <= 9:
            raise StoreError("database: nobody answers")
        return real()

    monkeypatch.setattr(site.store, "counter", down)
    monkeypatch.setattr(module, "finish", lambda *args, **more: None)
    stop, told = Stop(11), list[str]()
    Watch(site.settings, site.store, [site.inbox]).run(stop, 1.0, lambda r: told.append(as_change(r)))
    assert stop.waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 1, 1]
    assert told == [f"{site.inbox / 'queue_log'}: queue_log: {len(A)} new of {len(A)} read"]
    assert ["nobody answers" in m for m in caplog.messages] == [True, False]


def test_the_command_looks_once_at_what_it_is_told(
    site: Site, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = site.put("queue_log", b"".join(A) + b"nonsense\n")
    config = tmp_path / "callstats.toml"
    sample = (SAMPLE / "callstats.toml").read_text(encoding="utf-8")
    beside = site.inbox.relative_to(tmp_path)
    config.write_text(sample + f'\n[watch]\npaths = ["{beside}"]\n', encoding="utf-8")
    options = ["--config", str(config), "--data", str(tmp_path / "data")]
    assert main([*options, "watch", "--once"]) == 1
    told = f"{path}: queue_log: {len(A)} new of {len(A) + 1} read, 1 rejected\n"
    assert capsys.readouterr().out == told
    assert main([*options, "watch", "--once", str(path)]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("wrong", [[], ["--every", "0", "."], ["--every", "soon", "."]])
def test_the_command_says_what_is_wrong(
    wrong: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) if wrong else nullcontext():
        assert main(["--data", str(tmp_path), "watch", *wrong]) == 2
    assert capsys.readouterr().err


def test_it_ends_between_two_commits(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.follow.PIECE_BYTES", 1000)
    site.put("queue_log", b"".join(LINES))
    stop = threading.Event()
    real = Followed.bring

    def stopping(self: Followed, vault: Vault) -> FileReport | None:
        stop.set()
        return real(self, vault)

    monkeypatch.setattr(Followed, "bring", stopping)
    told: list[FileReport] = []
    Watch(site.settings, site.store, [site.inbox]).run(stop, 1.0, told.append)
    assert 0 < summed(told).new == site.store.scan("events").num_rows < len(LINES)
