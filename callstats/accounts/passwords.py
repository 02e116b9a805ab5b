"""Passwords: argon2id with the library's own parameters (RFC 9106), kept as hashes only."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from callstats.errors import UsageError

SHORTEST: Final = 12
LONGEST: Final = 256
_HASHER: Final = PasswordHasher()


def hashed(password: str, login: str) -> str:
    """The hash to keep. Raises UsageError for a password that is too short, too long or the login."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"password: give {SHORTEST} to {LONGEST} letters; a few words in a row are good")
    if login.casefold() in password.casefold() or len(set(password)) < 5:
        raise UsageError("password: is too easy to guess; leave the login out and do not repeat letters")
    return _HASHER.hash(password)


def right(password: str, kept: str | None) -> bool:
    """Whether it is the password; without a hash just as slow, so that nobody learns which logins exist."""
    try:
        return _HASHER.verify(kept or _nobodys(), password[:LONGEST]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """Whether the library would hash otherwise today."""
    return _HASHER.check_needs_rehash(kept)


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _HASHER.hash("the password of nobody")
