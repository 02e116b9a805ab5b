"""Sending reminders: by e-mail through the site's server, by webhook; each once, tried again where it failed.

What a reminder says is made from the outbox's row alone: case numbers, departments, due days, links.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from api.register_words import WAITS
from api.text import Words
from callstats.cases import outbox
from callstats.cases.outbox import Row
from callstats.departments import Departments
from callstats.metrics.base import Language
from callstats.register.reminders import make_reminders, recipient_at_work, reminders
from callstats.settings import Settings
from callstats.settings_reminders import Recipient
from callstats.store import Store

TIMEOUT_S: Final = 30.0
GOODBYE_S: Final = 2.0  # a server that took the mail need not be waited for
CLAIMED: Final = timedelta(minutes=15)  # longer than sending takes; then another may try
BACK_OFF: Final = (timedelta(minutes=2), timedelta(minutes=10), timedelta(minutes=30), timedelta(hours=1))
SIGNATURE: Final = "X-Callstats-Signature"
SAID: Final[Mapping[Language, Mapping[str, str]]] = {
    "lv": {
        "subject": "Ziņu reģistrs: šodien termiņš {today}, termiņš pagājis {overdue}",
        "today": "Šodien termiņš:",
        "overdue": "Termiņš pagājis:",
        "case": "- ziņa Nr. {case}: {waits}, termiņš {due}",
        "list": "Viss saraksts: {link}",
    },
    "en": {
        "subject": "Register of messages: due today {today}, overdue {overdue}",
        "today": "Due today:",
        "overdue": "Overdue:",
        "case": "- case {case}: {waits}, due {due}",
        "list": "The whole list: {link}",
    },
}


@dataclass
class Done:
    """What a run did: reminders sent, and those that could not be, with why."""

    sent: list[Row] = field(default_factory=list)
    failed: list[tuple[Row, str]] = field(default_factory=list)


def remind(store: Store, settings: Settings) -> Done:
    """Makes today's reminders and sends what waits, in the recipients' working time."""
    make_reminders(store, settings)
    done = Done()
    for row in _waiting(store, settings):
        now = store.clock()  # those before may have taken long
        recipient = recipient_at_work(settings, row, now)
        if recipient is None or row.day != now.astimezone(settings.zone).date():
            continue
        with store.database.write() as connection:
            if not outbox.claim(connection, row, now + CLAIMED):
                continue
        fault = _try(row, recipient, settings)
        with store.database.write() as connection:
            if fault is None:
                outbox.sent(connection, row.message_id, store.clock())
                done.sent.append(row)
            else:
                later = store.clock() + BACK_OFF[min(row.tries, len(BACK_OFF) - 1)]
                outbox.failed(connection, row.message_id, fault, later)
                done.failed.append((row, fault))
    return done


def to_send(store: Store, settings: Settings) -> list[Row]:
    """What `remind` would send at this moment; nothing is changed."""
    with store.database.read() as connection:
        known = {(row.way, row.recipient, row.day) for row in outbox.listed(connection)}
    now = store.clock()
    waiting = [row for row in _waiting(store, settings) if recipient_at_work(settings, row, now)]
    new = reminders(store, settings)
    return waiting + [row for row in new if (row.way, row.recipient, row.day) not in known]


def _waiting(store: Store, settings: Settings) -> list[Row]:
    now = store.clock()
    with store.database.read() as connection:
        return outbox.waiting(connection, now.astimezone(settings.zone).date(), now)


def shown(row: Row) -> str:
    """Whom a reminder goes to; of a webhook the host alone: its path may be the secret."""
    return f"{row.way} {row.recipient if row.way == 'email' else urlsplit(row.recipient).hostname}"


def _try(row: Row, recipient: Recipient, settings: Settings) -> str | None:
    """Sends one; returns why not, in words that hold no secret."""
    try:
        if recipient.way == "email":
            _mail(mail(row, recipient, settings), settings)
        else:
            _post(row, recipient, settings)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        return f"the mail server refused the recipient: {code} {_plain(said)}"
    except smtplib.SMTPResponseException as error:
        return f"the mail server said {error.smtp_code} {_plain(error.smtp_error)}"
    except smtplib.SMTPException as error:
        return f"the mail server did not take it: {type(error).__name__}"
    except httpx2.HTTPStatusError as error:
        return f"the webhook said {error.response.status_code}"
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return f"the webhook was not reached: {type(error).__name__}"
    except UnicodeError:  # what it says may hold the password
        return "the user, the password or the secret holds letters that cannot be sent"
    except (OSError, ssl.SSLError) as error:
        return f"the server was not reached: {error.strerror or type(error).__name__}"
    return None


def _plain(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:200]


def mail(row: Row, recipient: Recipient, settings: Settings) -> EmailMessage:
    """The e-mail of a reminder: Latvian, then English."""
    message = EmailMessage()
    message["Message-ID"] = f"<{row.message_id}>"
    message["Date"] = format_datetime(row.made_at)
    message["From"], message["To"] = settings.reminders.sender, recipient.address
    message["Subject"] = _subject(row, "lv")
    message["Auto-Submitted"] = "auto-generated"
    texts = [_text(row, settings, language) for language in SAID]
    message.set_content("\n\n--\n\n".join(texts) + "\n")
    return message


def _subject(row: Row, language: Language) -> str:
    overdue = sum(bool(case["overdue"]) for case in row.cases)
    return SAID[language]["subject"].format(today=len(row.cases) - overdue, overdue=overdue)


def _text(row: Row, settings: Settings, language: Language) -> str:
    words, said = Words(language, settings.zone), SAID[language]
    departments, lines = Departments.from_settings(settings), []
    for department in dict.fromkeys(case["department"] for case in row.cases):
        lines += [departments.name(department, language, row.day), ""]
        mine = [case for case in row.cases if case["department"] == department]
        for name in ("overdue", "today"):
            cases = [case for case in mine if bool(case["overdue"]) == (name == "overdue")]
            if cases:
                lines += [said[name], *(_line(case, settings, words) for case in cases), ""]
    if settings.reminders.base_url:
        lines.append(said["list"].format(link=f"{settings.reminders.base_url}/register"))
    return "\n".join(lines).rstrip()


def _line(case: Mapping[str, Any], settings: Settings, words: Words) -> str:
    said = SAID[words.language]["case"].format(
        case=case["case"],
        waits=WAITS[case["waits_for"]][words.language],
        due=words.day(date.fromisoformat(case["due"])),
    )
    return f"{said}{_link(case, settings)}"


def _link(case: Mapping[str, Any], settings: Settings) -> str:
    base = settings.reminders.base_url
    return f"\n  {base}/register/{case['case']}" if base else ""


def _mail(message: EmailMessage, settings: Settings) -> None:
    smtp = settings.reminders.smtp
    context = ssl.create_default_context()
    kind = smtplib.SMTP_SSL if smtp.security == "tls" else smtplib.SMTP
    more: dict[str, Any] = {"context": context} if smtp.security == "tls" else {}
    server = kind(smtp.host, smtp.port, timeout=TIMEOUT_S, **more)
    try:
        if smtp.security == "starttls":
            server.starttls(context=context)
        if smtp.user is not None:
            server.login(smtp.user, smtp.password.get_secret_value() if smtp.password else "")
        server.send_message(message)
        if server.sock is not None:
            server.sock.settimeout(GOODBYE_S)
        with suppress(smtplib.SMTPException, OSError):  # it is sent, whatever the server says to QUIT
            server.quit()
    finally:
        server.close()


def body(row: Row, settings: Settings) -> bytes:
    """What a webhook gets: the reminder as JSON."""
    base = settings.reminders.base_url
    cases = [{**case, "link": f"{base}/register/{case['case']}" if base else None} for case in row.cases]
    told = {"message_id": row.message_id, "day": row.day.isoformat(), "cases": cases}
    return json.dumps(told, ensure_ascii=False, sort_keys=True).encode()


def _post(row: Row, recipient: Recipient, settings: Settings) -> None:
    content = body(row, settings)
    heads = {"Content-Type": "application/json", "Idempotency-Key": row.message_id}
    if recipient.secret is not None:
        key = recipient.secret.get_secret_value().encode()
        heads[SIGNATURE] = f"sha256={hmac.new(key, content, hashlib.sha256).hexdigest()}"
    answer = httpx2.post(
        recipient.address, content=content, headers=heads, timeout=TIMEOUT_S, trust_env=False
    )
    answer.raise_for_status()
