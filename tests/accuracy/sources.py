"""From a recording folder to tables, for one set of sources: which files, in which order, through reader
and assembly.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from callstats.assemble import assemble
from callstats.judge import judged
from callstats.numbers import NumberPlan, Pseudonymiser, normalise, stored
from callstats.settings import Settings
from ingest.reader import Context, identify, read
from tests.accuracy.score import Finding, Rules, score
from tests.accuracy.truth import Truth

AMI = ("ami.raw",)
CEL = ("cel/Master.csv",)
QUEUE = ("queue_log",)
CDR = ("cdr_custom/Master.csv",)
EVERYTHING = (*AMI, "cel/*", *QUEUE, "cdr_csv/*", "cdr_custom/*", "voicemail/**/msg*.txt")
PSEUDONYMISER = Pseudonymiser(b"a key for tests, never for a site", 1)


@dataclass(frozen=True)
class SourceSet:
    """Files of a recording that are read together, and how close times must come (s)."""

    patterns: tuple[str, ...]
    tolerance_s: float
    shuffled: bool = False


SETS: dict[str, SourceSet] = {
    "ami": SourceSet(AMI, 0.1),
    "cel+queue_log": SourceSet((*CEL, *QUEUE), 1.5),
    "cel+queue_log+cdr": SourceSet((*CEL, *QUEUE, *CDR), 1.5),
    "cdr": SourceSet(CDR, 1.5),
    "cdr_csv": SourceSet(("cdr_csv/*",), 1.5),
    "all": SourceSet(EVERYTHING, 0.1),
    "all shuffled": SourceSet(EVERYTHING, 0.1, shuffled=True),
}


def files(folder: Path, chosen: SourceSet) -> list[Path]:
    """The files of a set that the folder holds, each once, sorted. Raises FileNotFoundError when there is
    none.
    """
    found = sorted({p for pattern in chosen.patterns for p in folder.glob(pattern) if p.is_file()})
    if not found:
        raise FileNotFoundError(f"{folder.name}: none of {', '.join(chosen.patterns)} is there")
    return found


def stored_as(settings: Settings) -> Callable[[str], str]:
    """How the tables write a number or extension that the truth gives in the clear."""
    plan = NumberPlan.from_settings(settings)
    return lambda number: stored(normalise(number, plan), PSEUDONYMISER)


def tables(folder: Path, chosen: SourceSet, settings: Settings, seed: int = 7) -> dict[str, pa.Table]:
    """The tables that the project makes of a set of sources."""
    if not chosen.shuffled:
        return judged_tables(read_events(files(folder, chosen), settings), settings)
    mixed = random.Random(seed)
    with TemporaryDirectory() as room:
        copies = shuffled_copies(folder, files(folder, chosen), Path(room), mixed)
        events = read_events(copies, settings)
    return judged_tables(shuffled(events, mixed), settings)


def judged_tables(events: pa.Table, settings: Settings) -> dict[str, pa.Table]:
    """What the project makes of events: its tables, visits judged by the settings' rules."""
    made = assemble(events, settings)
    return made | {"visits": judged(made["visits"], settings)}


def shuffled(events: pa.Table, mixed: random.Random) -> pa.Table:
    """The same events in random order."""
    order = list(range(events.num_rows))
    mixed.shuffle(order)
    return events.take(order)


def shuffled_copies(folder: Path, paths: Sequence[Path], room: Path, mixed: random.Random) -> list[Path]:
    """Copies of the files, in random order, their lines in random order. Recorded bytes and messages have
    no lines to shuffle.
    """
    copies = []
    for path in paths:
        copy = room / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".raw", ".txt"):
            shutil.copyfile(path, copy)
        else:
            lines = path.read_bytes().splitlines(keepends=True)
            mixed.shuffle(lines)
            copy.write_bytes(b"".join(lines))
        copies.append(copy)
    mixed.shuffle(copies)
    return copies


def findings(folder: Path, name: str, settings: Settings, truth: Truth) -> list[Finding]:
    """Score one set of a recording. AMI alone is judged outside the gaps of its feed; the other sets have
    no excuse.
    """
    chosen = SETS[name]
    rules = Rules(
        tolerance_s=chosen.tolerance_s,
        stored=stored_as(settings),
        gaps=truth.gaps if chosen.patterns == AMI else (),
        cdr_only=name.startswith("cdr"),
    )
    return score(truth.calls, tables(folder, chosen, settings), rules)


def read_events(paths: Sequence[Path], settings: Settings) -> pa.Table:
    """All events of the files, through the project's own readers."""
    return pa.concat_tables(
        reading.events
        for path in paths
        for reading in read(path, identify(path), Context.of(settings, PSEUDONYMISER, batch=str(path)))
    )
