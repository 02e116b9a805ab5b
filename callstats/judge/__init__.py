"""Measured visits judged by the rules in force: computed when they are read, stored nowhere.

A visit's row holds what was measured; rings, third signal, working hours and rotation class follow from it,
from the dated rules (`callstats.rules`) and from the calendar, in one SQL text. A change of a rule therefore
changes every judgement from its date on at once, and no stored day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from callstats import engine
from callstats.calendar import Calendar
from callstats.engine import Source, View
from callstats.facts import Facts, table
from callstats.fields import JUDGED_VISITS
from callstats.neutral import MEMBER_DAYS, NEUTRAL_SPANS, neutral_spans
from callstats.rules import EVERYBODY, third_signal_rules
from callstats.settings import Settings

LONGEST_CALL: Final = timedelta(days=31)  # a visit may begin so long after the day that its call belongs to
ONE_DAY: Final = timedelta(days=1)
ALL: Final = "SELECT v.* FROM visits v ORDER BY v.call_id ASC NULLS LAST, v.visit ASC NULLS LAST"
OF_CALL: Final = ALL.replace("ORDER", "JOIN asked a ON v.call_id = a.call_id ORDER")
SPAN: Final = "SELECT min(local_date) AS first, max(local_date) AS last FROM visits"


@cache
def text() -> str:
    """The SQL text of the judgements."""
    return files(__package__).joinpath("visits.sql").read_text(encoding="utf-8")


def view(
    measured: Source,
    settings: Settings,
    start: date,
    end: date,
    departments: Iterable[str] | None = None,
    neutral: pa.Table | None = None,
) -> View:
    """Measured visits of the days ``[start, end)`` with the columns of `JUDGED_VISITS`, and a few more.

    Hours are made for ``departments`` (default all), the only ones whose visits it may be asked for, and for
    visits of no department, which are judged by the site's; ``neutral`` is a table of `NEUTRAL_SPANS`.
    """
    units = tuple(dict.fromkeys(entry.id for entry in settings.departments))
    asked = units if departments is None else tuple(unit for unit in units if unit in set(departments))
    calendar = Calendar.from_settings(settings)
    return View(
        text(),
        {
            "visits_measured": measured,
            "third_signal_rules": third_signal_rules(settings, units, start, end),
            "hours_in_force": calendar.open_hours(start, end + LONGEST_CALL, (EVERYBODY, *asked)),
            "neutral_spans": NEUTRAL_SPANS.empty_table() if neutral is None else neutral,
        },
    )


def visits(
    facts: Facts, settings: Settings, start: date, end: date, departments: Iterable[str] | None = None
) -> View:
    """The judged visits of the days ``[start, end)``, read from the facts when they are asked for."""
    units = None if departments is None else tuple(departments)
    neutral = neutral_spans(
        steps(facts, start, end) if settings.neutral.reasons else (),
        entered(facts, start, end),
        settings,
        start,
        end + LONGEST_CALL,
        units,
    )
    return view(table(facts, "visits", start, end - ONE_DAY), settings, start, end, units, neutral)


def steps(facts: Facts, start: date, end: date) -> list[dict[str, object]]:
    """What queues said of their members, as far as visits of the days ``[start, end)`` depend on it."""
    first, last = start - timedelta(days=MEMBER_DAYS), end + LONGEST_CALL
    rows: list[dict[str, object]] = engine.run(
        "SELECT * FROM queue_steps", {"queue_steps": table(facts, "queue_steps", first, last)}
    ).to_pylist()
    return rows


def entered(facts: Facts, start: date, end: date) -> list[dict[str, object]]:
    """Entered neutral intervals that may touch visits of the days ``[start, end)``."""
    first, last = start - ONE_DAY, end + LONGEST_CALL
    rows: list[dict[str, object]] = [
        row
        for row in facts.exclusions().to_pylist()
        if row["from_at"].date() <= last and row["to_at"].date() >= first
    ]
    return rows


def judged(
    measured: pa.Table,
    settings: Settings,
    steps: pa.Table | None = None,
    entered: Sequence[Mapping[str, object]] = (),
) -> pa.Table:
    """Table `JUDGED_VISITS` of a table of measured visits, by call and visit.

    ``steps`` is a table of `QUEUE_STEPS`, ``entered`` are rows of `EXCLUSIONS`: who was in a neutral state.
    """
    days = pc.min_max(measured["local_date"]).as_py()
    if days["min"] is None:
        return JUDGED_VISITS.schema.empty_table()
    start, end = days["min"], days["max"] + ONE_DAY
    said = steps.to_pylist() if steps is not None else ()
    spans = neutral_spans(said, entered, settings, start, end + LONGEST_CALL)
    return _read(view(measured, settings, start, end, neutral=spans))


def scan(
    facts: Facts,
    settings: Settings,
    first: date | None = None,
    last: date | None = None,
    call_id: str | None = None,
) -> pa.Table:
    """Table `JUDGED_VISITS` of the days `first` to `last` (both included, default all), or of one call."""
    if first is None or last is None:
        span = engine.run(SPAN, {"visits": table(facts, "visits", first, last)}).to_pylist()[0]
        first, last = first or span["first"], last or span["last"]
        if first is None or last is None:
            return JUDGED_VISITS.schema.empty_table()
    return _read(visits(facts, settings, first, last + ONE_DAY), call_id)


def _read(source: View, call_id: str | None = None) -> pa.Table:
    asked = pa.table({"call_id": pa.array([call_id], pa.string())})
    found = engine.run(OF_CALL if call_id else ALL, {"visits": source, "asked": asked})
    return found.select(JUDGED_VISITS.names).cast(JUDGED_VISITS.schema)


__all__ = ["entered", "judged", "scan", "steps", "text", "view", "visits"]
