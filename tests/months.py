"""Months of a small town as `Master.csv` tells them: ten calls a day to one phone, on the days asked for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from callstats.calendar import Calendar, days
from callstats.fields import TABLES
from callstats.recompute import rules_digest
from callstats.report import metrics_table
from callstats.settings import Settings
from callstats.store import Store
from tests.callstats.facts import batch, event, events
from tests.handmade import ANNA, JURIS, RIGA, at, call, callback, missed, visit

FEBRUARY, MARCH, APRIL = date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)
CLOSES = date(2026, 4, 9)  # of March; 3 and 6 April are Easter's: 1, 2, 7, 8, 9
DUE = at("00:00", CLOSES)
THIRD, RINGS, MISSED = "third_signal_share", "ring_time", "missed_called_back"
# Per day: how long the phone rang (s), and whether it was answered. The limit: 15 s.
CALLS = (*((ring_s, True) for ring_s in (4, 5, 6, 7, 8, 9, 13, 13, 13)), (40, False))
CONFIG = """
timezone = "Europe/Riga"
[cadence]
on_s = 1.0
off_s = 4.0
[hours]
mon = [["08:00", "17:00"]]
tue = [["08:00", "17:00"]]
wed = [["08:00", "17:00"]]
thu = [["08:00", "17:00"]]
fri = [["08:00", "17:00"]]
[[departments]]
id = "social"
name.lv = "Sociālais dienests"
name.en = "Social services"
extensions = ["201", "202"]
numbers = ["67012200"]
[[departments]]
id = "finance"
name.lv = "Finanšu nodaļa"
name.en = "Finance"
extensions = ["401"]
"""


def site(folder: Path, config: str = CONFIG) -> Path:
    """The configuration of the town, written to a file; data lie beside it."""
    path = folder / "callstats.toml"
    path.write_text(config, encoding="utf-8")
    return path


def lines(of: date, calls: Iterable[tuple[int, bool]] = CALLS) -> list[str]:
    """Lines of one day, one call every ten minutes from nine."""
    found = []
    for number, (ring_s, answered) in enumerate(calls):
        start = datetime(of.year, of.month, of.day, 9, tzinfo=RIGA) + timedelta(minutes=10 * number)
        answer = start + timedelta(seconds=ring_s)
        end = answer + timedelta(seconds=60) if answered else answer
        told = [f"{one:%Y-%m-%d %H:%M:%S}" for one in (start, answer, end)]
        told[1] = told[1] if answered else ""
        unique = f"{int(start.astimezone(UTC).timestamp())}.{number}"
        caller = f"2840{of.day:02}{number:02}"
        texts = [
            *("", caller, "67012200", "from-trunk", f'""{caller}"" <{caller}>'),
            *(f"PJSIP/trunk-{number:08x}", f"PJSIP/201-{number + 100:08x}", "Dial", "PJSIP/201,40,r", *told),
        ]
        after = ["ANSWERED" if answered else "NO ANSWER", "DOCUMENTATION", unique, ""]
        numbers = [str(int((end - start).total_seconds())), "60" if answered else "0"]
        quoted = [[f'"{cell}"' for cell in cells] for cells in (texts, after)]
        found.append(",".join([*quoted[0], *numbers, *quoted[1]]))
    return found


def master(
    folder: Path, start: date, end: date, name: str = "Master.csv", without: Iterable[date] = ()
) -> Path:
    """`Master.csv` of the working days of ``[start, end)``, but for those ``without``."""
    calendar = Calendar.from_settings(Settings.load(folder / "callstats.toml", folder / "data"))
    left_out = set(without)
    wanted = [day for day in days(start, end) if calendar.is_working_day(day) and day not in left_out]
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("".join(f"{line}\n" for day in wanted for line in lines(day)), encoding="utf-8")
    return path


def speak(
    store: Store,
    settings: Settings,
    first: date,
    last: date,
    without: Any = (),
    **rows: Any,
) -> Store:
    """A store in which a PBX said one thing on every working day of ``[first, last)``, with hand-made rows.

    The days count as computed from those lines by the settings.
    """
    calendar, left_out = Calendar.from_settings(settings), set(without)
    spoken = [day for day in days(first, last) if calendar.is_working_day(day) and day not in left_out]
    said = [event(f"{first}-{day}", datetime(day.year, day.month, day.day, 10, tzinfo=UTC)) for day in spoken]
    store.append_batch(batch(f"b{first}"), [events(*said)])
    computed(store, settings, first, last, **rows)
    return store


def computed(store: Store, settings: Settings, first: date, last: date, **rows: Any) -> None:
    """Hand-made rows in place of what the days ``[first, last)`` and their neighbours have."""
    tables = {
        name: pa.Table.from_pylist(list(rows.get(name, ())), TABLES[name].schema)
        for name in ("calls", "visits", "attempts", "messages")
    }
    store.replace_days(
        days(first - timedelta(1), last + timedelta(1)),
        tables,
        based_on=store.counter(),
        rules=rules_digest(settings),
    )


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
    calls += [callback("pbx:50", ANNA, "201", started_at=at("10:00", CLOSES - timedelta(1)))]
    calls += [callback("pbx:51", JURIS, "201", started_at=at("10:00", CLOSES))]
    return {"visits": visits, "calls": calls}


def value(store: Store, site: Settings, slug: str = THIRD, **asked: Any) -> dict[str, Any]:
    """The first row of a metric; all of March unless asked otherwise."""
    window: dict[str, Any] = {"by": (), "start": MARCH, "end": APRIL} | asked
    row: dict[str, Any] = metrics_table(store, site, [slug], **window).to_pylist()[0]
    return row
