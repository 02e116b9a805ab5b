"""Accounts as the administrator keeps them: added, given roles and extensions, ended; each written down.

Every change has an author and is in the access log (domain/05 requirement 8).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, Row, delete, func, select, update

from callstats.accounts import passwords
from callstats.accounts.roles import OF_DEPARTMENT, ROLES, Grant, Role
from callstats.cases import access_log
from callstats.cases.access_log import Access
from callstats.cases.account_tables import account_extensions, account_grants, accounts, sessions, tokens
from callstats.departments import Departments
from callstats.errors import UsageError
from callstats.settings import Settings
from callstats.store import Store

OF_THE_PROGRAM: Final = ("callstats", "sign-in provider", "this machine's user")
LOGIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?")


@dataclass(frozen=True)
class Account:
    """Who may sign in; `grants` and `extensions` are those of all times."""

    id: int
    login: str
    name: str
    has_password: bool
    created_at: datetime
    ended_at: datetime | None
    grants: tuple[Grant, ...] = ()
    extensions: tuple[tuple[str, date, date | None], ...] = ()


def exist(connection: Connection) -> bool:
    """Whether anybody has an account: from then on everybody has to sign in."""
    return connection.execute(select(accounts.c.id).limit(1)).first() is not None


def add(store: Store, login: str, name: str, password: str | None, author: str) -> int:
    """A new account; returns its number. Raises UsageError for a login that is taken or none."""
    wanted, told = _login(login), " ".join(name.split())
    if not told or len(told) > 120 or not told.isprintable():
        raise UsageError("name: say who it is (up to 120 characters)")
    kept = passwords.hashed(password, wanted) if password is not None else None
    with store.database.write() as connection:
        _log(connection, store, author, "account_added", wanted)
        if _found(connection, wanted) is not None:
            raise UsageError(f"account {wanted!r} is there already; see `callstats account list`")
        if not free(connection, told):
            raise UsageError(f"name: {told!r} is taken; steps are signed with it, so tell the two apart")
        values = {"login": wanted, "name": told, "password": kept, "created_at": store.clock()}
        return int(
            connection.execute(accounts.insert().values(**values).returning(accounts.c.id)).scalar_one()
        )


def free(connection: Connection, name: str, but: int | None = None) -> bool:
    """Whether a name can stand for one person: nobody else has it, nor the program."""
    taken = connection.execute(select(accounts.c.id, accounts.c.name).where(accounts.c.ended_at.is_(None)))
    names = {row.name.casefold() for row in taken if row.id != but}
    return name.casefold() not in {*names, *OF_THE_PROGRAM}


def set_password(store: Store, login: str, password: str, author: str) -> None:
    """A new password; who is signed in with the old one has to sign in anew."""
    kept = passwords.hashed(password, _login(login))
    with store.database.write() as connection:
        _log(connection, store, author, "password_set", login)
        number = _number(connection, login)
        connection.execute(update(accounts).where(accounts.c.id == number).values(password=kept))
        connection.execute(delete(sessions).where(sessions.c.account == number))


def checked(settings: Settings, given: Grant) -> Grant:
    """The grant, if it can be given.

    Raises UsageError where the role needs a department or has none, or the days are wrong.
    """
    if given.role not in ROLES:
        raise UsageError(f"role: {given.role!r} is none; there are {', '.join(ROLES)}")
    if (given.role in OF_DEPARTMENT) != (given.department is not None):
        needs = "needs a department" if given.role in OF_DEPARTMENT else "is of no department"
        raise UsageError(f"role: {given.role} {needs}")
    ids = Departments.from_settings(settings).ids
    if given.department is not None and given.department not in ids:
        raise UsageError(f"department: {given.department!r} is none; there are {', '.join(ids) or 'none'}")
    _period(given.valid_from, given.valid_to)
    return given


def grant(store: Store, settings: Settings, login: str, given: Grant, author: str) -> None:
    """Gives a role. Raises UsageError as `checked` does."""
    checked(settings, given)
    with store.database.write() as connection:
        about = f"{login}: {given.role}{f' of {given.department}' if given.department else ''}"
        _log(connection, store, author, "role_given", about)
        values = {
            "account": _number(connection, login),
            "role": given.role,
            "department": given.department,
            "valid_from": given.valid_from,
            "valid_to": given.valid_to,
            "author": author,
        }
        connection.execute(account_grants.insert().values(**values))


def end_role(store: Store, login: str, role: Role, department: str | None, last: date, author: str) -> int:
    """Ends a role after a local day, wherever it would go on; returns how many grants were shortened."""
    with store.database.write() as connection:
        _log(connection, store, author, "role_ended", f"{login}: {role}")
        number = _number(connection, login)
        query = select(account_grants).where(
            account_grants.c.account == number, account_grants.c.role == role
        )
        if department is not None:
            query = query.where(account_grants.c.department == department)
        rows = connection.execute(query).all()
        after = date.fromordinal(last.toordinal() + 1)
        going = [one for one in rows if one.valid_to is None or one.valid_to > after]
        for one in going:
            connection.execute(
                update(account_grants).where(account_grants.c.id == one.id).values(valid_to=after)
            )
        return len(going)


def give_extension(
    store: Store, login: str, extension: str, start: date, end: date | None, author: str
) -> None:
    """Says that an extension is a person's own over ``[start, end)``.

    Raises UsageError for no extension, and where it is somebody else's on one of these days.
    """
    if not re.fullmatch(r"[0-9A-Za-z_-]{1,20}", extension):
        raise UsageError(f"extension: {extension!r} is none; write it as in the settings, such as 201")
    _period(start, end)
    with store.database.write() as connection:
        _log(connection, store, author, "extension_given", login)
        number = _number(connection, login)
        rows = connection.execute(
            select(account_extensions).where(account_extensions.c.extension == extension)
        )
        for one in rows:
            if one.valid_from < (end or date.max) and start < (one.valid_to or date.max):
                raise UsageError(
                    f"extension {extension} is given from {one.valid_from} to {one.valid_to or '…'} already"
                )
        values = {
            "account": number, "extension": extension, "valid_from": start, "valid_to": end, "author": author,
        }  # fmt: skip
        connection.execute(account_extensions.insert().values(**values))


def end(store: Store, login: str, author: str) -> None:
    """Ends an account: nobody signs in with it any more, its sessions and tokens are over."""
    with store.database.write() as connection:
        _log(connection, store, author, "account_ended", login)
        number, now = _number(connection, login), store.clock()
        connection.execute(update(accounts).where(accounts.c.id == number).values(ended_at=now))
        connection.execute(delete(sessions).where(sessions.c.account == number))
        connection.execute(
            update(tokens)
            .where(tokens.c.account == number, tokens.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )


def listed(connection: Connection) -> list[Account]:
    """All accounts by login."""
    grants = connection.execute(select(account_grants).order_by(account_grants.c.id)).all()
    extensions = connection.execute(select(account_extensions).order_by(account_extensions.c.id)).all()
    rows = connection.execute(select(accounts).order_by(accounts.c.login))
    return [_account(row, grants, extensions) for row in rows]


def account_of(connection: Connection, number: int) -> Account:
    """The account of a number, with grants and extensions of all times."""
    row = connection.execute(select(accounts).where(accounts.c.id == number)).one()
    grants = connection.execute(
        select(account_grants).where(account_grants.c.account == number).order_by(account_grants.c.id)
    ).all()
    extensions = connection.execute(
        select(account_extensions).where(account_extensions.c.account == number)
    ).all()
    return _account(row, grants, extensions)


def admins(connection: Connection, day: date) -> int:
    """How many can administer on a local day."""
    valid = (account_grants.c.valid_to.is_(None)) | (account_grants.c.valid_to > day)
    query = (
        select(func.count(func.distinct(account_grants.c.account)))
        .join(accounts, accounts.c.id == account_grants.c.account)
        .where(account_grants.c.role == "admin", account_grants.c.valid_from <= day, valid)
        .where(accounts.c.ended_at.is_(None))
    )
    return int(connection.execute(query).scalar_one())


def _account(row: Row[tuple[object, ...]], grants: Sequence[Row[tuple[object, ...]]],
             extensions: Sequence[Row[tuple[object, ...]]]) -> Account:  # fmt: skip
    found = row._mapping
    return Account(
        found["id"], found["login"], found["name"], found["password"] is not None, found["created_at"],
        found["ended_at"],
        tuple(
            Grant(one.role, one.department, one.valid_from, one.valid_to)
            for one in grants
            if one.account == found["id"]
        ),
        tuple(
            (one.extension, one.valid_from, one.valid_to) for one in extensions if one.account == found["id"]
        ),
    )  # fmt: skip


def _login(login: str) -> str:
    found = login.strip().casefold()
    if not LOGIN.fullmatch(found):
        raise UsageError(f"login: {login!r} is none; use small letters, digits, and . _ @ - between them")
    return found


def _found(connection: Connection, login: str) -> int | None:
    found = connection.execute(select(accounts.c.id).where(accounts.c.login == login)).scalar()
    return None if found is None else int(found)


def _number(connection: Connection, login: str) -> int:
    found = _found(connection, _login(login))
    if found is None:
        raise UsageError(f"account {login!r} is none; see `callstats account list`")
    return found


def _period(start: date, end_day: date | None) -> None:
    if end_day is not None and end_day <= start:
        raise UsageError(
            f"to: {end_day} is not after {start}; it is the first day on which it no longer holds"
        )


def _log(connection: Connection, store: Store, author: str, action: str, about: str) -> None:
    access_log.note(connection, Access(store.clock(), author, action, about))
