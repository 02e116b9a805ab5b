"""A recording's plan played through the simulator, into a folder of the recording's layout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

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

__all__ = ["play"]


def play(recording: Path, folder: Path, *, systemname: str = "", breaks: Sequence[FeedBreak] = ()) -> None:
    """Write what the simulated PBX makes of a recording's plan."""
    truth = truth_of(recording)
    plant = lab_plant(systemname)
    for name in ("cdr_csv", "cdr_custom", "cel"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with ExitStack() as open_files:

        def text(name: str):  # type: ignore[no-untyped-def]
            return open_files.enter_context((folder / name).open("w", encoding="utf-8", newline=""))

        sinks: list[Sink] = [
            CdrCsv(text("cdr_csv/Master.csv")),
            CdrCustom(text("cdr_custom/Master.csv")),
            CelCsv(text("cel/Master.csv")),
            QueueLog(text("queue_log")),
            Ami(open_files.enter_context((folder / "ami.raw").open("wb")), plant),
            Spool(folder / "voicemail"),
            Truth(text("truth.jsonl"), plant),
        ]
        run(plant, plan_of(truth, names_told(truth)), sinks, seed=truth["seed"], breaks=breaks)
    calls = [json.loads(line) for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    told = {"seed": truth["seed"], "calls": calls, "ami_actions": []}
    (folder / "truth.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
