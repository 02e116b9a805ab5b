"""Calls for the API: a department's visits in pages, and one call with what it was made from.

No extension and no client leaves here: employees are letters per call, of a client's number only the class is
told.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import PurePath
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from api.errors import NotFoundError
from api.letters import letters
from callstats import engine, evidence, judge
from callstats.behind import Cell, behind
from callstats.errors import UsageError
from callstats.evidence import endpoint
from callstats.facts import Facts, table
from callstats.fields import ATTEMPTS, CALLS, EVENTS, JUDGED_VISITS, TEXT, Field
from callstats.settings import Settings
from callstats.snapshot import Snapshot, at_one_moment
from callstats.store import Store
from callstats.verdicts import VERDICTS, Verdict, verdicts

_PHONE: Final = Field("phone", TEXT, "employee's phone as a letter within this call")
_VERDICT: Final = Field(
    "verdict", TEXT, "what the third signal's rule says of it; null for an internal call", values=VERDICTS
)
_ANSWERED: Final = Field("answered_by", TEXT, "employee who answered, as a letter within this call")
MOST_LINES: Final = 2000
ONE_DAY: Final = timedelta(days=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HIDDEN: Final = {"caller", "dialled", "answered_by", "employees_tried", "employee", "aliases"}

VISIT_FIELDS: Final = (*(f for f in JUDGED_VISITS.fields if f.name not in _HIDDEN), _ANSWERED)
PAGE_FIELDS: Final = (*VISIT_FIELDS, _VERDICT)
CALL_FIELDS: Final = (*(f for f in CALLS.fields if f.name not in _HIDDEN), _ANSWERED)
ATTEMPT_FIELDS: Final = (_PHONE, *(f for f in ATTEMPTS.fields if f.name not in _HIDDEN))
EVIDENCE_FIELDS: Final = (
    *(EVENTS[name] for name in ("at", "source", "kind")),
    Field("file", TEXT, "name of the file that holds the line"),
    EVENTS["line"],
    *(EVENTS[name] for name in ("queue", "app", "status", "state")),
    _PHONE,
)

Order = Literal["oldest first", "newest first"]
# Each way with what lies beyond the cursor; the one is exactly the other, read backwards.
_WAYS: Final[Mapping[Order, tuple[str, str]]] = {"oldest first": (">", "ASC"), "newest first": ("<", "DESC")}
# What a client wrote goes in as a table, never into the text.
_PAGE_SQL: Final = """
SELECT v.*, w.verdict, unix_micros(v.entered_at) AS entered_us
FROM visits v CROSS JOIN asked a
LEFT JOIN verdicts w ON w.call_id = v.call_id AND w.visit = v.visit
LEFT JOIN behind b ON b.call_id = v.call_id AND b.visit = v.visit
WHERE v.department = :department AND v.local_date >= :start AND v.local_date < :end
  AND (a.verdict IS NULL OR w.verdict = a.verdict)
  AND (a.of_cell IS NULL OR b.call_id IS NOT NULL)
  AND (a.entered_us IS NULL OR unix_micros(v.entered_at) {beyond} a.entered_us
       OR (unix_micros(v.entered_at) = a.entered_us
           AND (v.call_id {beyond} a.call_id OR (v.call_id = a.call_id AND v.visit {beyond} a.visit))))
  AND v.entered_at IS NOT NULL
