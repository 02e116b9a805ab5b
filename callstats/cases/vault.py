"""The number vault: clients' numbers, encrypted, for the few days in which a missed call can be called back.

A number to which an open case of the register refers is kept until the case is closed.

Facts hold pseudonyms; only here does one lead back to a number, and only until it expires. Numbers are
encrypted with AES-256-GCM under a key derived from the site's key file, which lies outside the database; a
ciphertext opens only under the pseudonym that it was stored for.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, or_, select

from callstats.calendar import Calendar
from callstats.cases.catalog import ConflictError
from callstats.cases.database import Database, inserted
from callstats.cases.keys import generation, site_pseudonymiser
from callstats.cases.models import numbers
from callstats.cases.register_tables import cases
from callstats.clock import Clock, utc_now
from callstats.errors import StoreError
from callstats.pseudonyms import Pseudonymiser
from callstats.settings import Settings

NONCE_BYTES: Final = 12
CHUNK: Final = 500
ONE_DAY: Final = timedelta(days=1)
Expiry = Callable[[datetime], datetime]


class Vault:
    """Puts numbers away, shows them again, forgets them. `expiry` None switches storing off."""

    def __init__(
        self, database: Database, pseudonymiser: Pseudonymiser, expiry: Expiry | None, clock: Clock = utc_now
    ) -> None:
        self.database = database
        self.pseudonymiser = pseudonymiser
        self.expiry = expiry
        self.clock = clock
        self._ciphers = _ciphers(pseudonymiser)
        self._newest = pseudonymiser.key_id

    @classmethod
    def open(cls, settings: Settings, database: Database, clock: Clock = utc_now) -> Vault:
        """The vault of a site, with its key file and its number of working days.

        Raises SettingsError when the key file is missing or not the one that stored data were made with.
        """
        expiry = working_day_expiry(Calendar.from_settings(settings), settings.numbers.vault_days)
        return cls(database, site_pseudonymiser(settings, database), expiry, clock)

    def put(self, seen: Mapping[str, tuple[str, datetime]]) -> int:
        """Stores pseudonym → (E.164, last seen); returns how many. What has expired already is not stored.

        A number that is known is kept until the later of both expiries. Raises ConflictError when the numbers
        have got a new key since the vault was opened.
        """
        if self.expiry is None:
            return 0
        now = self.clock()
        rows = [
            {"pseudonym": name, "secret": self._seal(name, e164), "seen_at": at, "expires_at": until}
            for name, (e164, at) in sorted(seen.items())
            if (until := self.expiry(at)) > now
        ]
        for start in range(0, len(rows), CHUNK):
            with self.database.write() as connection:
                if generation(connection) not in (0, self._newest):
                    raise ConflictError("number vault: the numbers have got a new key meanwhile")
                new = inserted(connection, numbers).values(rows[start : start + CHUNK])
                later = {
                    name: case(
                        (new.excluded[name] > numbers.c[name], new.excluded[name]), else_=numbers.c[name]
                    )
                    for name in ("seen_at", "expires_at")
                }
                fresh = {"secret": new.excluded.secret, **later}
                connection.execute(new.on_conflict_do_update(index_elements=["pseudonym"], set_=fresh))
        return len(rows)

    def keeps_from(self) -> datetime | None:
        """An instant: what was last seen before it, `put` would not store. None: it stores nothing at all."""
        if self.expiry is None:
            return None
        since = now = self.clock()
        while self.expiry(since) > now:  # a later day never expires earlier
            since -= ONE_DAY
        return since

    def reveal(self, pseudonym: str) -> str | None:
        """The number behind a pseudonym; None when it was never stored or has expired (and no case is open).

        Raises StoreError when the key file is not the one that it was stored with.
        """
        with self.database.read() as connection:
            row = connection.execute(
                select(numbers.c.secret, numbers.c.expires_at).where(numbers.c.pseudonym == pseudonym)
            ).one_or_none()
            if row is None or (row.expires_at <= self.clock() and not _kept(connection, pseudonym)):
                return None
        return self._unseal(pseudonym, bytes(row.secret))

    def forget(self, connection: Connection, pseudonym: str) -> bool:
        """Forgets one number at once, whatever its time; whether there was one."""
        gone = connection.execute(delete(numbers).where(numbers.c.pseudonym == pseudonym))
        return gone.rowcount > 0

    def purge(self, now: datetime | None = None) -> int:
        """Forgets what has expired; returns how many numbers."""
        with self.database.write() as connection:
            old = _expired(now or self.clock())
            return int(connection.execute(delete(numbers).where(old)).rowcount)

    def rekey(self, connection: Connection, key: Pseudonymiser) -> int:
        """Moves every number to its pseudonym under `key`, encrypted with that key; returns how many.

        Raises StoreError when one does not open.
        """
        renewed = Vault(self.database, key, self.expiry, self.clock)
        rows = [dict(row) for row in connection.execute(select(numbers)).mappings()]
        for row in rows:
            e164 = self._unseal(row["pseudonym"], bytes(row["secret"]))
            row["pseudonym"] = key.rotated(row["pseudonym"])
            row["secret"] = renewed._seal(row["pseudonym"], e164)
        connection.execute(delete(numbers))
        for start in range(0, len(rows), CHUNK):
            connection.execute(numbers.insert(), rows[start : start + CHUNK])
        return len(rows)

    def current(self) -> bool:
        """Whether pseudonyms are still made with this vault's key: `callstats.rekeying` may have gone on."""
        with self.database.read() as connection:
            return generation(connection) in (0, self._newest)

    def expired(self) -> int:
        """How many numbers `purge` would forget now."""
        with self.database.read() as connection:
            query = select(func.count()).select_from(numbers).where(_expired(self.clock()))
            return int(connection.execute(query).scalar_one())

    def size(self) -> int:
        """How many numbers are held, expired ones included."""
        with self.database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(numbers)).scalar_one())

    def _seal(self, pseudonym: str, e164: str) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, e164.encode(), pseudonym.encode())
        return self._newest.to_bytes(2, "big") + nonce + sealed

    def _unseal(self, pseudonym: str, secret: bytes) -> str:
        cipher = self._ciphers.get(int.from_bytes(secret[:2], "big"))
        try:
            if cipher is None:
                raise InvalidTag
            nonce, sealed = secret[2 : 2 + NONCE_BYTES], secret[2 + NONCE_BYTES :]
            return cipher.decrypt(nonce, sealed, pseudonym.encode()).decode()
        except InvalidTag:
            raise StoreError(
                "number vault: a number does not open with this key file; restore it from the backup"
            ) from None


