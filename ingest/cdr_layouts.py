"""Column layouts of `cdr_custom` files: as configured, the common ones, and which of them a file has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from callstats.errors import InputError
from callstats.settings import Settings
from ingest.cdr_rows import CDR_COLUMNS, DISPOSITIONS

__all__ = ["Layout", "choose", "column_name", "configured", "fits", "layouts"]

_CLID = (
    "clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer",
    "end", "duration", "billsec", "disposition", "amaflags", "accountcode",
)  # fmt: skip
COMMON: tuple[tuple[str, ...], ...] = (
    # cdr_custom.conf of the distributions, with more and more columns
    (*_CLID, "uniqueid"),
    (*_CLID, "uniqueid", "userfield"),
    (*_CLID, "uniqueid", "userfield", "sequence"),
    (*_CLID, "uniqueid", "userfield", "sequence", "linkedid"),
    (*_CLID, "uniqueid", "userfield", "sequence", "linkedid", "peeraccount"),
    # all fields of CDR() in the order of its documentation
    (*_CLID, "peeraccount", "uniqueid", "linkedid", "userfield", "sequence"),
    (*_CLID, "peeraccount", "uniqueid", "linkedid", "userfield", "sequence", "-"),
    # fractions of seconds
    ("uniqueid", "linkedid", "sequence", "start", "answer", "end", "duration", "billsec", "disposition",
     "src", "dst", "channel", "dstchannel"),
)  # fmt: skip

_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?|\d{9,10}(?:\.\d+)?", re.ASCII
)
_AMOUNT = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_UNIQUEID = re.compile(r"(?:.*-)?\d{9,10}\.\d+", re.ASCII)
_CHANNEL = re.compile(r"[^\s,]+/.+")
_NO_TIME = re.compile(r"|0(?:\.0+)?")
_CHECKS: Mapping[str, re.Pattern[str]] = {
    "start": _TIME,
    "end": re.compile(f"{_TIME.pattern}|{_NO_TIME.pattern}", re.ASCII),
    "answer": re.compile(f"{_TIME.pattern}|{_NO_TIME.pattern}", re.ASCII),
    "duration": _AMOUNT,
    "billsec": _AMOUNT,
    "uniqueid": _UNIQUEID,
    "linkedid": re.compile(f"{_UNIQUEID.pattern}|", re.ASCII),
    "sequence": re.compile(r"\d+", re.ASCII),
    "channel": _CHANNEL,
    "dstchannel": re.compile(f"{_CHANNEL.pattern}|"),
    "clid": re.compile(r".*<.*>|[^\"]*"),
    # accounts, names of applications and flags are words, never dates
    "amaflags": re.compile(r"[A-Za-z]+|[0-3]?"),
}


@dataclass(frozen=True)
class Layout:
    """Column names of a file ("-": of no use) and the file's name where the site has given one."""

    columns: tuple[str, ...]
    file: str | None = None


def column_name(text: str) -> str:
    """The CDR field of a column as configured (`CDR(start,f)`, `start(double)`), "-" for `unit(uservar)`."""
    bare = re.sub(r"^\$\{CSV_QUOTE\((.*)\)\}$", r"\1", text.strip())
    bare = re.sub(r"^\$\{(.*)\}$", r"\1", bare.strip())
    bare = re.sub(r"^CDR\((.*)\)$", r"\1", bare.strip())
    found = re.fullmatch(r"(\w+)\s*(?:[,(](.*?)\)?)?", bare)
    if not found or "uservar" in (found[2] or "").lower():
        return "-"
    name = found[1].lower()
    return name if name in CDR_COLUMNS or name in _CHECKS else "-"


def configured(settings: Settings) -> list[Layout]:
    """The layouts that the site has written down."""
    return [Layout(tuple(column_name(c) for c in one.columns), one.name) for one in settings.cdr_custom]


def layouts(settings: Settings | None) -> list[Layout]:
    """All layouts: the site's own first; a common one of the same number of columns is then left out."""
    own = configured(settings) if settings else []
    counts = {len(layout.columns) for layout in own}
    return own + [Layout(columns) for columns in COMMON if len(columns) not in counts]


def fits(columns: Sequence[str], values: Sequence[str]) -> bool:
    """Whether each value can stand in its column."""
    if len(columns) != len(values):
        return False
    named = dict(zip(columns, values, strict=True))
    if "disposition" in named and named["disposition"] not in DISPOSITIONS:
        return False
    return all(check.fullmatch(named[name]) for name, check in _CHECKS.items() if name in named)


def choose(known: Iterable[Layout], rows: Sequence[Sequence[str]], path: str) -> dict[int, tuple[str, ...]]:
    """The layout per number of columns that the rows have.

    Raises InputError when two layouts fit and mean different things: then the site must tell.
    """
    chosen: dict[int, tuple[str, ...]] = {}
    known = list(known)
    for count in {len(row) for row in rows}:
        sample = [row for row in rows if len(row) == count]
        fitting = [x for x in known if any(fits(x.columns, row) for row in sample)]
        best = max((_score(x, sample) for x in fitting), default=0)
        fitting = [x for x in fitting if _score(x, sample) == best]
        named = [x for x in fitting if x.file and PurePath(path).name == PurePath(x.file).name]
        found = {x.columns for x in (named or fitting)}
        if len(found) > 1:
            raise InputError(
                f"{path}: {count} columns can be read as {len(found)} different cdr_custom layouts; "
                "name the file in [[cdr_custom]] name = … with its columns = […]"
            )
        if found:
            chosen[count] = found.pop()
    return chosen


def _score(layout: Layout, rows: Sequence[Sequence[str]]) -> int:
    return sum(fits(layout.columns, row) for row in rows)
