"""What rings, talks and waits at this moment, per department; nothing of it is stored, no person is in it.

The state is kept in memory from the manager's events and forgotten with the connection. Of a department of
few people only who waits is told: whether one of two talks just now is about a person (domain/05 req. 1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from callstats import at_once
from callstats.departments import Departments
from callstats.small_cells import small_units

NAME: Final = "live.json"
FRESH: Final = timedelta(seconds=10)  # of a picture that is told every two seconds
RINGING, UP = 5, 6  # Asterisk's states of a channel
_PHONE: Final = re.compile(r"^(?!Local/)[A-Za-z0-9_]+/([^/@]+)-[0-9a-f]+(?:;[12])?$")


@dataclass(frozen=True)
class Now:
    """One department: phones that ring, calls that talk, calls that wait, since when the longest does (UTC).

    `ringing` and `talking` are null where the department is of few people.
    """

    ringing: int | None
    talking: int | None
    waiting: int
    waiting_since: datetime | None = None


@dataclass(frozen=True)
class Live:
    """All departments of one PBX; `connected`: whether it is heard; `at`: when this was told (UTC)."""

    pbx: str
    at: datetime
    connected: bool
    departments: Mapping[str, Now]

    def write(self, folder: Path) -> None:
        """Tells it beside the journal."""
        at_once.write(folder / NAME, json.dumps(asdict(self), default=datetime.isoformat))


def lives(folder: Path) -> list[Live]:
    """What the collectors of a site told last, by journal; one that cannot be read is left out."""
    found = []
    for path in sorted(folder.glob(f"*/{NAME}")):
        try:
            found.append(_read(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            continue
    return found


def together(told: Iterable[Live], now: datetime) -> Live | None:
    """One picture of several PBXs: of two collectors of one PBX the one that lives and hears it.

    One whose clock is ahead tells of now at the latest.
    """
    best: dict[str, Live] = {}
    for one in sorted(told, key=lambda one: (abs(now - one.at) < FRESH, one.connected, one.at)):
        best[one.pbx] = replace(one, at=min(one.at, now))
    if not best:
        return None
    names = dict.fromkeys(name for one in best.values() for name in one.departments)
    rows = list(best.values())
    sums = {name: _sum(one.departments[name] for one in rows if name in one.departments) for name in names}
    return Live(
        ", ".join(sorted(best)),
        min(one.at for one in rows),
        all(one.connected for one in rows),
        sums,
    )


@dataclass
class _Channel:
    phone: str | None
    call: str
    state: int = 0
    bridge: str = ""
    since: datetime | None = None


@dataclass
class LiveState:
    """What the events of one connection say. State: channels and callers in queues, by their ids."""

    departments: Departments
    pbx: str
    connected: bool = False
    _channels: dict[str, _Channel] = field(default_factory=dict)
    _queued: dict[tuple[str, str], tuple[str, datetime]] = field(default_factory=dict)

    def begin(self) -> None:
        """A connection was made: what was known before is out of date; a snapshot follows."""
        self.connected = True
        self._channels.clear()
        self._queued.clear()

    def end(self) -> None:
        """The connection is over: nothing is known."""
        self.begin()
        self.connected = False

    def event(self, fields: Mapping[str, str], at: datetime) -> bool:
        """Takes one event, its fields by small name; returns whether it may have changed something."""
        kind, uid = fields.get("event", ""), fields.get("uniqueid", "")
        if kind in ("Newchannel", "Newstate", "CoreShowChannel"):
            self._seen(uid, fields, at)
        elif kind == "Rename" and uid in self._channels:
            self._channels[uid].phone = _phone(fields.get("newname", ""))
        elif kind == "Hangup":
            self._channels.pop(uid, None)
            self._queued = {key: one for key, one in self._queued.items() if key[1] != uid}
        elif kind in ("BridgeEnter", "BridgeLeave") and uid in self._channels:
            # who is parked is held in a bridge with others, and talks with nobody
            talks = kind == "BridgeEnter" and fields.get("bridgetechnology") != "holding_bridge"
            self._channels[uid].bridge = fields.get("bridgeuniqueid", "") if talks else ""
            self._channels[uid].call = fields.get("linkedid") or self._channels[uid].call
        elif kind in ("QueueCallerJoin", "Join", "QueueEntry"):
            waited = timedelta(seconds=_whole(fields.get("wait", "")))
            call = fields.get("linkedid") or self._call(uid)
            self._queued[fields.get("queue", ""), uid] = (call, at - waited)
        elif kind in ("QueueCallerLeave", "Leave"):
            self._queued.pop((fields.get("queue", ""), uid), None)
        elif kind == "Shutdown" or (kind == "FullyBooted" and fields.get("timestamp")):
            self.begin()
        else:
            return False
        return True

    def now(self, day: date, at: datetime) -> Live:
        """The picture of this moment, of the departments that there are on a local day."""
        units = self.departments.valid(day)
        small = small_units(self.departments, day + timedelta(days=1))
        ringing: dict[str, int] = dict.fromkeys(units, 0)
        talking: dict[str, set[str]] = {unit: set() for unit in units}
        waiting: dict[str, dict[str, datetime]] = {unit: {} for unit in units}
        bridged = self._bridges()
        for one in self._channels.values():
            unit = self.departments.of("extension", one.phone, day) if one.phone else None
            if unit not in ringing:
                continue
            if one.state == RINGING:
                ringing[unit] += 1
                _earliest(waiting[unit], one.call, one.since or at)
            elif one.state == UP and bridged.get(one.bridge, 0) > 1:
                talking[unit].add(one.call)
        for (queue, _), (call, since) in self._queued.items():
            unit = self.departments.of("queue", queue, day)
            if unit in waiting:
                _earliest(waiting[unit], call, since)
        return Live(self.pbx, at, self.connected, {
            unit: _told(ringing[unit], len(talking[unit]),
                        {c: s for c, s in waiting[unit].items() if c not in talking[unit]}, unit in small)
            for unit in units
        })  # fmt: skip

    def _seen(self, uid: str, fields: Mapping[str, str], at: datetime) -> None:
        phone, call = _phone(fields.get("channel", "")), fields.get("linkedid", "") or uid
        one = self._channels.setdefault(uid, _Channel(phone, call))
        state = _whole(fields.get("channelstate", ""))
        if state == RINGING != one.state:
            one.since = at
        one.call, one.state = call, state
        one.bridge = fields.get("bridgeid", one.bridge)

    def _bridges(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for one in self._channels.values():
            if one.bridge:
                found[one.bridge] = found.get(one.bridge, 0) + 1
        return found

    def _call(self, uid: str) -> str:
        return self._channels[uid].call if uid in self._channels else uid


def _told(ringing: int, talking: int, waiting: Mapping[str, datetime], small: bool) -> Now:
    since = min(waiting.values(), default=None)
    return Now(None if small else ringing, None if small else talking, len(waiting), since)


def _sum(told: Iterable[Now]) -> Now:
    rows = list(told)
    since = min((one.waiting_since for one in rows if one.waiting_since), default=None)
    ringing = [one.ringing for one in rows if one.ringing is not None]
    talking = [one.talking for one in rows if one.talking is not None]
    return Now(
        sum(ringing) if len(ringing) == len(rows) else None,
        sum(talking) if len(talking) == len(rows) else None,
        sum(one.waiting for one in rows),
        since,
    )


def _earliest(of: dict[str, datetime], call: str, since: datetime) -> None:
    of[call] = min(since, of.get(call, since))


def _phone(channel: str) -> str | None:
    found = _PHONE.match(channel)
    return found[1] if found else None


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _read(told: Mapping[str, object]) -> Live:
    rows = told["departments"]
    assert isinstance(rows, dict)
    units = {}
    for name, row in rows.items():
        since = row["waiting_since"]
        when = datetime.fromisoformat(since).astimezone(UTC) if since else None
        units[str(name)] = Now(row["ringing"], row["talking"], int(row["waiting"]), when)
    at = datetime.fromisoformat(str(told["at"])).astimezone(UTC)
    return Live(str(told["pbx"]), at, bool(told["connected"]), units)
