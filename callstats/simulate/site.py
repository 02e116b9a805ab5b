"""A simulated municipality as files: what its PBX wrote, its settings, its truth and its provenance."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, Final, Literal
from zoneinfo import ZoneInfo

from callstats import __version__
from callstats.errors import InputError, UsageError
from callstats.settings import CONFIG_NAME
from callstats.simulate.ami import Ami
from callstats.simulate.cdr_files import CdrCsv, CdrCustom
from callstats.simulate.cel import CelCsv
from callstats.simulate.exchange import run
from callstats.simulate.plan import Plan
from callstats.simulate.queue_log import QueueLog
from callstats.simulate.spool import Spool
from callstats.simulate.story import FeedBreak, QueueAction, Story
from callstats.simulate.switch import Summary
from callstats.simulate.town_config import config_text
from callstats.simulate.trace import Sink
from callstats.simulate.truth import Truth

MARK: Final = ".callstats-simulated"
TRUTH: Final = "truth.jsonl"
PROVENANCE: Final = "PROVENANCE.md"
# source: the files it writes, as an Asterisk's log folder has them
SOURCES: Final = {
    "cdr": ("cdr_custom/Master.csv",),
    "cdr_csv": ("cdr_csv/Master.csv",),
    "cel": ("cel/Master.csv",),
    "queue_log": ("queue_log",),
    "ami": ("ami.raw",),
    "voicemail": (),
}
Each = Literal["day", "month", "never"]
Progress = Callable[[date, int], None]  # a local day begins, calls begun so far


def write_site(
    plan: Plan,
    to: Path,
    sources: Collection[str] = tuple(SOURCES),
    *,
    rotate: Each = "month",
    breaks: tuple[FeedBreak, ...] = (),
    progress: Progress | None = None,
) -> Summary:
    """Plays a plan and writes what a PBX would have written: an empty folder, or over an earlier simulation.

    The same plan and sources give the same bytes. When a local day or month begins logs are renamed as
    logrotate does (``Master.csv-20261001``); recorded AMI bytes stay one file: a connection is not cut.
    Raises UsageError for an unknown source and for a folder with other things in it, InputError where nothing
    can be written.
    """
    unknown = sorted(set(sources) - set(SOURCES))
    if unknown:
        raise UsageError(f"{unknown[0]}: no such source; there are {', '.join(SOURCES)}")
    try:
        _empty(to)
        with _Logs(to, ZoneInfo(plan.town.plant.timezone), rotate, progress) as logs:
            sinks = [_sink(name, plan, logs) for name in SOURCES if name in sources]
            truth = Truth(logs.open(TRUTH, rotated=False), plan.town.plant)
            summary = run(
                plan.town.plant, logs.watched(plan.stories()), [*sinks, truth], seed=plan.seed, breaks=breaks
            )
        (to / CONFIG_NAME).write_text(config_text(plan.town), encoding="utf-8")
        (to / PROVENANCE).write_text(_provenance(plan, sources, breaks), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{to}: cannot be written: {error.strerror or error}; name another folder") from None
    return summary


def _sink(source: str, plan: Plan, logs: _Logs) -> Sink:
    plant = plan.town.plant
    if source == "voicemail":
        return Spool(logs.folder / "voicemail")
    if source == "ami":
        return Ami(logs.open(*SOURCES[source], rotated=False, binary=True), plant)
    stream = logs.open(*SOURCES[source])
    if source == "cdr":
        return CdrCustom(stream, plant.timezone)
    if source == "cdr_csv":
        return CdrCsv(stream, plant.timezone)
    return CelCsv(stream) if source == "cel" else QueueLog(stream)


def _empty(to: Path) -> None:
    """An empty folder with our mark; an earlier simulation makes way, anything else does not."""
    if to.exists() and any(to.iterdir()):
        if not (to / MARK).is_file():
            raise UsageError(f"{to}: holds other things; a simulation needs a folder of its own")
        shutil.rmtree(to)
    to.mkdir(parents=True, exist_ok=True)
    (to / MARK).touch()


class _Log:
    """A log that can be rotated while somebody writes to it. State: the open file."""

    def __init__(self, path: Path, binary: bool) -> None:
        self.path = path
        self.mode = "wb" if binary else "w"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = self._opened()

    def _opened(self) -> IO[Any]:
        if self.mode == "wb":
            return open(self.path, "wb", buffering=1 << 20)
        return open(self.path, "w", encoding="utf-8", newline="", buffering=1 << 20)

    def write(self, text: Any) -> int:
        """One or more lines, or bytes."""
        return self.file.write(text)

    def flush(self) -> None:
        """Nothing is held back for long: closing writes the rest."""

    def rotate(self, day: date) -> None:
        """The file gets the day's date behind its name and a new one its place; one that is empty stays."""
        if self.file.tell():
            self.file.close()
            self.path.rename(self.path.with_name(f"{self.path.name}-{day:%Y%m%d}"))
            self.file = self._opened()


class _Logs:
    """All logs of a site. State: the open ones, and the local day that the plan has reached."""

    def __init__(self, folder: Path, zone: ZoneInfo, rotate: Each, progress: Progress | None) -> None:
        self.folder, self.zone, self.every, self.progress = folder, zone, rotate, progress
        self.rotated: list[_Log] = []
        self.stack = ExitStack()

    def __enter__(self) -> _Logs:
        return self

    def __exit__(self, *failed: object) -> None:
        self.stack.close()

    def open(self, name: str, *, rotated: bool = True, binary: bool = False) -> Any:
        """A log to write to."""
        log = _Log(self.folder / name, binary)
        self.stack.callback(lambda: log.file.close())
        if rotated:
            self.rotated.append(log)
        return log

    def watched(self, plan: Iterator[Story | QueueAction]) -> Iterator[Story | QueueAction]:
        """The plan as it is; logs are rotated where it reaches another day or month."""
        day: date | None = None
        day_ends_s = float("-inf")
        for calls, one in enumerate(plan):
            if one.at_s >= day_ends_s:
                now = datetime.fromtimestamp(one.at_s, self.zone).date()
                day_ends_s = (int(one.at_s) // 900 + 1) * 900  # no zone's midnight lies within a quarter
                if now != day:
                    if day is not None and (
                        self.every == "day" or (self.every == "month" and now.month != day.month)
                    ):
                        for log in self.rotated:
                            log.rotate(now)
                    if self.progress:
                        self.progress(now, calls)
                    day = now
            yield one


def _provenance(plan: Plan, sources: Collection[str], breaks: tuple[FeedBreak, ...]) -> str:
    spans = "".join(
        f"- {one.kind}: {datetime.fromtimestamp(one.from_s, ZoneInfo('UTC')):%Y-%m-%d %H:%M:%SZ}, "
        f"{one.to_s - one.from_s:.0f} s\n"
        for one in breaks
    )
    return (
        "# SIMULATED\n\n"
        "No call, number or employee in this folder is real: an invented municipality, written by\n"
        f"`callstats simulate` (version {__version__}) in the formats of an Asterisk PBX.\n\n"
        f"- local days: {plan.start} to {plan.end} (not included)\n"
        f"- calls: about {plan.calls}\n- seed: {plan.seed}\n- parts of the town: {plan.town.size}\n"
        f"- sources: {', '.join(name for name in SOURCES if name in sources)}\n{spans}\n"
        f"`{TRUTH}` holds each call as its phones saw it; `{CONFIG_NAME}` is the site's configuration.\n"
    )
