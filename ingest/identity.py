"""Which batch a file's content is: the one with the same bytes, or one that it goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import IO, Final, Protocol, Self

from callstats.cases import catalog
from callstats.cases.catalog import Batch
from callstats.errors import InputError
from callstats.settings import Settings
from callstats.store import Store
from ingest.base import Dialect
from ingest.bounded import SHORTER
from ingest.dialects.voicemail import Voicemail, mailbox_of
from ingest.lines import LineDialect

__all__ = ["FIRST_BYTES", "Digest", "Identity", "batch_id", "hashes", "identity_of", "lineage_of", "matching"]

FIRST_BYTES: Final = 4096  # of a file, in which its first line is looked for
HASH_BLOCK: Final = 1 << 20


class Digest(Protocol):
    """A running hash, as `hashlib` makes them."""

    def update(self, data: bytes, /) -> None:
        """Takes more bytes."""
        ...

    def hexdigest(self) -> str:
        """The hash of the bytes so far."""
        ...

    def copy(self) -> Self:
        """The same hash, to go on from on its own."""
        ...


@dataclass(frozen=True)
class Identity:
    """What a file is: its batch, that one as it is `stored` (None: new), and batches that it begins with."""

    batch: Batch
    stored: Batch | None
    earlier: tuple[Batch, ...]


def identity_of(
    file: IO[bytes], size: int | None, path: str, dialect: Dialect, settings: Settings, store: Store
) -> Identity:
    """What the first `size` bytes of a file are (None: all of it). Raises InputError where it is shorter."""
    file.seek(0)
    head = file.read(FIRST_BYTES)
    parts = [settings.pbx, dialect.name]
    start = lineage_of(head)
    if isinstance(dialect, Voicemail):  # one message, which never grows; all of them begin the same way
        start = hashlib.sha256(head).hexdigest()
        parts.append(mailbox_of(head, path, settings) or "")
    with store.database.read() as connection:
        candidates = catalog.lineage(connection, start, settings.pbx, dialect.name)
    found = hashes(file, {b.size for b in candidates}, size)
    whole = max(found)
    content = found[whole].hexdigest()
    batch = Batch(
        id=batch_id(*parts, content),
        pbx=settings.pbx, source=dialect.source, dialect=dialect.name, path=path,
        sha256=content, size=whole, lineage=start,
    )  # fmt: skip
    same = [b for b in candidates if b.id == batch.id]
    earlier = [b for b in matching(candidates, found) if b.id != batch.id]
    if isinstance(dialect, LineDialect):  # that batch may have been followed since, and be longer now
        same = [b for b in [*same, *earlier] if (b.size, b.sha256) == (whole, content)]
        batch = _free(batch, {b.id for b in candidates}, parts) if not same else batch
    if isinstance(dialect, Voicemail):  # in another mailbox it is another message, unless it had none
        earlier = [b for b in earlier if b.rows_kept == 0]
    return Identity(batch, same[0] if same else None, tuple(earlier))


def matching(candidates: Collection[Batch], found: Mapping[int, Digest]) -> list[Batch]:
    """The batches whose content a file begins with, of which hashes were `found`; in the order given."""
    return [b for b in candidates if b.size in found and found[b.size].hexdigest() == b.sha256]


def lineage_of(head: bytes) -> str:
    """What versions of one file of lines have in common: the hash of its first line."""
    return hashlib.sha256(head[:FIRST_BYTES].partition(b"\n")[0]).hexdigest()


def batch_id(*parts: str) -> str:
    """The id of the batch that some texts tell."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _free(batch: Batch, taken: Collection[str], parts: list[str]) -> Batch:
    """The batch under an id that no other has."""
    number, name = 0, batch.id
    while name in taken:
        number += 1
        name = batch_id(*parts, batch.sha256, str(number))
    return replace(batch, id=name)


def hashes(file: IO[bytes], sizes: Collection[int], limit: int | None) -> dict[int, Digest]:
    """SHA-256 of the first bytes of a file, by how many: those of `sizes` that it has, and all of it.

    All is `limit` bytes, or up to its end. Raises InputError where it became shorter than that.
    """
    file.seek(0)
    digest, done, found = hashlib.sha256(), 0, dict[int, Digest]()
    wanted = sorted(size for size in sizes if limit is None or size < limit)
    for stop in [*wanted, limit]:
        while stop is None or done < stop:
            block = file.read(HASH_BLOCK if stop is None else min(HASH_BLOCK, stop - done))
            if not block:
                break
            digest.update(block)
            done += len(block)
        if stop is not None and done < stop:
            break
        found[done] = digest.copy()
    if limit is not None and done < limit:
        raise InputError(f"{file.name}: {SHORTER}")
    found[done] = digest.copy()
    return found
