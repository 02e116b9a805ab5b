"""The settings of the site that a case was taken from, as far as its own rows tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from callstats.settings import Settings
from callstats.settings_types import EMERGENCY
from tests.cases.load import Case, Row

OUTSIDE = re.compile(r"trunk|siproute|^dev_|out$|^meta$|^hit$", re.IGNORECASE)
OUTSIDE_CONTEXT = re.compile(r"(from-extern|from-pstn|from-trunk|incall|voipgrid_in)$")
SHORT = re.compile(r"[0-9]{2,5}")
WORD = re.compile(r"[\w.+*#-]+")
CHANNEL_KEYS = ("channame", "channel", "dstchannel", "Channel", "DestChannel", "Destination")
NUMBER_KEYS = ("cid_num", "exten", "src", "dst", "cnum", "CallerIDNum", "Exten")


def endpoint(channel: str) -> str:
    """`SIP/401-0000000a` → `401`; empty for half of a Local channel."""
    tech, _, rest = channel.partition("/")
    return "" if tech == "Local" else re.sub(r"-[0-9A-Za-z]+$", "", rest)


def is_outside(name: str) -> bool:
    """Whether an endpoint's name is that of an outside line."""
    return OUTSIDE.search(name) is not None


def _rows(case: Case) -> Iterator[Row]:
    for value in case.input.values():
        if isinstance(value, list):
            yield from (row for row in value if isinstance(row, dict))


def _lines(rows: Iterable[Row]) -> dict[str, bool]:
    """Endpoint → whether it is an outside line."""
    found: dict[str, bool] = {}
    for row in rows:
        for key in CHANNEL_KEYS:
            if name := endpoint(str(row.get(key) or "")):
                begins = key == "channame" and row.get("eventtype") == "CHAN_START"
                context = str(row.get("context") or "") if begins else ""
                outside = is_outside(name) or OUTSIDE_CONTEXT.search(context) is not None
                found[name] = found.get(name, False) or outside
    return found


def _queues(rows: Iterable[Row]) -> set[str]:
    named = {str(row.get("queuename") or row.get("Queue") or "NONE") for row in rows}
    return named - {"NONE"}


def settings(cases: Sequence[Case], rows: Iterable[Row] = (), *, each_phone: bool = False) -> Settings:
    """A site with every phone and outside line of the cases.

    The phones are one department, or one each; each queue is a department of its own.

    `rows` are further rows that the cases refer to. Times without zone are UTC.
    """
    known = [*rows, *(row for case in cases for row in _rows(case))]
    lines = _lines(known)
    # A phone's endpoint is its extension where it is a number, or where a case names phones by endpoint.
    phones = {name for name, outside in lines.items() if not outside and (each_phone or name.isdigit())}
    numbers = {str(row.get(key) or "") for row in known for key in NUMBER_KEYS}
    directories = [line for case in cases for line in (case.input.get("directory") or {}).get("lines") or []]
    listed = {
        str(e["exten"])
        for line in directories
        for e in (line.get("extensions") or [])
        if isinstance(e, dict) and "exten" in e
    }
    found = phones | {n for n in numbers if SHORT.fullmatch(n)} | listed
    extensions = sorted(e for e in found if WORD.fullmatch(e) and e not in EMERGENCY)
    groups = [[e] for e in extensions] if each_phone else [extensions]
    units = [{"id": f"d{n}", "extensions": group} for n, group in enumerate(groups)]
    units += [{"id": f"q{n}", "queues": [name]} for n, name in enumerate(sorted(_queues(known)))]
    values: dict[str, Any] = {
        "timezone": "UTC",
        "data": Path("data"),
        "trunks": sorted(name for name, outside in lines.items() if outside) or ["no-outside-line"],
        "departments": units,
    }
    return Settings(**values)
