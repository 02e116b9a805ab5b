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
from ingest.lines import HEAD_BYTES

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
    source: Path | bytes,
    settings: Settings | None = None,
    *,
    path: str = "",
    among: Sequence[Dialect] | None = None,
) -> Dialect:
    """The one dialect that claims a file, or the bytes it begins with (then `path` is its name).

    Raises InputError that names the file, and the dialects, when none or more than one claims it, or when it
    cannot be read.
    """
    name = path or (str(source) if isinstance(source, Path) else "input")
    head = _head(source) if isinstance(source, Path) else source[:HEAD_BYTES]
    if not head:
        raise InputError(f"{name}: is empty; nothing tells what it is")
    known = dialects(settings) if among is None else among
    claims = sorted((d for d in known if d.identify(head, name)), key=lambda d: d.name)
    if len(claims) == 1:
        return claims[0]
    if claims:
        names = ", ".join(d.name for d in claims)
        raise InputError(
            f"{name}: claimed by {len(claims)} dialects ({names}); name one in the configuration"
        )
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


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
