"""The journal on disk: segments of framed, encrypted records, each with its checksum.

    segment: head, then records        00000001.journal, 00000002.journal, …
    head:    magic 8, version 2, key id 2, number 8, salt 16, created 8 (epoch µs), CRC-32 4
    record:  mark 2, kind 1, spare 1, length 4, number 4, connection 4, received 8 (epoch µs), ordinal 8,
             CRC-32 4, then `length` bytes: AES-256-GCM of the data (nonce: the record's number)

Bytes of a PBX hold clients' numbers, so they are encrypted, for each segment under a key of its own that is
derived from the site's key file (domain/05 requirement 6). A segment is never appended to by another process
than the one that began it: no nonce is used twice. The CRC is over head and ciphertext, so that damage is
seen without the key.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from callstats.errors import StoreError
from callstats.pseudonyms import Pseudonymiser

__all__ = [
    "HEAD_BYTES",
    "MOST_BYTES",
    "Kind",
    "Record",
    "SegmentHead",
    "framed",
    "numbers",
    "path_of",
    "whole",
]

MAGIC: Final = b"CALLJRNL"
VERSION: Final = 1
MARK: Final = b"\xa7\xc5"
_HEAD: Final = struct.Struct("<8sHHQ16sq")
_RECORD: Final = struct.Struct("<2sBBIIIqQ")
CRC_BYTES: Final = 4
HEAD_BYTES: Final = _HEAD.size + CRC_BYTES
FRAME_BYTES: Final = _RECORD.size + CRC_BYTES
TAG_BYTES: Final = 16
MOST_BYTES: Final = 4 << 20  # data of one record; a longer length is damage
SUFFIX: Final = ".journal"


class Kind(IntEnum):
    """What a record holds."""

    DATA = 1  # blocks as the PBX sent them, secrets masked
    CONNECTED = 2  # connected and logged in; data: the PBX's address
    DOWN = 3  # the connection is over; data: why


KINDS: Final = frozenset(Kind)


@dataclass(frozen=True)
class Record:
    """One record: `number` is its place in its segment (from 0), `received_us` epoch µs.

    `ordinal`: how many blocks of the connection came before the first in `data`.
    """

    kind: Kind
    data: bytes
    received_us: int
    connection: int
    ordinal: int
    number: int


@dataclass(frozen=True)
class SegmentHead:
    """The head of a segment, and what seals and opens its records."""

    segment: int
    key_id: int
    salt: bytes
    created_us: int
    cipher: AESGCM

    @classmethod
    def of(cls, keys: Pseudonymiser, segment: int, key_id: int, salt: bytes, created_us: int) -> Self:
        """Raises StoreError where the key file does not have the key."""
        link: Pseudonymiser | None = keys
        while link is not None and link.key_id != key_id:
            link = link.previous
        if link is None:
            raise StoreError(
                f"journal: key {key_id} of segment {segment} is not in the key file; add the line of that "
                "key from the backup, and keep the lines that are there"
            )
        derived = HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"callstats journal").derive(link.key)
        return cls(segment, key_id, salt, created_us, AESGCM(derived))

    @classmethod
    def read(cls, raw: bytes, segment: int, keys: Pseudonymiser) -> Self | None:
        """The head of a segment's first bytes; None where they are none. Raises StoreError: see `of`."""
        bare, crc = raw[: _HEAD.size], raw[_HEAD.size : HEAD_BYTES]
        if len(raw) < HEAD_BYTES or crc != _crc(bare):
            return None
        magic, version, key_id, number, salt, created_us = _HEAD.unpack(bare)
        if magic != MAGIC or number != segment:
            return None
        if version != VERSION:
            raise StoreError(f"journal: segment {segment} is of version {version}; use a newer callstats")
        return cls.of(keys, segment, key_id, salt, created_us)

    def written(self) -> bytes:
        """Its bytes."""
        bare = _HEAD.pack(MAGIC, VERSION, self.key_id, self.segment, self.salt, self.created_us)
        return bare + _crc(bare)


def framed(record: Record, head: SegmentHead) -> bytes:
    """A record as it stands in its segment."""
    bare = _RECORD.pack(
        MARK, record.kind, 0, len(record.data) + TAG_BYTES, record.number, record.connection,
        record.received_us, record.ordinal,
    )  # fmt: skip
    sealed = head.cipher.encrypt(_nonce(record.number), record.data, bare)
    return b"".join((bare, _crc(bare, sealed), sealed))


def whole(data: memoryview, place: int) -> int | None:
    """Size of the sound record at a place; 0: the rest of it is not there; None: no record stands there."""
    if len(data) - place < FRAME_BYTES:
        return 0
    bare = data[place : place + _RECORD.size]
    mark, kind, _, length, *_ = _RECORD.unpack(bare)
    if mark != MARK or kind not in KINDS or not TAG_BYTES <= length <= MOST_BYTES + TAG_BYTES:
        return None
    begin, end = place + FRAME_BYTES, place + FRAME_BYTES + length
    if end > len(data):
        return 0
    return end - place if _crc(bare, data[begin:end]) == data[begin - CRC_BYTES : begin] else None


def opened(raw: memoryview, head: SegmentHead) -> Record:
    """The record of bytes that are `whole`. Raises StoreError where the key file is not the one it needs."""
    bare = bytes(raw[: _RECORD.size])
    _, kind, _, _, number, connection, received_us, ordinal = _RECORD.unpack(bare)
    try:
        data = head.cipher.decrypt(_nonce(number), bytes(raw[FRAME_BYTES:]), bare)
    except InvalidTag:
        raise StoreError(
            f"journal: segment {head.segment} does not open with this key file; restore it from the backup"
        ) from None
    return Record(Kind(kind), data, received_us, connection, ordinal, number)


def path_of(folder: Path, segment: int) -> Path:
    """The file of a segment."""
    return folder / f"{segment:08}{SUFFIX}"


def numbers(folder: Path) -> list[int]:
    """The segments in a folder, oldest first."""
    stems = (path.stem for path in folder.glob(f"*{SUFFIX}"))
    return sorted(int(stem) for stem in stems if stem.isascii() and stem.isdigit())


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _crc(bare: bytes | memoryview, more: bytes | memoryview = b"") -> bytes:
    return zlib.crc32(more, zlib.crc32(bare)).to_bytes(CRC_BYTES, "little")
