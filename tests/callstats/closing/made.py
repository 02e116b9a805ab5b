"""A hand-made March that closes on 9 April, and what is asked of it."""

from datetime import date, timedelta
from typing import Any

from callstats.doctor import Check, examine
from callstats.report import metrics_table
from callstats.settings import Settings
from callstats.store import Store
from tests.callstats.facts import Time
from tests.handmade import ANNA, JURIS, at, call, callback, missed, visit

FEBRUARY, MARCH, APRIL = date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)
CLOSES = date(2026, 4, 9)  # 3 and 6 April are Easter's: 1, 2, 7, 8, 9
DUE = at("00:00", CLOSES)
THIRD, RINGS, MISSED = "third_signal_share", "ring_time", "missed_called_back"
ONE_DAY = timedelta(1)


def march() -> dict[str, list[dict[str, Any]]]:
    """Ten visits of `social` (six in time, two late, two missed), one of `finance`; one of April."""
    day = date(2026, 3, 31)
    visits = [visit(f"pbx:{n}", entered_at=at(f"09:{n:02}", day), ring_s=2.0 * n) for n in range(1, 7)]
    visits += [visit(f"pbx:{n}", entered_at=at(f"09:{n}", day), ring_s=16.0 + n) for n in (10, 11)]
    visits += [missed("pbx:20", entered_at=at("11:00", day)), missed("pbx:21", entered_at=at("11:10", day))]
    visits += [
        missed("pbx:30", entered_at=at("11:20", day), department="finance", outcome="abandoned", wait_s=4.0)
    ]
    visits += [visit("pbx:40", entered_at=at("10:00", date(2026, 4, 1)), ring_s=3.0)]
    calls = [call(row["call_id"], started_at=row["entered_at"], outcome=row["outcome"]) for row in visits]
    for one in calls:
        one["caller"] = {"pbx:20": ANNA, "pbx:21": JURIS}.get(one["call_id"], "n1-cccc")
    calls += [callback("pbx:50", ANNA, "201", started_at=at("10:00", CLOSES - ONE_DAY))]
    calls += [callback("pbx:51", JURIS, "201", started_at=at("10:00", CLOSES))]
    return {"visits": visits, "calls": calls}


def value(store: Store, site: Settings, slug: str = THIRD, **asked: Any) -> dict[str, Any]:
    """The first row of a metric; all of March unless asked otherwise."""
    window: dict[str, Any] = {"by": (), "start": MARCH, "end": APRIL} | asked
    row: dict[str, Any] = metrics_table(store, site, [slug], **window).to_pylist()[0]
    return row


def months_check(site: Settings, clock: Time) -> list[Check]:
    return [check for check in examine(site, clock) if "month" in check.what]
