"""Following one file of lines that is being written: each whole line once into the store, as it comes.

How far a file was read is written down nowhere but in its batch: size and hash of the bytes that were read.
Whatever name a file has now, its content tells which batch it goes on.
"""

from __future__ import annotations

import copy
import hashlib
import io
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from callstats.cases import catalog
from callstats.cases.catalog import Batch, ConflictError
from callstats.cases.vault import Vault
from callstats.errors import InputError
from callstats.settings import Settings
from callstats.store import Store
from ingest.base import BLOCK_BYTES, Context
from ingest.blocks import blocks
from ingest.bounded import bounded
from ingest.csvtext import BadLineError
from ingest.heads import HEAD_LINES
from ingest.identity import FIRST_BYTES, Digest, batch_id, hashes, lineage_of, matching
from ingest.keys import LineKeys
from ingest.lines import LineDialect, LineReader, UselessLineError, records
from ingest.storing import FileReport, context_of, keep, with_counts

__all__ = ["Followed", "RewrittenError"]

PIECE_BYTES: Final = 8 << 20  # of one commit
TAIL_BYTES: Final = 1 << 16  # before the place, looked at again before reading on
TRIES: Final = 5


class RewrittenError(InputError):
    """A file does not go on where it was read up to: it was truncated, or written anew."""


@dataclass(frozen=True)
class Place:
    """How far a file was read, and what is known of the lines before.

    `line` is the number of the next one, `digest` the hash of all bytes before, `tail` the last of them.
    `name` is the batch's id; `stored` the batch as it is (None: not yet), `earlier` those that give way to
    it, `loaded` all that begin with the same line. Nothing of it is ever changed.
    """

    name: str
    lineage: str
    stored: Batch | None
    earlier: tuple[Batch, ...]
    loaded: Mapping[str, Batch]
    offset: int
    line: int
    digest: Digest
    tail: bytes
    keys: LineKeys
    reject_keys: LineKeys
    reader: LineReader | None = None


