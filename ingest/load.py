"""Loading files and folders into the store: what is new is added, nothing vanishes, nothing is doubled.

A file is identified by its content. The same content again is a no-op; of a longer version, or of rotated
parts in any order, only lines that no loaded file had are added (`line_key` decides). Each file is one
transaction.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Final

from callstats.cases import catalog
from callstats.cases.catalog import Batch, ConflictError
from callstats.cases.vault import Vault
from callstats.closing import bring_up_to_date
from callstats.errors import CallstatsError, InputError, UsageError, unexpected
from callstats.gather import gather
from callstats.register.opening import bring_up_to_date as open_cases
from callstats.settings import Settings
from callstats.store import Store
from ingest.base import Context, Dialect, Reading
from ingest.bounded import bounded
from ingest.dialects.voicemail import Voicemail, mailbox_of
from ingest.news import KnownRejects, News
from ingest.reader import CompressedError, identify

log = logging.getLogger(__name__)

HEAD_BYTES: Final = 4096
HASH_BLOCK: Final = 1 << 20
TRIES: Final = 5
SEEN_NUMBERS: Final = 20_000  # held before the vault gets them
SECOND_US: Final = 1_000_000
LATEST: Final = (1 << 63) - 1
# why a file was skipped
EMPTY: Final = "empty"
BINARY: Final = "no text"
UNKNOWN: Final = "text, but no format that is read here"
LINK: Final = "a link to a folder; name it to have it read"
NO_FILE: Final = "no regular file"


@dataclass(frozen=True)
class FileReport:
    """What became of one file.

    `status`: `loaded`, `known` (same content as before), `skipped` (empty, or in a folder and nothing that is
    read here) or `failed`. Counts are records: `read == kept + ignored + rejected`, and
    `kept == new + known + late`; `late` are those of days that retention sealed: the table `late` has them.
    """

    path: str
    status: str
    dialect: str | None = None
    batch: str | None = None
    read: int = 0
    kept: int = 0
    ignored: int = 0
    rejected: int = 0
    new: int = 0
    known: int = 0
    late: int = 0
    ignored_reasons: dict[str, int] = field(default_factory=dict)
    reason: str | None = None

    @property
    def clean(self) -> bool:
        """Nothing was rejected and nothing failed."""
        return self.status != "failed" and self.rejected == 0


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


def finish(settings: Settings, store: Store, before: int) -> None:
    """Removes files that gave way, computes the days that are not up to date, closes the months that are due,
    opens cases of new messages, gathers small files.

    Months with lines from after the version ``before``, the one that loading began with, stay open: more of
    them may be on its way (the CDR of an old month, then its queue_log). Raises ClosedMonthError, and
    computes nothing, where the settings touch a closed month.
    """
    store.sweep()
    bring_up_to_date(store, settings, before)
    open_cases(store, settings)
    gather(store)


def _files(paths: Iterable[Path], data: Path) -> Iterator[tuple[Path, bool]]:
    """Each file once, with whether it was named itself; folders in order of names, without our own data."""
    given = list(paths)
    for path in given:
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder")
    seen: set[str] = set()
    for path in given:
        for file in _below(path, data) if path.is_dir() else (path,):
            if (real := os.path.realpath(file)) not in seen:  # Path.resolve raises on links in a circle
                seen.add(real)
                yield file, file is path


def _below(folder: Path, data: Path) -> Iterator[Path]:
    """Files in order of names; folders that are links, or cannot be listed, are given themselves."""
    own, closed = os.path.realpath(data), list[Path]()
    for place, folders, names in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        here = Path(place)
        folders[:] = sorted(name for name in folders if os.path.realpath(here / name) != own)
        yield from (here / name for name in folders if (here / name).is_symlink())
        yield from (here / name for name in sorted(names))
    yield from closed


def _load_or_tell(path: Path, named: bool, settings: Settings, store: Store, vault: Vault) -> FileReport:
    try:
        if not path.is_file():
            return _no_file(path, named)
        if path.stat().st_size == 0:
            return FileReport(str(path), "skipped", reason=EMPTY)
        try:
            dialect = identify(path, settings)
        except InputError as error:
            if named or isinstance(error, CompressedError):  # what is inside would be missed unnoticed
                raise
            return FileReport(str(path), "skipped", reason=UNKNOWN if is_text(path) else BINARY)
        return _load(path, dialect, settings, store, vault)
    except CallstatsError as error:
        return FileReport(str(path), "failed", reason=str(error))
    except OSError as error:
        return FileReport(str(path), "failed", reason=f"{path}: cannot be read: {error.strerror or error}")
    except Exception as error:  # a fault of ours: one file must not take the others with it
        return FileReport(str(path), "failed", reason=f"{unexpected(error)}; the file was left out")


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
        with path.open("rb") as file:
            batch, earlier = _identity(path, file, dialect, settings, store)
            with store.database.read() as connection:
                same = catalog.batch(connection, batch.id)
            if same is not None:
                return _as_known(path, same)
            try:
                return _load_once(path, file, dialect, batch, earlier, settings, store, vault)
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


def _identity(
    path: Path, file: IO[bytes], dialect: Dialect, settings: Settings, store: Store
) -> tuple[Batch, list[Batch]]:
    """The batch that this content is, and the loaded batches it is the same as or a longer version of."""
    size = os.fstat(file.fileno()).st_size
    head = file.read(HEAD_BYTES)
    parts = [settings.pbx, dialect.name]
    if isinstance(dialect, Voicemail):  # one message, which never grows; all of them begin the same way
        start = hashlib.sha256(head).hexdigest()
        parts.append(mailbox_of(head, str(path), settings) or "")
    else:
        start = hashlib.sha256(head.partition(b"\n")[0]).hexdigest()
    with store.database.read() as connection:
        candidates = catalog.lineage(connection, start, settings.pbx, dialect.name)
    hashes = _hashes(file, sorted({b.size for b in candidates if b.size < size} | {size}))
    content = hashes[size]
    identity = "\0".join((*parts, content)).encode()
    batch = Batch(
        id=hashlib.blake2b(identity, digest_size=16).hexdigest(),
        pbx=settings.pbx, source=dialect.source, dialect=dialect.name, path=str(path),
        sha256=content, size=size, lineage=start,
    )  # fmt: skip
    earlier = [b for b in candidates if hashes.get(b.size) == b.sha256]
    if isinstance(dialect, Voicemail):  # in another mailbox it is another message, unless it had none
        earlier = [b for b in earlier if b.rows_kept == 0]
    return batch, earlier


def _hashes(file: IO[bytes], sizes: Sequence[int]) -> dict[int, str]:
    """SHA-256 of the file's first `sizes` bytes (in rising order), read once."""
    file.seek(0)
    digest, done, found = hashlib.sha256(), 0, {}
    for size in sizes:
        while done < size:
            block = file.read(min(HASH_BLOCK, size - done))
            if not block:
                raise InputError(f"{file.name}: became shorter while it was read; load it again")
            digest.update(block)
            done += len(block)
        found[size] = digest.hexdigest()
    return found


