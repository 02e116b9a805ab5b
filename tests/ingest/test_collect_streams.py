"""What a collector is sent by a server that does what PBXs and networks do; how it ends, what it tells."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callstats.feed_status import FeedStatus
from callstats.settings_ami import AmiServer
from ingest import ami_link, collect
from ingest.ami_blocks import Blocks, masked
from ingest.collect import Collector
from ingest.journal import JournalError
from ingest.journal_format import Kind
from tests.ingest.collecting import KEYS, collected, collecting, journaled, kinds, sending, server_of, stream
from tests.ingest.fake_ami import FakeAmi, Peer, event, told, until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are short: what is tested is what follows what."""
    monkeypatch.setattr(collect, "backoff_s", lambda *_: 0.05)
    monkeypatch.setattr(ami_link, "TICK_S", 0.05)


# what comes


def test_events_cut_at_every_byte(tmp_path: Path) -> None:
    sent = b"".join(event(n) for n in range(12))
    assert collected(FakeAmi(lambda peer: peer.dribble(sent)), tmp_path, 12)[:12] == list(range(12))


PIECES = (b"A: b\r\n", b"\r\n", b"\r", b"\n", b"x", b"\xff\xfe", b"Digit: 5\r\n")


@settings(max_examples=200, deadline=None)
@given(data=st.lists(st.sampled_from(PIECES)), cuts=st.lists(st.integers(0, 200)))
def test_any_cuts_give_the_same_blocks(data: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(data)
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    blocks = Blocks()
    found = b"".join(blocks.feed(whole[a:b]) for a, b in pairwise(edges))
    assert found.endswith(b"\r\n\r\n") or not found
    assert found + blocks.end() == masked(whole)


def test_a_burst_is_kept_whole(tmp_path: Path) -> None:
    count = 100_000
    burst = b"".join(event(n) for n in range(count))
    fake = FakeAmi(sending(burst))
    with fake.running(), collecting(server_of(fake), tmp_path) as found:
        until(lambda: found.status.state == "connected")
        until(lambda: len(stream(tmp_path)) >= len(burst), 60)
    assert told(stream(tmp_path)) == list(range(count))


def test_silence_is_no_end_while_pings_are_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ami_link, "PING_S", 0.1)
    monkeypatch.setattr(ami_link, "DEAD_S", 0.5)

    def script(peer: Peer) -> None:
        peer.send(event(1))
        time.sleep(1.5)
        peer.send(event(2))

    fake = FakeAmi(script)
    assert collected(fake, tmp_path, 2) == [1, 2]
    assert fake.connections == 1
    assert fake.actions.count("Ping") > 5


def test_a_peer_that_vanished_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ami_link, "PING_S", 0.1)
    monkeypatch.setattr(ami_link, "DEAD_S", 0.5)
    fake = FakeAmi(lambda peer: peer.send(event(peer.number)), answers=False)
    assert collected(fake, tmp_path, 2)[:2] == [1, 2], "it connects again"
    reasons = [record.data for record in journaled(tmp_path) if record.kind == Kind.DOWN]
    assert b"not even an answer to a ping" in reasons[0]


