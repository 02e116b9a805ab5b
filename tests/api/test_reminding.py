"""Reminders against a real mail server and a real web server on this machine (clauses 15.5, 17, 19)."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from api.reminding import remind
from callstats.cases import outbox
from callstats.cases.database import Database
from callstats.cases.vault import Vault
from callstats.errors import SettingsError
from callstats.register import acts
from callstats.register.opening import bring_up_to_date
from callstats.register.reminders import reminders
from callstats.settings import Numbers, Settings
from callstats.store import Store
from tests.handmade import at, fill, message, settings
from tests.shared import ROOT

TUESDAY = date(2026, 3, 3)
NUMBER = "+37126001234"


class Inbox:
    """A mail server's handler; `answer` is what it says to the next messages."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.answer = "250 OK"
        self.refused = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, _: Any) -> str:  # noqa: N802
        if address == self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            self.raw.append(envelope.content)
            self.got.append(message_from_bytes(envelope.content, policy=policy.default))
        return self.answer


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    handler, port = Inbox(), free_port()
    server = Controller(handler, hostname="127.0.0.1", port=port)
    server.start()
    yield handler, port
    server.stop()


@pytest.fixture
def now() -> list[datetime]:
    return [at("08:15", TUESDAY).astimezone(UTC)]


def site(folder: Path, port: int, *recipients: dict[str, Any]) -> Settings:
    given = recipients or ({"department": "pr", "email": "pr@novads.example"},)
    return settings(
        folder,
        numbers=Numbers(key_file=folder / "numbers.key"),
        reminders={
            "base_url": "https://callstats.example",
            "smtp": {"host": "127.0.0.1", "port": port},
            "recipients": list(given),
        },
    )


@pytest.fixture
def open_store(tmp_path: Path, database_url: str, now: list[datetime]) -> Iterator[Any]:
    """Opens the store of a site with one message of Monday, due on Tuesday, whose number is known."""
    stores: list[Store] = []

    def opened(given: Settings) -> Store:
        given.data.mkdir(parents=True, exist_ok=True)
        store = Store(given.data, Database.open(database_url), given.timezone, lambda: now[0])
        stores.append(store)
        vault = Vault.open(given, store.database, store.clock)
        client = vault.pseudonymiser.pseudonym(NUMBER)
        vault.put({client: (NUMBER, at())})
        fill(store, messages=[message("pbx:1", client, left_at=at("10:00"))])
        bring_up_to_date(store, given)
        acts.act(store, given, 1, "described", {"about": "Privāta lieta"}, "Ilze Paraudziņa", seen=1)
        return store

    yield opened
    for store in stores:
        store.close()


def rows(store: Store) -> list[outbox.Row]:
    with store.database.read() as connection:
        return outbox.listed(connection)


def test_one_mail_a_day_tells_what_is_due_and_nothing_of_the_client(
    tmp_path: Path, open_store: Any, inbox: tuple[Inbox, int]
) -> None:
    given = site(tmp_path, inbox[1])
    store = open_store(given)
    assert [row.recipient for row in remind(store, given).sent] == ["pr@novads.example"]
    assert remind(store, given).sent == []
    (mail,) = inbox[0].got
    text = mail.get_content()
    assert mail["Subject"] == "Ziņu reģistrs: šodien termiņš 1, termiņš pagājis 0"
    assert "Sabiedrisko attiecību nodaļa" in text
    assert "- ziņa Nr. 1: jānoklausās, termiņš 03.03.2026." in text
    assert "https://callstats.example/register/1" in text
    assert "- case 1: to be checked, due 3 Mar 2026" in text
    everything = inbox[0].raw[0].decode() + text + str(mail["Subject"])
    for secret in ("26001234", "6001234", "Privāta", "Ilze", "Paraudzi", "n1-"):
        assert secret not in everything


