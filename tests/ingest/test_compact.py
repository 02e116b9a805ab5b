"""From the journal into the facts: the same as the recorded stream, once, whatever stops it and how often."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pyarrow.compute as pc
import pytest

from callstats import feeds
from callstats.cases import catalog, crossings, feeds_live
from callstats.closing import bring_up_to_date
from callstats.errors import StoreError
from callstats.pseudonyms import load_pseudonymiser
from callstats.settings_ami import AmiServer
from callstats.store import Store
from callstats.writer import BatchWriter
from ingest import journal as journal_module
from ingest.ami_blocks import Blocks
from ingest.ami_stream import BANNER
from ingest.compact import Compactor, journals
from ingest.journal import Journal, Place
from ingest.journal_format import Kind, numbers, path_of
from tests.ingest.fake_ami import event
from tests.ingest.loading import SAMPLE, Site
from tests.shared import RECORDINGS, needs_shared

HELLO = b"Asterisk Call Manager/9.0.0\r\nResponse: Success\r\n\r\n"
MADE = ("connected", "disconnected")
BEGUN_US = 1_795_000_000_000_000


def connections(raw: bytes) -> list[bytes]:
    """A recorded stream, connection by connection."""
    starts = [found.start() for found in BANNER.finditer(raw)]
    return [raw[a:b] for a, b in zip(starts, [*starts[1:], len(raw)], strict=True)]


def journal(
    site: Site, streams: Sequence[bytes], name: str = "pbx", seed: int = 1, most: int = 40_000, **more: int
) -> None:
    """Writes the streams into a journal as a collector would, cut anywhere."""
    chance, keys = random.Random(seed), load_pseudonymiser(site.settings.numbers.key_file)
    with Journal(site.settings.journal.folder / name, keys, group_s=0.0, **more) as written:
        for number, stream in enumerate(streams, 1):
            written.put(Kind.CONNECTED, b"fake", number, 0, BEGUN_US)
            blocks, place = Blocks(), 0
            while place < len(stream):
                size = chance.randrange(1, most)
                before = blocks.count
                if whole := blocks.feed(stream[place : place + size]):
                    written.put(Kind.DATA, whole, number, before, BEGUN_US)
                    if chance.random() < 0.2:
                        written.flush()  # what is written together is in one segment
                place += size
            written.put(Kind.DOWN, b"over", number, 0, BEGUN_US)


def compact(site: Site, name: str = "pbx") -> Compactor:
    """Takes in all that the journal holds."""
    compactor = Compactor(site.settings, site.store, "pbx", name)
    while compactor.step() is not None:
        pass
    compactor.close()
    return compactor


def said(site: Site) -> Counter[str]:
    """The events, but for those that stand for a recorded connection's ends."""
    return Counter({row: n for row, n in site.said().items() if not any(f"'{one}'" in row for one in MADE)})


def gaps(site: Site) -> set[tuple[str, int, int]]:
    """When no feed was there."""
    with site.store.database.read() as connection:
        return feeds.gaps(crossings.ends(connection))


def everything(site: Site) -> dict[str, list[dict[str, object]]]:
    """The computed tables."""
    bring_up_to_date(site.store, site.settings)
    found = {}
    for name in ("calls", "visits", "attempts", "messages", "disagreements"):
        rows = site.store.scan(name).to_pylist()
        found[name] = sorted(rows, key=str)
    return found


def stream_of(path: Path) -> bytes:
    return (path / "ami.raw").read_bytes()


@pytest.mark.parametrize("segment_bytes", [100_000, 64 << 20])
def test_the_same_facts_as_the_recorded_stream(sites: list[Site], segment_bytes: int) -> None:
    recorded, live = sites
    raw = stream_of(SAMPLE)
    recorded.load(SAMPLE / "ami.raw")
    journal(live, connections(raw), segment_bytes=segment_bytes)
    compact(live)
    assert said(live) == said(recorded)
    assert gaps(live) == gaps(recorded)
    assert everything(live) == everything(recorded)
    with live.store.database.read() as connection:
        batches = catalog.all_batches(connection)
    assert len(batches) <= len(numbers(live.settings.journal.folder / "pbx")), "a batch per segment"
    assert sum(one.rows_new for one in batches) == sum(said(live).values())
    assert all(one.rows_read == one.rows_kept + one.rows_ignored + one.rows_rejected for one in batches)


