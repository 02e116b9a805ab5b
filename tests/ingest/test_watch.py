"""Files come, grow, are rotated, packed, truncated and go: each line is stored once."""

from __future__ import annotations

import gzip
import os
import random
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from ingest.load import LINK
from ingest.watch import IDLE_S, LOST_S
from tests.ingest.following import QUIET, Watched, append, batches, rejects, summed
from tests.ingest.loading import SAMPLE, Site, lines_of

LINES = lines_of("queue_log")
A, B, C = LINES[:40], LINES[40:70], LINES[70:]


@pytest.fixture
def whole(sites: list[Site]) -> Site:
    """A site that loaded all lines at once."""
    sites[1].load(sites[1].put("whole", b"".join(LINES)))
    return sites[1]


def test_a_renamed_file_is_read_to_its_end_and_the_new_one_from_its_beginning(
    site: Site, whole: Site
) -> None:
    path = site.put("queue_log", b"".join(A[:-5]))
    watched = Watched(site)
    watched.poll()
    append(path, b"".join(A[-5:]))
    path.rename(path.with_name("queue_log.1"))
    append(path.with_name("queue_log.1"), b"".join(B))  # the PBX holds it open until it is told
    watched.poll()
    append(path.with_name("queue_log.1"), C[0])
    append(path, b"".join(C[1:]))
    watched.poll()
    assert site.said() == whole.said()
    assert len(batches(site)) == 2
    assert {report.rejected for report in watched.told} == {0}


def test_a_named_file_is_read_on_under_its_old_name_also_after_a_restart(site: Site, whole: Site) -> None:
    path = site.put("queue_log", b"".join(A))
    watched = Watched(site, path)
    watched.poll()
    path.rename(path.with_name("queue_log-20261127"))
    append(path.with_name("queue_log-20261127"), b"".join(B))
    append(path, b"".join(C))
    watched = watched.again()
    watched.poll()
    assert site.said() == whole.said()


def test_a_file_that_was_moved_out_of_sight_is_read_to_its_end(site: Site, whole: Site) -> None:
    path = site.put("queue_log", b"".join(A))
    away = site.folder / "away"
    watched = Watched(site)
    watched.poll()
    path.rename(away)
    append(away, b"".join(B))
    append(path, b"".join(C[:-1]))
    watched.poll()
    append(away, C[-1])
    watched.poll()
    assert site.said() == whole.said()
    watched.poll(LOST_S + 1)
    assert len(watched.watch._followed) == 1


def test_a_deleted_file_is_read_to_its_end(site: Site, whole: Site) -> None:
    path = site.put("queue_log", b"".join(A))
    watched = Watched(site)
    watched.poll()
    append(path, b"".join(B))
    path.unlink()
    append(path, b"".join(C))
    watched.poll()
    assert site.said() == whole.said()


@pytest.mark.parametrize("beyond", [False, True], ids=["shorter", "beyond the old place"])
def test_a_file_that_was_copied_and_truncated(site: Site, whole: Site, beyond: bool) -> None:
    path = site.put("queue_log", b"".join(A[:10]))
    watched = Watched(site)
    watched.poll()
    append(path, b"".join(A[10:]))
    shutil.copy(path, path.with_name("queue_log.1"))
    with path.open("r+b") as file:
        file.truncate(0)
    append(path, b"".join([*B, *C] if beyond else B[:3]))
    watched.poll()
    append(path, b"" if beyond else b"".join([*B[3:], *C]))
    watched.poll()
    assert site.said() == whole.said()
    assert len(batches(site)) == 2
    assert [reason for reason in watched.reasons() if "truncated" in reason] == watched.reasons()
    assert len(watched.reasons()) == 1


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("restarted", [True, False])
def test_a_packed_old_part_brings_what_was_not_seen(
    site: Site, whole: Site, seen: bool, restarted: bool
) -> None:
    path = site.put("queue_log", b"".join(A if seen else A[:20]))
    watched = Watched(site)
    watched.poll()
    if not seen:
        append(path, b"".join(A[20:]))
    site.put("queue_log.1.gz", gzip.compress(path.read_bytes()))
    path.unlink()
    append(path, b"".join([*B, *C]))
    watched = watched.again() if restarted else watched
    watched.settle()
    assert site.said() == whole.said()
    assert rejects(site) == rejects(whole)


