"""A site whose files are followed, with a clock of its own for what waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from callstats.cases import catalog
from callstats.cases.catalog import Batch
from ingest.storing import FileReport, added
from ingest.watch import Watch
from tests.ingest.loading import Site

_made: list[Watch] = []
QUIET = 3.0  # more than a file is quiet before it is loaded as a whole


class Watched:
    """A watch over a site's inbox, or some paths. State: its time, and all that it told."""

    def __init__(self, site: Site, *paths: Path) -> None:
        self.site = site
        self.now = 0.0
        self.told: list[FileReport] = []
        self.watch = Watch(
            site.settings, site.store, paths or [site.inbox], compute=False, tick=lambda: self.now
        )
        _made.append(self.watch)

    def poll(self, after: float = 1.0) -> list[FileReport]:
        """What a round brought."""
        self.now += after
        reports = self.watch.poll()
        self.told += reports
        return reports

    def settle(self) -> list[FileReport]:
        """What two rounds brought, between which files became quiet."""
        return [*self.poll(), *self.poll(QUIET)]

    def again(self) -> Watched:
        """Another watch over the same, as after a restart."""
        self.watch.close()
        return Watched(self.site, *self.watch._paths)

    def reasons(self) -> list[str]:
        """What was told besides lines."""
        return [report.reason or "" for report in self.told if report.status != "loaded"]


def close_all() -> None:
    """Lets go of the files of all watches."""
    while _made:
        _made.pop().close()


def append(path: Path, content: bytes) -> None:
    """Writes on, as a PBX does."""
    with path.open("ab") as file:
        file.write(content)


def summed(reports: Iterable[FileReport]) -> FileReport:
    """The counts of all reports of lines together."""
    total = FileReport("", "loaded")
    for report in reports:
        if report.status == "loaded":
            total = added(total, report)
    return total


def batches(site: Site) -> list[Batch]:
    """All loaded batches."""
    with site.store.database.read() as connection:
        return catalog.all_batches(connection)


def places(site: Site) -> Counter[tuple[int, bytes]]:
    """Line number and key of all events."""
    rows = site.store.scan("events", columns=["line", "line_key"]).to_pylist()
    return Counter((row["line"], row["line_key"]) for row in rows)


def rejects(site: Site) -> Counter[tuple[int, str, str]]:
    """All rejected lines."""
    rows = site.store.scan("rejects").to_pylist()
    return Counter((row["line"], row["reason"], row["line_key"]) for row in rows)
