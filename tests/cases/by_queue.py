"""queue_log → calls and hourly counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.cases import write
from tests.cases.check import Check, compared, left_out
from tests.cases.load import Case, Row
from tests.cases.matching import instant
from tests.cases.tables import Inputs, Told, member

AGENTS = "logins, pauses and wrap-up of agents are not measured"
STATUS = {
    "answered": "answered",
    "abandoned": "abandoned",
    "timeout": "unanswered",
    "leaveempty": "unanswered",
}
# Numbers of ours that mean the same; waiting averages and rates are defined differently in every project.
COUNTS = ("received", "answered", "abandoned")


def inputs(case: Case) -> Inputs:
    """The rows (of the range asked for) as a queue_log file; cases of nothing but agents are not read."""
    if case.kind == "queue_log_to_agent_intervals":
        return {}
    if lines := case.input.get("lines"):
        return {"": {"queue_log": "".join(f"{line}\n" for line in lines).encode()}}
    return {"": {"queue_log": write.queue_log(_in_range(case))}}


def checks(case: Case, found: Mapping[str, Told]) -> Iterator[Check]:
    """Every fact of a queue_log case."""
    if case.kind == "queue_log_to_stats":
        yield from _stats(case, found[""])
    elif case.kind == "queue_log_rows":
        yield from _rows(case, found[""])
    else:
        yield from _calls(case, found[""])


def _in_range(case: Case) -> list[Row]:
    first, last = instant(case.params.get("range_start")), instant(case.params.get("range_end"))
    rows = case.rows("queue_log")
    if first is None or last is None:
        return rows
    times = [instant(re.sub(r"[+]00(:00)?$", "", str(row["time"]))) for row in rows]
    return [row for row, at in zip(rows, times, strict=True) if at and first <= at <= last]


def _calls(case: Case, ours: Told) -> Iterator[Check]:
    for place, expected in enumerate(case.facts.get("calls", [])):
        call = next((c for c in ours.calls if c["call_id"].endswith(f":{expected.get('callid')}")), None)
        if "callid" not in expected and len(ours.calls) == 1:
            call = ours.calls[0]
        for fact, value in expected.items():
            if fact == "callid":
                yield compared(case, f"calls[{place}].{fact}", True, call is not None)
            else:
                found = _one(case, fact, value, call, ours)
                yield Check(**{**vars(found), "fact": f"calls[{place}].{fact}"})
    if left := case.facts.get("leaveempty_per_queue"):
        for queue, count in left.items():
            got = sum(1 for e in ours.events if e["kind"] in ("LEAVEEMPTY",) and e["queue"] == queue)
            yield compared(case, f"leaveempty_per_queue.{queue}", count, got)


def _one(case: Case, fact: str, expected: Any, call: Row | None, ours: Told) -> Check:
    if fact == "status" and expected not in STATUS:
        return left_out(case, fact, "a vendor's own event: the queue did not take the call")
    if call is None:
        return Check(case.id, case.file, case.status, fact, False, expected, "no call")
    visits, _ = ours.of(call)
    match fact:
        case "status":
            return compared(case, fact, STATUS[expected], call["outcome"])
        case "answered":
            return compared(case, fact, expected, call["outcome"] == "answered")
        case "time":
            return compared(case, fact, expected, call["started_at"])
        case "wait_s":
            waited = call["wait_s"] if call["wait_s"] is not None else visits and visits[0]["wait_s"]
            return compared(case, fact, expected, waited)
        case "talk_s":
            return compared(case, fact, expected, call["talk_s"])
        case "agent":
            return compared(case, fact, member(expected), call["answered_by"])
        case "queue":
            own = [e for e in ours.events if f"{e['pbx']}:{e['uniqueid']}" == call["call_id"]]
            return compared(case, fact, [expected], sorted({e["queue"] for e in own if e["queue"]}))
        case "ring_s_from_row_times":
            return compared(case, fact, expected, call["wait_s"])
        case "in_progress":
            return compared(case, fact, expected, call["outcome"] == "answered" and call["ended_at"] is None)
    return left_out(case, fact, "no such word here")


def _rows(case: Case, ours: Told) -> Iterator[Check]:
    """What a reader must make of single lines."""
    for fact, expected in case.facts.items():
        if fact == "rows":
            got = [_as_row(e) for e in sorted(ours.events, key=lambda e: e["line"])]
            right = len(got) == len(expected) and all(map(_says, expected, got))
            yield Check(case.id, case.file, case.status, fact, right, expected, got)
        elif fact == "dropped_line_indexes":
            yield compared(case, fact, expected, [r.line - 1 for r in ours.rejects])
        elif fact == "complete":
            yield compared(case, fact, expected, not ours.rejects)


def _as_row(event: Row) -> Row:
    seconds = {
        name: event[key] / 1_000_000 if event[key] is not None else None
        for name, key in (("wait_s", "hold_us"), ("talk_s", "talk_us"))
    }
    named = {"event": event["kind"], "callid": event["uniqueid"], "time": int(event["at"].timestamp())}
    return {**event, **seconds, **named}


def _says(expected: Row, got: Row) -> bool:
    return all(
        got[key] == (value.partition("/")[2] if key == "member" else value) for key, value in expected.items()
    )


def _stats(case: Case, ours: Told) -> Iterator[Check]:
    for place, one in enumerate(case.facts["stats"]):
        if "by_hour" not in one or one.get("on") != "queue":
            yield left_out(case, f"stats[{place}]", AGENTS if one.get("on") == "agent" else "a table of text")
            continue
        for hour, numbers in one["by_hour"].items():
            for fact, expected in numbers.items():
                name = f"stats[{place}].{hour}.{fact}"
                if fact not in COUNTS or "closed" in numbers:
                    yield left_out(case, name, "defined differently here, or a vendor's own event")
                else:
                    yield compared(case, name, expected, _count(fact, hour, one, ours))


def _count(fact: str, hour: str, one: Row, ours: Told) -> int:
    day = datetime.fromisoformat(one["date"]).replace(tzinfo=UTC)
    hours = [int(h.rstrip("h")) for h in hour.split("-")] if hour != "Total" else [8, 12]
    owner = next((d.id for d in ours.site.departments if one["name"] in d.queues), None)
    that_day = [v for v in ours.visits if v["department"] == owner and v["entered_at"].date() == day.date()]
    found = [v for v in that_day if hours[0] <= v["entered_at"].hour < hours[1]]
    return len(found) if fact == "received" else sum(v["outcome"] == fact for v in found)
