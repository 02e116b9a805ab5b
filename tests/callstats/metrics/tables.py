"""Calls in and figures out, as text tables: a column's name is that of the facts or of a figure.

A dash is null, a dot leaves the default of `tests.handmade`. ``at`` is a time of the local clock, after a
date where it is not that of `DAY`; a following ``b`` means the second time that a doubled hour strikes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from callstats.fields import JUDGEMENTS, TABLES
from callstats.report import metrics_table
from callstats.settings import Settings
from tests.handmade import ANNA, DAY, JURIS, at, call, callback, message, settings, store_with, visit

KINDS = {field.name: field.dtype for field in JUDGEMENTS}  # asked for of a visit, as `visit` reads them
CLIENTS = {"anna": ANNA, "juris": JURIS}
Row = dict[str, Any]


def lines(text: str) -> list[dict[str, str]]:
    """Rows of a text table by the names in its first line; ``#`` begins a comment."""
    kept = [line.split("#")[0].strip() for line in text.strip().splitlines()]
    head, *rows = [line.split() for line in kept if line]
    assert all(len(row) == len(head) for row in rows), (head, rows)
    return [dict(zip(head, row, strict=True)) for row in rows]


def instant(text: str) -> datetime:
    """ "10:00", "2026-10-25/03:30" or "2026-10-25/03:30b" as an instant."""
    day, _, clock = text.rpartition("/")
    fold = int(clock.endswith("b"))
    return at(clock.rstrip("b"), date.fromisoformat(day) if day else DAY, fold)


def _value(table: str, name: str, text: str) -> Any:
    if text == "-":
        return None
    kind = KINDS.get(name) or TABLES[table][name].dtype
    if pa.types.is_timestamp(kind):
        return instant(text)
    if pa.types.is_boolean(kind):
        return {"yes": True, "no": False}[text]
    if pa.types.is_integer(kind):
        return int(text)
    if pa.types.is_floating(kind):
        return float(text)
    return CLIENTS.get(text, text)


def _made(
    text: str, table: str, at_name: str, make: Callable[..., Row], renamed: dict[str, str] | None = None
) -> list[Row]:
    names = {"call": "call_id", "at": at_name} | (renamed or {})
    rows = []
    for line in lines(text):
        given = {
            names.get(name, name): _value(table, names.get(name, name), cell)
            for name, cell in line.items()
            if cell != "."
        }
        rows.append(make(given.pop("call_id"), **given))
    return rows


def visits(text: str) -> list[Row]:
    """Visits: columns ``call``, ``at`` and any of the table."""
    return _made(text, "visits", "entered_at", visit)


def calls(text: str) -> list[Row]:
    """Incoming calls: columns ``call``, ``at``, ``caller`` (anna, juris) and any of the table."""
    return _made(text, "calls", "started_at", call)


def outgoing(text: str) -> list[Row]:
    """Outgoing calls: columns ``call``, ``at``, ``from``, ``to`` (anna, juris) and any of the table."""

    def make(call_id: str, **given: Any) -> Row:
        return callback(call_id, given.pop("dialled", ANNA), given.pop("caller", "201"), **given)

    return _made(text, "calls", "started_at", make, {"from": "caller", "to": "dialled"})


def messages(text: str) -> list[Row]:
    """Messages on the hotline: columns ``call``, ``at``, ``caller`` and any of the table."""

    def make(call_id: str, **given: Any) -> Row:
        return message(call_id, given.pop("caller", ANNA), **given)

    return _made(text, "messages", "left_at", make)


def figures(
    tmp_path: Path,
    slug: str,
    by: tuple[str, ...] = (),
    departments: list[str] | None = None,
    site: Settings | None = None,
    window: tuple[date, date] | None = None,
    **rows: list[Row],
) -> list[Row]:
    """Figures of a metric over facts made of ``rows``; of the department `social` unless others are named.

    Calls that the visits belong to are made where none are given.
    """
    site = site or settings(tmp_path)
    known = {row["call_id"] for row in rows.get("calls", [])}
    starts = {v["call_id"]: v["entered_at"] for v in reversed(rows.get("visits", []))}
    rows["calls"] = [
        *rows.get("calls", []),
        *(call(name, started_at=begin) for name, begin in starts.items() if name not in known),
    ]
    with store_with(site, **rows) as store:
        start, end = window or (None, None)
        units = ["social"] if departments is None else departments
        found = metrics_table(store, site, [slug], by, start, end, units).to_pylist()
    return [{**row, "excluded": dict(row["excluded"])} for row in found]


def told(rows: list[Row], text: str) -> list[dict[str, str]]:
    """The rows in the columns of a text table, to be compared with `lines` of it."""
    return [{name: _text(row[name]) for name in lines(text)[0]} for row in rows]


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    if isinstance(value, dict):
        return ",".join(f"{name}={n}" for name, n in value.items()) or "-"
    return str(value)


def check(rows: list[Row], text: str) -> None:
    """Asserts that the rows say what the text table says."""
    assert told(rows, text) == lines(text)
