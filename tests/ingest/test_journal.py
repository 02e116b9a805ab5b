"""The journal: what is durable stays, in order and once, whatever happens to its writer and its disk."""

from __future__ import annotations

import errno
import os
import random
import signal
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callstats.errors import StoreError, UsageError
from callstats.pseudonyms import Pseudonymiser
from ingest import journal as journal_module
from ingest.journal import Damage, Journal, JournalError, Place, Read, Reader
from ingest.journal_format import HEAD_BYTES, MOST_BYTES, Kind, numbers, path_of

KEYS = Pseudonymiser(b"k" * 32)


def put(journal: Journal, number: int, size: int = 10) -> None:
    """The n-th record; its data tell its number."""
    journal.put(Kind.DATA, b"%d:" % number + b"x" * size, 1, number, 1_000_000 + number)


def read(folder: Path, place: Place | None = None, keys: Pseudonymiser = KEYS) -> list[Read | Damage]:
    """All that a journal holds from a place on."""
    found: list[Read | Damage] = []
    with closing(Reader(folder, keys, place)) as reader:
        while more := list(reader.read()):
            found += more
    return found


def told(found: list[Read | Damage]) -> list[int]:
    """The numbers of the records."""
    return [int(one.record.data.partition(b":")[0]) for one in found if isinstance(one, Read)]


def test_what_was_put_is_read_again_in_order(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", KEYS) as journal:
        for number in range(1000):
            put(journal, number)
    found = read(tmp_path / "j")
    assert told(found) == list(range(1000))
    first = found[0]
    assert isinstance(first, Read)
    assert (first.record.kind, first.record.connection, first.record.received_us) == (Kind.DATA, 1, 1_000_000)


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(0, 5000), max_size=60), segment=st.integers(200, 8000), data=st.data())
def test_any_sizes_segments_and_places(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], segment: int, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("j")
    with Journal(folder, KEYS, segment_bytes=segment, group_s=0.0) as journal:
        for number, size in enumerate(sizes):
            put(journal, number, size)
            if data.draw(st.booleans()):
                journal.flush()
    found = read(folder)
    assert told(found) == list(range(len(sizes)))
    if sizes:
        middle = data.draw(st.integers(0, len(sizes) - 1))
        one = found[middle]
        assert isinstance(one, Read)
        assert told(read(folder, one.place)) == list(range(middle, len(sizes)))


