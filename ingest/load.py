"""Loading files and folders into the store: what is new is added, nothing vanishes, nothing is doubled.

A file is identified by its content. The same content again is a no-op; of a longer version, or of rotated
parts in any order, only lines that no loaded file had are added (`line_key` decides). Each file is one
transaction.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

from callstats.cases.catalog import Batch, ConflictError
from callstats.cases.vault import Vault
from callstats.closing import bring_up_to_date
from callstats.errors import CallstatsError, InputError, UsageError, unexpected
from callstats.gather import gather
from callstats.register.opening import bring_up_to_date as open_cases
from callstats.settings import Settings
from callstats.store import Store
from ingest.base import Dialect
from ingest.bounded import bounded
from ingest.identity import Identity, identity_of
from ingest.listing import below
from ingest.packed import opened, size_of
from ingest.reader import identify
from ingest.storing import FileReport, context_of, keep

__all__ = [
    "BINARY",
    "EMPTY",
    "LINK",
    "NO_FILE",
    "TRIES",
    "UNKNOWN",
    "FileReport",
    "finish",
    "load",
    "load_file",
    "told",
]

log = logging.getLogger(__name__)

HEAD_BYTES: Final = 4096
TRIES: Final = 5
# why a file was skipped
EMPTY: Final = "empty"
BINARY: Final = "no text"
UNKNOWN: Final = "text, but no format that is read here"
LINK: Final = "a link to a folder; name it to have it read"
NO_FILE: Final = "no regular file"


def load(
    paths: Iterable[Path], settings: Settings, store: Store, *, compute: bool = True
) -> list[FileReport]:
    """Loads files, and folders with all files below, then computes the days that they touch.

    A fault of one file is told in its report and does not stop the others. Raises UsageError for a path that
    does not exist, before anything is loaded. Without `compute`, `finish` is for the caller to do.
    """
    found = list(_files(paths, settings.data))
    vault, before = Vault.open(settings, store.database, store.clock), store.counter()
    reports = [_load_or_tell(path, named, settings, store, vault) for path, named in found]
    if compute:
        finish(settings, store, before)
    return reports


def finish(settings: Settings, store: Store, before: int, *, tidy: bool = True) -> None:
    """Removes files that gave way, computes the days that are not up to date, closes the months that are due,
    opens cases of new messages, gathers small files; only what is shown where it is not to `tidy`.

    Months with lines from after the version ``before``, the one that loading began with, stay open: more of
    them may be on its way (the CDR of an old month, then its queue_log). Raises ClosedMonthError, and
    computes nothing, where the settings touch a closed month.
    """
    if tidy:
        store.sweep()
    bring_up_to_date(store, settings, before)
    open_cases(store, settings)
    if tidy:
        gather(store)


def _files(paths: Iterable[Path], data: Path) -> Iterator[tuple[Path, bool]]:
    """Each file once, with whether it was named itself; folders in order of names, without our own data."""
    given = list(paths)
    for path in given:
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder")
    seen: set[str] = set()
    for path in given:
        for file in below(path, data) if path.is_dir() else (path,):
            if (real := os.path.realpath(file)) not in seen:  # Path.resolve raises on links in a circle
                seen.add(real)
                yield file, file is path


def _load_or_tell(path: Path, named: bool, settings: Settings, store: Store, vault: Vault) -> FileReport:
    try:
        return load_file(path, named, settings, store, vault)
    except Exception as error:  # also a fault of ours: one file must not take the others with it
        return told(path, error)


def load_file(path: Path, named: bool, settings: Settings, store: Store, vault: Vault) -> FileReport:
    """Loads one file; one in a folder that is none of ours is skipped. Raises what `told` tells."""
    if not path.is_file():
        return _no_file(path, named)
    if path.stat().st_size == 0:
        return FileReport(str(path), "skipped", reason=EMPTY)
    try:
        dialect = identify(path, settings)
    except InputError:
        if named:
            raise
        return FileReport(str(path), "skipped", reason=UNKNOWN if is_text(path) else BINARY)
    return _load(path, dialect, settings, store, vault)


def told(path: Path, error: Exception) -> FileReport:
    """What stopped the loading of a file, for people."""
    if isinstance(error, CallstatsError):
        reason = str(error)
    elif isinstance(error, OSError):
        reason = f"{path}: cannot be read: {error.strerror or type(error).__name__}"
    else:
        reason = f"{unexpected(error)}; the file was left out"
    return FileReport(str(path), "failed", reason=reason)


def _no_file(path: Path, named: bool) -> FileReport:
    if path.is_dir() and not path.is_symlink():
        return FileReport(str(path), "failed", reason=f"{path}: cannot be listed; see to its rights")
    if named:
        return FileReport(str(path), "failed", reason=f"{path}: no regular file; name a file or a folder")
    return FileReport(str(path), "skipped", reason=LINK if path.is_dir() else NO_FILE)


def is_text(path: Path) -> bool:
    """Whether a file begins like text: such a file in a folder may be one that should have been read."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    odd = sum(byte < 32 and byte not in b"\t\n\f\r\x1b" for byte in head)
    return odd * 20 <= len(head)


def _load(path: Path, dialect: Dialect, settings: Settings, store: Store, vault: Vault) -> FileReport:
    for _ in range(TRIES):
        with opened(path) as file:
            found = identity_of(file, size_of(file), str(path), dialect, settings, store)
            if found.stored is not None:
                return _as_known(path, found.stored)
            try:
                return _load_once(file, dialect, found, settings, store, vault)
            except ConflictError:
                log.info("%s: another process changed the same meanwhile; once more", path)
                vault = Vault.open(settings, store.database, store.clock)
    raise InputError(f"{path}: other processes keep loading the same lines; load it when they are done")


def _as_known(path: Path, batch: Batch) -> FileReport:
    return FileReport(
        path=str(path),
        status="known",
        dialect=batch.dialect,
        batch=batch.id,
        read=batch.rows_read,
        kept=batch.rows_kept,
        ignored=batch.rows_ignored,
        rejected=batch.rows_rejected,
        known=batch.rows_kept,
        reason=f"same content as {batch.path}, loaded before",
    )


def _load_once(
    file: IO[bytes], dialect: Dialect, found: Identity, settings: Settings, store: Store, vault: Vault
) -> FileReport:
    batch = found.batch
    context = context_of(settings, vault, batch.id)
    file.seek(0)
    readings = dialect.read(bounded(file, batch.size), context, batch.path)
    return keep(readings, batch, dialect.family, context, store, vault, earlier=found.earlier)
