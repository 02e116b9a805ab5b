"""The tables and parameters that the metrics' SQL texts read, made from store and settings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final

import pyarrow as pa

from callstats import engine, judge
from callstats.calendar import Calendar, bucket_start, days
from callstats.departments import Departments
from callstats.engine import Parameter, Source
from callstats.facts import Facts, table
from callstats.fields import TABLES
from callstats.metrics.base import department_parameter
from callstats.metrics.links import HORIZON_DAYS, callback_departments, links
from callstats.settings import Settings

__all__ = ["Facts", "data_end_us", "data_window", "days_table", "inputs", "linked", "parameters", "table"]

DAYS: Final = pa.schema(
    [("day", pa.date32()), ("weekday", pa.int64()), ("week", pa.date32()), ("month", pa.date32())]
)


def data_window(facts: Facts) -> tuple[date, date] | None:
    """Local dates ``[start, end)`` that hold visits or calls; None where there are none."""
    found = engine.run(
        "SELECT min(local_date) AS first, max(local_date) AS last FROM ("
        "SELECT local_date FROM calls UNION ALL SELECT local_date FROM visits UNION ALL SELECT local_date "
        "FROM messages)",
        {name: table(facts, name) for name in ("calls", "visits", "messages")},
    ).to_pylist()[0]
    return (found["first"], found["last"] + timedelta(days=1)) if found["first"] is not None else None


def data_end_us(facts: Facts, last: date) -> int | None:
    """The last instant that the facts know of, in microseconds; ``last`` is their last local date."""
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
    facts: Facts, settings: Settings, start: date, end: date, departments: Sequence[str] = ()
) -> dict[str, Parameter]:
    """Parameters of every metric's text for the local days ``[start, end)``."""
    window = data_window(facts)
    named: dict[str, Parameter] = {department_parameter(n): name for n, name in enumerate(departments)}
    return named | {
        "start": start,
        "end": end,
        "timezone": settings.timezone,
        "hotline_department": settings.hotline.department or "",
        "data_end_us": data_end_us(facts, window[1] - timedelta(days=1)) if window else None,
    }


def inputs(
    facts: Facts,
    settings: Settings,
    start: date,
    end: date,
    needed: Iterable[str],
    given: dict[str, Parameter],
    departments: Sequence[str] = (),
) -> dict[str, Source]:
    """The tables ``needed``, for the local days ``[start, end)``, and ``days``; visits are judged ones.

    ``departments`` are the only ones that will be asked for (none: all).
    """
    last = end - timedelta(days=1)
    names = set(needed)
    found: dict[str, Source] = {"days": days_table(start, end)}
    for name in names & set(TABLES):
        found[name] = table(facts, name, start, last)
    if "visits" in names:
        found["visits"] = judge.visits(facts, settings, start, end, departments or None)
    if "links" in names:
        found["links"] = linked(facts, settings, start, end, given)
    return found


def linked(facts: Facts, settings: Settings, start: date, end: date, given: dict[str, Parameter]) -> pa.Table:
    """The table `links` of what happened on the local days ``[start, end)``, followed up to the horizon."""
    horizon = end + timedelta(days=HORIZON_DAYS + 1)
    hotline = [settings.hotline.department] if settings.hotline.department else []
    sources: dict[str, Source] = {name: table(facts, name, start, horizon) for name in ("calls", "messages")}
    sources["visits"] = judge.visits(facts, settings, start, horizon + timedelta(days=1))
    sources["members"] = Departments.from_settings(settings).members
    sources["callback_departments"] = callback_departments(settings)
    sources["open_hours"] = Calendar.from_settings(settings).open_hours(start, horizon, hotline)
    return links(sources, given)
