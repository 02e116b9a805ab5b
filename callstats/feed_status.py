"""How a collector is doing, told in a small file beside its journal: for `doctor`, the health and live pages.

No database is asked, so that it is told when that is down too. Nothing in it is of a call or a person.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, Self, get_args

from callstats import at_once

State = Literal["connecting", "connected", "refused", "wrong peer", "down", "disk", "stopped"]
STATES: Final = get_args(State)
NAME: Final = "status.json"
SILENT_S: Final = 20.0  # a collector that lives tells so every five seconds


@dataclass(frozen=True)
class FeedStatus:
    """`fault`: what is wrong and what helps, in plain words; `heard_at`: when the last byte came (UTC).

    `since`: when this state began; `told_at`: when this was written; `connection`: number of the newest;
    `lacks`: rights that the user seems not to have.
    """

    pbx: str
    journal: str
    state: State
    since: datetime
    told_at: datetime
    peer: str = ""
    version: str = ""
    connection: int = 0
    heard_at: datetime | None = None
    fault: str | None = None
    lacks: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        """Tells it beside the journal."""
        at_once.write(folder / NAME, json.dumps(asdict(self), default=datetime.isoformat))

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """What a collector told; None where there is none, or it cannot be read."""
        try:
            told = json.loads((folder / NAME).read_text(encoding="utf-8"))
            known = {one.name for one in fields(cls)}
            values = {name: value for name, value in told.items() if name in known}
            for name in ("since", "told_at", "heard_at"):
                values[name] = datetime.fromisoformat(values[name]) if values.get(name) else None
            found = cls(**values | {"lacks": tuple(values.get("lacks", ()))})
        except (OSError, ValueError, TypeError, AttributeError):
            return None
        return found if found.state in STATES and found.told_at is not None else None

    def silent(self, now: datetime) -> bool:
        """Whether the collector itself says nothing any more: it does not run."""
        return self.state != "stopped" and (now - self.told_at).total_seconds() > SILENT_S

    def at(self, now: datetime) -> Self:
        """The same, told now."""
        return replace(self, told_at=now)


def statuses(folder: Path) -> Iterator[FeedStatus]:
    """Of every journal in a folder, by name."""
    for path in sorted(folder.glob(f"*/{NAME}")):
        if found := FeedStatus.read(path.parent):
            yield found


def utc(us: int) -> datetime:
    """An instant of epoch microseconds."""
    return datetime.fromtimestamp(us / 1e6, UTC)
