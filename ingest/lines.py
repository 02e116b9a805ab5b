"""Formats of one record per line: tokenise (exactly, or as a block where that is the same), then shape."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.base import BLOCK_BYTES, Context, Dialect, Int64, Reading, rejected, table_of
from ingest.blocks import Block, Readable, blocks
from ingest.csvtext import BLANK, BOM, BadLineError, bare, marked
from ingest.distinct import plain
from ingest.heads import HEAD_BYTES, HEAD_LINES, further, heads
from ingest.keys import LineKeys
from ingest.shape import Shaper

__all__ = ["LineDialect", "LineReader", "Tokens", "UselessLineError", "head_lines", "records"]


class UselessLineError(ValueError):
    """A line that is known and of no use; the text is the reason."""


@dataclass(frozen=True)
class Tokens:
    """Text columns of a block's records, `rows` their indices among its lines; and lines without record."""

    columns: Mapping[str, pa.Array]
    rows: Int64
    faults: Mapping[int, str] = field(default_factory=dict)
    ignored: Mapping[int, str] = field(default_factory=dict)


def head_lines(head: bytes, limit: int = HEAD_LINES) -> list[bytes]:
    """The first whole, not blank lines of a file; a single line without end counts too."""
    lines = head.removeprefix(BOM).split(b"\n")
    whole = lines[:-1] if len(lines) > 1 else lines
    return [line.removesuffix(b"\r") for line in whole if line.strip()][:limit]


class LineReader:
    """How the lines of one file are read: knows the file's column layout."""

    columns: Sequence[str]
    utc = False  # local times of the file are UTC

    def values(self, raw: bytes) -> Mapping[str, str]:
        """The values of one line by column; raises BadLineError or UselessLineError with the reason."""
        raise NotImplementedError

    def quickly(self, block: Block) -> Tokens | None:
        """The tokens of a block read as a whole, equal to the exact ones; None when that is not certain."""
        return None

    def tokens(self, block: Block) -> Tokens:
        """The tokens of a block."""
        return self.quickly(block) or self.exactly(block, np.arange(len(block.starts)))

    def filled(self, block: Block, good: npt.NDArray[np.bool_], columns: Mapping[str, pa.Array]) -> Tokens:
        """The tokens of a block of which the good lines have been read: the others come the exact way."""
        rows = np.flatnonzero(good)
        if len(rows) == len(good):
            return Tokens(columns, rows)
        rest = self.exactly(block, np.flatnonzero(~good))
        if not len(rest.rows):
            return Tokens(columns, rows, rest.faults, rest.ignored)
        every = np.concatenate((rows, rest.rows))
        order = np.argsort(every)
        places = pa.array(order)
        merged = {
            name: pa.concat_arrays([plain(column), rest.columns[name]]).take(places)
            for name, column in columns.items()
        }
        return Tokens(merged, every[order], rest.faults, rest.ignored)

    def exactly(self, block: Block, rows: Int64) -> Tokens:
        """The tokens of some lines of a block, each read on its own."""
        found: list[Mapping[str, str]] = []
        good: list[int] = []
        faults: dict[int, str] = {}
        ignored: dict[int, str] = {}
        for row in rows.tolist():
            raw = block.line(row)
            try:
                if not raw.strip():
                    raise UselessLineError(BLANK)
                found.append(self.values(raw))
                good.append(row)
            except BadLineError as fault:
                faults[row] = str(fault)
            except UselessLineError as reason:
                ignored[row] = str(reason)
        columns = {
            name: pa.array([values.get(name) for values in found], pa.string()) for name in self.columns
        }
        return Tokens(columns, np.array(good, np.int64), faults, ignored)