@needs_shared
@pytest.mark.parametrize("name", ["a", "c"])
def test_the_recordings(sites: list[Site], name: str) -> None:
    recorded, live = sites
    raw = stream_of(RECORDINGS / name)
    recorded.load(RECORDINGS / name / "ami.raw")
    journal(live, connections(raw))
    compact(live)
    assert said(live) == said(recorded)
    assert everything(live) == everything(recorded)


def test_taken_in_bit_by_bit_while_it_is_written(site: Site) -> None:
    """A compactor per step, stopped anywhere: what it read and did not commit is read again."""
    raw = stream_of(SAMPLE)
    journal(site, connections(raw)[:1], seed=3)
    for number in range(1, 400, 7):
        compactor = Compactor(site.settings, site.store, "pbx", "pbx", partial(Place, 1, number))
        compactor.step()
        compactor.close()
    compact(site)
    once = said(site)
    assert max(once.values()) == 1
    with site.store.database.read() as connection:
        (heard,) = feeds_live.heard(connection)
        assert len(feeds_live.cursors(connection)) == 1
        assert len(catalog.all_batches(connection)) == 1
    assert heard.connected_us < heard.heard_us


def test_two_collectors_give_one_truth(sites: list[Site]) -> None:
    """Each missed something that the other heard: together they missed nothing, and nothing is double."""
    recorded, live = sites
    raw = stream_of(SAMPLE)
    blocks = raw.split(b"\r\n\r\n")[:-1]
    third = len(blocks) // 3
    one = [b"\r\n\r\n".join(blocks[: 2 * third]) + b"\r\n\r\n"]
    banner = blocks[0].partition(b"\r\n")[0] + b"\r\nResponse: Success\r\n\r\n"
    two = [banner + b"\r\n\r\n".join(blocks[third:]) + b"\r\n\r\n"]
    journal(live, one)
    journal(live, two, "pbx-second", seed=5)
    for name in ("pbx", "pbx-second"):
        compact(live, name)
    recorded.load(SAMPLE / "ami.raw")
    assert said(live) == said(recorded)
    assert len(gaps(live)) == 2, "before the first and after the last, none between"
    live.settings = live.settings.model_copy(update={"ami": (AmiServer(),)})
    assert journals(live.settings) == [("pbx", "pbx"), ("pbx", "pbx-second")]


def test_a_recording_of_the_same_adds_nothing(site: Site) -> None:
    journal(site, connections(stream_of(SAMPLE)))
    compact(site)
    before = said(site)
    (report,) = site.load(SAMPLE / "ami.raw")
    assert report.new <= 2, "at most the recording's own beginning and end"
    assert said(site) == before


