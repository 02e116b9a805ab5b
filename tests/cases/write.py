"""Rows of a case as the PBX would have written them, so that they go through the project's own readers.

Where a case gives no time, the events get made-up ones that only ever grow: what a person does (an answer, a
hang-up, a transfer) takes seconds, what the PBX does after it takes milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.cel_rows import CEL_EVENTS
from tests.cases.load import Row

CEL_ORDER = (
    "eventtype", "eventtime", "cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten", "context",
    "channame", "appname", "appdata", "amaflags", "accountcode", "uniqueid", "linkedid", "peer", "userfield",
    "userdeftype", "extra",
)  # fmt: skip
CDR_ORDER = (
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start",
    "answer", "end", "duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield", "peeraccount",
    "linkedid", "sequence",
)  # fmt: skip
QUEUE_ORDER = ("time", "callid", "queuename", "agent", "event", "data1", "data2", "data3", "data4", "data5")
NO_TIME = datetime(2024, 1, 1, 10, 0, tzinfo=UTC)
BY_A_PERSON = frozenset({
    "HangupRequest", "SoftHangupRequest", "BlindTransfer", "AttendedTransfer", "Transfer", "Pickup",
    "QueueCallerAbandon",
})  # fmt: skip
UNIQUEID = re.compile(r"(?:.*-)?[0-9]{9,10}[.][0-9]+")
THINKING_US = 3_000_000
MACHINE_US = 10_000


def _quoted(values: Iterable[object]) -> bytes:
    cells = ('"' + str("" if v is None else v).replace('"', '""') + '"' for v in values)
    return (",".join(cells) + "\n").encode()


def cel(rows: Iterable[Row]) -> bytes:
    """`cel_custom` lines; another system's own events become USER_DEFINED, as Asterisk writes them."""
    lines = []
    for place, row in enumerate(rows):
        known = row["eventtype"] in CEL_EVENTS
        made = {
            **row,
            "eventtype": row["eventtype"] if known else "USER_DEFINED",
            "userdeftype": row.get("userdeftype") or ("" if known else row["eventtype"]),
            "eventtime": _epoch(row.get("eventtime") or str(NO_TIME + timedelta(seconds=place))),
            "channame": row.get("channame") or row.get("channel"),
        }
        lines.append(_quoted(made.get(name) for name in CEL_ORDER))
    return b"".join(lines)


def cdr(rows: Iterable[Row]) -> bytes:
    """`cdr_csv` lines: of 21 columns, or of 16 where no row tells a channel's id."""
    made = cdr_rows(rows)
    order = CDR_ORDER if any(row["uniqueid"] for row in made) else CDR_ORDER[:16]
    return b"".join(_quoted(row.get(name) for name in order) for row in made)


def cdr_rows(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows as Asterisk could have written them.

    What a row does not state follows from what it does: one without times begins when the others do, one that
    talked was answered `billsec` before its end. Ids of another form are replaced.
    """
    ids: dict[str, str] = {}
    made = [_cdr_row(row) for row in rows]
    for place, row in enumerate(made):
        for key in ("uniqueid", "linkedid"):
            value = str(row[key] or "")
            if value and not UNIQUEID.fullmatch(value):
                row[key] = ids.setdefault(value, f"1700000000.{len(ids) + 1}")
        row["sequence"] = row["sequence"] or place
        for key in ("channel", "dstchannel"):
            row[key] = f"{row[key]}peer-{place:08x}" if str(row[key] or "").endswith("/") else row[key]
    return made


def _cdr_row(row: Row) -> dict[str, Any]:
    made: dict[str, Any] = {name: row.get(name) for name in CDR_ORDER}
    answered = row.get("disposition") == "ANSWERED"
    billsec = int(row["billsec"]) if row.get("billsec") not in (None, "") else int(answered)
    duration = int(row["duration"]) if row.get("duration") not in (None, "") else billsec
    start_text = row.get("start") or row.get("calldate") or NO_TIME.isoformat(" ")[:19]
    made |= {"start": start_text, "duration": duration, "billsec": billsec, "clid": row.get("clid") or ""}
    made["disposition"] = row.get("disposition") or "NO ANSWER"
    try:
        start = datetime.fromisoformat(start_text)
    except ValueError:
        return made
    if not row.get("end"):
        made["end"] = (start + timedelta(seconds=duration)).isoformat(" ")
    if not row.get("answer") and answered:
        made["answer"] = (start + timedelta(seconds=duration - billsec)).isoformat(" ")
    return made


def queue_log(rows: Iterable[Row]) -> bytes:
    """`queue_log` lines. A bridged channel that several calls share is a placeholder, and left out."""
    given = list(rows)
    calls: dict[object, set[object]] = {}
    for row in given:
        if row["event"] == "CONNECT":
            calls.setdefault(row.get("data2"), set()).add(row.get("callid"))
    made = ({**row, "data2": ""} if len(calls.get(row.get("data2"), ())) > 1 else row for row in given)
    return b"".join("|".join(_queue_fields(row)).encode() + b"\n" for row in made)


def _queue_fields(row: Row) -> Iterator[str]:
    for name in QUEUE_ORDER:
        value = row.get(name)
        if name == "time":
            yield _epoch(str(value))
        elif value is None:
            yield "NONE" if name in ("callid", "queuename", "agent") else ""
        else:
            yield str(value)


def _epoch(text: str) -> str:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return text
    instant = datetime.fromisoformat(re.sub(r"([+-]\d\d)$", r"\1:00", text))
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return f"{int(instant.timestamp())}.{instant.microsecond:06}"


def ami(rows: Iterable[Row]) -> bytes:
    """The bytes of a manager connection. A channel's id tells when it was made; all else is made up."""
    blocks = [b"Asterisk Call Manager/5.0\r\n"]
    at, ringing, before = int(NO_TIME.timestamp()) * 1_000_000, False, ""
    for row in rows:
        kind = row["Event"]
        if kind == "Newchannel" and (found := re.search(r"(\d{9,10})\.\d+$", row["Uniqueid"])):
            at = max(at if before else 0, int(found[1]) * 1_000_000)
        answers = kind == "Newstate" and row.get("ChannelState") == "6" and ringing
        alone = kind == "Hangup" and before not in ("Hangup", *BY_A_PERSON)
        at += THINKING_US if answers or kind in BY_A_PERSON or alone else MACHINE_US
        if kind == "Newstate":
            ringing = row.get("ChannelState") == "5" or (ringing and not answers)
        before = kind
        fields = {**row, "Timestamp": f"{at // 1_000_000}.{at % 1_000_000:06}"}
        order = ["Event", *(k for k in fields if k != "Event")]
        blocks.append("".join(f"{key}: {fields[key]}\r\n" for key in order).encode() + b"\r\n")
    return b"".join(blocks)
