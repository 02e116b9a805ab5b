"""Where a file begins to be one of ours: a damaged or foreign beginning must not cost the rest."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Final, cast

from ingest.blocks import Readable

__all__ = ["HEAD_BYTES", "HEAD_LINES", "LOOK_BYTES", "further", "heads", "unpacked_head"]

HEAD_BYTES: Final = 1 << 16
HEAD_LINES: Final = 50
# As far as one looks for the first good lines: past a line of 10 MB, not through a whole recording of sound.
LOOK_BYTES: Final = 16 << 20
TRIES: Final = 64

_Opener = Callable[[IO[bytes]], IO[bytes]]
_PACKERS: Mapping[bytes, _Opener] = {
    b"\x1f\x8b": lambda file: cast(IO[bytes], gzip.GzipFile(fileobj=file)),
    b"BZh": lambda file: cast(IO[bytes], bz2.BZ2File(file)),
    b"\xfd7zXZ\x00": lambda file: cast(IO[bytes], lzma.LZMAFile(file)),  # noqa: SIM115
}


def heads(data: bytes) -> Iterator[bytes]:
    """What follows the first lines of `data`, HEAD_LINES lines or HEAD_BYTES further on each time."""
    start = 0
    for _ in range(TRIES):
        start = _next(data, start)
        if not 0 < start < len(data):
            return
        yield data[start : start + HEAD_BYTES]


def _next(data: bytes, start: int) -> int:
    """Where the lines after the next HEAD_LINES, or after HEAD_BYTES, begin; 0: there are no more."""
    stop = start
    for _ in range(HEAD_LINES):
        after = data.find(b"\n", stop) + 1
        if not after or after > start + HEAD_BYTES:
            return stop if stop > start else after
        stop = after
    return stop


def unpacked_head(file: IO[bytes], head: bytes) -> bytes | None:
    """What a compressed file begins with when unpacked, empty when damaged; None: it is not compressed."""
    opener = next((o for magic, o in _PACKERS.items() if head.startswith(magic)), None)
    if opener is None:
        return None
    file.seek(0)
    try:
        with opener(file) as unpacked:
            return unpacked.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError):
        return b""


def further(stream: Readable, head: bytes) -> bytes:
    """The beginning of a stream as far as one looks, of which `head` was read before."""
    parts, size = [head], len(head)
    while size < LOOK_BYTES and (part := stream.read(LOOK_BYTES - size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)
