"""Accounts of people whom the provider knows, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, timedelta
from pathlib import Path

import pytest

from callstats.accounts import identities, keeping, signing
from callstats.accounts.identities import Identity
from callstats.accounts.roles import Grant
from callstats.accounts.signing import SignInError
from callstats.cases.database import Database
from callstats.errors import UsageError
from callstats.settings import Settings
from callstats.settings_sign_in import Group, SignIn
from callstats.store import Store
from tests.callstats.conftest import database_url
from tests.handmade import at, settings

__all__ = ["database_url"]
TODAY = date(2026, 3, 5)
ISSUER = "https://login.novads.example"
ANNA = Identity(ISSUER, "0a1b", "Anna@Novads.example", "Anna Paraudziņa", frozenset({"heads", "all"}))
GROUPS = (
    Group(group="heads", role="head", department="social"),
    Group(group="all", role="employee", department="social"),
    Group(group="too", role="head", department="social"),
)


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[tuple[Store, Settings]]:
    found = settings(tmp_path, sign_in=SignIn(issuer=ISSUER, groups=GROUPS))
    found.data.mkdir(parents=True)
    clock = at("12:00", TODAY)
    with Store(
        found.data, Database.open(database_url), found.timezone, lambda: clock.astimezone(UTC)
    ) as store:
        yield store, found


def roles(store: Store, found: Settings, secret: str) -> set[tuple[str, str | None]]:
    visitor = signing.of_session(store, found, secret)
    assert visitor is not None
    return {(one.role, one.department) for one in visitor.grants}


def test_two_groups_of_one_role_give_it_once_and_until_the_last_is_gone(
    site: tuple[Store, Settings],
) -> None:
    secret = identities.sign_in(*site, replace(ANNA, groups=frozenset({"heads", "too"})))
    assert roles(*site, secret) == {("head", "social")}
    identities.sign_in(*site, replace(ANNA, groups=frozenset({"too"})))
    assert roles(*site, secret) == {("head", "social")}
    identities.sign_in(*site, replace(ANNA, groups=frozenset()))
    assert roles(*site, secret) == set(), "gone for the older session too"
    assert roles(*site, identities.sign_in(*site, ANNA)) == {("head", "social"), ("employee", "social")}


def test_many_at_once_make_one_account(site: tuple[Store, Settings]) -> None:
    with ThreadPoolExecutor(4) as pool:
        secrets = list(pool.map(lambda _: identities.sign_in(*site, ANNA), range(8)))
    assert len(set(secrets)) == 8
    with site[0].database.read() as connection:
        found = keeping.listed(connection)
    assert [one.login for one in found] == ["anna@novads.example"]
    assert len(found[0].grants) == 2


@pytest.mark.parametrize("login", [None, "", "Ānna Ķ", "a" * 65, "../x"])
def test_who_has_no_login_that_can_be_written_gets_one(
    site: tuple[Store, Settings], login: str | None
) -> None:
    identities.sign_in(*site, replace(ANNA, login=login, name="\x1b[2J"))
    with site[0].database.read() as connection:
        (found,) = keeping.listed(connection)
    assert found.login.startswith("sso-")
    assert found.name == found.login


def test_the_name_follows_the_provider(site: tuple[Store, Settings]) -> None:
    identities.sign_in(*site, ANNA)
    secret = identities.sign_in(*site, replace(ANNA, name="Anna  Jaunuzvārde", login="someone.else"))
    visitor = signing.of_session(site[0], site[1], secret)
    assert visitor is not None
    assert visitor.name == "Anna Jaunuzvārde"


def test_an_account_is_linked_by_the_administrator(site: tuple[Store, Settings]) -> None:
    store, found = site
    keeping.add(store, "anna@novads.example", "Anna P.", None, "admin")
    keeping.grant(store, found, "anna@novads.example", Grant("pr", None, TODAY), "admin")
    with pytest.raises(SignInError, match="link"):
        identities.sign_in(*site, ANNA)
    identities.link(store, found, "anna@novads.example", "0a1b", "admin")
    secret = identities.sign_in(*site, ANNA)
    assert roles(*site, secret) == {("pr", None), ("head", "social"), ("employee", "social")}
    with pytest.raises(UsageError, match="already"):
        identities.link(store, found, "anna@novads.example", "0a1b", "admin")
    with pytest.raises(UsageError, match="none"):
        identities.link(store, found, "nobody", "77", "admin")
    with pytest.raises(UsageError, match=r"sign_in\.issuer"):
        identities.link(store, found.model_copy(update={"sign_in": SignIn()}), "anna", "77", "admin")


def test_a_grant_ended_today_does_not_hold_and_can_come_back(site: tuple[Store, Settings]) -> None:
    identities.sign_in(*site, ANNA)
    identities.sign_in(*site, replace(ANNA, groups=frozenset({"all"})))
    with site[0].database.read() as connection:
        (account,) = keeping.listed(connection)
    head = next(one for one in account.grants if one.role == "head")
    assert not head.valid_on(TODAY)
    assert not head.valid_on(TODAY + timedelta(1))
