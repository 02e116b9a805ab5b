"""The readings of one batch into the store: what is new of them is added, as one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from callstats.cases.catalog import Batch, ConflictError
from callstats.cases.commits import Alongside
from callstats.cases.vault import Vault
from callstats.settings import Settings
from callstats.store import Store
from ingest.base import Context, Reading
from ingest.keys import LineKeys
from ingest.news import KnownRejects, News

__all__ = ["FileReport", "added", "context_of", "keep", "with_counts"]

SEEN_NUMBERS: Final = 20_000  # held before the vault gets them
SECOND_US: Final = 1_000_000
LATEST: Final = (1 << 63) - 1


@dataclass(frozen=True)
class FileReport:
    """What became of one file, or of a piece of it.

    `status`: `loaded`, `known` (same content as before), `skipped` (empty, or in a folder and nothing that is
    read here), `failed`, or `noted` (of a followed file, what `reason` says). Counts are records:
    `read == kept + ignored + rejected`, and `kept == new + known + late`; `late` are those of days that
    retention sealed: the table `late` has them.
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


COUNTS: Final = ("read", "kept", "ignored", "rejected", "new", "known", "late")


def added(one: FileReport, other: FileReport) -> FileReport:
    """The first of two reports with the counts of both."""
    reasons = dict(one.ignored_reasons)
    for reason, count in other.ignored_reasons.items():
        reasons[reason] = reasons.get(reason, 0) + count
    sums = {name: getattr(one, name) + getattr(other, name) for name in COUNTS}
    return replace(one, ignored_reasons=reasons, **sums)


def context_of(settings: Settings, vault: Vault, batch: str, pbx: str | None = None) -> Context:
    """What a reader of a batch must know; `pbx` where it is another than the site's."""
    context = Context.of(settings, vault.pseudonymiser, batch)
    context.pbx = pbx or context.pbx
    since = vault.keeps_from()
    context.seen_from_us = LATEST if since is None else int(since.timestamp() * SECOND_US)
    return context


def keep(
    readings: Iterable[Reading],
    batch: Batch,
    family: str,
    context: Context,
    store: Store,
    vault: Vault,
    *,
    earlier: Sequence[Batch] = (),
    continues: Batch | None = None,
    reject_keys: LineKeys | None = None,
    alongside: Alongside | None = None,
) -> FileReport:
    """Adds the readings of `batch`, and tells what became of them.

    `earlier`: batches that give way as shorter versions. `continues`: the batch as it is stored, which these
    readings go on; `reject_keys` are then those of its lines so far, and know the new ones afterwards.
    `alongside` is called within the commit. Raises ConflictError, and stores nothing, where another process
    changed the same.
    """
    writer = store.writer(batch)
    if not vault.current():  # asked when the writer knows what its commit is based on
        raise ConflictError(f"{batch.path}: the numbers have got a new key meanwhile")
    giving_way = [one.id for one in earlier]
    news = News(store, batch, earlier)
    refused = KnownRejects(store, batch, family, giving_way, reject_keys)
    report = FileReport(batch.path, "loaded", batch.dialect, batch.id)
    for reading in readings:
        late = writer.add(news.of(reading.events))
        refused.now_sound(reading.events)
        writer.reject(refused.of(reading.rejects))
        report = added(report, _counted(report, reading, late))
        vault.put(context.taken(SEEN_NUMBERS))
    ends, changed = news.ends(report.kept)
    if ends is not None:
        writer.add(ends)
    for stored, rows in (*changed, *refused.mended()):
        writer.replace_rows(stored, rows)
    report = replace(report, known=news.known, new=report.kept - news.known - report.late)
    if report.read != report.kept + report.ignored + report.rejected:
        raise AssertionError(f"{batch.path}: read {report.read} is not kept + ignored + rejected")
    vault.put(context.taken())  # before the commit: a crash between the two must not lose a number
    final = with_counts(batch, report, continues)
    writer.commit(final, grown_from=giving_way, continues=continues, alongside=alongside)
    return report


def with_counts(batch: Batch, report: FileReport, continues: Batch | None) -> Batch:
    """The batch with the counts of its readings, and those of the batch that they go on."""
    counts = {
        f"rows_{name}": getattr(report, name) + (getattr(continues, f"rows_{name}") if continues else 0)
        for name in ("read", "kept", "ignored", "rejected", "new")
    }
    return replace(batch, **counts)


def _counted(of: FileReport, reading: Reading, late: int) -> FileReport:
    return FileReport(
        of.path, of.status, read=reading.read, kept=reading.kept, ignored=reading.ignored,
        rejected=len(reading.rejects), late=late, ignored_reasons=dict(reading.ignored_why),
    )  # fmt: skip
