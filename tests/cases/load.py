"""The case files as objects; nothing of them is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.shared import CASES

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One case: its rows (`input`), what the other project asserts of them (`facts`), and what it needs."""

    file: str
    id: str
    kind: str
    status: str
    facts: Mapping[str, Any]
    input: Mapping[str, Any]
    needs: Mapping[str, Any]
    params: Mapping[str, Any]
    portable: tuple[str, ...] | None

    def rows(self, key: str) -> list[Row]:
        """The input rows under a key, none if it is missing."""
        return list(self.input.get(key) or [])


def files() -> list[str]:
    """Names of the case files, without ending."""
    return sorted(path.stem for path in CASES.glob("*.json"))


def load(file: str) -> list[Case]:
    """The cases of a file."""
    raw = json.loads((CASES / f"{file}.json").read_text(encoding="utf-8"))
    return [_case(file, one) for one in raw]


def _case(file: str, raw: Row) -> Case:
    portable = raw.get("portable_facts")
    return Case(
        file=file,
        id=raw["id"],
        kind=raw["kind"],
        status=raw["status"],
        facts=raw["expected"]["facts"],
        input=raw["input"],
        needs=raw.get("needs") or {},
        params=raw["input"].get("params") or {},
        portable=None if portable is None else tuple(portable),
    )


@cache
def side_rows(name: str) -> dict[str, list[Row]]:
    """Rows of a file that cases refer to, by linkedid (else uniqueid)."""
    found: dict[str, list[Row]] = {}
    for row in _lines(name):
        found.setdefault(row.get("linkedid") or row.get("uniqueid") or "", []).append(row)
    return found


def _lines(name: str) -> Iterator[Row]:
    with (CASES / name).open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)
