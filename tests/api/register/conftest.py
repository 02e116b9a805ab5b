"""A register of three messages, and people who work in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from callstats.cases.vault import Vault
from callstats.register.acts import case_of
from callstats.register.opening import bring_up_to_date
from callstats.settings import Numbers, Settings
from callstats.settings_messages import Messages
from callstats.store import Store
from tests.api.asking import Asking, asking
from tests.handmade import DAY, at, message, settings, store_with

NUMBER = "+37126001234"
ILZE, ANDRIS = ("pr", "Ilze P"), ("social", "Andris S")


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    """Three messages: of one client twice, and one that is empty."""
    found = settings(tmp_path)
    kept = Messages(spool=tmp_path / "spool", mailbox_limit=4)
    keys = Numbers(key_file=tmp_path / "numbers.key")
    found = found.model_copy(update={"messages": kept, "numbers": keys})
    store = Store.open(found)
    vault = Vault.open(found, store.database, store.clock)
    client = vault.pseudonymiser.pseudonym(NUMBER)
    vault.put({client: (NUMBER, store.clock())})
    store.close()
    messages = [
        message("pbx:1", client, left_at=at("10:00")),
        message("pbx:2", client, left_at=at("11:00", DAY + timedelta(1))),
        message("pbx:3", None, left_at=at("12:00", DAY + timedelta(2)), duration_s=1.0, empty=True),
    ]
    with store_with(found, messages=messages) as filled:
        assert bring_up_to_date(filled, found) == 3
    return found


@pytest.fixture
def client(site: Settings) -> Iterator[Asking]:
    with asking(site) as found:
        yield found


def as_person(client: Asking, who: tuple[str, str]) -> None:
    client.cookies.set("who", quote(f":{who[0]}:{who[1]}"))


def do(client: Asking, number: int, step: str, seen: int, **fields: str) -> httpx2.Response:
    return client.post(f"/register/{number}/steps", data={"step": step, "seen": str(seen), **fields})


def steps(site: Settings, number: int) -> list[tuple[str, str]]:
    with Store.open(site) as store:
        return [(one.step, one.author) for one in case_of(store, number).steps]