ORDER BY entered_us {way} NULLS LAST, v.call_id {way} NULLS LAST, v.visit {way} NULLS LAST
LIMIT :limit
"""
_ASKED: Final = pa.schema(
    [
        ("entered_us", pa.int64()), ("call_id", pa.string()), ("visit", pa.int64()),
        ("verdict", pa.string()), ("of_cell", pa.bool_()),
    ]
)  # fmt: skip
_BEHIND: Final = pa.schema([("call_id", pa.string()), ("visit", pa.int64())])
_OF_CALLS: Final = "SELECT f.* FROM facts f JOIN asked a ON f.call_id = a.call_id"


def page_sql(order: Order) -> str:
    """The text of a page of visits, read in one of the two orders."""
    beyond, way = _WAYS[order]
    return _PAGE_SQL.format(beyond=beyond, way=way)


def page(
    facts: Store | Snapshot,
    settings: Settings,
    department: str,
    start: date,
    end: date,
    limit: int,
    cursor: str | None,
    verdict: Verdict | None = None,
    cell: Cell | None = None,
    order: Order = "oldest first",
) -> tuple[pa.Table, str | None]:
    """Up to ``limit`` visits of a department on the days ``[start, end)`` by time, and the next page's
    cursor; with ``verdict`` those of that word, with ``cell`` those that it counts.

    Raises UsageError for a cursor that is none of ours.
    """
    return at_one_moment(
        facts,
        lambda found: _page(found, settings, department, start, end, limit, cursor, verdict, cell, order),
    )


def _page(
    facts: Snapshot,
    settings: Settings,
    department: str,
    start: date,
    end: date,
    limit: int,
    cursor: str | None,
    verdict: Verdict | None,
    cell: Cell | None,
    order: Order,
) -> tuple[pa.Table, str | None]:
    values = (*_opened(cursor), verdict, True if cell else None)
    asked = pa.Table.from_pylist([dict(zip(_ASKED.names, values, strict=True))], _ASKED)
    of_cell = behind(facts, settings, cell, department, start, end) if cell else _BEHIND.empty_table()
    rows = engine.run(
        page_sql(order),
        {
            "visits": judge.visits(facts, settings, start, end, [department]),
            "verdicts": verdicts(facts, settings, department, start, end),
            "behind": of_cell,
            "asked": asked,
        },
        {"department": department, "start": start, "end": end, "limit": limit + 1},
    ).to_pylist()
    shown = rows[:limit]
    names = _letters_of(facts, shown, start, end)
    for row in shown:
        row["answered_by"] = names.get(row["call_id"], {}).get(row["answered_by"])
    following = cursor_at(shown[-1]) if len(rows) > limit else None
    return pa.Table.from_pylist(shown, _schema(PAGE_FIELDS)), following


def cursor_at(row: Mapping[str, Any]) -> str:
    """The cursor of the page that begins after a visit of `page`."""
    entered_us = (row["entered_at"] - EPOCH) // timedelta(microseconds=1)
    said = json.dumps([entered_us, row["call_id"], row["visit"]])
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def _letters_of(
    facts: Facts, shown: Sequence[Mapping[str, Any]], start: date, end: date
) -> dict[str, dict[str, str]]:
    """Letters by call; from all of a call's visits, so that they are those that the call itself shows."""
    ids = sorted({row["call_id"] for row in shown})
    asked = pa.table({"call_id": pa.array(ids, pa.string())})
    attempts, visits = (
        engine.run(
            _OF_CALLS, {"facts": table(facts, name, start, end - timedelta(days=1)), "asked": asked}
        ).to_pylist()
        for name in ("attempts", "visits")
    )
    return {
        call_id: letters(*([row for row in rows if row["call_id"] == call_id] for rows in (attempts, visits)))
        for call_id in ids
    }


def one(store: Store, settings: Settings, call_id: str) -> dict[str, Any]:
    """One call: its fields, ``visits``, ``attempts`` and ``evidence``. Raises NotFoundError."""
    return at_one_moment(store, lambda facts: _one(facts, settings, call_id))


