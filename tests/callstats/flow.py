"""Call flows as text: a table of events, one per line, becomes the events table that the assembler reads.

A line is ``seconds kind key=value …``; seconds count from `START` (a Monday, 10:00 in Riga). The channel is
named by ``ch=public`` or ``ch=201#1`` (the number tells a second channel of the same phone apart); its
uniqueid follows from the order in which channels appear.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from callstats.assemble import assemble
from callstats.fields import EVENTS
from callstats.judge import judged
from callstats.settings import Settings

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
CONFIG = """
timezone = "Europe/Riga"
main_numbers = ["67012000"]
{top}
[hours]
mon = [["08:00", "18:00"]]
tue = [["08:00", "18:00"]]
[hotline]
numbers = ["80000000"]
mailboxes = ["8000@hotline"]
department = "pr"
[[departments]]
id = "pr"
[[departments]]
id = "social"
extensions = ["201", "202", "203"]
queues = ["q-social"]
numbers = ["67012200"]
{social}
[[departments]]
id = "finance"
extensions = ["401", "402"]
queues = ["q-finance"]
numbers = ["67012400"]
{rest}
"""
NUMBERS = {
    "citizen": ("n1-citizen", "mobile"),
    "anonymous": ("anonymous", "anonymous"),
    "other": ("n1-other", "mobile"),
}
OWN = {"67012000", "67012200", "67012400", "80000000"}


def settings(folder: Path, top: str = "", social: str = "", rest: str = "") -> Settings:
    """The small town of these tests; ``top``, ``social`` and ``rest`` are TOML put into their places."""
    path = folder / "callstats.toml"
    path.write_text(CONFIG.format(top=top, social=social, rest=rest), encoding="utf-8")
    return Settings.load(path, folder / "data")


class Flow:
    """Collects events of one source; channels get names and ids in the order of their first mention."""

    def __init__(self, source: str = "ami", pbx: str = "town", start: datetime = START) -> None:
        self.source, self.pbx, self.start = source, pbx, start
        self.ids: dict[str, str] = {}
        self.rows: list[dict[str, Any]] = []

    def uid(self, name: str) -> str:
        """The uniqueid of a channel by its short name."""
        if name not in self.ids:
            self.ids[name] = f"{int(self.start.timestamp())}.{len(self.ids)}"
        return self.ids[name]

    def channel(self, name: str) -> str:
        """The channel's full name."""
        self.uid(name)
        number = list(self.ids).index(name)
        half = name[-2:] if ";" in name else ""
        base = name.removesuffix(half).split("#")[0]
        return (
            f"Local/{base[6:]}-{number:08x}{half}"
            if name.startswith("local:")
            else f"PJSIP/{base}-{number:08x}"
        )

    def read(self, text: str) -> Flow:
        """Adds the events of a text table; returns self."""
        for number, line in enumerate(filter(None, (x.strip() for x in text.splitlines())), 1):
            seconds, kind, *pairs = line.split()
            self._add(number, float(seconds), kind, dict(pair.split("=", 1) for pair in pairs))
        return self

    def _add(self, line: int, seconds: float, kind: str, said: dict[str, str]) -> None:
        at = self.start + timedelta(seconds=seconds)
        row: dict[str, Any] = {
            "pbx": self.pbx, "source": self.source, "dialect": self.source, "batch": self.source,
            "line": line, "kind": kind, "at": at, "local_date": at.date(),
            "resolution_us": 1 if self.source in ("ami", "cel") else 1_000_000,
        }  # fmt: skip
        for key, value in said.items():
            if key == "ch":
                row |= {"uniqueid": self.uid(value), "channel": self.channel(value)}
            elif key == "to":
                row |= {"dest_uniqueid": self.uid(value), "dest_channel": self.channel(value)}
            elif key == "link":
                row["linkedid"] = self.uid(value)
            elif key in ("caller", "exten"):
                row[key], row[f"{key}_class"] = number(value)
            elif key in ("state", "cause", "sequence", "new_messages"):
                row[key] = int(value)
            elif key in ("answered", "ended"):
                row[f"{key}_at"] = self.start + timedelta(seconds=float(value))
            else:
                row[key] = value
        if "uniqueid" in row:
            row.setdefault("linkedid", self.uid(next(iter(self.ids))))
        self.rows.append(row)

    def table(self) -> pa.Table:
        """The events as a table of `EVENTS`."""
        return pa.Table.from_pylist(self.rows, EVENTS.schema)


def number(value: str) -> tuple[str, str]:
    """A number of the tests as the dialects would store it, with its class."""
    if value in NUMBERS:
        return NUMBERS[value]
    if value in OWN:
        return value, "own"
    return value, "label" if value in ("s", "t") else "extension"


def tables(where: Settings, *flows: Flow) -> dict[str, list[dict[str, Any]]]:
    """What the assembler makes of the flows, each table as rows; visits are judged."""
    made = assemble(pa.concat_tables([flow.table() for flow in flows]), where)
    made["visits"] = judged(made["visits"], where, made["queue_steps"])
    return {name: table.to_pylist() for name, table in made.items()}


CONNECTED = "-100 connected\n{flow}\n9000 disconnected"


def ami(text: str, **kwargs: object) -> Flow:
    """A flow from a feed that was there all the time."""
    return Flow(**kwargs).read(CONNECTED.format(flow=text))  # type: ignore[arg-type]


def rings_until(answer: float) -> str:
    """A citizen calls 201, which alerts after 0.01 s and answers at ``answer``."""
    return f"""
        0      Newchannel  ch=public state=4 caller=citizen exten=67012200
        0.003  Newexten    ch=public app=Dial app_data=PJSIP/201,30 exten=67012200
        0.005  DialBegin   ch=public to=201
        0.01   Newstate    ch=201 state=5
        {answer} Newstate  ch=201 state=6
        {answer} DialEnd   ch=public to=201 status=ANSWER
        60     Hangup      ch=201 cause=16
        60     Hangup      ch=public cause=16"""
