"""Reading what a PBX wrote: find the one dialect of a file, then its events, block by block.

dialect = identify(path, settings)
for reading in read(path, dialect, context): ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from callstats.errors import InputError
from callstats.settings import Settings
from ingest.base import BLOCK_BYTES, MAX_RECORD_BYTES, Context, Dialect, Reading, Reject, Seen
from ingest.dialects import dialects
from ingest.heads import HEAD_BYTES, further, heads, unpacked_head

__all__ = [
    "BLOCK_BYTES",
    "HEAD_BYTES",
    "MAX_RECORD_BYTES",
    "CompressedError",
    "Context",
    "Dialect",
    "Reading",
    "Reject",
    "Seen",
    "dialects",
    "identify",
    "read",
]


class CompressedError(InputError):
    """A compressed file of ours: it would be left out without a word in a folder of many other files."""


def identify(
    source: Path | bytes,
    settings: Settings | None = None,
    *,
    path: str = "",
    among: Sequence[Dialect] | None = None,
) -> Dialect:
    """The one dialect that claims a file, or the bytes it begins with (then `path` is its name).

    Where nobody knows a file's beginning, lines further on decide (see `heads`). Raises InputError that names
    the file, and the dialects, when none or more than one claims it, or when it cannot be read;
    CompressedError when it must be unpacked first.
    """
    name = path or (str(source) if isinstance(source, Path) else "input")
    known = dialects(settings) if among is None else among
    if isinstance(source, bytes):
        found = _claimed(source, name, known)
    else:
        try:
            with source.open("rb") as stream:
                found = _claimed_file(stream, name, known)
        except OSError as error:
            raise InputError(f"{source}: cannot be read: {error.strerror}") from None
    if found is not None:
        return found
    names = ", ".join(sorted(d.name for d in known))
    raise InputError(
        f"{name}: no dialect knows this file (known: {names}); "
        "a cdr_custom file needs its columns in [[cdr_custom]]"
    )


def read(
    source: Path | BinaryIO,
    dialect: Dialect,
    context: Context,
    *,
    path: str = "",
    complete: bool = True,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[Reading]:
    """The readings of a file or stream, one per block; memory does not grow with the file.

    `path` is what rejects name (default: the file's own). With `complete=False` a rest without its end is
    left alone: the file is still being written, and is read again when it is longer. Raises InputError when
    the file cannot be read or its column layout is not clear.
    """
    if not isinstance(source, Path):
        yield from dialect.read(source, context, path or "input", complete=complete, block_bytes=block_bytes)
        return
    try:
        with source.open("rb") as stream:
            yield from dialect.read(
                stream, context, path or str(source), complete=complete, block_bytes=block_bytes
            )
    except OSError as error:
        raise InputError(f"{path or source}: cannot be read: {error.strerror}") from None


def _claimed_file(stream: BinaryIO, name: str, known: Sequence[Dialect]) -> Dialect | None:
    head = stream.read(HEAD_BYTES)
    if (inside := unpacked_head(stream, head)) is None:
        return _claimed(head, name, known) or _claimed_later(further(stream, head), name, known)
    if inside and (dialect := _claimed(inside, name, known)):
        raise CompressedError(f"{name}: is compressed ({dialect.name} inside); unpack it first")
    return None


def _claimed_later(data: bytes, name: str, known: Sequence[Dialect]) -> Dialect | None:
    """The dialect of what follows a beginning that nobody knows: NUL bytes, a torn or overlong line."""
    lasting = [d for d in known if d.lasting]
    return next(filter(None, (_claimed(head, name, lasting) for head in heads(data))), None)


def _claimed(head: bytes, name: str, known: Sequence[Dialect]) -> Dialect | None:
    if not head:
        raise InputError(f"{name}: is empty; nothing tells what it is")
    claims = sorted((d for d in known if d.identify(head[:HEAD_BYTES], name)), key=lambda d: d.name)
    if len(claims) > 1:
        names = ", ".join(d.name for d in claims)
        raise InputError(
            f"{name}: claimed by {len(claims)} dialects ({names}); name one in the configuration"
        )
    return claims[0] if claims else None
