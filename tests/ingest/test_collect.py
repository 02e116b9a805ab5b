"""The collector against a server of our own that does what PBXs, networks and strangers do."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from callstats.feed_status import FeedStatus
from callstats.pseudonyms import Pseudonymiser
from callstats.settings_ami import AmiServer
from ingest import ami_link, collect
from ingest.ami_blocks import Blocks, masked
from ingest.collect import Collector, backoff_s
from ingest.journal import JournalError, Read, Reader
from ingest.journal_format import Kind, Record
from tests.ingest.fake_ami import BANNER, SECRET, FakeAmi, Peer, event, told, until

KEYS = Pseudonymiser(b"k" * 32)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are short: what is tested is what follows what."""
    monkeypatch.setattr(collect, "backoff_s", lambda *_: 0.05)
    monkeypatch.setattr(ami_link, "TICK_S", 0.05)


def server_of(fake: FakeAmi, **more: object) -> AmiServer:
    """The settings that lead to a fake server."""
    return AmiServer.model_validate(
        {"host": fake.host, "port": fake.port, "user": "callstats", "secret": SecretStr(SECRET)} | more
    )


@contextmanager
def collecting(server: AmiServer, folder: Path) -> Iterator[Collector]:
    """A collector at work."""
    stop = threading.Event()
    collector = Collector(server, "pbx", folder, KEYS, stop)
    thread = threading.Thread(target=collector.run)
    thread.start()
    try:
        yield collector
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def journaled(folder: Path) -> list[Record]:
    """All records of the collector's journal."""
    found: list[Record] = []
    with closing(Reader(folder / "pbx", KEYS)) as reader:
        while more := list(reader.read()):
            assert all(isinstance(one, Read) for one in more)
            found += [one.record for one in more if isinstance(one, Read)]
    return found


def stream(folder: Path) -> bytes:
    """What the PBX said, as the journal has it."""
    return b"".join(record.data for record in journaled(folder) if record.kind == Kind.DATA)


def kinds(folder: Path) -> list[Kind]:
    """Which records stand in the journal, data that follow each other once."""
    found: list[Kind] = []
    for record in journaled(folder):
        if record.kind != Kind.DATA or found[-1:] != [Kind.DATA]:
            found.append(record.kind)
    return found


def collected(fake: FakeAmi, folder: Path, count: int, **more: object) -> list[int]:
    """The numbers of the events that were collected, when so many were."""
    with fake.running(), collecting(server_of(fake, **more), folder):
        until(lambda: len(told(stream(folder))) >= count)
    return told(stream(folder))


def sending(*data: bytes) -> Callable[[Peer], None]:
    """A script that sends some bytes, once."""

    def script(peer: Peer) -> None:
        if peer.number == 1:
            for one in data:
                peer.send(one)

    return script


# connecting


@pytest.mark.parametrize("login", ["challenge", "plain"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_logs_in_and_keeps_what_comes(tmp_path: Path, login: str, host: str) -> None:
    fake = FakeAmi(sending(*(event(n) for n in range(50))), host=host)
    assert collected(fake, tmp_path, 50, login=login) == list(range(50))
    assert fake.logins == [login]
    assert fake.actions[-2:] == ["CoreShowChannels", "QueueStatus"] or "Ping" in fake.actions
    assert stream(tmp_path).startswith(BANNER + b"Response: ")
    assert kinds(tmp_path) == [Kind.CONNECTED, Kind.DATA, Kind.DOWN]
    assert SECRET.encode() not in stream(tmp_path)


def test_ordinals_count_the_blocks_of_a_connection(tmp_path: Path) -> None:
    collected(FakeAmi(sending(*(event(n) for n in range(30)))), tmp_path, 30)
    seen = 0
    for record in journaled(tmp_path):
        if record.kind == Kind.DATA:
            assert record.ordinal == seen
            seen += record.data.count(b"\r\n\r\n")


def test_a_refused_login_is_told_once_and_not_hammered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake = FakeAmi(sending(), secret="another")
    with caplog.at_level(logging.WARNING), fake.running(), collecting(server_of(fake), tmp_path) as found:
        until(lambda: fake.connections >= 4)
        assert found.status.state == "refused"
        assert "manager.conf" in (found.status.fault or "")
        assert "Authentication failed" in (found.status.fault or "")
    assert len([r for r in caplog.records if "refuses the user" in r.message]) == 1
    assert SECRET not in caplog.text
    assert kinds(tmp_path) == [], "nothing was heard"
    assert backoff_s(0, refused=True, chance=lambda: 0.0) >= 30


def test_the_right_secret_later_is_enough(tmp_path: Path) -> None:
    fake = FakeAmi(sending(event(1)), secret="another")
    fake.script = lambda peer: peer.send(event(1))
    with fake.running(), collecting(server_of(fake), tmp_path) as found:
        until(lambda: found.status.state == "refused")
        fake.secret = SECRET
        until(lambda: told(stream(tmp_path)) == [1])
        assert found.status.state == "connected"
        assert found.status.fault is None


@pytest.mark.parametrize(
    ("banner", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH-2.0"),
        (b"\x00\xff\x01\n", "no Asterisk manager"),
        (b"x" * 200, "xxx"),
    ],
)
def test_a_wrong_peer_is_told_in_plain_words(tmp_path: Path, banner: bytes, words: str) -> None:
    with FakeAmi(sending(), banner=banner).running() as fake, collecting(server_of(fake), tmp_path) as found:
        until(lambda: found.status.state == "wrong peer")
        assert words in (found.status.fault or "")


def test_nobody_listens(tmp_path: Path) -> None:
    with FakeAmi(sending()).running() as fake:
        server = server_of(fake)
    with collecting(server, tmp_path) as found:
        until(lambda: found.status.state == "down")
        assert "nobody listens there" in (found.status.fault or "")


def test_one_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ami_link, "LOGIN_S", 0.2)
    with FakeAmi(sending(), banner=b"").running() as fake, collecting(server_of(fake), tmp_path) as found:
        until(lambda: found.status.state == "wrong peer")
        assert "says nothing" in (found.status.fault or "")


def test_back_off_grows_to_half_a_minute_give_or_take() -> None:
    waits = [backoff_s(n, chance=lambda: 0.5) for n in range(9)]
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30, 30]
    assert all(15 <= backoff_s(20) <= 45 for _ in range(100))
    assert len({backoff_s(3) for _ in range(10)}) == 10, "collectors do not come all at once"


