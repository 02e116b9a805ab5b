"""The simulator's rows beside Asterisk's: `python -m tests.simulate.beside STORY… [--recording a] [--ami]`.

Both sides have the same names for channels and ids (by the order in which the story made them) and seconds
since the story began; "=" stands for the same text.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.simulate.lab_plan import truth_of
from tests.simulate.played import play
from tests.simulate.recordings import SETTINGS, folder_of
from tests.simulate.rows import Folder, Row, StoryRows

CDR_SHOWN = ("src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer",
             "end", "duration", "billsec", "disposition", "userfield", "sequence")  # fmt: skip
CEL_SHOWN = ("type", "channel", "exten", "context", "app", "appdata", "peer")
AMI_SHOWN = ("kind", "channel", "dest_channel", "state", "app", "app_data", "status", "cause", "member")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the stories; 2 when one is not in the recording."""
    asked = argparse.ArgumentParser(prog="python -m tests.simulate.beside", description=__doc__)
    asked.add_argument("story", nargs="+")
    asked.add_argument("--recording", default="a", choices=SETTINGS)
    asked.add_argument("--ami", action="store_true", help="AMI events as well")
    given = asked.parse_args(arguments)
    recording = folder_of(given.recording)
    truth = truth_of(recording)
    with TemporaryDirectory() as room:
        play(recording, Path(room), SETTINGS[given.recording])
        real, made = Folder(recording, truth).stories(), Folder(Path(room), truth).stories()
        calls = [c for c in truth["calls"] if c["scenario"] in given.story and c["call_id"] in real]
        for call in calls:
            print(f"\n=== {call['scenario']} ({call['caller']} dials {call['dialled']})")
            for line in lines(real[call["call_id"]], made[call["call_id"]], ami=given.ami):
                print(line)
    missing = set(given.story) - {c["scenario"] for c in calls}
    if missing:
        print(f"not in recording {given.recording}: {', '.join(sorted(missing))}", file=sys.stderr)
    return 2 if missing else 0


def lines(real: StoryRows, made: StoryRows, *, ami: bool = False) -> Iterator[str]:
    """Two lines per row: Asterisk's, and the simulator's where it differs; "=" where it is the same."""
    yield "CDR"
    yield from _pairs([_cdr(r) for r in real.cdr], [_cdr(r) for r in made.cdr])
    yield "queue_log"
    yield from _pairs([_queue(r) for r in real.queue], [_queue(r) for r in made.queue])
    yield "CEL"
    yield from _pairs(_events(real.cel, CEL_SHOWN), _events(made.cel, CEL_SHOWN))
    if ami:
        yield "AMI"
        yield from _pairs(_events(real.ami, AMI_SHOWN), _events(made.ami, AMI_SHOWN))


def _pairs(theirs: Sequence[str], ours: Sequence[str]) -> Iterator[str]:
    for one, two in zip_longest(theirs, ours, fillvalue="-"):
        yield f"  Asterisk   {one}"
        yield f"  simulator  {'=' if one == two else two}"


def _cdr(row: Row) -> str:
    return " | ".join(row[c][11:] if c in ("start", "answer", "end") else row[c] for c in CDR_SHOWN)


def _queue(row: Row) -> str:
    data = " | ".join(str(row.get(f"data{n}", "")) for n in range(1, 5))
    return f"{row['agent']} | {row['event']} | {data}"


def _events(rows: Sequence[Row], shown: Sequence[str]) -> list[str]:
    """In order of time; what falls into one tenth of a second in the order of its text."""
    told = [(round(r["time"], 1), " | ".join(str(r.get(c, "")) for c in shown)) for r in rows]
    return [f"{time:6.1f} {text}" for time, text in sorted(told)]


if __name__ == "__main__":
    sys.exit(main())
