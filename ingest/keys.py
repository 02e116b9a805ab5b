"""The identity of a line: a hash of PBX, format family, text, and how often that text was there before."""

from __future__ import annotations

import hashlib

__all__ = ["LineKeys"]

# Copies of a line count as different records when they stand near each other (two things in one second);
# the same line far away is a file that was put together twice. A page keeps memory bounded.
PAGE_LINES = 1 << 17


class LineKeys:
    """Keys of the lines of one file, given in the file's order; the same whatever the blocks are."""

    def __init__(self, pbx: str, family: str) -> None:
        self._seed = hashlib.blake2b(f"{pbx}\x00{family}\x00".encode(), digest_size=16)
        self._page = 0
        self._now: dict[bytes, int] = {}
        self._before: dict[bytes, int] = {}

    def key(self, raw: bytes, line: int) -> str:
        """The key (32 hex digits) of the line with that number; a repeat gets another one, counted in."""
        page = line // PAGE_LINES
        if page != self._page:
            self._before = self._now if page == self._page + 1 else {}
            self._now, self._page = {}, page
        state = self._seed.copy()
        state.update(raw)
        digest = state.digest()
        count = self._now.get(digest, self._before.get(digest, 0))
        self._now[digest] = count + 1
        if count:
            state.update(b"\x00%d" % count)
        return state.hexdigest()
