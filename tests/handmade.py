"""Hand-made facts in a real store: each row says only what matters to its test."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from callstats.fields import ATTEMPTS, CALLS, MESSAGES, QUEUE_STEPS, VISITS, Table
from callstats.settings import Settings
from callstats.store import Store

RIGA = ZoneInfo("Europe/Riga")
DAY = date(2026, 3, 2)  # a Monday
ANNA, JURIS = "n1-aaaa", "n1-bbbb"  # clients, as the facts write them
ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def settings(tmp_path: Path, **more: Any) -> Settings:
    """A site with four departments; open from 8 to 17 on working days."""
    week = {day: [["08:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    values: dict[str, Any] = {
        "data": tmp_path / "data",
        "hours": week,
        "hotline": {
            "numbers": ["80000000"],
            "mailboxes": ["8000@hotline"],
            "department": "pr",
            "callback_departments": ["environment"],
        },
        "departments": [
            {"id": "pr", "name": {"lv": "Sabiedrisko attiecību nodaļa", "en": "Public Relations"}},
            {
                "id": "social",
                "name": {"lv": "Sociālais dienests", "en": "Social services"},
                "extensions": ["201", "202", "203"],
                "queues": ["q-social"],
                "numbers": ["67012200"],
            },
            {
                "id": "finance",
                "name": {"lv": "Finanšu nodaļa", "en": "Finance"},
                "extensions": ["401", "402"],
            },
            {"id": "environment", "name": {"lv": "Vides nodaļa", "en": "Environment"}, "extensions": ["801"]},
        ],
    }
    return Settings(**(values | more))


def at(clock: str = "10:00", day: date = DAY, fold: int = 0) -> datetime:
    """A time of the local clock ("10:00" or "10:00:05") as a UTC instant."""
    parts = [int(part) for part in clock.split(":")]
    local = datetime(day.year, day.month, day.day, *parts, tzinfo=RIGA, fold=fold)  # type: ignore[arg-type,misc]
    return local.astimezone(UTC)


def _row(table: Table, values: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    unknown = more.keys() - set(table.names)
    assert not unknown, f"{table.name} has no column {unknown}"
    return {**dict.fromkeys(table.names), **values, **more}


def visit(call_id: str = "pbx:1", **more: Any) -> dict[str, Any]:
    """An external call in hours, answered after 6 s of ringing by the only phone tried.

    A row holds measurements; ``in_hours=False``, ``third_signal_certainty``, ``rotation``, ``rotation_cause``
    and ``rotation_answered`` ask for what the site's rules then make of it.
    """
    entered = more.get("entered_at") or at()
    if not more.pop("in_hours", True):
        entered = more["entered_at"] = at("20:00", entered.astimezone(RIGA).date())
    answered = more.get("outcome", "answered") == "answered"
    ring = more.get("ring_s", 6.0)
    spread = {"certain": 0.0, "borderline": 0.45, "estimated": 60.0}[
        more.pop("third_signal_certainty", "certain")
    ]
    bounds = (None, None) if ring is None else (max(ring - spread, 0.0), ring + spread)
    values = {
        "call_id": call_id,
        "visit": 1,
        "department": "social",
        "local_date": entered.astimezone(RIGA).date(),
        "entered_at": entered,
        "entered_date": entered.astimezone(RIGA).date(),
        "entered_by": "dialled",
        "ring_s": ring,
        "ring_min_s": bounds[0],
        "ring_max_s": bounds[1],
        "ring_source": "ami",
        "ring_resolution_us": 1,
        "early_media": False,
        "wait_s": ring,
        "outcome": "answered",
        "outcome_certainty": "certain",
        "surely_unanswered": False,
        "in_gap": False,
        "external": True,
        "phones_offered": 1,
        "no_phone_available": False,
        "offered_through": "phones",
        "employees_tried": ["201"],
        "answered_by": "201" if answered else None,
        **_rotation(more, answered),
    }
    return _row(VISITS, values, more)


def _rotation(more: dict[str, Any], answered: bool) -> dict[str, Any]:
    """The facts about phones that the rotation class asked for follows from."""
    kind = more.pop("rotation", "not_needed")
    failed = kind in ("rotated", "not_rotated", "no_second_member")
    return {
        "first_failed": failed,
        "first_failed_surely": failed,
        "first_failure": more.pop("rotation_cause", None) or ("no_answer" if failed else None),
        "other_alerted": kind == "rotated",
        "other_alerted_surely": kind == "rotated",
        "other_answered": more.pop("rotation_answered", answered),
        "left_ringing": kind == "caller_left",
        "tries_unclear": kind == "unknown",
        "tries_certain": True,
        "dial_heard": True,
        "dial_heard_live": True,
        "department_phones": 1 if kind == "no_second_member" else 3,
    }


def missed(call_id: str, **more: Any) -> dict[str, Any]:
    """An external visit that rang for 30 s and nobody answered."""
    return visit(call_id, **{"outcome": "unanswered", "ring_s": 30.0, "wait_s": 30.0, **more})


def call(call_id: str = "pbx:1", **more: Any) -> dict[str, Any]:
    """An incoming call of Anna, answered."""
    started = more.get("started_at") or at()
    values = {
        "call_id": call_id,
        "pbx": "pbx",
        "started_at": started,
        "ended_at": started,
        "local_date": started.astimezone(RIGA).date(),
        "direction": "inbound",
        "caller": ANNA,
        "caller_class": "mobile",
        "dialled": "67012200",
        "dialled_class": "own",
        "outcome": "answered",
        "outcome_certainty": "certain",
        "answered_by": "201",
        "departments": ["social"],
        "transferred": False,
        "sources": ["ami"],
        "aliases": [],
    }
    return _row(CALLS, values, more)


def callback(call_id: str, client: str, extension: str, **more: Any) -> dict[str, Any]:
    """An outgoing call to a client: answered, one minute of talk."""
    outgoing = {"direction": "outbound", "caller": extension, "caller_class": "extension", "dialled": client}
    return call(
        call_id,
        **{**outgoing, "dialled_class": "mobile", "talk_s": 60.0, "ring_s": 5.0, "departments": [], **more},
    )


def attempt(call_id: str, employee: str, **more: Any) -> dict[str, Any]:
    """A phone that rang and was answered."""
    values = {
        "call_id": call_id,
        "visit": 1,
        "position": 1,
        "employee": employee,
        "department": "social",
        "local_date": DAY,
        "tried_at": at(),
        "ring_at": at(),
        "outcome": "answered",
        "ring_s": 6.0,
        "certainty": "certain",
        "source": "ami",
    }
    return _row(ATTEMPTS, values, more)


def message(call_id: str, client: str | None = ANNA, **more: Any) -> dict[str, Any]:
    """A voice message of 20 s on the hotline."""
    left = more.get("left_at") or at()
    values = {
        "call_id": call_id,
        "mailbox": "8000@hotline",
        "msg_id": f"m-{call_id}",
        "left_at": left,
        "local_date": left.astimezone(RIGA).date(),
        "caller": client,
        "duration_s": 20.0,
        "empty": False,
        "callable": client is not None,
        "hotline": True,
        "certainty": "certain",
    }
    return _row(MESSAGES, values, more)


def queue_step(step: str, member: str, when: datetime, **more: Any) -> dict[str, Any]:
    """Something that q-social said of a member."""
    values = {
        "pbx": "pbx",
        "queue": "q-social",
        "member": member,
        "local_date": when.astimezone(RIGA).date(),
        "said_at": when,
        "step": step,
        "source": "queue_log",
    }
    return _row(QUEUE_STEPS, values, more)


def fill(store: Store, **rows: Iterable[dict[str, Any]]) -> Store:
    """The store with these rows, by table: ``visits=[visit(...)]``."""
    tables = {t.name: t for t in (CALLS, VISITS, ATTEMPTS, MESSAGES, QUEUE_STEPS)}
    made = {name: pa.Table.from_pylist(list(found), tables[name].schema) for name, found in rows.items()}
    days = {day for table in made.values() for day in table["local_date"].to_pylist()}
    store.replace_days(days, made)
    return store


def store_with(site: Settings, **rows: Iterable[dict[str, Any]]) -> Store:
    """A new store of a site, filled."""
    return fill(Store.open(site), **rows)