def test_a_reader_that_keeps_up_reads_everything_once(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", KEYS, segment_bytes=4096) as journal:
        found: list[Read | Damage] = []

        def write() -> None:
            for number in range(2000):
                put(journal, number)

        writer = threading.Thread(target=write)
        writer.start()
        with closing(Reader(tmp_path / "j", KEYS)) as reader:
            while writer.is_alive() or len(found) < 2000:
                found += reader.read(until=journal.durable)
                assert all(isinstance(one, Read) for one in found)
    assert told(found) == list(range(2000))


def test_what_is_written_between_two_looks_before_the_next_segment_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader finds nothing more; then the writer fills the segment and begins another."""
    journal = Journal(tmp_path / "j", KEYS, segment_bytes=400, group_s=0.0)
    put(journal, 0)
    journal.flush()
    look, late = numbers, [True]

    def numbers_later(folder: Path) -> list[int]:
        if late.pop() if late else False:
            put(journal, 1, 500)
            journal.flush()
            put(journal, 2)
            journal.flush()
        return look(folder)

    with closing(Reader(tmp_path / "j", KEYS)) as reader:
        found = list(reader.read(1))  # the segment is open
        monkeypatch.setattr(journal_module, "numbers", numbers_later)
        while more := list(reader.read()):
            found += more
    journal.close()
    assert told(found) == [0, 1, 2]


def test_a_full_disk_at_the_start_leaves_no_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fdatasync", full)
    for _ in range(3):
        with pytest.raises(JournalError, match="No space left"):
            Journal(tmp_path / "j", KEYS)
    assert numbers(tmp_path / "j") == []


def test_nothing_beyond_what_is_durable_is_read(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", KEYS) as journal:
        for number in range(10):
            put(journal, number)
        journal.flush()
        with closing(Reader(tmp_path / "j", KEYS)) as reader:
            assert told(list(reader.read(until=Place(1, 4)))) == [0, 1, 2, 3]
            assert told(list(reader.read(until=Place(1, 4)))) == []
            assert told(list(reader.read())) == [4, 5, 6, 7, 8, 9]


def test_no_number_stands_in_it(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", KEYS) as journal:
        journal.put(Kind.DATA, b"CallerIDNum: 28404019\r\n", 1, 0, 1)
    raw = path_of(tmp_path / "j", 1).read_bytes()
    assert b"28404019" not in raw
    assert b"CallerID" not in raw
    assert path_of(tmp_path / "j", 1).stat().st_mode & 0o077 == 0


def test_another_key_file_opens_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", KEYS) as journal:
        put(journal, 1)
    with pytest.raises(StoreError, match="does not open with this key file"):
        read(tmp_path / "j", keys=Pseudonymiser(b"o" * 32))
    with pytest.raises(StoreError, match="not in the key file"):
        read(tmp_path / "j", keys=Pseudonymiser(b"k" * 32, 2))


def test_a_new_key_reads_what_the_old_one_wrote(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", KEYS) as journal:
        put(journal, 1)
    newer = Pseudonymiser(b"n" * 32, 2, KEYS)
    with Journal(tmp_path / "j", newer) as journal:
        put(journal, 2)
    assert told(read(tmp_path / "j", keys=newer)) == [1, 2]


@pytest.mark.parametrize("cut", [1, 30, 60])
def test_a_torn_end_died_with_its_writer(tmp_path: Path, cut: int) -> None:
    with Journal(tmp_path / "j", KEYS) as journal:
        for number in range(5):
            put(journal, number)
    path = path_of(tmp_path / "j", 1)
    os.truncate(path, path.stat().st_size - cut)
    with Journal(tmp_path / "j", KEYS) as journal:
        put(journal, 5)
    found = read(tmp_path / "j")
    assert told(found) == [0, 1, 2, 3, 5]
    assert not [one for one in found if isinstance(one, Damage)], "what was never durable is no loss"


def test_damage_in_the_middle_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", KEYS, group_s=0.0) as journal:
        for number in range(9):
            put(journal, number, 100)
    path = path_of(tmp_path / "j", 1)
    raw = bytearray(path.read_bytes())
    size = (len(raw) - HEAD_BYTES) // 9
    raw[HEAD_BYTES + 4 * size + 50] ^= 1
    path.write_bytes(raw)
    found = read(tmp_path / "j")
    assert told(found) == [0, 1, 2, 3, 5, 6, 7, 8]
    assert [one for one in found if isinstance(one, Damage)] == [Damage(1, HEAD_BYTES + 4 * size, size)]


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 100_000), bit=st.integers(0, 7), garbage=st.binary(max_size=200))
def test_no_damage_makes_a_record_up(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int, garbage: bytes
) -> None:
    folder = tmp_path_factory.mktemp("j")
    with Journal(folder, KEYS, group_s=0.0) as journal:
        for number in range(20):
            put(journal, number, 40)
    path = path_of(folder, 1)
    raw = bytearray(path.read_bytes())
    raw[place % len(raw)] ^= 1 << bit
    path.write_bytes(raw + garbage)
    found = told(read(folder))
    assert found == sorted(set(found))
    assert len(found) >= 19 or place % len(raw) < HEAD_BYTES


def test_a_full_disk_ends_it_loudly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "j", KEYS)
    put(journal, 1)
    journal.flush()

    def full(_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fdatasync", full)
    put(journal, 2)
    with pytest.raises(JournalError, match=r"No space left on device.*make room"):
        journal.flush()
    with pytest.raises(JournalError, match="No space left"):
        put(journal, 3)
    with pytest.raises(JournalError):
        journal.close()
    monkeypatch.undo()
    assert journal.durable == Place(1, 1), "what could not be forced to disk is not called durable"
    with Journal(tmp_path / "j", KEYS) as again:
        put(again, 4)
    assert told(read(tmp_path / "j"))[0] == 1
    assert told(read(tmp_path / "j"))[-1] == 4


def test_a_slow_disk_makes_the_sender_wait_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    force, most = os.fdatasync, [0]

    def slow(descriptor: int) -> None:
        time.sleep(0.05)
        force(descriptor)

    monkeypatch.setattr(os, "fdatasync", slow)
    with Journal(tmp_path / "j", KEYS, queue_bytes=20_000, group_s=0.0) as journal:
        for number in range(200):
            put(journal, number, 1000)
            most[0] = max(most[0], journal._queued)
    assert most[0] < 20_000 + 1_200, "memory is bounded"
    assert told(read(tmp_path / "j")) == list(range(200))


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", KEYS), pytest.raises(JournalError, match="another collector writes this"):
        Journal(tmp_path / "j", KEYS)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(JournalError, match="cannot be written"):
        Journal(tmp_path / "file" / "j", KEYS)


def test_a_record_has_a_bound(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", KEYS) as journal, pytest.raises(UsageError, match="at most"):
        journal.put(Kind.DATA, b"x" * (MOST_BYTES + 1), 1, 0, 0)


def test_killed_at_random_moments_nothing_durable_is_lost_or_doubled(tmp_path: Path) -> None:
    """200 writers, each killed with SIGKILL: what each said to be on disk is there, once, in order."""
    folder, said, place = tmp_path / "j", 0, Place(0, 0)
    chance = random.Random(7)
    for _ in range(200):
        out, into = os.pipe()
        child = os.fork()
        if child == 0:  # pragma: no cover - it is killed
            os.close(out)
            with Journal(folder, KEYS, segment_bytes=3000, group_s=0.001) as journal:
                number = said
                while True:
                    for _ in range(chance.randrange(1, 9)):
                        put(journal, number, 50)
                        number += 1
                    journal.flush()
                    os.write(into, b"%d\n" % number)
        os.close(into)
        time.sleep(chance.random() * 0.02)
        if not chance.randrange(4):  # some die while they begin, most after they said something
            os.kill(child, signal.SIGKILL)
        first = os.read(out, 64)
        time.sleep(chance.random() * 0.004)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        rest = first
        while more := os.read(out, 65536):
            rest += more
        os.close(out)
        whole = rest.split(b"\n")[:-1]
        durable = int(whole[-1]) if whole else said
        found = read(folder, place)
        assert not [one for one in found if isinstance(one, Damage)]
        got = told(found)
        assert got == list(range(said, said + len(got))), "in order, none twice, none missing"
        assert said + len(got) >= durable, "what was said to be on disk is there"
        said += len(got)
        place = Place(max(numbers(folder), default=0) + 1, 0)
    assert said > 200
    assert told(read(folder)) == list(range(said))
