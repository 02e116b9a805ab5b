"""Reading samples and made-up bytes the way the loader does, with a fixed key."""

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from callstats.fields import EVENTS
from callstats.numbers import Pseudonymiser
from callstats.settings import CdrCustom, PbxTime, Settings
from ingest.reader import Context, Dialect, Reject, dialects, identify, read
from tests.shared import ROOT

SAMPLES = Path(__file__).parent / "samples"
GOLDEN = ".golden.jsonl"
SETTINGS = Settings.load(ROOT / "sample_cdr" / "callstats.toml")
OWN_MAPPING = CdrCustom(
    name="own_mapping.csv",
    columns=(
        "uniqueid", "CDR(start)", "unit(uservar)", "duration", "billsec", "disposition", "dst", "src",
        "channel",
    ),
)  # fmt: skip
# what the configuration of the site must say for a sample
NEEDS: Mapping[str, Mapping[str, object]] = {
    "cdr_csv/utc_16_columns.csv": {"pbx_time": PbxTime(cdr_csv_utc=True)},
    "cdr_custom/own_mapping.csv": {"cdr_custom": (OWN_MAPPING,)},
}


@dataclass(frozen=True)
class Result:
    """All readings of one file together."""

    events: pa.Table
    rejects: tuple[Reject, ...]
    read: int
    kept: int
    ignored: Mapping[str, int]

    def rows(self) -> list[dict[str, Any]]:
        """The events without what is null and without where they were read."""
        return [
            {k: v for k, v in row.items() if v is not None and k not in ("pbx", "batch")}
            for row in self.events.to_pylist()
        ]


def samples() -> list[str]:
    """Every sample: dialect, slash, path."""
    return sorted(
        path.relative_to(SAMPLES).as_posix()
        for path in SAMPLES.rglob("*")
        if path.is_file() and not path.name.endswith(GOLDEN)
    )


def settings_for(sample: str) -> Settings:
    """The sample site's settings with what a sample needs besides."""
    return SETTINGS.model_copy(update=dict(NEEDS.get(sample, {})))


def context(settings: Settings = SETTINGS) -> Context:
    """A context with a key that never changes."""
    return Context.of(settings, Pseudonymiser(b"k" * 32), "batch")


def dialect(name: str, settings: Settings = SETTINGS) -> Dialect:
    """A dialect by its name."""
    return next(d for d in dialects(settings) if d.name == name)


def result(
    content: bytes | Path,
    kind: Dialect,
    settings: Settings = SETTINGS,
    *,
    complete: bool = True,
    block_bytes: int = 8 << 20,
    known: Context | None = None,
    path: str = "file",
) -> Result:
    """Everything that a file or some bytes give."""
    source = content if isinstance(content, Path) else io.BytesIO(content)
    readings = list(
        read(source, kind, known or context(settings), path=path, complete=complete, block_bytes=block_bytes)
    )
    ignored: dict[str, int] = {}
    for reading in readings:
        for why, count in reading.ignored_why.items():
            ignored[why] = ignored.get(why, 0) + count
    return Result(
        pa.concat_tables([EVENTS.schema.empty_table(), *(r.events for r in readings)]),
        tuple(reject for r in readings for reject in r.rejects),
        sum(r.read for r in readings),
        sum(r.kept for r in readings),
        ignored,
    )


def sample_result(sample: str) -> Result:
    """Everything that a sample gives, by the dialect that claims it."""
    path, settings = SAMPLES / sample, settings_for(sample)
    return result(path, identify(path, settings), settings, path=sample)


def golden_text(found: Result) -> str:
    """A result as it is committed: a line per event, then one with the counts and one per reject."""
    counts = {"read": found.read, "kept": found.kept, "ignored": dict(sorted(found.ignored.items()))}
    rejects = [{"line": r.line, "reason": r.reason, "text": r.text} for r in found.rejects]
    return "".join(
        json.dumps(row, ensure_ascii=False, default=_text) + "\n" for row in [*found.rows(), counts, *rejects]
    )


def _text(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(type(value))


def lines_of(*samples: str) -> Iterable[bytes]:
    """The lines of samples, each with its newline."""
    for sample in samples:
        yield from (SAMPLES / sample).read_bytes().splitlines(keepends=True)
