"""Which keys stored pseudonyms were made with: a lost or foreign key file is seen before it does harm.

The database holds a fingerprint per key id in use: an HMAC of a constant, which tells nothing of the key. A
key of the file that the database does not know is prepared only: `callstats.rekeying` takes it into use when
everything stored has been rewritten.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, delete, exists, func, select

from callstats.cases.database import Database, inserted
from callstats.cases.models import batches, number_keys, numbers
from callstats.errors import SettingsError
from callstats.pseudonyms import Pseudonymiser, load_pseudonymiser
from callstats.settings import Settings

CONSTANT: Final = b"callstats key fingerprint"
FOREIGN: Final = "is not the key file that the stored pseudonyms were made with; restore it from the backup"


def site_pseudonymiser(settings: Settings, database: Database) -> Pseudonymiser:
    """The pseudonymiser of a site; its key file is made where nothing is stored yet.

    Keys that are prepared, but not in use, are left out. Raises SettingsError when the key file is missing,
    damaged, or another one than stored data need.
    """
    path = settings.numbers.key_file
    with database.read() as connection:
        unused = _unused(connection)
        known = _known(connection)
    found = load_pseudonymiser(path, create=unused)
    ours = dict(_fingerprints(found))
    if not unused and not _fits(known, ours):
        raise SettingsError(f"{path}: {FOREIGN}")
    if not unused and known:
        return up_to(found, max(known))
    if known != ours:
        with database.write() as connection:
            if _unused(connection):
                connection.execute(delete(number_keys))
            rows = [{"key_id": key_id, "fingerprint": text} for key_id, text in ours.items()]
            connection.execute(inserted(connection, number_keys).values(rows).on_conflict_do_nothing())
            if not _fits(_known(connection), ours):  # another process stored with another key meanwhile
                raise SettingsError(f"{path}: {FOREIGN}")
    return found


def up_to(newest: Pseudonymiser, key_id: int) -> Pseudonymiser:
    """The chain without the keys after `key_id`, which must be one of them."""
    link = newest
    while link.key_id != key_id:
        if link.previous is None:
            raise ValueError(f"the chain has no key {key_id}")
        link = link.previous
    return link


def generation(connection: Connection) -> int:
    """Id of the key that stored pseudonyms are made with; 0 where there is none yet."""
    return int(connection.execute(select(func.coalesce(func.max(number_keys.c.key_id), 0))).scalar_one())


def generation_since(connection: Connection) -> int:
    """Version of the facts at which that key was taken into use."""
    return int(connection.execute(select(func.coalesce(func.max(number_keys.c.version), 0))).scalar_one())


def take_into_use(connection: Connection, newest: Pseudonymiser, version: int) -> None:
    """From this version of the facts on, pseudonyms are made with the chain's newest key."""
    text = dict(_fingerprints(newest))[newest.key_id]
    row = {"key_id": newest.key_id, "fingerprint": text, "version": version}
    connection.execute(number_keys.insert(), [row])


def key_fault(settings: Settings, database: Database) -> str | None:
    """What is wrong with the key file, in one line; nothing is made or stored."""
    path = settings.numbers.key_file
    with database.read() as connection:
        unused, known = _unused(connection), _known(connection)
    if unused and not path.exists():
        return None
    try:
        ours = dict(_fingerprints(load_pseudonymiser(path, create=False)))
    except SettingsError as error:
        return str(error)
    return None if unused or _fits(known, ours) else f"{path}: {FOREIGN}"


def _unused(connection: Connection) -> bool:
    """Nothing stored depends on a key."""
    return not connection.execute(select(exists(select(batches.c.id)))).scalar() and not (
        connection.execute(select(exists(select(numbers.c.pseudonym)))).scalar()
    )


def _known(connection: Connection) -> dict[int, str]:
    rows = connection.execute(select(number_keys.c.key_id, number_keys.c.fingerprint))
    return {int(row.key_id): str(row.fingerprint) for row in rows}


def _fits(known: dict[int, str], ours: dict[int, str]) -> bool:
    """Every key that was used is there; later ones may have been added."""
    return all(ours.get(key_id) == text for key_id, text in known.items())


def _fingerprints(newest: Pseudonymiser) -> Iterator[tuple[int, str]]:
    link: Pseudonymiser | None = newest
    while link is not None:
        yield link.key_id, hmac.digest(link.key, CONSTANT, "sha256").hex()[:32]
        link = link.previous
