"""Reading what a PBX wrote: find the one dialect of a file, then its events, block by block.

dialect = identify(path, settings)
for reading in read(path, dialect, context): ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, BinaryIO, cast

from callstats.errors import InputError
from callstats.settings import Settings
from ingest.base import BLOCK_BYTES, MAX_RECORD_BYTES, Context, Dialect, Reading, Reject, Seen
from ingest.dialects import dialects
from ingest.heads import HEAD_BYTES, further, heads
from ingest.packed import opened, unpacked_head

__all__ = [
    "BLOCK_BYTES",
    "HEAD_BYTES",
    "MAX_RECORD_BYTES",
    "Context",
    "Dialect",
    "Reading",
    "Reject",
    "Seen",
    "dialects",
    "identify",
    "read",
]


def identify(
    source: Path | IO[bytes] | bytes,
    settings: Settings | None = None,
    *,
    path: str = "",
    among: Sequence[Dialect] | None = None,
) -> Dialect:
    """The one dialect that claims a file, also an open one, or the bytes it begins with.

    Of a compressed file: that of what is packed in it. `path` is the name where the source has none. Where
    nobody knows a file's beginning, lines further on decide (see `heads`). Raises InputError that names the
    file, and the dialects, when none or more than one claims it, or when it cannot be read.
    """
    name = path or (str(source) if isinstance(source, Path) else "input")
    known = dialects(settings) if among is None else among
    if isinstance(source, bytes):
        found = _claimed(source, name, known)
    elif not isinstance(source, Path):
        source.seek(0)
        found = _claimed_file(source, name, known)
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
    """The readings of a file (compressed or not) or stream, one per block; memory does not grow with it.

    `path` is what rejects name (default: the file's own). With `complete=False` a rest without its end is
    left alone: the file is still being written, and is read again when it is longer. Raises InputError when
    the file cannot be read or its column layout is not clear.
    """
    if not isinstance(source, Path):
        yield from dialect.read(source, context, path or "input", complete=complete, block_bytes=block_bytes)
        return
    try:
        with opened(source) as stream:
            yield from dialect.read(
                cast(BinaryIO, stream),
                context,
                path or str(source),
                complete=complete,
                block_bytes=block_bytes,
            )
    except OSError as error:
        raise InputError(f"{path or source}: cannot be read: {error.strerror}") from None


def _claimed_file(stream: IO[bytes], name: str, known: Sequence[Dialect]) -> Dialect | None:
    head = stream.read(HEAD_BYTES)
    if (inside := unpacked_head(stream, head, HEAD_BYTES)) is None:
        return _claimed(head, name, known) or _claimed_later(further(stream, head), name, known)
    return _claimed(inside, name, known) if inside else None


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
