"""`doctor`, `purge`: what an administrator runs now and then."""

from __future__ import annotations

import argparse

from callstats.cli import base
from callstats.cli.base import DONE, REJECTED, Declare, opened, settings_of


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    command("doctor", _doctor, "Check configuration, database, data, extensions and rejects.")
    command("purge", _purge, "Forget phone numbers whose days are over, and files that nobody needs.")


def _doctor(options: argparse.Namespace) -> int:
    from callstats.doctor import examine

    settings = settings_of(options)
    checks = examine(settings, base.now)
    for check in checks:
        print(f"{'ok  ' if check.well else 'LOOK'} {check.what}: {check.found}")
    return DONE if all(check.well for check in checks) else REJECTED


def _purge(options: argparse.Namespace) -> int:
    from callstats.cases.vault import Vault

    settings = settings_of(options)
    with opened(settings) as store:
        numbers = Vault.open(settings, store.database).purge()
        files = store.sweep()
    print(f"Forgotten: {numbers} phone numbers whose days were over, {files} files that nobody needed.")
    return DONE
