"""The demonstration: a simulated quarter, and beside it the recording of a real PBX; never in one store.

Both are made once: a folder whose mark tells the same code, sample and size is shown as it is.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pyarrow.compute as pc

import callstats
from callstats.errors import UsageError
from callstats.metrics import third_signal_share
from callstats.metrics.base import Said
from callstats.origin import notice
from callstats.report import metrics_table, told
from callstats.settings import CONFIG_NAME, Settings
from callstats.simulate.plan import Plan
from callstats.simulate.site import Progress, write_site
from callstats.store import Store

FOLDER: Final = ".demo"
MARK: Final = ".callstats-demo"
SAMPLE: Final = "sample_cdr"
QUARTER: Final = (date(2026, 9, 1), date(2026, 12, 1))
CALLS: Final = 8_000  # what a slow machine of two cores simulates, loads and computes in two minutes
SEED: Final = 1
# what the simulated PBX writes here: AMI's bytes would take longer to read than all the rest
SOURCES: Final = ("cel", "queue_log", "voicemail")
RECORDING: Final = "/recording"
TOWN_TITLE: Final = Said("Simulēta pašvaldība, viens ceturksnis", "A simulated municipality, one quarter")
RECORDING_TITLE: Final = Said("Īstas centrāles ieraksts", "The recording of a real PBX")
LINKS: Final = (("/", TOWN_TITLE), (f"{RECORDING}/", RECORDING_TITLE))


@dataclass(frozen=True)
class Demo:
    """Two sites in one folder: `town` from the files in `town_files`, `recording` from those in `sample`."""

    place: Path
    town: Settings
    town_files: Path
    recording: Settings
    sample: Path
    ready: bool
    mark: str

    def sites(self) -> tuple[tuple[Settings, Path], ...]:
        """Each site with the files to load into it."""
        return (self.town, self.town_files), (self.recording, self.sample)

    def finished(self) -> None:
        """Everything is loaded: the next demonstration of the same begins at once."""
        (self.place / MARK).write_text(self.mark, encoding="utf-8")


def prepare(
    here: Path,
    config: Path | None = None,
    data: Path | None = None,
    calls: int = CALLS,
    progress: Progress | None = None,
) -> Demo:
    """The demonstration's sites: those of last time where nothing changed, else empty ones to be loaded.

    `config` and `data` take the place of the sample's settings and of `.demo`; the town gets about `calls`
    calls. Raises UsageError when there is no sample or when `data` holds something else.
    """
    candidates = (here / SAMPLE, Path(callstats.__file__).parents[1] / SAMPLE)
    sample = next((path for path in candidates if path.is_dir()), None)
    if sample is None:
        raise UsageError(f"{SAMPLE}: not found here; type the command in the project's folder")
    place = data or here / FOLDER
    mark = _fingerprint(sample, config or sample / CONFIG_NAME, calls)
    town_files = place / "town"
    ready = (place / MARK).is_file() and (place / MARK).read_text(encoding="utf-8") == mark
    if not ready:
        _empty(place)
        write_site(Plan.of(*QUARTER, calls, SEED), town_files, SOURCES, progress=progress)
    return Demo(
        place,
        Settings.load(town_files / CONFIG_NAME, place / "town-data"),
        town_files,
        Settings.load(config or sample / CONFIG_NAME, place / "recording-data"),
        sample,
        ready,
        mark,
    )


def _fingerprint(sample: Path, config: Path, calls: int) -> str:
    """Of all that the demonstration is made from: code, sample, settings and size."""
    root = Path(callstats.__file__).parents[1]
    found = hashlib.sha256(json.dumps([calls, SEED, SOURCES, str(QUARTER)]).encode())
    for path in (*_code(root), *sorted(p for p in sample.rglob("*") if p.is_file()), config):
        found.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _code(root: Path) -> Iterator[Path]:
    for package in ("callstats", "ingest"):
        for path in sorted((root / package).rglob("*")):
            if path.suffix in (".py", ".sql"):
                yield path


def _empty(place: Path) -> None:
    """An empty folder with our mark in it; only what carries the mark is ever removed."""
    if place.exists():
        if any(place.iterdir()) and not (place / MARK).exists():
            raise UsageError(f"{place}: holds other data; the demonstration needs a folder of its own")
        shutil.rmtree(place)
    place.mkdir(parents=True, mode=0o700)
    (place / MARK).touch()


def summary(store: Store, settings: Settings) -> str:
    """What a site shows: calls, visits, and the third-signal share of each department."""
    calls, visits = store.scan("calls", columns=["direction"]), store.scan("visits", columns=["external"])
    inbound = pc.sum(pc.equal(calls["direction"], "inbound")).as_py() or 0
    external = pc.sum(visits["external"]).as_py() or 0
    source = notice(settings.simulated) or f"{RECORDING_TITLE.en}.\n"
    lines = [
        f"{source}{calls.num_rows} calls ({inbound} from outside), "
        f"{visits.num_rows} visits of departments ({external} from outside).",
        f"{third_signal_share.METRIC.title['en']}:",
    ]
    slug = third_signal_share.__name__.rpartition(".")[2]
    for row in metrics_table(store, settings, (slug,), by=("department",)).to_pylist():
        if row["measure"] == third_signal_share.METRIC.measures[0].name:
            lines.append(f"  {row['department']:<14} {told(row)}")
    return "\n".join(lines)
