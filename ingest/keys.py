"""The identity of a line: a hash of PBX, format family, text, and how often that text was there before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Self

import numpy as np
import pyarrow as pa

from ingest.base import Int64

__all__ = ["LineKeys"]

# Copies of a line count as different records when they stand near each other (two things in one second);
# the same line far away is a file that was put together twice. Pages keep memory bounded.
PAGE_LINES = 1 << 17
DIGEST = 16


class LineKeys:
    """Keys of the records of one file, given in the file's order; the same whatever the blocks are."""

    def __init__(self, pbx: str, family: str) -> None:
        person = hashlib.blake2b(f"{pbx}\x00{family}".encode(), digest_size=DIGEST).digest()
        self._begun = hashlib.blake2b(digest_size=DIGEST, person=person)
        self._page = 0
        self._now, self._before = _Page(), _Page()

    def copy(self) -> Self:
        """Keys that go on from here on their own."""
        other = copy(self)
        other._now, other._before = self._now.copy(), self._before.copy()
        return other

    def key(self, raw: bytes, line: int) -> bytes:
        """The key of one record."""
        return bytes(self.keys([raw], np.array([line]))[0].as_py())

    def keys(self, records: Iterable[bytes], lines: Int64) -> pa.Array:
        """The keys (16 bytes) of records with these line numbers; a repeat gets a key of its own."""
        digests: list[bytes] = []
        begun, add = self._begun.copy, digests.append
        for raw in records:  # to begin anew for each record would cost more than its hash
            digest = begun()
            digest.update(raw)
            add(digest.digest())
        pages = lines // PAGE_LINES
        start = 0
        while start < len(digests):
            stop = int(np.searchsorted(pages, pages[start], "right"))
            self._turn_to(int(pages[start]))
            for place, count in self._repeats(digests[start:stop]):
                digests[start + place] = self._again(digests[start + place], count)
            start = stop
        return _column(b"".join(digests))

    def _turn_to(self, page: int) -> None:
        if page != self._page:
            self._before = self._now if page == self._page + 1 else _Page()
            self._before.settle()
            self._now, self._page = _Page(), page

    def _repeats(self, digests: Sequence[bytes]) -> list[tuple[int, int]]:
        """Place of each record that was there before in this page or the last, and how often it was."""
        short = np.frombuffer(b"".join(digests), np.uint64)[::2]
        values = np.sort(short)
        seen = self._now.holds(values) | self._before.holds(values)
        if not seen.any() and (values[1:] != values[:-1]).all():
            self._now.add(values)
            return []
        values, group, size = np.unique(short, return_inverse=True, return_counts=True)
        before = (self._now.holds(values) | self._before.holds(values))[group]
        found = []
        for place in np.flatnonzero(before | (size[group] > 1)).tolist():
            digest = digests[place]
            count = self._now.counts.get(digest, self._before.counts.get(digest, int(before[place])))
            if count:
                found.append((place, count))
            self._now.counts[digest] = count + 1
        self._now.add(values)
        return found

    def _again(self, digest: bytes, count: int) -> bytes:
        again = self._begun.copy()
        again.update(digest + b"%d" % count)
        return again.digest()


class _Page:
    """Records of a page: half of each digest, in sorted runs, and counts of those that were repeated."""

    def __init__(self) -> None:
        self.counts: dict[bytes, int] = {}
        self._runs: list[np.ndarray[tuple[int], np.dtype[np.uint64]]] = []

    def copy(self) -> _Page:
        """The same page; no run is ever changed, so both may hold it."""
        other = _Page()
        other.counts, other._runs = dict(self.counts), list(self._runs)
        return other

    def add(self, values: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> None:
        self._runs.append(values)
        if len(self._runs) > 8:
            self.settle()

    def settle(self) -> None:
        """Makes one run of all."""
        if len(self._runs) > 1:
            self._runs = [np.sort(np.concatenate(self._runs))]

    def holds(
        self, values: np.ndarray[tuple[int], np.dtype[np.uint64]]
    ) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        found = np.zeros(len(values), bool)
        for run in self._runs:
            place = np.minimum(np.searchsorted(run, values), len(run) - 1)
            found |= run[place] == values
        return found


def _column(raw: bytes) -> pa.Array:
    rows = len(raw) // DIGEST
    offsets = np.arange(rows + 1, dtype=np.int32) * DIGEST
    return pa.BinaryArray.from_buffers(pa.binary(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(raw)])
