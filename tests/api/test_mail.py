"""Sending reminders where servers, settings and clocks are less kind (clauses 17, 19)."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api import reminding
from api.reminding import remind, to_send
from callstats.cli import base, main
from callstats.errors import SettingsError
from callstats.register import acts
from callstats.register.opening import bring_up_to_date
from callstats.register.reminders import reminders
from callstats.settings import Numbers, Settings
from tests.api.test_reminding import Inbox, free_port, inbox, now, open_store, rows, site
from tests.handmade import at, fill, message, settings

__all__ = ["inbox", "now", "open_store"]  # fixtures

THURSDAY = date(2026, 3, 5)
ALL = "all@novads.example"


class Rude(SMTP):
    """Takes a mail, and has no good word at the end."""

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        await self.push("421 too busy, closing")
        assert self.transport is not None
        self.transport.close()


class RudeServer(Controller):
    def factory(self) -> SMTP:
        return Rude(self.handler, **self.SMTP_kwargs)


def test_what_the_server_took_is_not_sent_again_whatever_it_says_at_the_end(
    tmp_path: Path, open_store: Any, now: list[datetime]
) -> None:
    handler, port = Inbox(), free_port()
    server = RudeServer(handler, hostname="127.0.0.1", port=port)
    server.start()
    try:
        given = site(tmp_path, port)
        store = open_store(given)
        assert len(remind(store, given).sent) == 1
        now[0] += timedelta(hours=1)
        remind(store, given)
    finally:
        server.stop()
    assert len(handler.got) == 1


def test_a_slow_run_claims_each_row_from_when_it_sends_it(
    tmp_path: Path,
    open_store: Any,
    inbox: tuple[Inbox, int],
    now: list[datetime],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first mail takes longer than a claim holds; another process runs while the second is being sent."""
    given = site(tmp_path, inbox[1], *({"department": "pr", "email": f"{a}@n.example"} for a in "ab"))
    store = open_store(given)
    real, begun = reminding._mail, []

    def slow(mail: EmailMessage, of: Settings) -> None:
        begun.append(mail["To"])
        if len(begun) == 1:
            real(mail, of)
            now[0] += reminding.CLAIMED * 2
            return
        if len(begun) == 2:
            remind(store, given)
        real(mail, of)

    monkeypatch.setattr(reminding, "_mail", slow)
    remind(store, given)
    assert sorted(mail["To"] for mail in inbox[0].got) == ["a@n.example", "b@n.example"]


def two_departments(store: Any, given: Settings, now: list[datetime]) -> None:
    """Case 1 waits for the social services since yesterday, case 2 for the hotline's department."""
    acts.act(store, given, 1, "forwarded", {"department": "social"}, "Ilze", seen=2)
    fill(store, messages=[message(f"pbx:{i}", f"n1-{i}", left_at=at("11:00")) for i in (1, 2)])
    bring_up_to_date(store, given)
    now[0] = at("08:05", THURSDAY).astimezone(UTC)


def test_an_address_of_two_departments_gets_one_mail_that_tells_of_both(
    tmp_path: Path, open_store: Any, inbox: tuple[Inbox, int], now: list[datetime]
) -> None:
    given = site(tmp_path, inbox[1], *({"department": one, "email": ALL} for one in ("pr", "social")))
    store = open_store(given)
    two_departments(store, given, now)
    (row,) = remind(store, given).sent
    assert [case["department"] for case in row.cases] == ["pr", "social"]
    text = inbox[0].got[0].get_content()
    assert (
        text.index("Sabiedrisko attiecību nodaļa") < text.index("Nr. 2:") < text.index("Sociālais dienests")
    )
    assert text.index("Sociālais dienests") < text.index("Nr. 1:")
    assert len(rows(store)) == 1


def test_what_waits_for_a_department_that_ended_is_told_to_who_checks_messages(
    tmp_path: Path, open_store: Any, inbox: tuple[Inbox, int], now: list[datetime]
) -> None:
    given = site(tmp_path, inbox[1])
    store = open_store(given)
    acts.act(store, given, 1, "forwarded", {"department": "social"}, "Ilze", seen=2)
    now[0] = at("08:05", THURSDAY).astimezone(UTC)
    assert reminders(store, given) == []
    ended = given.model_copy(
        update={
            "departments": tuple(
                one.model_copy(update={"valid_to": THURSDAY}) if one.id == "social" else one
                for one in given.departments
            )
        }
    )
    (row,) = reminders(store, ended)
    assert [(case["case"], case["department"]) for case in row.cases] == [(1, "pr")]


