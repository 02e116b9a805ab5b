"""Who signs in at the organisation's provider: an account here, with the roles that the groups there give.

The roles follow the groups at every sign-in; those that an administrator gave stay as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection, select, update

from callstats.accounts import signing
from callstats.accounts.keeping import LOGIN, account_of, free
from callstats.accounts.roles import Grant, Role
from callstats.accounts.signing import SignInError
from callstats.cases import access_log
from callstats.cases.access_log import Access
from callstats.cases.account_tables import account_grants, account_identities, accounts
from callstats.cases.catalog import hold
from callstats.errors import UsageError
from callstats.settings import Settings
from callstats.store import Store

AUTHOR: Final = "sign-in provider"  # of grants that follow its groups


@dataclass(frozen=True)
class Identity:
    """What a provider says of a person; `subject` is unique with `issuer` (OpenID Connect Core 1.0, 5.7)."""

    issuer: str
    subject: str
    login: str | None
    name: str | None
    groups: frozenset[str] = frozenset()


def sign_in(store: Store, settings: Settings, found: Identity) -> str:
    """Begins a session of the person's account, made at the first time; returns its secret.

    Raises SignInError where no group of a newcomer has a role, the login is somebody else's, or the account
    is ended.
    """
    now = store.clock()
    today = now.astimezone(settings.zone).date()
    wanted = roles_of(settings, found.groups)
    with store.database.write() as connection:
        hold(connection)  # the same person in two windows makes one account
        number = _known(connection, found)
        if number is None:
            if not wanted:
                raise SignInError("none of your groups has a role here; ask the administrator", "no_role")
            number = _added(connection, store, found)
        _follow(connection, store, number, wanted, today)
        return signing.begin(connection, number, now)


def roles_of(settings: Settings, groups: Iterable[str]) -> list[tuple[Role, str | None]]:
    """Roles (with departments) that some groups give, each once."""
    given = frozenset(groups)
    return list(
        dict.fromkeys((one.role, one.department) for one in settings.sign_in.groups if one.group in given)
    )


def link(store: Store, settings: Settings, login: str, subject: str, author: str) -> None:
    """Says that an account is a person's whom the provider calls `subject`.

    Raises UsageError without a provider, for no account, and where the subject is somebody's already.
    """
    issuer = settings.sign_in.issuer
    if issuer is None:
        raise UsageError("sign_in.issuer: is not set; people sign in with local accounts only")
    with store.database.write() as connection:
        access_log.note(connection, Access(store.clock(), author, "account_linked", login))
        number = connection.execute(
            select(accounts.c.id).where(accounts.c.login == login.strip().casefold())
        ).scalar()
        if number is None:
            raise UsageError(f"account {login!r} is none; see `callstats account list`")
        if _known(connection, Identity(issuer, subject, None, None)) is not None:
            raise UsageError(f"subject {subject!r} is linked with an account already")
        connection.execute(account_identities.insert().values(account=number, issuer=issuer, subject=subject))


def _known(connection: Connection, found: Identity) -> int | None:
    table = account_identities
    row = connection.execute(
        select(accounts.c.id, accounts.c.name, accounts.c.ended_at)
        .join(table, table.c.account == accounts.c.id)
        .where(table.c.issuer == found.issuer, table.c.subject == found.subject)
    ).first()
    if row is None:
        return None
    if row.ended_at is not None:
        raise SignInError("this account is ended; ask the administrator", "ended")
    name = _name(found)
    if name is not None and name != row.name and free(connection, name, row.id):
        connection.execute(update(accounts).where(accounts.c.id == row.id).values(name=name))
    return int(row.id)


def _added(connection: Connection, store: Store, found: Identity) -> int:
    login = (found.login or "").strip().casefold()
    if not LOGIN.fullmatch(login):  # the provider may call people as it likes; this is one's own for ever
        login = f"sso-{hashlib.sha256(f'{found.issuer} {found.subject}'.encode()).hexdigest()[:16]}"
    if connection.execute(select(accounts.c.id).where(accounts.c.login == login)).first() is not None:
        # never joined by name alone: whoever may choose a name there would take over the account here
        raise SignInError(
            "your login is an account of this server; ask the administrator to link it", "taken"
        )
    now = store.clock()
    access_log.note(connection, Access(now, AUTHOR, "account_added", login))
    name = _name(found) or login
    name = name if free(connection, name) else f"{name[:50]} ({login})"
    values = {"login": login, "name": name, "password": None, "created_at": now}
    number = connection.execute(accounts.insert().values(**values).returning(accounts.c.id)).scalar_one()
    identity = {"account": number, "issuer": found.issuer, "subject": found.subject}
    connection.execute(account_identities.insert().values(**identity))
    return int(number)


def _follow(
    connection: Connection, store: Store, number: int, wanted: list[tuple[Role, str | None]], today: date
) -> None:
    """Ends what the groups no longer give, gives what they newly do; each written down."""
    account = account_of(connection, number)
    rows = connection.execute(
        select(account_grants).where(account_grants.c.account == number, account_grants.c.author == AUTHOR)
    ).all()
    held = {
        (one.role, one.department): one.id
        for one in rows
        if Grant(one.role, one.department, one.valid_from, one.valid_to).valid_on(today)
    }
    for gone in held.keys() - set(wanted):
        access_log.note(connection, Access(store.clock(), AUTHOR, "role_ended", _told(account.login, *gone)))
        connection.execute(
            update(account_grants).where(account_grants.c.id == held[gone]).values(valid_to=today)
        )
    for role, department in wanted:
        if (role, department) in held:
            continue
        about = _told(account.login, role, department)
        access_log.note(connection, Access(store.clock(), AUTHOR, "role_given", about))
        values = {
            "account": number, "role": role, "department": department, "valid_from": today, "author": AUTHOR,
        }  # fmt: skip
        connection.execute(account_grants.insert().values(**values))


def _name(found: Identity) -> str | None:
    told = " ".join((found.name or "").split())[:120]
    return told if told and told.isprintable() else None


def _told(login: str, role: str, department: str | None) -> str:
    return f"{login}: {role}{f' of {department}' if department else ''}"