def _one(store: Snapshot, settings: Settings, call_id: str) -> dict[str, Any]:
    day = _day_of(call_id, store.timezone)
    found = (_rows(store, "calls", call_id, day) if day else []) or _rows(store, "calls", call_id, None)
    if not found:
        raise NotFoundError(f"no call {call_id!r}")
    call = found[0]
    day = call["local_date"]
    visits = judge.scan(store, settings, day, day, call_id).to_pylist()
    attempts = _rows(store, "attempts", call_id, day)
    names = letters(attempts, visits)
    for row in (call, *visits):
        row["answered_by"] = names.get(row["answered_by"])
    for row in attempts:
        row["phone"] = names.get(row["employee"])
    return {
        **_only(call, CALL_FIELDS),
        "visits": [_only(row, VISIT_FIELDS) for row in visits],
        "attempts": [
            _only(row, ATTEMPT_FIELDS)
            for row in sorted(attempts, key=lambda row: (row["visit"], row["position"]))
        ],
        "evidence": _evidence(store, call, names),
    }


def _rows(facts: Facts, name: str, call_id: str, day: date | None) -> list[dict[str, Any]]:
    asked = pa.table({"call_id": [call_id]})
    found: list[dict[str, Any]] = engine.run(
        _OF_CALLS, {"facts": table(facts, name, day, day), "asked": asked}
    ).to_pylist()
    return found


def _evidence(store: Snapshot, call: Mapping[str, Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The lines the call came from, by time, at most `MOST_LINES`; empty where they were purged."""
    day, ended = call["local_date"], call["ended_at"] or call["started_at"]
    last = max(ended.astimezone(ZoneInfo(store.timezone)).date(), day) + ONE_DAY
    channels = store.scan("channels", day, day)
    ids = [f"{call['pbx']}:{one}" for one in (call["call_id"].partition(":")[2], *(call["aliases"] or ()))]
    if "call_id" in channels.column_names:
        ids += channels.filter(pc.equal(channels["call_id"], call["call_id"]))["uniqueid"].to_pylist()
    messages = _rows(store, "messages", call["call_id"], None)
    spool = [row["msg_id"] for row in messages if row["msg_id"]]
    return [
        {
            "at": said.at,
            "source": said.source,
            "kind": said.kind,
            "file": PurePath(said.where.path).name,
            "line": said.where.line,
            "queue": said.queue,
            "app": said.app,
            "status": said.status,
            "state": said.state,
            "phone": _phone(said, names),
        }
        for said in evidence.read(store, sorted(set(ids)), spool, day - ONE_DAY, last)[:MOST_LINES]
    ]


def _phone(said: evidence.Said, names: Mapping[str, str]) -> str | None:
    """Letter of the phone a line is about; the dialled one is more telling than the one that calls it."""
    phones = (endpoint(said.dest_channel), endpoint(said.channel))
    return next((names[phone] for phone in phones if phone is not None and phone in names), None)


def _only(row: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, Any]:
    return {f.name: row.get(f.name) for f in fields}


def _schema(fields: Sequence[Field]) -> pa.Schema:
    return pa.schema(
        [pa.field(f.name, f.dtype, metadata={"unit": f.unit, "meaning": f.meaning}) for f in fields]
    )


def _day_of(call_id: str, timezone: str) -> date | None:
    """Local date of the epoch in a call id; None where there is none."""
    epoch = re.search(r"(\d{9,10})\.\d+$", call_id)
    return datetime.fromtimestamp(int(epoch[1]), UTC).astimezone(ZoneInfo(timezone)).date() if epoch else None


def _opened(cursor: str | None) -> tuple[int | None, str, int]:
    if cursor is None:
        return None, "", 0
    try:
        found = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True))
        entered_us, call_id, visit = found
        str(call_id).encode()  # half a surrogate pair is no text
    except (binascii.Error, ValueError, TypeError):
        entered_us, call_id, visit = None, None, None
    if (
        type(entered_us) is not int
        or abs(entered_us) > 2**62
        or type(call_id) is not str
        or type(visit) is not int
        or not 0 <= visit < 2**31
    ):
        raise UsageError("cursor: is none that this server gave; take it from 'next' of the page before")
    return entered_us, call_id, visit