def test_parts_that_are_renamed_again_and_again_are_not_read_again(
    site: Site, whole: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(site)
    for number, lines in enumerate((A, B, C)):
        for old in range(number - 1, 0, -1):
            (site.inbox / f"log.{old}").rename(site.inbox / f"log.{old + 1}")
        if number:
            (site.inbox / "log").rename(site.inbox / "log.1")
        append(site.inbox / "log", b"".join(lines))
        watched.settle()
    assert site.said() == whole.said()
    assert summed(watched.told).known == 0
    assert summed(watched.again().settle()).read == 0


def test_a_restart_at_any_point_goes_on(site: Site, whole: Site) -> None:
    content = b"".join(LINES)
    cuts = [0, 1, 700, 701, 2500, 4000, len(content)]
    watched = Watched(site)
    for start, stop in pairwise(cuts):
        append(site.inbox / "queue_log", content[start:stop])
        watched.poll()
        watched = watched.again()
        assert summed(watched.poll()).read == 0
    assert site.said() == whole.said()


def test_messages_are_loaded_when_they_are_quiet_and_moved_ones_are_known(site: Site) -> None:
    message = (SAMPLE / "voicemail/hotline/8000/INBOX/msg0000.txt").read_bytes()
    path = site.put("hotline/8000/INBOX/msg0000.txt", message)
    site.put("hotline/8000/INBOX/msg0000.wav", b"RIFF\x00\x01" * 99)
    watched = Watched(site)
    assert watched.poll() == []
    assert summed(watched.poll(QUIET)).new == 1
    (site.inbox / "hotline/8000/Old").mkdir()
    path.rename(site.inbox / "hotline/8000/Old/msg0003.txt")
    assert watched.settle() == []
    assert summed(watched.told).new == 1
    assert site.store.scan("events")["mailbox"].to_pylist() == ["8000@hotline"]


def test_a_recording_that_goes_on_is_loaded_again_when_it_is_quiet(sites: list[Site]) -> None:
    content = (SAMPLE / "ami.raw").read_bytes()
    sites[1].load(sites[1].put("ami.raw", content))
    path = sites[0].put("ami.raw", content[: len(content) // 2])
    watched = Watched(sites[0])
    watched.settle()
    append(path, content[len(content) // 2 :])
    watched.poll()
    watched.poll(600)
    assert sites[0].said() == sites[1].said()


def test_folders_that_appear_later_and_take_the_place_of_a_file(site: Site, whole: Site) -> None:
    path = site.put("queue_log", b"".join(A))
    watched = Watched(site, path)
    watched.poll()
    path.unlink()
    path.mkdir()
    append(path / "inside", b"".join(B))
    (path / "deeper").mkdir()
    append(path / "deeper/queue_log", b"".join(C))
    watched.poll()
    assert site.said() == whole.said()


def test_a_link_is_followed_by_what_it_leads_to(site: Site, whole: Site) -> None:
    for name, lines in (("first", A), ("second", B + C)):
        append(site.folder / name, b"".join(lines))
    link = site.inbox / "queue_log"
    link.symlink_to(site.folder / "first")
    (site.inbox / "folder").symlink_to(site.folder)
    watched = Watched(site)
    watched.poll()
    link.unlink()
    link.symlink_to(site.folder / "second")
    watched.poll()
    assert site.said() == whole.said()
    assert watched.reasons() == [LINK]


def test_our_own_data_are_never_followed(site: Site) -> None:
    inside = site.settings.data / "queue_log"
    append(inside, b"".join(A))
    (site.inbox / "link").symlink_to(inside)
    assert Watched(site, site.folder, inside, site.inbox).settle() == []
    assert site.store.scan("events").num_rows == 0


def test_a_long_quiet_file_is_closed_and_a_line_that_never_ended_is_told(site: Site) -> None:
    path = site.put("queue_log", b"".join(A) + B[0][:20])
    watched = Watched(site)
    watched.poll()
    old = path.stat().st_mtime - IDLE_S - 10
    os.utime(path, (old, old))
    watched.poll()
    watched.poll()
    assert not watched.watch._followed
    assert [reason for _, reason, _ in rejects(site)] == ["cut off: the line does not end"]
    append(path, B[0][20:] + b"".join(B[1:]))
    watched.poll()
    assert site.store.scan("events").num_rows == len(A) + len(B)
    assert not rejects(site)


class Life:
    """What a PBX and its rotation do to one log. State: the lines that are still to be written."""

    def __init__(self, site: Site, rng: random.Random, lines: list[bytes]) -> None:
        self.site, self.rng = site, rng
        self.path = site.inbox / "log"
        self.content = b"".join(lines)
        self.parts = 0

    def write(self, path: Path | None = None, *, whole_line: bool = False) -> None:
        size = self.rng.randrange(1, len(self.content) // 3 + 2)
        if whole_line:
            size = self.content.find(b"\n", size) + 1
        append(path or self.path, self.content[:size])
        self.content = self.content[size:]

    def end_line(self, path: Path) -> None:
        size = self.content.find(b"\n") + 1 if not path.read_bytes().endswith(b"\n") else 0
        append(path, self.content[:size])
        self.content = self.content[size:]

    def rotate(self) -> None:
        if not self.path.exists():
            return
        self.parts += 1
        part = self.path.with_name(f"log.{self.parts}")
        kind = self.rng.choice(["rename", "rename and write", "copytruncate", "gz"])
        if not kind.startswith("rename"):
            self.end_line(self.path)
        if kind == "copytruncate":
            shutil.copy(self.path, part)
            os.truncate(self.path, 0)
        elif kind == "gz":
            part.with_suffix(f".{self.parts}.gz").write_bytes(gzip.compress(self.path.read_bytes()))
            self.path.unlink()
        else:
            self.path.rename(part)
            if kind == "rename and write" and self.content:
                self.write(part, whole_line=True)
            self.end_line(part)


@pytest.mark.parametrize("seed", range(int(os.environ.get("CALLSTATS_LIVES", "4"))))
def test_whatever_becomes_of_a_log_each_line_is_stored_once(site: Site, whole: Site, seed: int) -> None:
    rng = random.Random(seed)
    life = Life(site, rng, LINES)
    watched = Watched(site)
    while life.content:
        rng.choice([life.write, life.write, life.rotate])()
        if rng.random() < 0.5:
            watched.poll()
        if rng.random() < 0.2:
            watched = watched.again()
    watched.settle()
    assert site.said() == whole.said()
    assert not rejects(site)
