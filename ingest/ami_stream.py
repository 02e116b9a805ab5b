"""AMI bytes as a PBX sent them, cut into blocks: connections by their banner, blocks by an empty line.

Nothing depends on how the bytes were split when they came: a `Splitter` gives the same pieces for any chunks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.base import MAX_RECORD_BYTES

__all__ = ["BANNER", "END", "Piece", "Splitter"]

KEPT_OF_LONG = 8192
END = b"\r\n\r\n"
# A caller's name may hold a banner's text: only what a server sends next makes it one.
BANNER = re.compile(
    rb"Asterisk Call Manager/[0-9.]{1,16}\r\n(?=Response: |Event: |Asterisk Call Manager/)"
    rb"|(?:\A|(?<=\n))Asterisk Call Manager/[0-9.]{1,16}(?:\r\n)?\Z"
)


@dataclass(frozen=True)
class Piece:
    """A block without its empty line, or (`banner`) the beginning of a connection.

    `whole` is false for what a connection's end has cut; `offset` is that of its first byte in the stream.
    """

    data: bytes
    offset: int
    banner: bool = False
    whole: bool = True
    long: bool = False


class Splitter:
    """Takes chunks of a stream and gives its pieces; holds at most MAX_RECORD_BYTES and a chunk."""

    def __init__(self) -> None:
        self._rest = b""
        self._offset = 0  # of the rest's first byte
        self._long: Piece | None = None

    @property
    def offset(self) -> int:
        """Offset up to which all bytes have been given out."""
        return self._offset

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """The pieces that are complete with this chunk."""
        # The separator may lie across the border: look again at the last three bytes.
        look = max(0, len(self._rest) - len(END) + 1)
        data = self._rest + chunk
        place = 0
        while (stop := data.find(END, max(place, look))) >= 0:
            yield from self._block(data[place:stop], self._offset + place)
            place = stop + len(END)
        self._rest = data[place:]
        self._offset += place
        if len(self._rest) > MAX_RECORD_BYTES:
            self._skip()

    def end(self) -> Iterator[Piece]:
        """What is left at the end of the stream: whatever stands there is cut off."""
        if self._rest or self._long:
            yield from self._block(self._rest, self._offset, whole=False)
        self._offset += len(self._rest)
        self._rest = b""

    def _skip(self) -> None:
        """Keep the beginning of a block that is too long, and so much of its end that no banner is missed."""
        tail = len(self._rest) - 64
        if self._long is None:
            self._long = Piece(self._rest[:KEPT_OF_LONG], self._offset, long=True)
        # a banner in what is dropped would begin a new connection: then the long block ended there
        found = BANNER.search(self._rest)
        if found:
            tail = found.start()
        self._offset += tail
        self._rest = self._rest[tail:]

    def _block(self, data: bytes, offset: int, whole: bool = True) -> Iterator[Piece]:
        place = 0
        for found in BANNER.finditer(data):
            yield from self._piece(data[place : found.start()], offset + place, False)
            yield Piece(data[found.start() : found.end()].rstrip(), offset + found.start(), banner=True)
            place = found.end()
        yield from self._piece(data[place:], offset + place, whole)

    def _piece(self, data: bytes, offset: int, whole: bool) -> Iterator[Piece]:
        if self._long is not None:
            yield self._long
            self._long = None
        elif len(data) > MAX_RECORD_BYTES:
            yield Piece(data[:KEPT_OF_LONG], offset, long=True)
        elif data.strip(b"\r\n"):
            yield Piece(data, offset, whole=whole)
