"""The tables and parameters that the metrics' SQL texts read, made from store and settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pyarrow as pa

from callstats import engine, judge
from callstats.calendar import Calendar, bucket_start, days
from callstats.departments import Departments
from callstats.engine import Engine, Parameter, Source
from callstats.facts import Facts, edges, table
from callstats.fields import TABLES
from callstats.metrics.base import department_parameter, scope_steps
from callstats.metrics.links import HORIZON_DAYS, callback_departments, links
from callstats.metrics.open_time import open_time
from callstats.metrics.returns import RETURN_DAYS, returns
from callstats.register.handled import handled
from callstats.settings import Settings

__all__ = ["Facts", "data_end_us", "data_window", "days_table", "linked", "parameters", "prepared", "table"]

DAYS: Final = pa.schema(
    [("day", pa.date32()), ("weekday", pa.int64()), ("week", pa.date32()), ("month", pa.date32())]
)
DUE_AHEAD: Final = timedelta(days=31)  # two working days after the window end within this


def data_window(facts: Facts) -> tuple[date, date] | None:
    """Local dates ``[start, end)`` that hold visits, calls or messages; None where there are none.

    Only files at the edges are read: the answer does not take longer as history grows.
    """
    return facts.once("data_window", lambda: _data_window(facts))


def _data_window(facts: Facts) -> tuple[date, date] | None:
    found = engine.run(
        "SELECT min(local_date) AS first, max(local_date) AS last FROM ("
        "SELECT local_date FROM calls UNION ALL SELECT local_date FROM visits UNION ALL SELECT local_date "
        "FROM messages)",
        {name: edges(facts, name) for name in ("calls", "visits", "messages")},
    ).to_pylist()[0]
    return (found["first"], found["last"] + timedelta(days=1)) if found["first"] is not None else None


def data_end_us(facts: Facts, last: date) -> int | None:
    """The last instant that the facts know of, in microseconds; ``last`` is their last local date."""
    return facts.once(("data_end_us", last), lambda: _data_end_us(facts, last))


def _data_end_us(facts: Facts, last: date) -> int | None:
    sql = """
    SELECT max(us) AS us FROM (
        SELECT max(unix_micros(coalesce(ended_at, started_at))) AS us FROM calls
        UNION ALL
        SELECT max(unix_micros(left_at)) AS us FROM messages
    ) ends
    """
    named = {name: table(facts, name, last, None) for name in ("calls", "messages")}
    found = engine.run(sql, named).to_pylist()[0]["us"]
    return int(found) if found is not None else None


def days_table(start: date, end: date) -> pa.Table:
    """Table `DAYS` of the days ``[start, end)``: weekday 1-7 (Monday 1), first dates of week and month."""
    rows = [
        {
            "day": d,
            "weekday": d.isoweekday(),
            "week": bucket_start(d, "week"),
            "month": bucket_start(d, "month"),
        }
        for d in days(start, end)
    ]
    return pa.Table.from_pylist(rows, DAYS)


def parameters(
    facts: Facts,
    settings: Settings,
    start: date,
    end: date,
    departments: Sequence[str] = (),
    window: tuple[date, date] | None = None,
) -> dict[str, Parameter]:
    """Parameters of every metric's text for the local days ``[start, end)``; ``window``: `data_window`."""
    named: dict[str, Parameter] = {department_parameter(n): name for n, name in enumerate(departments)}
    return named | {
        "start": start,
        "end": end,
        "timezone": settings.timezone,
        "hotline_department": settings.hotline.department or "",
        "data_end_us": data_end_us(facts, window[1] - timedelta(days=1)) if window else None,
    }


@contextmanager
def prepared(
    facts: Facts,
    settings: Settings,
    start: date,
    end: date,
    needed: Iterable[str],
    given: Mapping[str, Parameter],
    departments: Sequence[str] = (),
) -> Iterator[Engine]:
    """An engine that has the tables ``needed`` and ``days``, for the local days ``[start, end)``.

    ``given`` are the `parameters` for these days and departments.
    """
    names, last = set(needed), end - timedelta(days=1)
    units = departments or Departments.from_settings(settings).ids
    calendar = Calendar.from_settings(settings)
    with engine.opened() as session:
        session.table("days", days_table(start, end))
        for name in names & set(TABLES) - {"visits"}:
            session.table(name, table(facts, name, start, last))
        if names & {"scoped", "visits"}:
            # a transfer leads into other departments: visits of all, with the hours of those asked for
            session.table("visits", judge.visits(facts, settings, start, end, departments or None))
        if "scoped" in names:
            for name, text in scope_steps(len(departments)).items():
                session.step(name, text, given)
        if "members" in names:
            session.table("members", Departments.from_settings(settings).members)
        if "links" in names:
            session.table("links", linked(facts, settings, start, end, given, departments))
        if "returns" in names:
            session.table("returns", returned(facts, start, end, given, departments))
        if "open_time" in names:
            days_known = known_days(facts, start, last)
            session.table("open_time", open_time(calendar, days_known, units, given["data_end_us"]))
        if "handled" in names:
            now = _instant(given["data_end_us"])
            session.table("handled", handled(facts, settings, start, end, now))
        if "due_days" in names:
            hotline = [name for name in (settings.hotline.department,) if name]
            session.table("due_days", calendar.working_days(start, end + DUE_AHEAD, hotline))
        yield session


def _instant(us: Parameter) -> datetime:
    """The instant that the facts know up to; where they know nothing, long ago."""
    return datetime.fromtimestamp(us / 1e6 if isinstance(us, int | float) else 0, UTC)


def known_days(facts: Facts, first: date, last: date) -> list[date]:
    """The local days from ``first`` to ``last``, both included, of which the facts hold any call."""
    sql = "SELECT DISTINCT local_date FROM calls WHERE local_date >= :first AND local_date <= :last"
    found = engine.run(sql, {"calls": table(facts, "calls", first, last)}, {"first": first, "last": last})
    return sorted(found["local_date"].to_pylist())


def linked(
    facts: Facts,
    settings: Settings,
    start: date,
    end: date,
    given: Mapping[str, Parameter],
    departments: Sequence[str] = (),
) -> pa.Table:
    """The table `links` of what happened on the local days ``[start, end)``, followed up to the horizon."""
    horizon = end + timedelta(days=HORIZON_DAYS + 1)
    hotline = [settings.hotline.department] if settings.hotline.department else []
    sources: dict[str, Source] = {name: table(facts, name, start, horizon) for name in ("calls", "messages")}
    after = horizon + timedelta(days=1)
    sources["visits"] = judge.visits(facts, settings, start, after, departments or None)
    sources["members"] = Departments.from_settings(settings).members
    sources["callback_departments"] = callback_departments(settings)
    sources["open_hours"] = Calendar.from_settings(settings).open_hours(start, horizon, hotline)
    return links(sources, given, len(departments))


def returned(
    facts: Facts, start: date, end: date, given: Mapping[str, Parameter], departments: Sequence[str] = ()
) -> pa.Table:
    """The table `returns` of the calls on the local days ``[start, end)``, followed up to its horizon."""
    horizon = end + timedelta(days=RETURN_DAYS + 1)
    sources: dict[str, Source] = {name: table(facts, name, start, horizon) for name in ("calls", "visits")}
    return returns(sources, given, len(departments))