# TLS


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS with a certificate for a name, and the file of who signed it: itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "fake")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    shown = address if name == "127.0.0.1" else x509.DNSName(name)
    signed = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([shown]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path, secret = folder / "ca.pem", folder / "key.pem"
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, secret)
    return context, path


@pytest.mark.parametrize(
    "more", [{}, {"server_name": "pbx.example"}, {"verify": False, "ca_file": None}], ids=str
)
def test_tls(tmp_path: Path, more: dict[str, object]) -> None:
    context, path = certified(tmp_path, str(more.get("server_name", "127.0.0.1")))
    fake = FakeAmi(sending(*(event(n) for n in range(20))), tls=context)
    found = collected(fake, tmp_path, 20, **({"tls": True, "ca_file": path, "login": "plain"} | more))
    assert found == list(range(20))
    assert fake.logins == ["plain"]


def test_a_certificate_that_is_not_to_be_trusted(tmp_path: Path) -> None:
    context, path = certified(tmp_path, "127.0.0.1")
    with FakeAmi(sending(), tls=context).running() as fake:
        with collecting(server_of(fake, tls=True), tmp_path / "a") as found:
            until(lambda: found.status.state == "wrong peer")
            assert "ca_file" in (found.status.fault or "")
        other = server_of(fake, tls=True, ca_file=path, server_name="another.example")
        with collecting(other, tmp_path / "b") as found:
            until(lambda: found.status.state == "wrong peer")
            assert "server_name" in (found.status.fault or "")
    assert fake.logins == [], "nothing was said to it"


def test_tls_where_there_is_none(tmp_path: Path) -> None:
    with FakeAmi(sending()).running() as fake, collecting(server_of(fake, tls=True), tmp_path) as found:
        until(lambda: found.status.state == "wrong peer")
        assert "no TLS there" in (found.status.fault or "")


def test_settings_that_would_tell_the_secret(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="plain login sends the secret as it is"):
        AmiServer(host="pbx.example", login="plain")
    with pytest.raises(ValidationError, match="one line"):
        AmiServer(secret=SecretStr("a\r\nAction: Originate"))
    path = tmp_path / "secret"
    path.write_text("s3cret\n")
    path.chmod(0o644)
    with pytest.raises(Exception, match="everybody may read this secret"):
        AmiServer(secret_file=path).password()
    path.chmod(0o600)
    assert AmiServer(secret_file=path).password() == "s3cret"


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
    end = whole.rfind(b"\r\n\r\n") + 4
    expected = masked(whole[:end]) if end >= 4 else b""
    assert found == expected
    assert blocks.count == expected.count(b"\r\n\r\n") or b"\r\n\r\n\r\n" in whole
    assert found + blocks.end() == expected + masked(whole[end if end >= 4 else 0 :])


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
)


@pytest.mark.parametrize("said", SECRET_EVENTS)
def test_secrets_never_reach_the_disk(tmp_path: Path, said: bytes) -> None:
    fake = FakeAmi(sending(event(1), said, event(2)))
    assert collected(fake, tmp_path, 2) == [1, 2]
    assert b"4321" not in stream(tmp_path)
    assert re.sub(rb"4321", rb"***", said) in stream(tmp_path), "all else is as it was"


def test_what_is_no_secret_stays() -> None:
    plain = b"Event: VarSet\r\nVariable: SHIPPING\r\nValue: 7\r\n\r\n" + event(1)
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
    agent = b"Event: QueueCallerJoin\r\nPrivilege: agent,all\r\n\r\n"
    fake = FakeAmi(sending(denied, agent), boots=False)
    with fake.running(), collecting(server_of(fake), tmp_path) as found:
        until(lambda: len(found.status.lacks) == 3)
        assert found.status.lacks == ("write: reporting", "read: system", "read: call")


def test_it_stops_while_it_cannot_connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "backoff_s", lambda *_: 30.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    began = time.monotonic()
    with collecting(AmiServer(port=port), tmp_path) as found:
        until(lambda: found.status.state == "down")
    assert time.monotonic() - began < 20, "it does not wait the back-off out"
