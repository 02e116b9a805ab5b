"""Cutting a stream into blocks of whole lines, with bounded memory whatever stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.base import MAX_RECORD_BYTES, Int64, Reject, rejected

__all__ = ["Block", "Readable", "blocks"]

CUT_OFF = "cut off: the line does not end"
TOO_LONG = f"longer than {MAX_RECORD_BYTES:,} bytes"


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        ...


@dataclass(frozen=True)
class Block:
    """Whole lines: `data` (each line with its newline), the number of the first, and the offset after them.

    `starts` and `ends` are offsets of each line in `data`, newline left out; `numbers` its line number in the
    file. `rejects` are lines that never became part of `data`.
    """

    data: bytes
    numbers: Int64
    starts: Int64
    ends: Int64
    end: int
    rejects: tuple[Reject, ...] = field(default=())

    def texts(self) -> pa.Array:
        """The lines as a column; a value is as valid as the line's UTF-8."""
        if not len(self.starts):
            return pa.array([], pa.string())
        offsets = np.append(self.starts, self.ends[-1] + 1).astype(np.int32)
        whole = pa.StringArray.from_buffers(len(self.starts), pa.py_buffer(offsets), pa.py_buffer(self.data))
        return pc.ascii_rtrim(whole, "\n")

    def line(self, index: int) -> bytes:
        """The bytes of a line without its newline."""
        return self.data[self.starts[index] : self.ends[index]]


def _block(data: bytes, first: int, end: int, rejects: list[Reject]) -> Block:
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10).astype(np.int64)
    starts = np.concatenate(([0], ends[:-1] + 1)).astype(np.int64) if len(ends) else ends
    return Block(data, np.arange(first, first + len(ends)), starts, ends, end, tuple(rejects))


def blocks(
    stream: Readable, path: str, *, complete: bool, block_bytes: int, line: int = 1, offset: int = 0
) -> Iterator[Block]:
    """Blocks of about `block_bytes`; lines longer than MAX_RECORD_BYTES and a cut last one become rejects.

    If not `complete`, a rest without newline is left alone: the file is still being written. `line` and
    `offset` are those of the stream's beginning in its file.
    """
    rest = b""
    head: bytes | None = None  # beginning of a line that is too long and is being skipped
    while chunk := stream.read(block_bytes):
        rejects: list[Reject] = []
        if head is not None:
            cut = chunk.find(b"\n")
            if cut < 0:
                offset += len(chunk)
                continue
            rejects.append(rejected(path, line, TOO_LONG, head))
            head, chunk, line, offset = None, chunk[cut + 1 :], line + 1, offset + cut + 1
        data = rest + chunk
        cut = data.rfind(b"\n") + 1
        data, rest = data[:cut], data[cut:]
        if data or rejects:
            yield _without_long(data, line, offset + len(data), rejects, path)
            line += data.count(b"\n")
            offset += len(data)
        if len(rest) > MAX_RECORD_BYTES:
            head, offset, rest = rest[:8192], offset + len(rest), b""
    if head is not None:
        yield _block(b"", line, offset, [rejected(path, line, TOO_LONG, head)])
    elif rest and complete:
        yield _block(b"", line, offset + len(rest), [rejected(path, line, CUT_OFF, rest)])


def _without_long(data: bytes, first: int, end: int, rejects: list[Reject], path: str) -> Block:
    block = _block(data, first, end, rejects)
    long = (block.ends - block.starts) > MAX_RECORD_BYTES
    if not long.any():
        return block
    rejects += [
        rejected(path, int(block.numbers[i]), TOO_LONG, block.line(int(i))[:8192])
        for i in np.flatnonzero(long)
    ]
    kept = np.flatnonzero(~long)
    rest = _block(b"".join(block.line(int(i)) + b"\n" for i in kept), first, end, rejects)
    return replace(rest, numbers=block.numbers[kept])