class Followed:
    """One growing file of a format of one record per line, held open whatever its name becomes.

    State: its place, None where content has to tell it; how far a line without end was looked through.
    """

    def __init__(
        self, path: Path, file: io.FileIO, dialect: LineDialect, settings: Settings, store: Store
    ) -> None:
        self.path = path
        self.dialect = dialect
        self._file = file
        self._settings = settings
        self._store = store
        self._place: Place | None = None
        self._looked = 0

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()

    def stat(self) -> os.stat_result:
        """What the file is now."""
        return os.fstat(self._file.fileno())

    @property
    def rest(self) -> int:
        """How many bytes were not read: of a line that has no end yet."""
        return self.stat().st_size - (self._place.offset if self._place else 0)

    def bring(self, vault: Vault) -> FileReport | None:
        """Brings the next whole lines, about `PIECE_BYTES`, to the store as one commit; None: there are none.

        Raises RewrittenError where the file is no longer what was read; ConflictError where other processes
        keep bringing the same lines, or the numbers have a new key. After any error the next call goes on
        where the last commit was.
        """
        for _ in range(TRIES):
            try:
                return self._brought(vault)
            except ConflictError:
                self._place = None
                if not vault.current():
                    raise
        raise ConflictError(f"{self.path}: other processes keep loading the same lines")

    def _brought(self, vault: Vault) -> FileReport | None:
        place = self._place
        if place is None or not place.offset or self._loaded(place.lineage) != place.loaded:
            place = self._place = self._by_content()
        if place is None:
            return None
        self._check(place)
        end = self._end(place.offset)
        if end == place.offset:
            return None
        report, self._place = self._bring(place, end, vault)
        return report

    def _bring(self, place: Place, end: int, vault: Vault) -> tuple[FileReport, Place]:
        span = _Span(self._file.fileno(), place.offset, end, place.digest.copy(), place.tail)
        context = context_of(self._settings, vault, place.name)
        keys, reader = place.keys.copy(), self._reader(place, context)
        path, where = str(self.path), {"line": place.line, "offset": place.offset}
        readings = list(self.dialect.going_on(span, reader, keys, context, path, **where))
        self._check(place)
        if not span.whole:
            raise self._rewritten()
        batch = Batch(
            id=place.name, pbx=context.pbx, source=self.dialect.source, dialect=self.dialect.name, path=path,
            sha256=span.digest.hexdigest(), size=end, lineage=place.lineage,
        )  # fmt: skip
        for _ in range(TRIES):
            reject_keys = place.reject_keys.copy()
            try:
                report = keep(
                    readings, batch, self.dialect.family, context, self._store, vault,
                    earlier=place.earlier, continues=place.stored, reject_keys=reject_keys,
                )  # fmt: skip
                break
            except ConflictError:
                if not vault.current() or self._loaded(place.lineage) != place.loaded:
                    raise
        else:
            raise ConflictError(f"{path}: other processes keep loading the same lines")
        stored = with_counts(batch, report, place.stored)
        after = replace(
            place, stored=stored, earlier=(), loaded={**place.loaded, stored.id: stored}, offset=end,
            line=place.line + report.read, digest=span.digest, tail=span.tail, keys=keys,
            reject_keys=reject_keys, reader=reader,
        )  # fmt: skip
        return report, after

    def _loaded(self, lineage: str) -> dict[str, Batch]:
        with self._store.database.read() as connection:
            found = catalog.lineage(connection, lineage, self._settings.pbx, self.dialect.name)
        return {batch.id: batch for batch in found}

    def _by_content(self) -> Place | None:
        """Where the longest batch that the file begins with ends; None: it has no whole line yet."""
        head = self._at(0, FIRST_BYTES)
        if b"\n" not in head and len(head) < FIRST_BYTES:
            return None
        lineage = lineage_of(head)
        loaded = self._loaded(lineage)
        size = self.stat().st_size
        sizes = {batch.size for batch in loaded.values() if batch.size <= size}
        try:
            found = hashes(self._file, sizes, max(sizes, default=0))
            same = matching(sorted(loaded.values(), key=lambda batch: -batch.size), found)
            if same and self._at(same[0].size - 1, 1) == b"\n":
                return self._after(same[0], found[same[0].size], loaded)
        except InputError:  # it became shorter meanwhile
            raise self._rewritten() from None
        keys = LineKeys(self._settings.pbx, self.dialect.family)
        name = batch_id(self._settings.pbx, self.dialect.name, lineage, *sorted(loaded))
        return Place(
            name, lineage, None, tuple(same), loaded, 0, 1, hashlib.sha256(), b"", keys, keys.copy()
        )  # a batch that ends within a line cannot go on: the line counts as cut off there

    def _after(self, batch: Batch, digest: Digest, loaded: Mapping[str, Batch]) -> Place:
        """The place where a batch ends; copies of lines are counted from the file's beginning."""
        keys, line = LineKeys(self._settings.pbx, self.dialect.family), 1
        self._file.seek(0)
        before = bounded(self._file, batch.size)
        for block in blocks(before, str(self.path), complete=False, block_bytes=BLOCK_BYTES):
            texts = records(block, np.arange(len(block.starts)))
            numbers = block.numbers
            if block.rejects:
                lines = [
                    *zip(numbers.tolist(), texts, strict=True),
                    *((r.line, r.raw) for r in block.rejects),
                ]
                lines.sort()
                texts, numbers = (text for _, text in lines), np.array([number for number, _ in lines])
            keys.keys(texts, numbers)
            line += len(numbers)
        tail = self._at(max(0, batch.size - TAIL_BYTES), min(batch.size, TAIL_BYTES))
        # a text is kept or rejected wherever it stands, so both kinds of keys may know all texts
        return Place(
            batch.id, batch.lineage, batch, (), loaded, batch.size, line, digest, tail, keys, keys.copy()
        )

    def _reader(self, place: Place, context: Context) -> LineReader:
        """The reader of the next lines: it knows the first lines, or what it learned up to the place."""
        if place.reader is not None and place.line > HEAD_LINES:
            return copy.deepcopy(place.reader)
        self._file.seek(0)
        _, head = self.dialect.begun(self._file, str(self.path))
        reader = self.dialect.opened(head, context, str(self.path))
        if place.line > HEAD_LINES:
            for line in place.tail.split(b"\n")[-HEAD_LINES - 1 : -1]:
                with suppress(BadLineError, UselessLineError):
                    reader.values(line)
        return reader

    def _check(self, place: Place) -> None:
        """Raises RewrittenError where the file became shorter, or other bytes stand before the place."""
        before = self._at(place.offset - len(place.tail), len(place.tail))
        if self.stat().st_size < place.offset or before != place.tail:
            raise self._rewritten()
        if not place.offset and lineage_of(self._at(0, FIRST_BYTES)) != place.lineage:
            raise self._rewritten()

    def _rewritten(self) -> RewrittenError:
        self._place = None
        return RewrittenError(f"{self.path}: was truncated or written anew; it is read anew, by its content")

    def _end(self, offset: int) -> int:
        """The end of the last whole line, within a piece where that holds one; `offset`: there is none."""
        data = self._at(offset, PIECE_BYTES)
        if cut := data.rfind(b"\n") + 1:
            return offset + cut
        place = max(offset + len(data), self._looked)
        while data and (data := self._at(place, PIECE_BYTES)):  # a line that is no line: it will be a reject
            if cut := data.find(b"\n") + 1:
                return place + cut
            place += len(data)
        self._looked = place
        return offset

    def _at(self, offset: int, size: int) -> bytes:
        return os.pread(self._file.fileno(), size, offset)


class _Span:
    """A stream of a file's bytes between two offsets; `digest` and `tail` go along."""

    def __init__(self, descriptor: int, start: int, end: int, digest: Digest, tail: bytes) -> None:
        self.digest = digest
        self.tail = tail
        self._descriptor = descriptor
        self._place, self._end = start, end

    @property
    def whole(self) -> bool:
        """Whether all was read: not of a file that became shorter meanwhile."""
        return self._place == self._end

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        data = os.pread(self._descriptor, min(size, self._end - self._place), self._place)
        self._place += len(data)
        self.digest.update(data)
        self.tail = (self.tail + data[-TAIL_BYTES:])[-TAIL_BYTES:]
        return data