def test_a_department_is_told_of_what_was_forwarded_to_it(
    tmp_path: Path, open_store: Any, inbox: tuple[Inbox, int], now: list[datetime]
) -> None:
    given = site(tmp_path, inbox[1], {"department": "social", "email": "social@novads.example"})
    store = open_store(given)
    assert remind(store, given).sent == []
    acts.act(store, given, 1, "forwarded", {"department": "social"}, "Ilze", seen=2)
    assert remind(store, given).sent == []  # due tomorrow
    now[0] = at("08:05", date(2026, 3, 5)).astimezone(UTC)
    assert len(remind(store, given).sent) == 1
    assert "termiņš pagājis 1" in inbox[0].got[0]["Subject"]


@pytest.mark.parametrize(
    ("when", "day", "sent"),
    [
        ("07:59", TUESDAY, 0),
        ("08:00", TUESDAY, 1),
        ("17:00", TUESDAY, 0),
        ("10:00", date(2026, 3, 7), 0),  # a Saturday
        ("10:00", date(2026, 5, 4), 0),  # a holiday
        ("15:59", date(2026, 4, 30), 1),  # the day before a holiday ends an hour earlier
        ("16:00", date(2026, 4, 30), 0),
    ],
)
def test_nobody_is_reminded_outside_the_working_time(
    tmp_path: Path,
    open_store: Any,
    inbox: tuple[Inbox, int],
    now: list[datetime],
    when: str,
    day: date,
    sent: int,
) -> None:
    given = site(tmp_path, inbox[1])
    store = open_store(given)
    now[0] = at(when, day).astimezone(UTC)
    assert len(remind(store, given).sent) == sent
    assert len(rows(store)) == sent


def test_it_is_quiet_when_nothing_is_due(tmp_path: Path, open_store: Any, inbox: tuple[Inbox, int]) -> None:
    given = site(tmp_path, inbox[1])
    store = open_store(given)
    acts.act(store, given, 1, "closed", {"reason": "settled"}, "Ilze", seen=2)
    assert remind(store, given).sent == []
    assert rows(store) == []
    nobody = given.model_copy(update={"reminders": given.reminders.model_copy(update={"recipients": ()})})
    assert remind(store, nobody).sent == []


def test_a_server_that_is_down_gets_it_when_it_is_up_again(
    tmp_path: Path, open_store: Any, inbox: tuple[Inbox, int], now: list[datetime]
) -> None:
    down = site(tmp_path, free_port())
    store = open_store(down)
    ((row, fault),) = remind(store, down).failed
    assert "not reached" in fault
    up = site(tmp_path, inbox[1])
    assert remind(store, up).sent == []  # not at once
    now[0] += timedelta(minutes=3)
    assert len(remind(store, up).sent) == 1
    assert inbox[0].got[0]["Message-ID"] == f"<{row.message_id}>"


