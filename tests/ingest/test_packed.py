"""Compressed parts are read as what is packed in them."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from callstats.filing import SPILL
from ingest import packed
from ingest.reader import identify
from tests.ingest.loading import SAMPLE, Site, lines_of
from tests.ingest.reading import SAMPLES, result

PACK: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
QUEUE_LOG = SAMPLE / "queue_log"


@pytest.mark.parametrize("kind", PACK)
def test_a_compressed_part_is_loaded_as_its_content(sites: list[Site], kind: str) -> None:
    sites[0].load(QUEUE_LOG)
    path = sites[1].put(f"queue_log.1.{kind}", PACK[kind](QUEUE_LOG.read_bytes()))
    report = sites[1].load(sites[1].inbox)[0]
    assert (report.path, report.status, report.rejected) == (str(path), "loaded", 0)
    assert report.new == report.kept == sites[0].store.scan("events").num_rows
    assert sites[1].said() == sites[0].said()
    assert [r.status for r in sites[1].load(QUEUE_LOG)] == ["known"]
    assert not list((sites[1].settings.data / SPILL).glob("**/*"))


def test_what_was_loaded_before_it_was_packed_is_known(site: Site) -> None:
    site.load(QUEUE_LOG)
    version = site.store.data_version()
    again = site.load(site.put("queue_log.1.gz", gzip.compress(QUEUE_LOG.read_bytes())))[0]
    assert (again.status, again.new) == ("known", 0)
    assert site.store.data_version() == version


def test_a_packed_part_and_a_longer_one_bring_each_line_once(sites: list[Site]) -> None:
    sites[0].load(QUEUE_LOG)
    lines = lines_of("queue_log")
    sites[1].load(sites[1].put("a.gz", gzip.compress(b"".join(lines[:40]))))
    longer = sites[1].load(sites[1].put("b.xz", lzma.compress(b"".join(lines))))[0]
    assert (longer.known, longer.new) == (40, len(lines) - 40)
    assert sites[1].said() == sites[0].said()


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
@pytest.mark.parametrize("named", [True, False])
def test_a_broken_archive_is_a_fault_and_nothing_of_it_is_loaded(
    site: Site, pack: Callable[[bytes], bytes], named: bool
) -> None:
    lines = [b"%d|%d.1|q|NONE|ENTERQUEUE|||1\n" % (at, at) for at in range(1795402085, 1795502085)]
    whole = pack(b"".join(lines))
    path = site.put("queue_log.1", whole[: len(whole) - 20])
    report = site.load(path if named else site.inbox)[0]
    assert report.status == "failed"
    assert "queue_log.1: the archive is damaged or not complete" in (report.reason or "")
    assert site.store.scan("events").num_rows == 0


def test_an_archive_that_holds_more_than_can_be_meant_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = QUEUE_LOG.read_bytes() * 20
    monkeypatch.setattr(packed, "MOST_BYTES", len(content) - 1)
    report = site.load(site.put("queue_log.1.gz", gzip.compress(content)))[0]
    assert report.status == "failed"
    assert "unpacks to more than" in (report.reason or "")
    assert site.store.scan("events").num_rows == 0


def test_a_small_archive_may_not_be_thousands_of_times_larger_inside(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "SMALL", 1)
    monkeypatch.setattr(packed, "MOST_TIMES", 10)
    lines = QUEUE_LOG.read_bytes().splitlines(keepends=True)
    report = site.load(site.put("queue_log.1.gz", gzip.compress(b"".join(lines[:1] * 5000))))[0]
    assert "unpacks to more than" in (report.reason or "")


def test_reading_a_packed_file_gives_what_the_file_gave(tmp_path: Path) -> None:
    plain = SAMPLES / "cdr_csv/18_columns.csv"
    path = tmp_path / "Master.csv.2.gz"
    path.write_bytes(gzip.compress(plain.read_bytes()))
    one, other = (result(file, identify(file)) for file in (plain, path))
    assert one.events == other.events
