"""Open time hour by hour: what a rate per hour is divided by.

Hours are those of the local clock in real time: the doubled hour of an autumn night is two rows, the hour
that spring skips is none, and an hour that is open for half of it counts half.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from callstats.calendar import Calendar

OPEN_TIME: Final = pa.schema(
    [
        ("department", pa.string()),
        ("local_date", pa.date32()),
        ("begins_at", pa.timestamp("us", tz="UTC")),
        ("open_us", pa.int64()),
    ]
)


def open_time(
    calendar: Calendar, days: Iterable[date], departments: Iterable[str], data_end_us: Any = None
) -> pa.Table:
    """Table `OPEN_TIME`: one row per department and hour of the local clock that is open on one of ``days``.

    A department has no hours before its ``valid_from`` nor from its ``valid_to`` on. Nothing beyond
    ``data_end_us`` (microseconds; None: no end) is open, as nothing is known of it.
    """
    ends = (
        None if data_end_us is None else datetime.fromtimestamp(0, UTC) + timedelta(microseconds=data_end_us)
    )
    units = list(departments)
    rows = [
        {
            "department": unit,
            "local_date": day,
            "begins_at": begins,
            "open_us": (stops - begins) // timedelta(microseconds=1),
        }
        for day in days
        for unit in units
        if calendar.has(unit, day)
        for opens, closes in calendar.spans(day, unit)
        for begins, stops in _hours(calendar, opens, closes if ends is None else min(closes, ends))
    ]
    return pa.Table.from_pylist(rows, OPEN_TIME)


def _hours(calendar: Calendar, opens: datetime, closes: datetime) -> Iterator[tuple[datetime, datetime]]:
    """``[opens, closes)`` cut where the local clock strikes an hour."""
    while opens < closes:
        clock = opens.astimezone(calendar.zone)
        strikes = opens + timedelta(hours=1) - timedelta(minutes=clock.minute, seconds=clock.second)
        yield opens, min(strikes, closes)
        opens = strikes
