"""Accounts on SQLite and PostgreSQL: roles with dates, passwords, sessions, tokens, wrong passwords."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from callstats.accounts import keeping, passwords, signing
from callstats.accounts.roles import Grant, Visitor
from callstats.accounts.signing import SignInError
from callstats.cases import access_log
from callstats.cases.account_tables import accounts, sessions, tokens
from callstats.cases.database import Database
from callstats.errors import UsageError
from callstats.settings import Numbers, Settings
from callstats.store import Store
from tests.callstats.conftest import database_url
from tests.handmade import at, settings

__all__ = ["database_url"]
TODAY = date(2026, 3, 5)
SECRET = "trīs zaļi zirgi"


@dataclass
class Site:
    """A site with accounts; `now` is its clock."""

    settings: Settings
    store: Store
    now: list[datetime] = field(default_factory=list)

    def later(self, **span: float) -> None:
        self.now[0] += timedelta(**span)

    def give(self, login: str, role: str, department: str | None = None, **days: date) -> None:
        given = Grant(role, department, days.get("start", TODAY), days.get("end"))  # type: ignore[arg-type]
        keeping.grant(self.store, self.settings, login, given, "admin")

    def visitor(self, secret: str) -> Visitor | None:
        return signing.of_session(self.store, self.settings, secret)


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    found = settings(tmp_path, numbers=Numbers(key_file=tmp_path / "numbers.key"))
    found.data.mkdir(parents=True)
    now = [at("12:00", TODAY)]
    with Store(
        found.data, Database.open(database_url), found.timezone, lambda: now[0].astimezone(UTC)
    ) as store:
        keeping.add(store, "Anna", "Anna Paraudziņa", SECRET, "admin")
        yield Site(found, store, now)


def test_who_signs_in_is_known_until_the_session_ends(site: Site) -> None:
    site.give("anna", "head", "social")
    site.give("anna", "head", "finance")
    secret = signing.sign_in(site.store, " ANNA ", SECRET)
    found = site.visitor(secret)
    assert found is not None
    assert found.name == "Anna Paraudziņa"
    assert found.roles == {"head"}
    assert found.departments == ("social", "finance")
    assert site.visitor(secret + "x") is None
    site.later(hours=3)
    assert site.visitor(secret) is not None  # noted: four hours count from now on
    site.later(hours=3.5)
    assert site.visitor(secret) is not None
    site.later(hours=4)
    assert site.visitor(secret) is None, "idle for four hours"
    again = signing.sign_in(site.store, "anna", SECRET)
    for _ in range(12):
        site.later(hours=1)
        kept = site.visitor(again)
    assert kept is None, "no session is longer than twelve hours"


def test_signing_out_here_and_everywhere(site: Site) -> None:
    one, other = (signing.sign_in(site.store, "anna", SECRET) for _ in range(2))
    signing.sign_out(site.store, one)
    assert site.visitor(one) is None
    found = site.visitor(other)
    assert found is not None
    assert found.account is not None
    assert signing.sign_out_everywhere(site.store, found.account) == 1
    assert site.visitor(other) is None


def test_a_new_password_and_the_end_of_an_account_end_its_sessions_and_tokens(site: Site) -> None:
    site.give("anna", "analyst")
    secret = signing.sign_in(site.store, "anna", SECRET)
    keeping.set_password(site.store, "anna", "četri melni kaķi", "admin")
    assert site.visitor(secret) is None
    with pytest.raises(SignInError):
        signing.sign_in(site.store, "anna", SECRET)
    secret = signing.sign_in(site.store, "anna", "četri melni kaķi")
    token = signing.issue(site.store, site.settings, "anna", "notebook", "analyst", 30, "admin")
    keeping.end(site.store, "anna", "admin")
    assert site.visitor(secret) is None
    assert signing.of_token(site.store, site.settings, token) is None
    with pytest.raises(SignInError, match="do not fit"):
        signing.sign_in(site.store, "anna", "četri melni kaķi")


def test_a_role_holds_on_its_days_only(site: Site) -> None:
    site.give("anna", "head", "social", start=TODAY + timedelta(1), end=TODAY + timedelta(3))
    found = []
    for _ in range(4):
        visitor = site.visitor(signing.sign_in(site.store, "anna", SECRET))
        found.append(visitor.departments if visitor else None)
        site.later(days=1)
    assert found == [(), ("social",), ("social",), ()]


def test_a_role_is_ended_from_today_on(site: Site) -> None:
    site.give("anna", "head", "social")
    site.give("anna", "head", "finance")
    secret = signing.sign_in(site.store, "anna", SECRET)
    assert keeping.end_role(site.store, "anna", "head", "social", TODAY - timedelta(1), "admin") == 1
    found = site.visitor(secret)
    assert found is not None
    assert found.departments == ("finance",), "without signing in anew"


def test_after_ten_wrong_passwords_a_login_waits(site: Site) -> None:
    for _ in range(10):
        with pytest.raises(SignInError, match="do not fit"):
            signing.sign_in(site.store, "anna", "wrong password!")
    with pytest.raises(SignInError, match="try again in 15 minutes"):
        signing.sign_in(site.store, "anna", SECRET)
    with pytest.raises(SignInError, match="do not fit"):
        signing.sign_in(site.store, "nobody", SECRET)
    site.later(minutes=16)
    assert signing.sign_in(site.store, "anna", SECRET)


def test_many_wrong_passwords_at_once_are_counted_like_one_after_the_other(site: Site) -> None:
    def guess(number: int) -> str:
        with pytest.raises(SignInError) as fault:
            signing.sign_in(site.store, "anna", f"wrong password {number}")
        return str(fault.value)

    with ThreadPoolExecutor(8) as pool:
        told = Counter(pool.map(guess, range(24)))
    assert told == {
        "login and password do not fit": signing.FAULTS,
        "too many wrong passwords: try again in 15 minutes": 24 - signing.FAULTS,
    }


def test_who_does_not_exist_is_told_like_who_erred(site: Site) -> None:
    keeping.add(site.store, "elsewhere", "Signs in elsewhere", None, "admin")
    told = set()
    for login in ("anna", "nobody", "elsewhere", "'; DROP TABLE accounts"):
        with pytest.raises(SignInError) as fault:
            signing.sign_in(site.store, login, "wrong password!")
        told.add(str(fault.value))
    assert told == {"login and password do not fit"}


@pytest.mark.parametrize("password", ["short", "anna anna anna", "aaaaaaaaaaaaaaaa", "x" * 257])
def test_weak_passwords_are_refused(site: Site, password: str) -> None:
    with pytest.raises(UsageError, match="password: "):
        keeping.set_password(site.store, "anna", password, "admin")


@pytest.mark.parametrize("login", ["", "a b", "-a", "ā", "a" * 65, "a/b"])
def test_logins_are_plain(site: Site, login: str) -> None:
    with pytest.raises(UsageError, match="login: "):
        keeping.add(site.store, login, "Somebody", None, "admin")


@pytest.mark.parametrize(
    ("role", "department", "days", "said"),
    [
        ("king", None, {}, "role: 'king' is none"),
        ("head", None, {}, "head needs a department"),
        ("pr", "social", {}, "pr is of no department"),
        ("head", "nowhere", {}, "'nowhere' is none; there are"),
        ("pr", None, {"end": TODAY}, "is not after"),
    ],
)
def test_grants_that_cannot_be_are_refused(
    site: Site, role: str, department: str | None, days: dict[str, date], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        site.give("anna", role, department, **days)


def test_an_extension_is_one_persons_at_a_time(site: Site) -> None:
    keeping.add(site.store, "juris", "Juris P", None, "admin")
    until = TODAY + timedelta(10)
    keeping.give_extension(site.store, "anna", "201", TODAY, until, "admin")
    with pytest.raises(UsageError, match="201 is given from"):
        keeping.give_extension(site.store, "juris", "201", until - timedelta(1), None, "admin")
    keeping.give_extension(site.store, "juris", "201", until, None, "admin")
    visitor = site.visitor(signing.sign_in(site.store, "anna", SECRET))
    assert visitor is not None
    assert visitor.extensions == ("201",)
    site.later(days=10)
    visitor = site.visitor(signing.sign_in(site.store, "anna", SECRET))
    assert visitor is not None
    assert visitor.extensions == ()


def test_a_token_acts_in_one_role_until_it_ends_or_is_revoked(site: Site) -> None:
    site.give("anna", "analyst")
    site.give("anna", "admin")
    token = signing.issue(site.store, site.settings, "anna", "notebook", "analyst", 30, "admin")
    found = signing.of_token(site.store, site.settings, token)
    assert found is not None
    assert found.roles == {"analyst"}
    assert signing.of_token(site.store, site.settings, token[:-1]) is None
    with pytest.raises(UsageError, match="has no role 'pr'"):
        signing.issue(site.store, site.settings, "anna", "x", "pr", 30, "admin")
    with pytest.raises(UsageError, match="1 to 366 days"):
        signing.issue(site.store, site.settings, "anna", "x", "analyst", 0, "admin")
    keeping.end_role(site.store, "anna", "analyst", None, TODAY - timedelta(1), "admin")
    assert signing.of_token(site.store, site.settings, token) is None, "the role of its account ended"
    site.give("anna", "analyst")
    assert signing.of_token(site.store, site.settings, token) is not None
    signing.revoke(site.store, 1, "admin")
    assert signing.of_token(site.store, site.settings, token) is None
    with pytest.raises(UsageError, match="token 1: there is none"):
        signing.revoke(site.store, 1, "admin")
    later = signing.issue(site.store, site.settings, "anna", "notebook", "analyst", 30, "admin")
    site.later(days=30)
    assert signing.of_token(site.store, site.settings, later) is None


def test_no_secret_is_kept_and_every_change_is_written_down(site: Site) -> None:
    site.give("anna", "analyst")
    session = signing.sign_in(site.store, "anna", SECRET)
    token = signing.issue(site.store, site.settings, "anna", "notebook", "analyst", 30, "admin")
    with site.store.database.read() as connection:
        kept = [
            str(row) for table in (accounts, sessions, tokens) for row in connection.execute(select(table))
        ]
        log = [(one.author, one.action) for one in access_log.listed(connection)]
    assert "$argon2id$" in " ".join(kept)
    assert not any(secret in row for secret in (SECRET, session, token) for row in kept)
    assert log == [("admin", "account_added"), ("admin", "role_given"), ("admin", "token_issued")]


def test_a_hash_of_older_parameters_is_made_anew_at_the_next_sign_in(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "outdated", lambda _: True)
    with site.store.database.read() as connection:
        before = connection.execute(select(accounts.c.password)).scalar_one()
    signing.sign_in(site.store, "anna", SECRET)
    with site.store.database.read() as connection:
        after = connection.execute(select(accounts.c.password)).scalar_one()
    assert before != after
    assert passwords.right(SECRET, after)
