"""Compressed files (gzip, bzip2, xz), read as what is packed in them; nothing unpacked is written down."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final, cast

from callstats.errors import InputError

__all__ = ["is_packed", "opened", "size_of", "unpacked_head"]

# More than any log packs to: a file made to fill memory, disk or time.
MOST_TIMES: Final = 1000
MOST_BYTES: Final = 20 << 30
SMALL: Final = 1 << 20  # of so little nothing is to be feared
BUFFER: Final = 1 << 16
DAMAGED: Final = "the archive is damaged or not complete; nothing of it was loaded"

_Opener = Callable[[IO[bytes]], IO[bytes]]
_PACKERS: Mapping[bytes, _Opener] = {
    b"\x1f\x8b": lambda file: cast(IO[bytes], gzip.GzipFile(fileobj=file)),
    b"BZh": lambda file: cast(IO[bytes], bz2.BZ2File(file)),
    b"\xfd7zXZ\x00": lambda file: cast(IO[bytes], lzma.LZMAFile(file)),  # noqa: SIM115
}
_MAGIC: Final = max(map(len, _PACKERS))
_FAULTS: Final = (EOFError, zlib.error, lzma.LZMAError, ValueError)


def _opener(head: bytes) -> _Opener | None:
    return next((opener for magic, opener in _PACKERS.items() if head.startswith(magic)), None)


def is_packed(head: bytes) -> bool:
    """Whether a file that begins with `head` is compressed."""
    return _opener(head) is not None


def unpacked_head(file: IO[bytes], head: bytes, size: int) -> bytes | None:
    """What a compressed file begins with when unpacked, up to `size` bytes or where it is damaged.

    None: it is not compressed.
    """
    opener = _opener(head)
    if opener is None:
        return None
    file.seek(0)
    found = b""
    try:
        unpacked = cast(io.BufferedReader, opener(file))
        while len(found) < size and (part := unpacked.read1(size - len(found))):
            found += part
    except (OSError, *_FAULTS):
        pass
    return found


def opened(path: Path) -> IO[bytes]:
    """A file to be read, or what is packed in it; to be closed by the caller.

    Reading raises InputError where the archive is damaged, or holds more than can be meant.
    """
    file = path.open("rb")
    try:
        opener = _opener(file.read(_MAGIC))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    if opener is None:
        return file
    return io.BufferedReader(_Unpacked(file, opener), BUFFER)


def size_of(file: IO[bytes]) -> int | None:
    """How many bytes an opened file has now; None: it is compressed, only its end tells."""
    raw = file.raw if isinstance(file, io.BufferedReader) else None
    return None if isinstance(raw, _Unpacked) else os.fstat(file.fileno()).st_size


class _Unpacked(io.RawIOBase):
    """What is packed in a file. State: how much was read since the beginning."""

    def __init__(self, packed: IO[bytes], opener: _Opener) -> None:
        self.name = packed.name
        self._packed = packed
        self._inside = opener(packed)
        self._place = 0
        size = os.fstat(packed.fileno()).st_size
        self._most = min(MOST_BYTES, max(SMALL, MOST_TIMES * size))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            data = self._inside.read(len(buffer))
        except OSError as error:
            if error.errno is not None:  # the disk's fault, not the archive's
                raise
            raise InputError(f"{self.name}: {DAMAGED}") from None
        except _FAULTS:
            raise InputError(f"{self.name}: {DAMAGED}") from None
        self._place += len(data)
        if self._place > self._most:
            raise InputError(
                f"{self.name}: unpacks to more than {self._most >> 20:,} MiB; if it is to be trusted, "
                "unpack it and load what comes out"
            )
        buffer[: len(data)] = data
        return len(data)

    def seek(self, place: int, whence: int = os.SEEK_SET, /) -> int:
        """Back to a place that was read already."""
        self._place = self._inside.seek(place, whence)
        return self._place

    def close(self) -> None:
        self._inside.close()
        self._packed.close()
        super().close()
