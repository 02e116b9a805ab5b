"""A site to load files into."""

from collections import Counter
from pathlib import Path

from callstats.fields import EVENTS
from callstats.settings import Settings
from callstats.store import Store
from ingest.load import FileReport, load
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"

# where a line was said may differ between a file and its parts, what was said may not
SAID = [name for name in EVENTS.names if name not in {"batch", "line", "connection"}]


class Site:
    """A site with the sample's settings, its own data, and a folder to put files into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inbox = folder / "inbox"
        self.inbox.mkdir(parents=True)
        self.settings = Settings.load(SAMPLE / "callstats.toml", folder / "data")
        # one key for all sites of a test, or their pseudonyms would differ
        key = folder.parent / "numbers.key"
        numbers = self.settings.numbers.model_copy(update={"key_file": key})
        self.settings = self.settings.model_copy(update={"numbers": numbers})
        self.store = Store.open(self.settings)

    def put(self, name: str, content: bytes) -> Path:
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def load(self, *paths: Path, compute: bool = False) -> list[FileReport]:
        return load(paths, self.settings, self.store, compute=compute)

    def said(self) -> Counter[str]:
        return Counter(str(row) for row in self.store.scan("events", columns=SAID).to_pylist())


def lines_of(name: str) -> list[bytes]:
    return (SAMPLE / name).read_bytes().splitlines(keepends=True)
