"""The collector connects: logins, strangers, TLS, settings; against a server of our own."""

from __future__ import annotations

import ipaddress
import logging
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr, ValidationError

from callstats.settings_ami import AmiServer
from ingest import ami_link, collect
from ingest.collect import backoff_s
from ingest.journal_format import Kind
from tests.ingest.collecting import collected, collecting, journaled, kinds, sending, server_of, stream
from tests.ingest.fake_ami import BANNER, SECRET, FakeAmi, event, told, until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are short: what is tested is what follows what."""
    monkeypatch.setattr(collect, "backoff_s", lambda *_: 0.05)
    monkeypatch.setattr(ami_link, "TICK_S", 0.05)


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
