"""The first bytes of a file that may still be growing."""

from __future__ import annotations

import io
from typing import IO, BinaryIO, Final, cast

from callstats.errors import InputError

SHORTER: Final = "became shorter while it was read; load it again"


class _Bounded(io.RawIOBase):
    """Reads from `file`, at its place, at most `size` bytes. State: how many are left."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        block = self._file.read(min(len(buffer), self._left))
        if not block and self._left and len(buffer):  # lines would be missing of what counts as read
            raise InputError(f"{self._file.name}: {SHORTER}")
        buffer[: len(block)] = block
        self._left -= len(block)
        return len(block)


def bounded(file: IO[bytes], size: int) -> BinaryIO:
    """A stream of the next `size` bytes of `file`, whatever is appended to it meanwhile.

    Reading it raises InputError where the file became shorter.
    """
    return cast(BinaryIO, io.BufferedReader(_Bounded(file, size)))