class LineDialect(Dialect):
    """A format of one record per line."""

    @abstractmethod
    def opened(self, head: bytes, context: Context, path: str) -> LineReader:
        """The reader of a file that begins with `head`. Raises InputError when its layout is not clear."""

    @abstractmethod
    def shape(self, shaper: Shaper) -> None:
        """Fill `shaper.out` from its text columns; ends with `shaper.finish`."""

    def read(
        self,
        stream: BinaryIO,
        context: Context,
        path: str,
        *,
        complete: bool = True,
        block_bytes: int = BLOCK_BYTES,
    ) -> Iterator[Reading]:
        """See `Dialect.read`."""
        keys = LineKeys(context.pbx, self.family)
        begin, head = self.begun(stream, path)
        reader = self.opened(head, context, path)
        found = blocks(_Again(begin, stream), path, complete=complete, block_bytes=block_bytes)
        # One block ahead: splitting into columns does not hold the interpreter, so it costs no time of ours.
        with ThreadPoolExecutor(1, "tokens") as worker:
            ahead: deque[tuple[Block, Future[Tokens]]] = deque()
            for block in found:
                ahead.append((block, worker.submit(reader.tokens, block)))
                if len(ahead) > 1:
                    first, tokens = ahead.popleft()
                    yield self._reading(first, tokens.result(), context, path, keys, reader.utc)
            for first, tokens in ahead:
                yield self._reading(first, tokens.result(), context, path, keys, reader.utc)

    def begun(self, stream: Readable, path: str) -> tuple[bytes, bytes]:
        """What was read of a stream's beginning, and the part of it that tells the layout of its lines."""
        begin = head = stream.read(HEAD_BYTES)
        if not self.identify(head, path):  # what is told by the first lines is told by the first good ones
            begin = further(stream, head)
            head = next((later for later in heads(begin) if self.identify(later, path)), head)
        return begin, head

    def going_on(
        self,
        stream: Readable,
        reader: LineReader,
        keys: LineKeys,
        context: Context,
        path: str,
        *,
        line: int,
        offset: int,
    ) -> Iterator[Reading]:
        """The readings of lines further on in a file: `line`, `offset` are those where `stream` begins.

        `reader` and `keys` are those of the lines before, and know these afterwards.
        """
        found = blocks(stream, path, complete=False, block_bytes=BLOCK_BYTES, line=line, offset=offset)
        for block in found:
            yield self._reading(block, reader.tokens(block), context, path, keys, reader.utc)

    def _reading(
        self, block: Block, tokens: Tokens, context: Context, path: str, keys: LineKeys, utc: bool
    ) -> Reading:
        shaper = Shaper(tokens.columns, len(tokens.rows), context, utc)
        self.shape(shaper)
        faults = {**tokens.faults, **{int(tokens.rows[r]): why for r, why in shaper.faults.items()}}
        ignored = Counter(tokens.ignored.values())
        ignored.update(why for row, why in shaper.ignored.items() if row not in shaper.faults)
        events = self._events(block, tokens, shaper, context, keys)
        rejects = [rejected(path, int(block.numbers[r]), faults[r], block.line(r)) for r in sorted(faults)]
        rejects += block.rejects
        return Reading.of(
            events,
            tuple(sorted(rejects, key=lambda r: r.line)),
            ignored,
            read=len(block.starts) + len(block.rejects),
            end=block.end,
        )

    def _events(
        self, block: Block, tokens: Tokens, shaper: Shaper, context: Context, keys: LineKeys
    ) -> pa.Table:
        lost = np.zeros(shaper.rows, bool)
        lost[[*shaper.faults, *shaper.ignored]] = True
        kept = tokens.rows[~lost]
        columns = {
            name: column.filter(pa.array(~lost)) if lost.any() else column
            for name, column in shaper.out.items()
        }
        numbers = block.numbers[kept]
        columns |= self.constants(context, len(kept))
        columns["line"] = pa.array(numbers, pa.int64())
        columns["line_key"] = keys.keys(records(block, kept), numbers)
        return table_of(columns, len(kept))


def records(block: Block, rows: Int64) -> Iterator[bytes]:
    """The text of some lines, one at a time: many together would cost more than their keys."""
    cuts = map(slice, block.starts[rows].tolist(), block.ends[rows].tolist())
    texts = map(block.data.__getitem__, cuts)
    if b"\r" in block.data or marked(block.data):
        return map(bare, texts)  # a copy made on Windows has the same lines
    return texts


class _Again:
    """A stream whose beginning was read already."""

    def __init__(self, head: bytes, stream: Readable) -> None:
        self._head, self._stream = head, stream

    def read(self, size: int) -> bytes:
        if not self._head:
            return self._stream.read(size)
        found, self._head = self._head[:size], self._head[size:]
        return found + (self._stream.read(size - len(found)) if len(found) < size else b"")
