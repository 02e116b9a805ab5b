"""The head's pictures: months, words, hours, and when a change may be called one."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.head import _change, _months, changes, head_view
from api.site import Site
from api.text import Words
from callstats.calendar import days
from callstats.settings import Numbers
from callstats.store import Store
from tests.handmade import at, settings, store_with, visit

END = date(2026, 4, 1)


def rows(january: tuple[int, int], february: tuple[int, int]) -> list[dict[str, Any]]:
    months = (date(2026, 1, 1), date(2026, 2, 1))
    return [{"month": m, "k": k, "n": n} for m, (k, n) in zip(months, (january, february), strict=True)]


@pytest.mark.parametrize(
    ("january", "february", "real"),
    [
        ((30, 60), (40, 60), False),
        ((30, 60), (50, 60), True),
        ((50, 60), (30, 60), True),
        ((1, 1), (0, 1), False),
    ],
)
def test_a_change_is_called_one_only_where_its_interval_excludes_zero(
    january: tuple[int, int], february: tuple[int, int], real: bool
) -> None:
    found = _change(rows(january, february), date(2026, 3, 1))
    assert found is not None
    assert found.real is real
    assert found.low <= found.by <= found.high
    assert found.now["month"] == date(2026, 2, 1)


def test_a_month_that_is_not_over_is_not_compared() -> None:
    assert _change(rows((30, 60), (50, 60)), date(2026, 2, 28)) is None
    assert _change(rows((30, 60), (0, 0)), date(2026, 3, 1)) is None


def test_thirteen_months_at_most_and_none_from_before_the_data() -> None:
    assert _months(date(2020, 1, 1), END)[0] == date(2025, 3, 1)
    assert len(_months(date(2020, 1, 1), END)) == 13
    assert _months(date(2026, 2, 10), END) == [date(2026, 2, 1), date(2026, 3, 1)]


def test_the_pictures_tell_months_and_weeks_beyond_the_window(tmp_path: Path) -> None:
    """One call each working day since January; those of March later than the third signal."""
    found = settings(tmp_path, numbers=Numbers(key_file=tmp_path / "numbers.key"))
    open_days = [day for day in days(date(2026, 1, 5), END) if day.weekday() < 5]
    visits = [
        visit(
            f"pbx:{n}", entered_at=at("10:00", day), local_date=day, entered_date=day,
            ring_s=20.0 if day.month == 3 else 5.0,
            **({"outcome": "unanswered", "answered_by": None} if day.weekday() == 4 else {}),
        )
        for n, day in enumerate(open_days)
    ]  # fmt: skip
    store_with(found, visits=visits).close()
    with Store.open(found) as store, store.reading() as facts:
        site = Site(found, store)
        head = head_view(site, facts, "social", date(2026, 3, 1), END, Words("lv", found.zone))
        by_department = changes(site, facts, date(2026, 4, 10))
    months = {row["month"].month: (row["k"], row["n"]) for row in head.charts["months"].rows}
    working = {m: [d for d in open_days if d.month == m] for m in (1, 2, 3)}
    fridays = {m: sum(d.weekday() == 4 for d in working[m]) for m in working}
    assert months[1] == (len(working[1]) - fridays[1], len(working[1]))
    assert months[3] == (0, len(working[3]))
    words = {row["verdict"]: row["n"] for row in head.charts["verdicts"].rows}
    assert words == {"later": len(working[3]) - fridays[3], "nobody": fridays[3]}, "of the window alone"
    assert END - timedelta(weeks=13) < head.hours[0] == date(2026, 1, 5), "no further back than the data"
    hours = {(row["weekday"], row["hour"]): row["k"] for row in head.charts["week"].rows if row["k"]}
    assert hours == {(5, 10): sum(fridays.values())}
    assert head.change is not None
    assert head.change.real
    assert head.change.by < 0
    assert by_department.keys() == {"social"}
    same = by_department["social"]
    assert (same.by, same.low, same.high) == (head.change.by, head.change.low, head.change.high)
