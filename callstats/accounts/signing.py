"""Signing in and out: sessions and tokens, each a random secret of which only the hash is kept.

A session ends 12 hours after it began, or after 4 hours without a request. After ten wrong passwords in 15
minutes a login is refused until they are over, whoever asks.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import Connection, delete, func, select, update

from callstats.accounts import passwords
from callstats.accounts.keeping import account_of, exist
from callstats.accounts.periods import within
from callstats.accounts.roles import Role, Visitor
from callstats.cases import access_log
from callstats.cases.access_log import Access
from callstats.cases.account_tables import accounts, sessions, sign_in_faults, tokens
from callstats.cases.catalog import hold
from callstats.errors import CallstatsError, UsageError
from callstats.settings import Settings
from callstats.store import Store

LONGEST: Final = timedelta(hours=12)
IDLE: Final = timedelta(hours=4)
NOTED: Final = timedelta(minutes=5)  # how often it is written down that a session is used
FAULTS: Final = 10
FAULTS_WITHIN: Final = timedelta(minutes=15)
TOKEN_DAYS: Final = range(1, 367)
TOKEN: Final = "cs_"


Refusal = Literal["wrong", "many", "no_role", "taken", "ended", "unreachable", "refused"]


class SignInError(CallstatsError):
    """Somebody is not let in; `refusal` says why, for the page."""

    def __init__(self, message: str, refusal: Refusal = "wrong") -> None:
        super().__init__(message)
        self.refusal: Refusal = refusal


@dataclass(frozen=True)
class Token:
    """A token as it is listed: never its secret."""

    id: int
    name: str
    role: Role
    login: str
    made_at: datetime
    ends_at: datetime
    revoked_at: datetime | None


def needed(connection: Connection, settings: Settings) -> bool:
    """Whether people have to sign in: somebody has an account, or a provider says who people are."""
    return settings.sign_in.issuer is not None or exist(connection)


def sign_in(store: Store, login: str, password: str) -> str:
    """Begins a session; returns its secret for the cookie. Raises SignInError, which does not tell why."""
    name, now = login.strip().casefold()[:64], store.clock()
    with store.database.write() as connection:
        hold(connection)  # one after the other, so that none is counted by nobody
        connection.execute(delete(sign_in_faults).where(sign_in_faults.c.at < now - FAULTS_WITHIN))
        connection.execute(delete(sessions).where(sessions.c.ends_at < now))
        tried = _faults(connection, name)
        if tried < FAULTS:  # counts as wrong until it proves right: many at once are counted too
            connection.execute(sign_in_faults.insert().values(login=name, at=now))
        row = connection.execute(
            select(accounts.c.id, accounts.c.password, accounts.c.ended_at).where(accounts.c.login == name)
        ).first()
    if tried >= FAULTS:
        minutes = int(FAULTS_WITHIN.total_seconds() // 60)
        raise SignInError(f"too many wrong passwords: try again in {minutes} minutes", "many")
    kept = row.password if row is not None and row.ended_at is None else None
    # slow on purpose, so not inside a transaction
    if not passwords.right(password, kept) or row is None or kept is None:
        raise SignInError("login and password do not fit")
    with store.database.write() as connection:
        hold(connection)
        now_kept = connection.execute(select(accounts.c.password).where(accounts.c.id == row.id)).scalar()
        if now_kept != kept:  # set anew while this one was looked at
            raise SignInError("login and password do not fit")
        if passwords.outdated(kept):
            fresh = passwords.anew(password)
            connection.execute(update(accounts).where(accounts.c.id == row.id).values(password=fresh))
        connection.execute(delete(sign_in_faults).where(sign_in_faults.c.login == name))
        return begin(connection, int(row.id), now)


def begin(connection: Connection, account: int, now: datetime) -> str:
    """A new session of an account; returns its secret."""
    secret = secrets.token_urlsafe(32)
    values = {
        "secret": _hash(secret),
        "account": account,
        "began_at": now,
        "seen_at": now,
        "ends_at": now + LONGEST,
    }
    connection.execute(sessions.insert().values(**values))
    return secret


def of_session(store: Store, settings: Settings, secret: str) -> Visitor | None:
    """Who the session is of, with the grants of today; None: it is over, or never was."""
    now, hashed = store.clock(), _hash(secret)
    with store.database.read() as connection:
        row = connection.execute(select(sessions).where(sessions.c.secret == hashed)).first()
        if row is None or now >= row.ends_at or now - row.seen_at >= IDLE:
            return None
        visitor = _visitor(connection, settings, now, row.account, None)
    if visitor is not None and now - row.seen_at >= NOTED:
        with store.database.write() as connection:
            connection.execute(update(sessions).where(sessions.c.secret == hashed).values(seen_at=now))
    return visitor


def sign_out(store: Store, secret: str) -> None:
    """Ends a session."""
    with store.database.write() as connection:
        connection.execute(delete(sessions).where(sessions.c.secret == _hash(secret)))


def sign_out_everywhere(store: Store, account: int) -> int:
    """Ends all sessions of an account; returns how many there were."""
    with store.database.write() as connection:
        return int(connection.execute(delete(sessions).where(sessions.c.account == account)).rowcount)


def issue(store: Store, settings: Settings, login: str, name: str, role: Role, days: int, author: str) -> str:
    """A token for a program; returns it, the only time it is ever seen.

    Raises UsageError where the account does not have the role, or for a life of no days or of over a year.
    """
    told, now = " ".join(name.split()), store.clock()
    if not told or len(told) > 120:
        raise UsageError("name: say what the token is for (up to 120 characters)")
    if days not in TOKEN_DAYS:
        raise UsageError(f"days: a token lives 1 to {TOKEN_DAYS[-1]} days, not {days}")
    secret = TOKEN + secrets.token_urlsafe(32)
    with store.database.write() as connection:
        access_log.note(
            connection, Access(now, author, "token_issued", f"{login}: {told}, {role}, {days} days")
        )
        number = connection.execute(
            select(accounts.c.id).where(accounts.c.login == login.casefold(), accounts.c.ended_at.is_(None))
        ).scalar()
        visitor = _visitor(connection, settings, now, number, None) if number is not None else None
        if visitor is None or role not in visitor.roles:
            raise UsageError(f"account {login!r} has no role {role!r}; see `callstats account list`")
        values = {
            "secret": _hash(secret), "account": number, "name": told, "role": role, "made_at": now,
            "ends_at": now + timedelta(days=days),
        }  # fmt: skip
        connection.execute(tokens.insert().values(**values))
    return secret


def of_token(store: Store, settings: Settings, secret: str) -> Visitor | None:
    """Who the token is of, in its one role; None: revoked, over, the role ended, or never issued."""
    now = store.clock()
    with store.database.read() as connection:
        row = connection.execute(select(tokens).where(tokens.c.secret == _hash(secret))).first()
        if row is None or row.revoked_at is not None or now >= row.ends_at:
            return None
        return _visitor(connection, settings, now, row.account, row.role)


def revoke(store: Store, number: int, author: str) -> None:
    """Ends a token. Raises UsageError where there is none of that number."""
    now = store.clock()
    with store.database.write() as connection:
        access_log.note(connection, Access(now, author, "token_revoked", f"token {number}"))
        query = update(tokens).where(tokens.c.id == number, tokens.c.revoked_at.is_(None))
        if connection.execute(query.values(revoked_at=now)).rowcount == 0:
            raise UsageError(
                f"token {number}: there is none, or it is revoked; see `callstats account tokens`"
            )


def listed_tokens(connection: Connection) -> list[Token]:
    """All tokens by number, without their secrets."""
    rows = connection.execute(
        select(tokens, accounts.c.login)
        .join(accounts, accounts.c.id == tokens.c.account)
        .order_by(tokens.c.id)
    )
    return [
        Token(row.id, row.name, row.role, row.login, row.made_at, row.ends_at, row.revoked_at) for row in rows
    ]


def _visitor(
    connection: Connection, settings: Settings, now: datetime, number: int, role: Role | None
) -> Visitor | None:
    account = account_of(connection, number)
    if account.ended_at is not None:
        return None
    day = now.astimezone(settings.zone).date()
    grants = tuple(one for one in account.grants if one.valid_on(day) and role in (None, one.role))
    extensions = tuple(e for e, start, end in account.extensions if within(day, start, end))
    if role is not None and not grants:
        return None
    return Visitor(account.name, grants, account.id, extensions, program=role is not None)


def _faults(connection: Connection, login: str) -> int:
    query = select(func.count()).select_from(sign_in_faults).where(sign_in_faults.c.login == login)
    return int(connection.execute(query).scalar_one())


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