def test_what_was_sent_is_not_shown_as_to_be_sent(
    tmp_path: Path, open_store: Any, inbox: tuple[Inbox, int], now: list[datetime]
) -> None:
    down, up = site(tmp_path, free_port()), site(tmp_path, inbox[1])
    store = open_store(up)
    assert len(to_send(store, up)) == 1
    remind(store, down)
    assert to_send(store, up) == []  # it waits for its next try
    now[0] += timedelta(minutes=3)
    assert len(to_send(store, up)) == 1
    remind(store, up)
    assert to_send(store, up) == []


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    day = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(day - timedelta(days=1))
        .not_valid_after(day + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    public, private = tmp_path / "mail.pem", tmp_path / "mail.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, private)
    return public, context


@pytest.fixture(params=["starttls", "tls"])
def secured(
    request: pytest.FixtureRequest, certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Inbox, dict[str, Any], Path]]:
    """A server that takes mail over TLS only, from `u` with the password `parole` only."""
    handler, port, context = Inbox(), free_port(), certificate[1]

    def login(server: Any, session: Any, envelope: Any, how: str, given: Any) -> AuthResult:
        return AuthResult(success=(given.login, given.password) == (b"u", b"parole"), handled=False)

    more: dict[str, Any] = (
        {"ssl_context": context}
        if request.param == "tls"
        else {"tls_context": context, "require_starttls": True}
    )
    if request.param == "tls":
        more["auth_require_tls"] = False  # it cannot tell that all of it is
    server = Controller(
        handler, hostname="127.0.0.1", port=port, authenticator=login, auth_required=True, **more
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    server.start()
    yield handler, {"host": "127.0.0.1", "port": port, "security": request.param, "user": "u"}, certificate[0]
    server.stop()


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_tls_and_login(
    tmp_path: Path,
    open_store: Any,
    secured: tuple[Inbox, dict[str, Any], Path],
    now: list[datetime],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handler, smtp, certificate = secured

    def with_password(password: str) -> Settings:
        return settings(
            tmp_path,
            numbers=Numbers(key_file=tmp_path / "numbers.key"),
            reminders={
                "smtp": {**smtp, "password": password},
                "recipients": [{"department": "pr", "email": ALL}],
            },
        )

    store = open_store(with_password("parole"))
    faults = []
    for password in ("wr0ng-one", "p\u0101role-x"):
        ((_, fault),) = remind(store, with_password(password)).failed
        assert password not in fault + str(rows(store))
        faults.append(fault)
        now[0] += timedelta(minutes=20)
    assert "535" in faults[0]
    assert "letters that cannot be sent" in faults[1]
    monkeypatch.delenv("SSL_CERT_FILE")
    ((_, fault),) = remind(store, with_password("parole")).failed  # a certificate of nobody we know
    assert "not reached" in fault
    assert handler.got == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    now[0] += timedelta(hours=1)
    assert len(remind(store, with_password("parole")).sent) == 1
    assert len(handler.got) == 1


@pytest.mark.parametrize("address", ["https://h.example:abc/x", "https://h.example:99999/", "https://[x/y"])
def test_an_impossible_address_is_a_fault_of_the_settings(tmp_path: Path, address: str) -> None:
    config = tmp_path / "callstats.toml"
    text = f'[[departments]]\nid = "pr"\n[[reminders.recipients]]\ndepartment = "pr"\nwebhook = "{address}"\n'
    config.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="no address such as") as error:
        Settings.load(config)
    assert len(str(error.value).splitlines()) == 1


def test_one_webhook_has_one_secret(tmp_path: Path) -> None:
    config = tmp_path / "callstats.toml"
    entry = '[[reminders.recipients]]\ndepartment = "pr"\nwebhook = "https://h.example/x"\nsecret = "{}"\n'
    config.write_text('[[departments]]\nid = "pr"\n' + entry.format("s3c") + entry.format("t0p"), "utf-8")
    with pytest.raises(SettingsError, match="has two secrets") as error:
        Settings.load(config)
    assert len(str(error.value).splitlines()) == 1
    assert "s3c" not in str(error.value)


def test_the_command_tells_what_it_did_and_no_secret_address(
    tmp_path: Path,
    inbox: tuple[Inbox, int],
    now: list[datetime],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config, data = tmp_path / "callstats.toml", tmp_path / "data"
    config.write_text(
        f"""
        hours = {{ mon = [["08:00", "17:00"]], tue = [["08:00", "17:00"]] }}
        [hotline]
        numbers = ["80000000"]
        mailboxes = ["8000@hotline"]
        department = "pr"
        [[departments]]
        id = "pr"
        [reminders]
        smtp = {{ host = "127.0.0.1", port = {inbox[1]} }}
        recipients = [
            {{ department = "pr", email = "{ALL}" }},
            {{ department = "pr", webhook = "http://127.0.0.1:{free_port()}/T0KEN", secret = "s3cret" }},
        ]
        """,
        encoding="utf-8",
    )
    monkeypatch.setattr(base, "now", lambda: now[0])
    common = ["--config", str(config), "--data", str(data)]
    assert main(["remind", *common]) == 0
    assert capsys.readouterr().out == ""
    store = base.opened(Settings.load(config, data))
    fill(store, messages=[message("pbx:1", left_at=at("10:00"))])
    bring_up_to_date(store, Settings.load(config, data))  # made by hand: they have no events
    store.close()
    assert main(["remind", "--dry-run", *common]) == 0
    assert capsys.readouterr().out.count("would be sent") == 2
    assert inbox[0].got == []
    assert main(["remind", *common]) == 1
    out, err = capsys.readouterr()
    assert f"sent: email {ALL}, 1 cases" in out
    assert "not sent: webhook 127.0.0.1: the webhook was not reached: ConnectError" in out
    assert "T0KEN" not in out + err
    assert "s3cret" not in out + err
    assert main(["remind", *common]) == 0  # nothing is to be sent at this moment
    assert len(inbox[0].got) == 1
