"""`doctor`, `rekey`, `purge`, `compact`: what an administrator runs now and then."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from callstats.cli import base
from callstats.cli.base import DONE, REJECTED, Declare, print_json, settings_of


def declare(command: Declare) -> None:
    """Declares the commands of this module."""
    doctor = command("doctor", _doctor, "Check configuration, database, data, live feed and rejects.")
    doctor.add_argument(
        "--paste", action="store_true", help="print the lines for manager.conf, cel.conf and cdr.conf"
    )
    command(
        "rekey", _rekey, "Give the pseudonyms a new key: everything stored is rewritten, no number needed."
    )
    purge = command(
        "purge", _purge, "Remove what retention keeps no longer: events, facts, phone numbers; say what went."
    )
    purge.add_argument("--dry-run", action="store_true", help="only tell what would go")
    purge.add_argument("--json", action="store_true", help="report as JSON")
    command("compact", _compact, "Gather small files of the facts into few; what they say does not change.")


def _doctor(options: argparse.Namespace) -> int:
    from callstats.doctor import examine
    from callstats.doctor_feed import to_paste

    settings = settings_of(options)
    checks = examine(settings, base.now)
    for check in checks:
        print(f"{'ok  ' if check.well else 'LOOK'} {check.what}: {check.found}")
    deaf = any(check.what.startswith("live feed") and not check.well for check in checks)
    if options.paste or deaf:
        print(f"\n{to_paste(settings)}")
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
    from callstats.retention import purge
    from callstats.store import Store

    settings = settings_of(options)
    with Store.open(settings) as store:
        report = purge(store, settings, dry_run=options.dry_run)
    if options.json:
        print_json({"dry_run": options.dry_run, **asdict(report)})
        return DONE
    for one in report.gone:
        before = f" of {one.days} days before {one.before}" if one.before else ""
        print(f"{one.what}: {one.rows} rows in {one.files} files{before} ({one.setting})")
    verb = "would go" if options.dry_run else "went"
    sealed = report.limits.sealed_before
    print(f"{'This' if report.gone else 'Nothing'} {verb}. Days before {sealed} are sealed.")
    if report.waiting:
        print(f"{report.waiting} files are still read by somebody; the next purge removes them.")
    return DONE


def _compact(options: argparse.Namespace) -> int:
    from callstats.cli.base import current
    from callstats.gather import gather

    with current(settings_of(options)) as store:
        gathered = gather(store, all_of_it=True)
        swept = store.sweep()
    print(f"Gathered: {gathered} files into fewer; removed: {swept} files that nobody needed.")
    return DONE