def test_a_reset_loses_no_whole_event(tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        if peer.number <= 3:
            peer.send(b"".join(event(n) for n in range(peer.number * 10, peer.number * 10 + 10)))
            peer.send(event(999)[:50])
            time.sleep(0.1)
            peer.reset()

    assert collected(FakeAmi(script), tmp_path, 30) == list(range(10, 40))
    assert kinds(tmp_path)[:7] == [Kind.CONNECTED, Kind.DATA, Kind.DOWN] * 2 + [Kind.CONNECTED]
    numbers = [record.connection for record in journaled(tmp_path) if record.kind == Kind.CONNECTED]
    assert numbers == sorted(set(numbers)), "each connection has a number of its own"


def test_garbage_huge_events_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    strange = b"\x00\xff\xfe garbage \r\r\n\n\r\n\r\n" + b"Event: Odd\r\nName: \xe2\x28\xa1\xff\r\n\r\n"
    huge = event(2, padding=3 << 20)
    fake = FakeAmi(sending(event(1), strange, huge, event(3)))
    assert collected(fake, tmp_path, 3) == [1, 2, 3]
    assert strange in stream(tmp_path)
    assert huge in stream(tmp_path)


SECRET_EVENTS = (
    b"Event: VoicemailPasswordChange\r\nContext: staff\r\nMailbox: 201\r\nNewPassword: 4321\r\n\r\n",
    b"Event: VarSet\r\nChannel: x\r\nVariable: PIN_CODE\r\nValue: 4321\r\nUniqueid: 1.1\r\n\r\n",
    b"Event: VarSet\r\nVariable: sip_secret\r\nChannel: y\r\nValue: 4321\r\n\r\n",
    b"Event: DTMFEnd\r\nDigit: 4321\r\nDurationMs: 80\r\n\r\n",
    b"Event: UserEvent\r\nAuthPassword: 4321\r\n\r\n",
    b"Event: UserEvent\r\nUserEvent: Login\r\nPin: 4321\r\n\r\n",
    b"Event: VarSet\r\nPrivilege: dialplan,all\r\nVariable: READDIGITS\r\nValue: 4321\r\n\r\n",
    b"Event: Newexten\r\nExtension: 1\r\nApplication: Set\r\nAppData: VM_PWD=4321\r\n\r\n",
    b"Event: Newexten\r\nApplication: Set\r\nAppData: __MAILBOXPIN=4321\r\n\r\n",
    b"Event: Newexten\r\nApplication: Authenticate\r\nAppData: 4321\r\n\r\n",
)


@pytest.mark.parametrize("said", SECRET_EVENTS)
def test_secrets_never_reach_the_disk(tmp_path: Path, said: bytes) -> None:
    fake = FakeAmi(sending(event(1), said, event(2)))
    assert collected(fake, tmp_path, 2) == [1, 2]
    assert b"4321" not in stream(tmp_path)
    assert re.sub(rb"4321", rb"***", said) in stream(tmp_path), "all else is as it was"


def test_what_is_no_secret_stays() -> None:
    plain = b"Event: Newexten\r\nApplication: Set\r\nAppData: CDR(userfield)=x\r\n\r\n" + event(1)
    plain += b"Response: Success\r\nPing: Pong\r\nTimestamp: 1.5\r\n\r\nEvent: X\r\nSpinning: 7\r\n\r\n"
    assert masked(plain) == plain


# how it ends, and what it tells


def test_a_full_disk_ends_the_collector_loudly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def script(peer: Peer) -> None:
        for number in range(100_000):
            peer.send(event(number))

    fake = FakeAmi(script)
    stop, failed = threading.Event(), list[BaseException]()
    with fake.running():
        collector = Collector(server_of(fake), "pbx", tmp_path, KEYS, stop)

        def run() -> None:
            try:
                collector.run()
            except JournalError as error:
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        until(lambda: len(told(stream(tmp_path))) > 10)
        force = os.fdatasync

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fdatasync", full)
        thread.join(30)
        monkeypatch.setattr(os, "fdatasync", force)
    assert not thread.is_alive()
    assert "No space left" in str(failed[0])
    assert any(record.levelname == "CRITICAL" for record in caplog.records)
    status = FeedStatus.read(tmp_path / "pbx")
    assert status is not None
    assert status.state == "disk"
    found = told(stream(tmp_path))
    assert found == list(range(len(found))), "it skipped nothing"


def test_how_it_is_doing_is_told_in_a_file(tmp_path: Path) -> None:
    fake = FakeAmi(sending(event(1)))
    with fake.running(), collecting(server_of(fake), tmp_path) as found:
        until(lambda: told(stream(tmp_path)) == [1])
        status = FeedStatus.read(tmp_path / "pbx")
        assert status is not None
        assert (status.state, status.version, status.fault) == ("connected", "9.0.0", None)
        found._write(found.status)
        heard = FeedStatus.read(tmp_path / "pbx")
        assert heard is not None
        assert heard.heard_at is not None
        assert not heard.silent(heard.told_at)
        assert heard.silent(heard.told_at + timedelta(minutes=1))
    ended = FeedStatus.read(tmp_path / "pbx")
    assert ended is not None
    assert ended.state == "stopped"
    (tmp_path / "pbx" / "status.json").write_text("{")
    assert FeedStatus.read(tmp_path / "pbx") is None


def test_missing_rights_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "TELL_S", 0.1)
    monkeypatch.setattr(collect, "RIGHTS_S", 0.2)
    denied = b"Response: Error\r\nActionID: callstats-3\r\nMessage: Permission denied\r\n\r\n"
    agent = b"Event: QueueCallerJoin\r\nPrivilege: agent,all\r\nTimestamp: 1795400000.1\r\n\r\n"
    fake = FakeAmi(sending(denied, agent), boots=False)
    with fake.running(), collecting(server_of(fake), tmp_path) as found:
        until(lambda: len(found.status.lacks) == 3)
        assert found.status.lacks == ("write: reporting", "read: system", "read: call")


def test_events_without_times_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "TELL_S", 0.1)
    fake = FakeAmi(sending(b"Event: Hangup\r\nPrivilege: call,all\r\nUniqueid: 1.1\r\n\r\n"))
    with fake.running(), collecting(server_of(fake), tmp_path) as found:
        until(lambda: found.status.lacks == ("timestampevents = yes",))


def test_it_stops_while_it_cannot_connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "backoff_s", lambda *_: 30.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    began = time.monotonic()
    with collecting(AmiServer(port=port), tmp_path) as found:
        until(lambda: found.status.state == "down")
    assert time.monotonic() - began < 20, "it does not wait the back-off out"
