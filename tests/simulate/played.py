"""A recording's plan played through the simulator, into a folder of the recording's layout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TextIO

from callstats.simulate.ami import Ami
from callstats.simulate.cdr_files import CdrCsv, CdrCustom
from callstats.simulate.cel import CelCsv
from callstats.simulate.exchange import run
from callstats.simulate.queue_log import QueueLog
from callstats.simulate.spool import Spool
from callstats.simulate.story import FeedBreak
from callstats.simulate.trace import Sink
from callstats.simulate.truth import Truth
from tests.simulate.lab_plan import names_told, plan_of, truth_of
from tests.simulate.lab_plant import lab_plant

__all__ = ["Setting", "breaks_of", "play"]

AWAY_S = 20.0  # shorter spans between two connections are the restarts


@dataclass(frozen=True)
class Setting:
    """What a recording's PBX was told besides the laboratory's usual configuration."""

    systemname: str = ""
    cancel_disposition: bool = False


def breaks_of(truth: Mapping[str, Any], recording: Path) -> list[FeedBreak]:
    """When the PBX was stopped or killed, and when the recorder was away."""
    found: list[FeedBreak] = []
    acts = [a for a in truth["ami_actions"] if isinstance(a["action"], str)]
    for act in acts:
        if act["action"] in ("restart", "crash"):
            booted = next(a["t"] for a in acts if a["t"] > act["t"])
            found.append(FeedBreak(act["t"], booted, "crash" if act["action"] == "crash" else "stop"))
    segments = recording / "ami_segments.json"
    told = json.loads(segments.read_text(encoding="utf-8")) if segments.exists() else []
    for one, two in pairwise(told):
        if two["t_connect"] - one["t_disconnect"] > AWAY_S:
            found.append(FeedBreak(one["t_disconnect"], two["t_connect"], "gap"))
    return found


def play(recording: Path, folder: Path, setting: Setting | None = None) -> None:
    """Write what the simulated PBX makes of a recording's plan."""
    truth = truth_of(recording)
    told = setting or Setting()
    plant = lab_plant(told.systemname)
    for name in ("cdr_csv", "cdr_custom", "cel"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with ExitStack() as files:

        def text(name: str) -> TextIO:
            return files.enter_context((folder / name).open("w", encoding="utf-8", newline=""))

        ami = Ami(files.enter_context((folder / "ami.raw").open("wb")), plant)
        sinks: list[Sink] = [
            CdrCsv(text("cdr_csv/Master.csv"), cancel_disposition=told.cancel_disposition),
            CdrCustom(text("cdr_custom/Master.csv")),
            CelCsv(text("cel/Master.csv")),
            QueueLog(text("queue_log")),
            ami,
            Spool(folder / "voicemail"),
            Truth(text("truth.jsonl"), plant),
        ]
        plan = plan_of(truth, names_told(truth))
        run(plant, plan, sinks, seed=truth["seed"], breaks=breaks_of(truth, recording))
    calls = [json.loads(line) for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    stops = [a for a in truth["ami_actions"] if isinstance(a["action"], str)]
    made = {"seed": truth["seed"], "calls": calls, "ami_actions": stops}
    (folder / "truth.json").write_text(json.dumps(made, ensure_ascii=False), encoding="utf-8")
    segments = [{"t_connect": since, "t_disconnect": until} for since, until in ami.segments]
    (folder / "ami_segments.json").write_text(json.dumps(segments), encoding="utf-8")