def _kept(connection: Connection, pseudonym: str) -> bool:
    """Whether an open case refers to the number."""
    either = or_(cases.c.client == pseudonym, cases.c.callback == pseudonym)
    return (
        connection.execute(select(cases.c.number).where(cases.c.closed.is_(False), either)).first()
        is not None
    )


def _expired(now: datetime) -> ColumnElement[bool]:
    """Numbers whose time is over and that no open case refers to."""
    either = or_(cases.c.client == numbers.c.pseudonym, cases.c.callback == numbers.c.pseudonym)
    kept = select(cases.c.number).where(cases.c.closed.is_(False), either).exists()
    return and_(numbers.c.expires_at <= now, ~kept)


def _ciphers(pseudonymiser: Pseudonymiser) -> dict[int, AESGCM]:
    """One cipher per key of the chain; derived, so that neither use of a key tells about the other."""
    found: dict[int, AESGCM] = {}
    link: Pseudonymiser | None = pseudonymiser
    while link is not None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"callstats number vault").derive(
            link.key
        )
        found[link.key_id] = AESGCM(derived)
        link = link.previous
    return found


def working_day_expiry(calendar: Calendar, days: int) -> Expiry | None:
    """When a number that was last seen at an instant expires: at the end of the n-th working day after it.

    None for 0 days: numbers are never stored.
    """
    if days == 0:
        return None
    known: dict[date, datetime] = {}

    def expiry(seen: datetime) -> datetime:
        day = calendar.local_date(seen)
        if day not in known:
            last = day
            for _ in range(days):
                last = calendar.next_working_day(last)
            known[day] = calendar.day_bounds(last)[1]
        return known[day]

    return expiry
