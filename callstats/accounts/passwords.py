"""Passwords: argon2id with the library's own parameters (RFC 9106), kept as hashes only."""

from __future__ import annotations

from functools import lru_cache
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from callstats.errors import UsageError

SHORTEST: Final = 12
LONGEST: Final = 256
_HASHER: Final = PasswordHasher()
_AT_ONCE: Final = BoundedSemaphore(4)  # each takes 64 MiB: strangers must not be able to ask for more


def hashed(password: str, login: str) -> str:
    """The hash to keep. Raises UsageError for a password that is too short, too long or the login."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"password: give {SHORTEST} to {LONGEST} letters; a few words in a row are good")
    if login.casefold() in password.casefold() or len(set(password)) < 5:
        raise UsageError("password: is too easy to guess; leave the login out and do not repeat letters")
    return anew(password)


def anew(password: str) -> str:
    """The hash to keep of a password that was accepted before."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def right(password: str, kept: str | None) -> bool:
    """Whether it is the password; without a hash just as slow, so that nobody learns which logins exist."""
    try:
        with _AT_ONCE:
            return _HASHER.verify(kept or _nobodys(), password[:LONGEST]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """Whether the library would hash otherwise today."""
    return _HASHER.check_needs_rehash(kept)


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _HASHER.hash("the password of nobody")