def _load_once(
    path: Path,
    file: IO[bytes],
    dialect: Dialect,
    batch: Batch,
    earlier: Sequence[Batch],
    settings: Settings,
    store: Store,
    vault: Vault,
) -> FileReport:
    context = Context.of(settings, vault.pseudonymiser, batch.id)
    since = vault.keeps_from()
    context.seen_from_us = LATEST if since is None else int(since.timestamp() * SECOND_US)
    writer = store.writer(batch)
    if not vault.current():  # asked when the writer knows what its commit is based on
        raise ConflictError(f"{path}: the numbers have got a new key meanwhile")
    news = News(store, batch, earlier)
    refused = KnownRejects(store, batch, dialect.family, [b.id for b in earlier])
    report = FileReport(str(path), "loaded", dialect.name, batch.id)
    late = 0
    file.seek(0)
    for reading in dialect.read(bounded(file, batch.size), context, str(path)):
        late += writer.add(news.of(reading.events))
        refused.now_sound(reading.events)
        writer.reject(refused.of(reading.rejects))
        report = _added(report, reading)
        vault.put(context.taken(SEEN_NUMBERS))
    ends, changed = news.ends(report.kept)
    if ends is not None:
        writer.add(ends)
    for stored, rows in (*changed, *refused.mended()):
        writer.replace_rows(stored, rows)
    known, new = news.known, report.kept - news.known - late
    final = replace(
        batch, rows_read=report.read, rows_kept=report.kept, rows_ignored=report.ignored,
        rows_rejected=report.rejected, rows_new=new,
    )  # fmt: skip
    if report.read != report.kept + report.ignored + report.rejected:
        raise AssertionError(f"{path}: read {report.read} is not kept + ignored + rejected")
    vault.put(context.taken())  # before the commit: a crash between the two must not lose a number
    writer.commit(final, grown_from=[b.id for b in earlier])
    return replace(report, new=new, known=known, late=late)


def _added(report: FileReport, reading: Reading) -> FileReport:
    reasons = dict(report.ignored_reasons)
    for reason, count in reading.ignored_why.items():
        reasons[reason] = reasons.get(reason, 0) + count
    return replace(
        report, read=report.read + reading.read, kept=report.kept + reading.kept,
        ignored=report.ignored + reading.ignored, rejected=report.rejected + len(reading.rejects),
        ignored_reasons=reasons,
    )  # fmt: skip
