"""A file that grows, in whatever pieces it is read, gives what one load of the whole gives: exactly once."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callstats.cases.catalog import ConflictError
from callstats.errors import StoreError
from callstats.writer import BatchWriter
from ingest import follow
from ingest.base import MAX_RECORD_BYTES
from ingest.keys import PAGE_LINES, LineKeys
from tests.ingest.following import Watched, append, batches, close_all, places, rejects, summed
from tests.ingest.loading import Site, lines_of

FILES = ["cdr_csv/Master.csv", "cdr_custom/full_tz.csv", "cel/Master.csv", "queue_log"]
BAD = b"nonsense with 28404019\n"
ODD = [BAD, b"\xff\xfe\n", b"\n", BAD, b"\r\n", b'"torn\n', b"0|a|b|c|d\x00|\n"]


def damaged(name: str) -> bytes:
    """The lines of a sample with copies, bad lines and blank ones among them."""
    lines = lines_of(name)
    rng = random.Random(name)
    for odd in ODD:
        lines.insert(rng.randrange(3, len(lines)), odd)
    for place in (10, 10, len(lines) - 5):
        lines.insert(place, lines[place - 1])
    return b"".join(lines)


def assert_same(one: Site, other: Site) -> None:
    """The same lines, rejects and counts, whatever batches they came in."""
    assert one.said() == other.said()
    assert places(one) == places(other)
    assert rejects(one) == rejects(other)


def followed_in(site: Site, content: bytes, cuts: list[int], *, restarts: bool = False) -> Watched:
    path = site.put("log", b"")
    watched = Watched(site)
    told = watched.told
    for start, stop in pairwise([0, *sorted(cuts), len(content)]):
        append(path, content[start:stop])
        watched.poll()
        if restarts:
            watched = watched.again()
            watched.told = told
    return watched


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=4)
@given(restarts=st.booleans(), data=st.data())
def test_a_file_that_grows_in_any_cuts_gives_what_the_whole_gives(
    name: str, restarts: bool, data: st.DataObject
) -> None:
    content = damaged(name)
    cuts = data.draw(st.lists(st.integers(0, len(content)), max_size=6))
    with TemporaryDirectory() as folder:
        whole, pieces = Site(Path(folder) / "whole"), Site(Path(folder) / "pieces")
        expected = whole.load(whole.put("log", content))[0]
        total = summed(followed_in(pieces, content, cuts, restarts=restarts).told)
        assert_same(pieces, whole)
        told = (total.read, total.kept, total.rejected, total.new, total.ignored_reasons)
        assert told == (
            expected.read, expected.kept, expected.rejected, expected.new, expected.ignored_reasons,
        )  # fmt: skip
        assert total.read == total.kept + total.ignored + total.rejected
        (one,), (other,) = batches(pieces), batches(whole)
        assert replace(one, id=other.id, path=other.path) == other
        close_all()
        for site in (whole, pieces):
            site.store.close()


def test_a_partial_last_line_is_left_until_it_is_whole(site: Site) -> None:
    lines = lines_of("queue_log")[:6]
    path = site.put("queue_log", b"".join(lines[:4]) + lines[4][:-9])
    watched = Watched(site)
    assert summed(watched.poll()).read == 4
    append(path, lines[4][-9:-1])
    assert watched.poll() == []
    append(path, b"\n" + lines[5][:1])
    assert summed(watched.poll()).new == 1
    append(path, lines[5][1:])
    assert summed(watched.poll()).new == 1
    assert site.store.scan("rejects").num_rows == 0
    assert [batch.rows_read for batch in batches(site)] == [6]


def test_a_first_line_without_end_is_waited_for(site: Site) -> None:
    lines = lines_of("cel/Master.csv")
    path = site.put("Master.csv", lines[0][:40])
    watched = Watched(site)
    assert watched.poll() == []
    append(path, lines[0][40:])
    assert summed(watched.poll()).new == 1


def test_identical_lines_of_one_second_are_as_many_as_were_written(sites: list[Site]) -> None:
    lines = lines_of("queue_log")[:5] + lines_of("queue_log")[4:5] * 4 + [BAD] * 3
    sites[0].load(sites[0].put("log", b"".join(lines)))
    cuts = np.cumsum([len(line) for line in lines]).tolist()
    followed_in(sites[1], b"".join(lines), cuts, restarts=True)
    assert_same(sites[1], sites[0])
    assert sites[1].store.scan("events").num_rows == 9
    assert sites[1].store.scan("rejects").num_rows == 3


def test_small_pieces_of_a_large_file_are_commits_of_one_batch(
    sites: list[Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "PIECE_BYTES", 1000)
    long = b"x" * (MAX_RECORD_BYTES + 4000) + b"\n"
    lines = lines_of("cel/Master.csv")
    content = b"".join([*lines[:50], long, *lines[50:80], long, *lines[80:]])
    sites[0].load(sites[0].put("log", content))
    followed_in(sites[1], content, [len(content) // 2])
    assert_same(sites[1], sites[0])
    assert len(batches(sites[1])) == 1
    assert sites[1].store.scan("rejects")["reason"].to_pylist() == ["longer than 1,048,576 bytes"] * 2


def test_a_file_of_three_days_is_read_on_over_midnight(sites: list[Site]) -> None:
    start = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())
    lines = [
        b"%d|%d.1|q-social|NONE|ENTERQUEUE||67012345|1\n" % (at, at)
        for at in range(start, start + 2 * 86400, 3600)
    ]
    sites[0].load(sites[0].put("log", b"".join(lines)))
    followed_in(sites[1], b"".join(lines), [len(lines[0]) * 11, len(lines[0]) * 30], restarts=True)
    assert_same(sites[1], sites[0])
    days = set(sites[1].store.scan("events", columns=["local_date"])["local_date"].to_pylist())
    assert len(days) == 3


@pytest.mark.parametrize("restarted", [False, True])
def test_a_crash_before_the_commit_costs_nothing(
    sites: list[Site], monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    content = damaged("queue_log")
    sites[0].load(sites[0].put("log", content))
    path = sites[1].put("log", content[:3000])
    watched = Watched(sites[1])
    watched.poll()
    append(path, content[3000:])
    real = BatchWriter.commit

    def dies(self: BatchWriter, *args: object, **more: object) -> None:
        self._flush(list(self._buffer), last=True)
        raise StoreError("database: gone")

    monkeypatch.setattr(BatchWriter, "commit", dies)
    with pytest.raises(StoreError, match="gone"):
        watched.poll()
    monkeypatch.setattr(BatchWriter, "commit", real)
    watched = watched.again() if restarted else watched
    watched.poll()
    assert_same(sites[1], sites[0])
    assert len(batches(sites[1])) == 1


def test_a_fault_between_two_files_loses_no_report(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        site.put(name, b"".join(lines_of("queue_log")[3 if name == "a" else 30 :][:20]))
    real = BatchWriter.commit
    calls = []

    def second_dies(self: BatchWriter, *args: object, **more: object) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise StoreError("database: gone")
        real(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(BatchWriter, "commit", second_dies)
    watched = Watched(site)
    with pytest.raises(StoreError):
        watched.poll()
    assert [Path(report.path).name for report in watched.poll()] == ["a", "b"]
    assert site.store.scan("events").num_rows == 40


def test_lines_of_the_same_time_loaded_meanwhile_are_asked_for_again(
    sites: list[Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"".join(lines_of("queue_log"))
    sites[0].load(sites[0].put("log", content))
    part = sites[1].put("elsewhere/part", b"".join(lines_of("queue_log")[20:60]))
    path = sites[1].put("log", content)
    real = BatchWriter.commit
    calls = []

    def late(self: BatchWriter, *args: object, **more: object) -> None:
        calls.append(1)
        if len(calls) == 1:
            sites[1].load(part)
        real(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(BatchWriter, "commit", late)
    report = summed(Watched(sites[1], path).poll())
    assert (report.known, report.kept) == (40, sites[0].store.scan("events").num_rows)
    assert sites[1].said() == sites[0].said()


def test_two_watches_at_once_bring_each_line_once(sites: list[Site]) -> None:
    content = damaged("cel/Master.csv")
    sites[0].load(sites[0].put("log", content))
    path = sites[1].put("log", b"")
    pair = [Watched(sites[1]), Watched(sites[1])]
    cuts = [0, *sorted(random.Random(5).sample(range(len(content)), 6)), len(content)]
    for number, (start, stop) in enumerate(pairwise(cuts)):
        append(path, content[start:stop])
        for watched in pair if number % 3 else pair[:1]:
            watched.poll()
    for watched in pair:
        watched.poll()
    assert_same(sites[1], sites[0])
    assert summed([*pair[0].told, *pair[1].told]).new == sites[0].store.scan("events").num_rows


def test_two_that_begin_in_the_same_moment_make_one_batch(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.put("log", damaged("queue_log"))
    first, second = Watched(site), Watched(site)
    real = BatchWriter.commit
    calls = []

    def after_the_other(self: BatchWriter, *args: object, **more: object) -> None:
        calls.append(1)
        if len(calls) == 1:
            second.poll()
        real(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(BatchWriter, "commit", after_the_other)
    first.poll()
    assert len(batches(site)) == 1
    assert first.told == []
    assert summed(second.told).new == site.store.scan("events").num_rows


def test_conflicts_without_end_leave_the_file_for_the_next_round(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.put("log", damaged("queue_log"))
    watched = Watched(site)

    def never(self: BatchWriter, *args: object, **more: object) -> None:
        raise ConflictError("store: changed meanwhile")

    with monkeypatch.context() as patched:
        patched.setattr(BatchWriter, "commit", never)
        assert watched.poll() == []
    assert summed(watched.poll()).new > 0


def test_what_ingest_loaded_is_gone_on_with(sites: list[Site]) -> None:
    content = damaged("queue_log")
    sites[0].load(sites[0].put("log", content))
    cut = content.index(b"\n", 3000) + 1
    path = sites[1].put("log", content[:cut])
    sites[1].load(path)
    watched = Watched(sites[1])
    assert watched.poll() == []
    append(path, content[cut:])
    watched.poll()
    assert_same(sites[1], sites[0])
    assert len(batches(sites[1])) == 1
    assert sites[1].load(path)[0].status == "known"
    part = sites[1].load(sites[1].put("elsewhere/part", content[:cut]))[0]
    assert (part.status, part.new, part.known) == ("loaded", 0, part.kept)
    assert sites[1].load(sites[1].put("elsewhere/part", content[:cut]))[0].status == "known"


def test_ingest_of_a_followed_file_is_a_no_op_and_of_a_longer_one_goes_on(sites: list[Site]) -> None:
    content = damaged("queue_log")
    sites[0].load(sites[0].put("log", content))
    cuts = [content.index(b"\n", place) + 1 for place in (2000, 4000)]
    path = sites[1].put("log", content[: cuts[0]])
    watched = Watched(sites[1])
    watched.poll()
    assert sites[1].load(path)[0].status == "known"
    append(path, content[cuts[0] : cuts[1] + 7])
    longer = sites[1].load(path)[0]
    assert (longer.status, longer.known > 0, longer.new > 0) == ("loaded", True, True)
    assert any("cut off" in reason for _, reason, _ in rejects(sites[1]))
    append(path, content[cuts[1] + 7 :])
    watched.poll()
    assert_same(sites[1], sites[0])


def test_keys_go_on_from_a_copy() -> None:
    keys = LineKeys("pbx", "cdr")
    before = [keys.key(b"a", line) for line in (1, 2, PAGE_LINES)]
    other = keys.copy()
    after = [other.key(b"a", PAGE_LINES + 1), other.key(b"b", PAGE_LINES + 2)]
    assert [keys.key(b"a", PAGE_LINES + 1), keys.key(b"b", PAGE_LINES + 2)] == after
    assert len({*before, *after}) == 5


def test_copies_in_page_after_page_are_counted_on_after_a_restart(
    sites: list[Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.keys.PAGE_LINES", 8)
    lines = lines_of("queue_log")[:40]
    for place in (3, 10, 18, 26, 34):
        lines.insert(place, lines[2])
    sites[0].load(sites[0].put("log", b"".join(lines)))
    cuts = np.cumsum([len(line) for line in lines])[::3].tolist()
    followed_in(sites[1], b"".join(lines), cuts, restarts=True)
    assert_same(sites[1], sites[0])
