"""The demonstration: the sample recordings in a folder of their own, and what they show in a few lines."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import pyarrow.compute as pc

import callstats
from callstats.errors import UsageError
from callstats.metrics import third_signal_share
from callstats.report import metrics_table, told
from callstats.settings import CONFIG_NAME, Settings
from callstats.store import Store

FOLDER: Final = ".demo"
MARK: Final = ".callstats-demo"
SAMPLE: Final = "sample_cdr"


def sample(here: Path, config: Path | None = None, data: Path | None = None) -> tuple[Path, Settings]:
    """The folder of the sample recordings and the settings to show them with; an earlier demo is removed.

    `config` and `data` take the place of the sample's settings and of `.demo/data`. Raises UsageError when
    there is no sample or when `data` holds something else.
    """
    candidates = (here / SAMPLE, Path(callstats.__file__).parents[1] / SAMPLE)
    folder = next((path for path in candidates if path.is_dir()), None)
    if folder is None:
        raise UsageError(f"{SAMPLE}: not found here; type the command in the project's folder")
    place = data or here / FOLDER / "data"
    _empty(place)
    return folder, Settings.load(config or folder / CONFIG_NAME, place)


def _empty(place: Path) -> None:
    """An empty folder with our mark in it; only what carries the mark is ever removed."""
    if place.exists():
        if any(place.iterdir()) and not (place / MARK).exists():
            raise UsageError(f"{place}: holds other data; the demonstration needs a folder of its own")
        shutil.rmtree(place)
    place.mkdir(parents=True, mode=0o700)
    (place / MARK).touch()


def summary(store: Store, settings: Settings, records: int) -> str:
    """What the sample shows: calls, visits, and the third-signal share of each department."""
    calls, visits = store.scan("calls", columns=["direction"]), store.scan("visits", columns=["external"])
    inbound = pc.sum(pc.equal(calls["direction"], "inbound")).as_py() or 0
    external = pc.sum(visits["external"]).as_py() or 0
    lines = [
        f"{records} records of a PBX: {calls.num_rows} calls ({inbound} from outside), "
        f"{visits.num_rows} visits of departments ({external} from outside).",
        f"{third_signal_share.METRIC.title['en']}:",
    ]
    slug = third_signal_share.__name__.rpartition(".")[2]
    for row in metrics_table(store, settings, (slug,), by=("department",)).to_pylist():
        if row["measure"] == third_signal_share.METRIC.measures[0].name:
            lines.append(f"  {row['department']:<14} {told(row)}")
    return "\n".join(lines)
