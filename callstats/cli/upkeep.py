"""`doctor`, `rekey`, `purge`: what an administrator runs now and then."""

from __future__ import annotations

import argparse

from callstats.cli.base import DONE, REJECTED, Declare, settings_of


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    command("doctor", _doctor, "Check configuration, database, data, extensions and rejects.")
    command(
        "rekey", _rekey, "Give the pseudonyms a new key: everything stored is rewritten, no number needed."
    )
    command("purge", _purge, "Forget phone numbers whose days are over, and files that nobody needs.")


def _doctor(options: argparse.Namespace) -> int:
    from callstats.doctor import examine

    settings = settings_of(options)
    checks = examine(settings)
    for check in checks:
        print(f"{'ok  ' if check.well else 'LOOK'} {check.what}: {check.found}")
    return DONE if all(check.well for check in checks) else REJECTED


def _rekey(options: argparse.Namespace) -> int:
    from callstats.rekeying import rekey
    from callstats.store import Store

    settings = settings_of(options)
    with Store.open(settings) as store:
        done = rekey(store, settings)
    print(
        f"Key {done.new_key} is in use instead of key {done.old_key}: "
        f"{done.files} files with {done.rows} rows and {done.numbers} numbers of the vault were rewritten.\n"
        f"Save {settings.numbers.key_file} now: without all of its keys no pseudonym is found again. "
        "The files with the old pseudonyms are removed by `callstats purge` when nobody reads them any more."
    )
    return DONE


def _purge(options: argparse.Namespace) -> int:
    from callstats.cases.vault import Vault
    from callstats.store import Store

    settings = settings_of(options)
    with Store.open(settings) as store:
        numbers = Vault.open(settings, store.database).purge()
        files = store.sweep()
    print(f"Forgotten: {numbers} phone numbers whose days were over, {files} files that nobody needed.")
    return DONE
