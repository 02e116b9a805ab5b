"""Events → channels → calls, visits, attempts and messages: one SQL text per table, run in order.

Each text in ``sql/`` reads named tables and yields one; a newcomer reads them in the order of `STEPS`.
The texts know no configuration: departments and trunks come as tables, so that the same texts serve every
site. They measure only: what the municipality's rules make of a visit is judged when it is read
(`callstats.judge`), so that a change of rules changes no stored day.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import pyarrow as pa

from callstats.departments import Departments
from callstats.engine import Engine, Parameter, conform, literal, opened
from callstats.fields import (
    ATTEMPTS,
    CALLS,
    CHANNELS,
    DISAGREEMENTS,
    EVENTS,
    MESSAGES,
    QUEUE_STEPS,
    VISITS,
    Table,
)
from callstats.settings import Settings

log = logging.getLogger(__name__)

# The call's frame, then phones, then visits, then what people read. Each name is a text in sql/.
STEPS: Final = (
    "cdr_rows",
    "feed_gaps",
    "voices",
    "channels",
    "names",
    "pickups",
    "callers",
    "queue_stays",
    "legs_heard",
    "answers",
    "unreachable",
    "legs",
    "transfers",
    "touches",
    "attempts",
    "stays",
    "rings",
    "rotations",
    "messages_left",
    "outcomes",
    "visits_measured",
    "visits",
    "queue_steps",
    "calls",
    "disagreements",
    "call_channels",
)
MEMORY_MIB: Final = 320  # of the engine; the whole process then stays within 600 MiB
MOST_MIB: Final = 1280  # beyond it the engine may take what there is
# Table, the step that makes it, and the columns its rows are ordered by.
RESULTS: Final[tuple[tuple[Table, str, tuple[str, ...]], ...]] = (
    (CALLS, "calls", ("call_id",)),
    (VISITS, "visits", ("call_id", "visit")),
    (ATTEMPTS, "attempts", ("call_id", "visit", "position")),
    (MESSAGES, "messages_left", ("left_at", "mailbox", "msg_id", "call_id")),
    (DISAGREEMENTS, "disagreements", ("call_id", "uniqueid", "fact", "other_source")),
    (CHANNELS, "call_channels", ("call_id", "uniqueid")),
    (
        QUEUE_STEPS,
        "queue_steps",
        ("said_at", "pbx", "queue", "member", "step", "phone", "source", "batch", "line"),
    ),
)


@cache
def text(name: str) -> str:
    """The SQL text of one step."""
    return files(__package__).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def assemble(
    events: pa.Table | Sequence[Path], settings: Settings, spill: Path | None = None
) -> dict[str, pa.Table]:
    """The tables of `RESULTS` that ``events`` amount to, by name.

    ``events`` is a table of `EVENTS` or its Parquet files, in any order; equal events give equal tables. With
    a folder ``spill`` the engine holds no more than `MEMORY_MIB` in memory, unless a step cannot do with it.
    """
    return dict(one_by_one(events, settings, spill))


def one_by_one(
    events: pa.Table | Sequence[Path],
    settings: Settings,
    spill: Path | None = None,
    days: Collection[date] | None = None,
) -> Iterator[tuple[str, pa.Table]]:
    """As `assemble`, but each table when it is asked for; with ``days`` only the rows of these."""
    with _computed(events, settings, spill) as session:
        for table, step, columns in RESULTS:
            yield table.name, conform(session.query(_ordered(step, columns, days)), table.schema)


@contextmanager
def _computed(events: pa.Table | Sequence[Path], settings: Settings, spill: Path | None) -> Iterator[Engine]:
    limit = MEMORY_MIB if spill else None
    while True:
        with opened(limit, spill) as session:
            session.table("events", events, EVENTS.schema)
            try:
                take_steps(session, settings)
            except MemoryError:  # part of a step cannot leave memory: rather more of it than no figures
                if limit is None:
                    raise
                log.warning("computing needs more than %d MiB: trying with twice as much", limit)
            else:
                yield session
                return
        limit = limit * 2 if limit * 2 <= MOST_MIB else None


def take_steps(session: Engine, settings: Settings) -> None:
    """Runs the texts over the session's ``events``; afterwards it holds the tables that `RESULTS` names."""
    for name, table in reference(settings).items():
        session.table(name, table)
    hear(session, kept=True)
    session.step("edges", text("edges"))
    _label(session)
    parameters: dict[str, Parameter] = {"timezone": settings.timezone}
    session.step("call_ids", text("call_ids"), parameters)
    for name in STEPS:
        session.step(name, text(name), parameters)


def hear(session: Engine, *, kept: bool) -> None:
    """Name the session's events ``heard``: with ids that are unique across PBXs and times in microseconds.

    ``kept``: for more than one reader; to read the files again for each takes three to four times as long.
    """
    session.step("bare_ids", text("bare_ids"))
    if kept:
        session.step("heard", text("heard"))
    else:
        session.view("heard", text("heard"))


def _ordered(step: str, columns: Sequence[str], days: Collection[date] | None = None) -> str:
    listed = ", ".join(map(literal, sorted(days or ()))) or "NULL"
    where = "" if days is None else f" WHERE local_date IN ({listed})"
    order = ", ".join(f"{column} ASC NULLS LAST" for column in columns)
    return f"SELECT * FROM {step}{where} ORDER BY {order}"


def _label(session: Engine) -> None:
    """Join ids into calls: spread the earliest id's label along the edges until nothing changes."""
    session.step("labels", text("labels_first"))
    changed = True
    while changed:
        session.step("labels_new", text("labels_next"))
        changed = bool(session.query(text("labels_changed"))["n"][0].as_py())
        session.step("labels", "SELECT uid, label FROM labels_new")


def reference(settings: Settings) -> dict[str, pa.Table]:
    """What the texts know of a site, as tables; beside events and time zone nothing else goes into a fact."""
    return {
        "members": Departments.from_settings(settings).members,
        "trunks": pa.table({"endpoint": pa.array(settings.trunks, pa.string())}),
        "hotline_mailboxes": pa.table({"value": pa.array(settings.hotline.mailboxes, pa.string())}),
    }


__all__ = ["RESULTS", "STEPS", "assemble", "hear", "one_by_one", "reference", "take_steps", "text"]
