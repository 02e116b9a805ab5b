"""Pseudonyms: keyed hashes that stand for clients' numbers, and the file that keeps their keys.

A plain hash of 10^8 numbers is reversed in seconds, hence HMAC-SHA256 with a secret (domain 3d.8). Keys form
a chain: after a rotation the pseudonym is the new key's hash of the old pseudonym, so that stored ones can be
rewritten without knowing the numbers.
"""

from __future__ import annotations

import fcntl
import hmac
import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from callstats.errors import SettingsError

KEY_BYTES = 32
PSEUDONYM = re.compile(r"[nx]\d+-[0-9a-f]{32}")


@dataclass(frozen=True)
class Pseudonymiser:
    """Makes pseudonyms like `n1-` and 32 hex digits; `previous` is the chain of the keys before."""

    key: bytes = field(repr=False)
    key_id: int = 1
    previous: Pseudonymiser | None = field(default=None, repr=False)

    def pseudonym(self, e164: str) -> str:
        """The pseudonym of a number: E.164, or the bare digits of one that has none."""
        return self.rotated(self.previous.pseudonym(e164)) if self.previous else self._keyed(e164, "n")

    def name(self, text: str) -> str:
        """The pseudonym (`x1-…`) of a person's name, where a source says a name and a join needs it."""
        return self.rotated(self.previous.name(text)) if self.previous else self._keyed(f"name:{text}", "x")

    def rotated(self, old: str) -> str:
        """The pseudonym under this key of one that was made under the key before."""
        return self._keyed(old, old[:1])

    def rewritten(self, text: str) -> str:
        """A text with every pseudonym of the key before, wherever it stands, under this key."""
        if self.previous is None:
            return text
        before = rf"[nx]{self.previous.key_id}-[0-9a-f]{{32}}"
        return re.sub(before, lambda one: self.rotated(one.group()), text)

    def _keyed(self, text: str, kind: str) -> str:
        digest = hmac.digest(self.key, text.encode("utf-8", "surrogatepass"), "sha256")
        return f"{kind}{self.key_id}-{digest.hex()[:32]}"


def load_pseudonymiser(path: Path, create: bool = True) -> Pseudonymiser:
    """The pseudonymiser of a key file, which is made (mode 0600) when missing and `create` allows it.

    The file holds one line per key, oldest first: key id, a space, 64 hex digits. Raises SettingsError when
    it cannot be read or made, is damaged, or is open to everybody.
    """
    if create and not path.exists():
        _create(path)
    try:
        mode = path.stat().st_mode
        lines = path.read_text(encoding="ascii").split("\n")
    except FileNotFoundError:
        raise SettingsError(
            f"{path}: the key file of the numbers is missing; restore it from the backup, "
            "without it stored pseudonyms match nothing"
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(_damaged(path, 1)) from None
    except OSError as error:
        raise SettingsError(f"{path}: the key file of the numbers cannot be read: {error.strerror}") from None
    if mode & stat.S_IRWXO:
        raise SettingsError(f"{path}: everybody may read this key; type: chmod 600 {path}")
    first, *later = _parsed(path, lines)
    chain = Pseudonymiser(first[1], first[0])
    for key_id, key in later:
        chain = Pseudonymiser(key, key_id, chain)
    return chain


def prepare_key(path: Path, used: int) -> Pseudonymiser:
    """The chain with one key after `used`, made and written to the file if it is not there yet.

    Whoever asks meanwhile gets the same key; the file is never seen half. Raises SettingsError as
    `load_pseudonymiser` does, or when the file cannot be written.
    """
    lock = path.with_name(f"{path.name}.lock")
    try:
        with open(os.open(lock, os.O_CREAT | os.O_RDWR, 0o600), "w") as held:
            fcntl.flock(held.fileno(), fcntl.LOCK_EX)
            found = load_pseudonymiser(path, create=False)
            if found.key_id == used:
                text = path.read_text(encoding="ascii")
                line = f"{used + 1} {secrets.token_bytes(KEY_BYTES).hex()}\n"
                draft = _draft(path, text.rstrip("\n") + "\n" + line)
                os.replace(draft, path)
                _sync(path.parent)
                found = load_pseudonymiser(path, create=False)
    except OSError as error:
        raise SettingsError(f"{path}: a new key cannot be written: {error.strerror}") from None
    return found


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _draft(path: Path, text: str) -> Path:
    """A whole file beside `path`, on disk, for its owner only."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _parsed(path: Path, lines: list[str]) -> list[tuple[int, bytes]]:
    keys: list[tuple[int, bytes]] = []
    for place, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        found = re.fullmatch(r"([1-9]\d{0,3}) ([0-9a-f]{64})", line.strip())
        if not found or (keys and int(found[1]) <= keys[-1][0]):
            raise SettingsError(_damaged(path, place))
        keys.append((int(found[1]), bytes.fromhex(found[2])))
    if not keys:
        raise SettingsError(_damaged(path, 1))
    return keys


def _damaged(path: Path, line: int) -> str:
    return (
        f"{path}: line {line} is no key; each line is a rising key id, a space and 64 hex digits; "
        "restore the file from the backup"
    )


def _create(path: Path) -> None:
    """Write a new key so that no other process ever sees half of it, and none overwrites another's."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = _draft(path, f"1 {secrets.token_bytes(KEY_BYTES).hex()}\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was faster: its key counts
        finally:
            draft.unlink()
    except OSError as error:
        raise SettingsError(f"{path}: the key file of the numbers cannot be made: {error.strerror}") from None
