"""`account`: who may sign in, and as what."""

from __future__ import annotations

import argparse
import getpass
import sys
from datetime import date, timedelta

from callstats.accounts import identities, keeping, signing
from callstats.accounts.roles import ROLES, Grant
from callstats.cli.base import DONE, Declare, as_columns, day, everywhere, opened, settings_of
from callstats.errors import UsageError
from callstats.settings import Settings
from callstats.store import Store


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    parser = command("account", _list, "Accounts: listed, added, given roles, ended; tokens for programs.")
    actions = parser.add_subparsers(metavar="ACTION")

    def action(name: str, text: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=text, description=text, parents=[everywhere()])

    action("list", "accounts with their roles").set_defaults(run=_list)
    adding = action("add", "an account; the password is asked for, or read from a pipe")
    adding.add_argument("login", metavar="LOGIN")
    adding.add_argument("--name", required=True, help="as steps of the register are signed")
    adding.add_argument("--role", choices=ROLES, help="its first role: " + ", ".join(ROLES))
    adding.add_argument("--department", metavar="ID", help="of an employee or a head")
    adding.add_argument("--extension", metavar="EXT", help="the phone that is this person's own")
    adding.add_argument("--no-password", action="store_true", help="signs in elsewhere, or never (tokens)")
    adding.set_defaults(run=_add)
    password = action("password", "a new password; sessions with the old one end")
    password.add_argument("login", metavar="LOGIN")
    password.set_defaults(run=_password)
    for name, text, run in (
        ("grant", "gives a role, from a day and, if said, up to another", _grant),
        ("revoke", "ends a role after a day (default: yesterday)", _revoke),
    ):
        one = action(name, text)
        one.add_argument("login", metavar="LOGIN")
        one.add_argument("role", choices=ROLES, metavar="ROLE", help=", ".join(ROLES))
        one.add_argument("--department", metavar="ID")
        one.set_defaults(run=run)
        if run is _grant:
            one.add_argument("--from", dest="start", type=day, metavar="D", help="first day (default: today)")
            one.add_argument("--to", dest="end", type=day, metavar="D", help="first day on which it is over")
        else:
            one.add_argument("--last", type=day, metavar="D", help="last day on which it holds")
    linking = action("link", "an account for somebody who signs in at the provider ([sign_in])")
    linking.add_argument("login", metavar="LOGIN")
    linking.add_argument("subject", metavar="SUBJECT", help="what the provider calls the person (claim sub)")
    linking.set_defaults(run=_link)
    ending = action("end", "ends an account with its sessions and tokens")
    ending.add_argument("login", metavar="LOGIN")
    ending.set_defaults(run=_end)
    token = action("token", "a token for a program, shown once")
    token.add_argument("login", metavar="LOGIN")
    token.add_argument("--role", required=True, choices=ROLES, help="that it acts in")
    token.add_argument("--name", required=True, help="what it is for")
    token.add_argument("--days", type=int, default=90, help="how long it lives (1 to 366; default 90)")
    token.set_defaults(run=_token)
    action("tokens", "tokens, without their secrets").set_defaults(run=_tokens)
    revoking = action("revoke-token", "ends a token")
    revoking.add_argument("number", type=int, metavar="NUMBER")
    revoking.set_defaults(run=_revoke_token)


def _list(options: argparse.Namespace) -> int:
    with _store(options)[1] as store, store.database.read() as connection:
        found = keeping.listed(connection)
    rows = [
        [one.login, one.name, "yes" if one.has_password else "no", one.ended_at and "ended",
         "; ".join(_told(given) for given in one.grants), "; ".join(e for e, _, _ in one.extensions)]
        for one in found
    ]  # fmt: skip
    print(as_columns(("login", "name", "password", "state", "roles", "extensions"), rows))
    return DONE


def _told(given: Grant) -> str:
    until = f" until {given.valid_to - timedelta(days=1)}" if given.valid_to else ""
    return (
        f"{given.role}{f' of {given.department}' if given.department else ''} from {given.valid_from}{until}"
    )


def _add(options: argparse.Namespace) -> int:
    settings, opening = _store(options)
    with opening as store:
        today = _today(settings, store)
        given = Grant(options.role, options.department, today) if options.role else None
        if given:
            keeping.checked(settings, given)
        secret = None if options.no_password else _asked()
        keeping.add(store, options.login, options.name, secret, _author())
        if given:
            keeping.grant(store, settings, options.login, given, _author())
        if options.extension:
            keeping.give_extension(store, options.login, options.extension, today, None, _author())
    print(f"account {options.login}: added{f' as {options.role}' if options.role else ', without a role'}")
    return DONE


def _password(options: argparse.Namespace) -> int:
    _, opening = _store(options)
    with opening as store:
        keeping.set_password(store, options.login, _asked(), _author())
    print(f"account {options.login}: the password is set; older sessions are over")
    return DONE


def _grant(options: argparse.Namespace) -> int:
    settings, opening = _store(options)
    with opening as store:
        start = options.start or _today(settings, store)
        given = Grant(options.role, options.department, start, options.end)
        keeping.grant(store, settings, options.login, given, _author())
    print(f"account {options.login}: {_told(given)}")
    return DONE


def _revoke(options: argparse.Namespace) -> int:
    settings, opening = _store(options)
    with opening as store:
        last = options.last or _today(settings, store) - timedelta(days=1)
        ended = keeping.end_role(store, options.login, options.role, options.department, last, _author())
    print(f"account {options.login}: {ended} grant(s) of {options.role} end after {last}")
    return DONE


def _end(options: argparse.Namespace) -> int:
    with _store(options)[1] as store:
        keeping.end(store, options.login, _author())
    print(f"account {options.login}: ended")
    return DONE


def _link(options: argparse.Namespace) -> int:
    settings, opening = _store(options)
    with opening as store:
        identities.link(store, settings, options.login, options.subject, _author())
    print(f"account {options.login}: signs in as {options.subject} at {settings.sign_in.issuer}")
    return DONE


def _token(options: argparse.Namespace) -> int:
    settings, opening = _store(options)
    with opening as store:
        secret = signing.issue(
            store, settings, options.login, options.name, options.role, options.days, _author()
        )
    print("the token, shown this once:", file=sys.stderr)
    print(secret)
    return DONE


def _tokens(options: argparse.Namespace) -> int:
    with _store(options)[1] as store, store.database.read() as connection:
        found = signing.listed_tokens(connection)
    rows = [
        [one.id, one.login, one.role, one.name, one.ends_at.date(), one.revoked_at and "revoked"]
        for one in found
    ]
    print(as_columns(("number", "login", "role", "name", "ends", "state"), rows))
    return DONE


def _revoke_token(options: argparse.Namespace) -> int:
    with _store(options)[1] as store:
        signing.revoke(store, options.number, _author())
    print(f"token {options.number}: revoked")
    return DONE


def _store(options: argparse.Namespace) -> tuple[Settings, Store]:
    settings = settings_of(options)
    return settings, opened(settings)


def _today(settings: Settings, store: Store) -> date:
    return store.clock().astimezone(settings.zone).date()


def _author() -> str:
    return f"{getpass.getuser()} (callstats account)"


def _asked() -> str:
    """The password: twice from a keyboard, else one line of a pipe; never an argument, which others see."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("password: ")
    if getpass.getpass("once more: ") != first:
        raise UsageError("password: the two are not the same; try again")
    return first