def test_a_crash_while_committing_loses_and_doubles_nothing(
    sites: list[Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = sites
    raw = stream_of(SAMPLE)
    journal(whole, connections(raw), segment_bytes=50_000, most=20_000)
    compact(whole)
    shutil.copytree(whole.settings.journal.folder, broken.settings.journal.folder)
    commit, chance, fell = BatchWriter.commit, random.Random(2), [0]

    def falling(self: BatchWriter, *given: object, **named: object) -> None:
        if chance.random() < 0.5:
            fell[0] += 1
            raise StoreError("the database is gone")
        commit(self, *given, **named)  # type: ignore[arg-type]
        if chance.random() < 0.3:
            fell[0] += 1
            raise StoreError("gone before anybody heard of it")

    monkeypatch.setattr(BatchWriter, "commit", falling)
    compactor = Compactor(broken.settings, broken.store, "pbx", "pbx")
    for _ in range(300):
        try:
            if compactor.step() is None:
                break
        except StoreError:
            continue
    compactor.close()
    assert fell[0] > 5
    assert said(broken) == said(whole)
    assert gaps(broken) == gaps(whole)


def test_a_gap_is_from_the_last_byte_to_the_first_one_after(site: Site) -> None:
    banner = b"Asterisk Call Manager/9.0.0\r\nResponse: Success\r\n\r\n"
    journal(site, [banner + event(1) + event(5), banner + event(60_000) + event(60_005)])
    compact(site)
    start = 1_795_400_000_000_000
    found = sorted(gaps(site))
    assert [(a, b) for _, a, b in found][1] == (start + 5_000, start + 60_000_000)
    assert found[-1][1] == start + 60_005_000, "a feed that is open is known up to where it was heard"


def test_pings_move_the_end_of_an_open_feed(site: Site) -> None:
    banner = b"Asterisk Call Manager/9.0.0\r\nResponse: Success\r\n\r\n"
    pong = b"Response: Success\r\nPing: Pong\r\nTimestamp: 1795400100.5\r\n\r\n"
    journal(site, [banner + event(1) + pong])
    compact(site)
    assert max(gaps(site))[1] == 1_795_400_100_500_000


@pytest.mark.parametrize("running", [False, True])
def test_a_journal_that_was_begun_anew_is_read(
    site: Site, monkeypatch: pytest.MonkeyPatch, running: bool
) -> None:
    """Removed, and begun again, perhaps under a compactor that holds the old one open."""
    seconds = iter([1_795_400_000, 1_795_400_100])
    monkeypatch.setattr(journal_module, "first_number", lambda: next(seconds))
    for n in range(3):
        journal(site, [HELLO + event(n)])
    compactor = Compactor(site.settings, site.store, "pbx", "pbx")
    while compactor.step() is not None:
        pass
    if not running:
        compactor.close()
        compactor = Compactor(site.settings, site.store, "pbx", "pbx")
    shutil.rmtree(site.settings.journal.folder)
    for n in range(3, 6):
        journal(site, [HELLO + event(n)])
    while compactor.step() is not None:
        pass
    compactor.close()
    assert sum(said(site).values()) == 6


def test_a_damaged_segment_is_told_and_the_rest_taken_in(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    banner = b"Asterisk Call Manager/9.0.0\r\nResponse: Success\r\n\r\n"
    keys = load_pseudonymiser(site.settings.numbers.key_file)
    with Journal(site.settings.journal.folder / "pbx", keys, group_s=0.0) as written:
        written.put(Kind.DATA, banner, 1, 0, BEGUN_US)
        for n in range(9):
            written.put(Kind.DATA, event(n), 1, n + 1, BEGUN_US)
    path = path_of(site.settings.journal.folder / "pbx", 1)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    compact(site)
    assert sum(said(site).values()) == 8
    assert "are damaged" in caplog.text


def spans(site: Site) -> list[tuple[int, int]]:
    """From when to when the collectors heard, in µs after the first event's second."""
    start = 1_795_400_000_000_000
    with site.store.database.read() as connection:
        return [(one.connected_us - start, one.heard_us - start) for one in feeds_live.heard(connection)]


def test_what_damage_took_is_a_gap(site: Site) -> None:
    """Events of a connection are missing in the middle: what was heard before does not reach over it."""
    keys = load_pseudonymiser(site.settings.numbers.key_file)
    folder = site.settings.journal.folder / "pbx"
    with Journal(folder, keys, group_s=0.0, segment_bytes=1) as written:
        for n, data in enumerate([HELLO, event(1), event(2), event(3), event(4)]):
            written.put(Kind.DATA, data, 1, n, BEGUN_US)
            written.flush()
    path_of(folder, 4).unlink()  # of event 3
    for place in range(1, 7):  # and a compactor that is begun anew at each place
        compactor = Compactor(site.settings, site.store, "pbx", "pbx", partial(Place, place, 0))
        compactor.step()
        compactor.close()
    compact(site)
    assert spans(site) == [(1_000, 2_000), (4_000, 4_000)]


def test_a_clock_that_steps_back_makes_no_feed_of_less_than_nothing(site: Site) -> None:
    journal(site, [HELLO + event(4000) + event(5000) + event(10) + event(20)])
    compact(site)
    assert spans(site) == [(10_000, 20_000), (4_000_000, 5_000_000)]


def test_where_the_pbx_tells_no_times_gaps_are_of_the_same_clock_as_the_events(site: Site) -> None:
    keys = load_pseudonymiser(site.settings.numbers.key_file)
    plain = b"Event: QueueMemberPause\r\nQueue: q\r\nInterface: PJSIP/201\r\nPaused: 1\r\n\r\n"
    pong = b"Response: Success\r\nActionID: callstats-9\r\nPing: Pong\r\nTimestamp: 1795999999.5\r\n\r\n"
    with Journal(site.settings.journal.folder / "pbx", keys) as written:
        for n, data in enumerate([HELLO, plain, pong]):
            written.put(Kind.DATA, data, 1, n, 1_795_400_000_000_000 + n * 1_000_000)
    compact(site)
    assert spans(site) == [(0, 2_000_000)]


def test_a_ping_before_the_first_event_does_not_mix_two_clocks(site: Site) -> None:
    keys = load_pseudonymiser(site.settings.numbers.key_file)
    plain = b"Event: QueueMemberPause\r\nQueue: q\r\nInterface: PJSIP/201\r\nPaused: 1\r\n\r\n"
    pong = b"Response: Success\r\nActionID: callstats-9\r\nPing: Pong\r\nTimestamp: 1795399000.5\r\n\r\n"
    with Journal(site.settings.journal.folder / "pbx", keys, group_s=0.0) as written:
        for n, (kind, data) in enumerate(
            [(Kind.CONNECTED, b""), (Kind.DATA, HELLO + pong), (Kind.DATA, plain)]
        ):
            written.put(kind, data, 1, max(0, n - 1) * 2, 1_795_400_000_000_000 + n * 1_000_000)
            written.flush()
            compact(site)
    assert spans(site) == [(1_000_000, 2_000_000)]


def test_a_second_intake_of_the_same_journal_counts_nothing_twice(site: Site) -> None:
    journal(site, [HELLO + event(1)])
    first, second = (Compactor(site.settings, site.store, "pbx", "pbx") for _ in range(2))
    assert second.step() is not None
    assert first.step() is None, "it begins behind what the other took in"
    journal(site, [HELLO + event(2)], seed=2)
    assert first.step() is not None
    with pytest.raises(StoreError, match="another intake takes the same journal"):
        second.step()
    assert second.step() is None
    first.close()
    second.close()
    with site.store.database.read() as connection:
        assert sum(one.rows_new for one in catalog.all_batches(connection)) == 2


def test_a_key_that_is_only_prepared_opens_what_the_collector_sealed_with_it(site: Site) -> None:
    path = site.settings.numbers.key_file
    load_pseudonymiser(path)
    with site.store.database.read() as connection:
        assert catalog.version(connection)
    journal(site, [HELLO + event(1)])
    compact(site)
    path.write_text(f"{path.read_text().rstrip()}\n2 {'ab' * 32}\n")
    journal(site, [HELLO + event(2)])
    compact(site)
    assert sum(said(site).values()) == 2


def test_events_without_times_are_told_apart_by_their_arrival(site: Site) -> None:
    keys = load_pseudonymiser(site.settings.numbers.key_file)
    state = b"Event: QueueMemberPause\r\nQueue: q-social\r\nInterface: PJSIP/201\r\nPaused: 1\r\n\r\n"
    with Journal(site.settings.journal.folder / "pbx", keys) as written:
        written.put(Kind.DATA, b"Asterisk Call Manager/9.0.0\r\nResponse: Success\r\n\r\n", 1, 0, BEGUN_US)
        for n in (1, 2):
            written.put(Kind.DATA, state, 1, n, BEGUN_US + n * 3_600_000_000)
    compact(site)
    assert sum(said(site).values()) == 2
    times = site.store.scan("events", columns=["at"])["at"]
    assert pc.subtract(pc.max(times), pc.min(times)).as_py().total_seconds() == 3600


def test_while_the_database_is_down_the_journal_waits(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    journal(site, connections(stream_of(SAMPLE)))
    compactor = Compactor(site.settings, site.store, "pbx", "pbx")

    def down(self: Store, *_: object) -> None:
        raise StoreError("database: nobody answers")

    monkeypatch.setattr(Store, "writer", down)
    for _ in range(3):
        with pytest.raises(StoreError):
            compactor.step()
    monkeypatch.undo()
    while compactor.step() is not None:
        pass
    compactor.close()
    assert sum(said(site).values()) > 100
