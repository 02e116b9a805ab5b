"""The town of a recording as its judge knows it: who belongs where, what no phone sees of the dialplan."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Dialplan:
    """What the lab's dialplan does where no phone can see it (extensions.conf and queues.conf of the
    recordings).
    """

    menu: str = "67012000"
    direct_prefix: str = "67012"
    pickup: str = "*8"
    listen: str = "*97"
    prefix_out: str = "9"
    # dialled number → phones that are tried first although nothing is there to see it
    dead: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {"67012610": ("601",), "67012620": ("603",)}
    )
    # dialled number → department that a queue's timeout sends the call to
    overflow: Mapping[str, str] = field(default_factory=lambda: {"67012400": "social"})
    queues: frozenset[str] = frozenset()  # numbers that wait for phones even where none is free to be tried
    menu_default: str = ""  # the department that a menu without a key goes to


@dataclass(frozen=True)
class Town:
    """Who belongs where: extension → department, number → department, the hotline's numbers and
    department.
    """

    phones: Mapping[str, str]
    numbers: Mapping[str, str]
    hotline: frozenset[str]
    hotline_department: str

    @classmethod
    def load(cls, config: Path) -> Town:
        """Read from a callstats.toml. Raises OSError, tomllib.TOMLDecodeError, KeyError."""
        read = tomllib.loads(config.read_text(encoding="utf-8"))
        departments = read["departments"]
        return cls(
            phones={e: d["id"] for d in departments for e in d.get("extensions", [])},
            numbers={n: d["id"] for d in departments for n in d.get("numbers", [])},
            hotline=frozenset(read["hotline"]["numbers"]),
            hotline_department=read["hotline"]["department"],
        )

    def size(self, department: str) -> int:
        """How many phones a department has."""
        return sum(1 for d in self.phones.values() if d == department)