def test_a_refusal_is_told_and_tried_again_later_and_later(
    tmp_path: Path, open_store: Any, inbox: tuple[Inbox, int], now: list[datetime]
) -> None:
    given = site(tmp_path, inbox[1])
    store = open_store(given)
    inbox[0].answer = "451 come back later"
    waits = []
    for _ in range(4):
        ((_, fault),) = remind(store, given).failed
        assert "451 come back later" in fault
        (row,) = rows(store)
        waits.append((row.next_try_at - now[0]) // timedelta(minutes=1))
        now[0] = row.next_try_at
    assert waits == [2, 10, 30, 60]
    inbox[0].answer, inbox[0].refused = "250 OK", "pr@novads.example"
    ((_, fault),) = remind(store, given).failed
    assert "refused the recipient: 550 no such mailbox" in fault


def test_a_crash_right_after_the_server_took_it_repeats_it_once_with_the_same_identity(
    tmp_path: Path, open_store: Any, inbox: tuple[Inbox, int], now: list[datetime], database_url: str
) -> None:
    """A sender in a process of its own dies between the server's acceptance and writing that down."""
    given = site(tmp_path, inbox[1])
    store = open_store(given)
    code = (
        "import os, sys; from datetime import datetime; from pathlib import Path\n"
        "from api import reminding; from callstats.cases import outbox\n"
        "from callstats.cases.database import Database; from callstats.store import Store\n"
        "from tests.api.test_reminding import site\n"
        "folder, port, url = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]\n"
        "now = datetime.fromisoformat(sys.argv[4])\n"
        "given = site(folder, port)\n"
        "outbox.sent = lambda *_: os._exit(9)\n"
        "reminding.remind(Store(given.data, Database.open(url), given.timezone, lambda: now), given)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(inbox[1]), database_url, now[0].isoformat()]
    assert subprocess.run(command, cwd=ROOT).returncode == 9
    assert len(inbox[0].got) == 1
    assert remind(store, given).sent == []  # claimed: perhaps it is still being sent
    for _ in range(3):
        now[0] += timedelta(minutes=6)
        remind(store, given)
    assert [mail["Message-ID"] for mail in inbox[0].got] == [inbox[0].got[0]["Message-ID"]] * 2
    assert rows(store)[0].sent_at is not None


def test_two_senders_at_once_send_it_once(tmp_path: Path, open_store: Any, inbox: tuple[Inbox, int]) -> None:
    given = site(tmp_path, inbox[1])
    store = open_store(given)
    threads = [threading.Thread(target=remind, args=(store, given)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(inbox[0].got) == 1


def test_yesterday_s_reminder_is_told_by_today_s(
    tmp_path: Path, open_store: Any, inbox: tuple[Inbox, int], now: list[datetime]
) -> None:
    down = site(tmp_path, free_port())
    store = open_store(down)
    remind(store, down)
    now[0] += timedelta(days=1)
    assert len(remind(store, site(tmp_path, inbox[1])).sent) == 1
    assert "šodien termiņš 0, termiņš pagājis 1" in inbox[0].got[0]["Subject"]


def test_a_webhook_gets_it_signed_and_with_its_identity(tmp_path: Path, open_store: Any) -> None:
    got: list[tuple[dict[str, str], bytes]] = []
    status = [503, 204]

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status.pop(0))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/hook"
        given = site(tmp_path, 1, {"department": "pr", "webhook": address, "secret": "s3cret"})
        store = open_store(given)
        ((_, fault),) = remind(store, given).failed
        assert fault == "the webhook said 503"
        clock = store.clock
        store.clock = lambda: clock() + timedelta(minutes=3)
        assert len(remind(store, given).sent) == 1
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    (heads, first), (again, second) = got
    assert first == second
    assert heads["Idempotency-Key"] == again["Idempotency-Key"] == json.loads(first)["message_id"]
    assert (
        heads["X-Callstats-Signature"] == f"sha256={hmac.new(b's3cret', first, hashlib.sha256).hexdigest()}"
    )
    (case,) = json.loads(first)["cases"]
    assert case == {
        "case": 1, "department": "pr", "due": "2026-03-03", "overdue": False, "waits_for": "check",
        "link": "https://callstats.example/register/1",
    }  # fmt: skip


def test_secrets_show_nowhere(tmp_path: Path) -> None:
    given = site(tmp_path, 25, {"department": "pr", "webhook": "https://hook.example/x", "secret": "s3cret"})
    assert "s3cret" not in f"{given!r} {given.model_dump_json()}"


@pytest.mark.parametrize(
    ("recipient", "told"),
    [
        ({"department": "nobody", "email": "a@b.example"}, "no department 'nobody'"),
        ({"department": "pr"}, "either email or webhook"),
        ({"department": "pr", "email": "not an address"}, "no e-mail address"),
        ({"department": "pr", "webhook": "ftp://x"}, "no address such as"),
    ],
)
def test_wrong_recipients_are_told_in_one_line(tmp_path: Path, recipient: dict[str, str], told: str) -> None:
    text = "\n".join(f'{name} = "{value}"' for name, value in recipient.items())
    config = tmp_path / "callstats.toml"
    config.write_text(f'[[departments]]\nid = "pr"\n\n[[reminders.recipients]]\n{text}\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=told) as error:
        Settings.load(config)
    assert "reminders.recipients[0]" in str(error.value)


def test_what_is_due_can_be_seen_before_it_is_sent(
    tmp_path: Path, open_store: Any, inbox: tuple[Inbox, int]
) -> None:
    given = site(tmp_path, inbox[1])
    store = open_store(given)
    assert [len(row.cases) for row in reminders(store, given)] == [1]
    assert rows(store) == []
    assert inbox[0].got == []
