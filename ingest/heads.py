"""Where a file begins to be one of ours: a damaged or foreign beginning must not cost the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ingest.blocks import Readable

__all__ = ["HEAD_BYTES", "HEAD_LINES", "LOOK_BYTES", "further", "heads"]

HEAD_BYTES: Final = 1 << 16
HEAD_LINES: Final = 50
# As far as one looks for the first good lines: past a line of 10 MB, not through a whole recording of sound.
LOOK_BYTES: Final = 16 << 20
TRIES: Final = 64


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


def further(stream: Readable, head: bytes) -> bytes:
    """The beginning of a stream as far as one looks, of which `head` was read before."""
    parts, size = [head], len(head)
    while size < LOOK_BYTES and (part := stream.read(LOOK_BYTES - size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)
