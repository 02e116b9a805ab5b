"""When a month closes: the 5th working day of the next one, with the holidays of real years."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from callstats.calendar import Calendar
from callstats.errors import UsageError
from callstats.months import closes_on, month_of, months, whole, written
from callstats.settings import Settings


def calendar_of(**settings: Any) -> Calendar:
    return Calendar.from_settings(Settings(**settings))


@pytest.mark.parametrize(
    ("month", "day"),
    [
        (date(2026, 9, 1), date(2026, 10, 7)),  # 1 October is a Thursday
        (date(2026, 12, 1), date(2027, 1, 8)),  # New Year on Friday, a weekend, then Monday to Friday
        (date(2026, 4, 1), date(2026, 5, 11)),  # 1 and 4 May are holidays
        (
            date(2025, 4, 1),
            date(2025, 5, 10),
        ),  # 2 May is moved to Saturday the 10th, 5 May is off: the 5th is it
        (date(2025, 12, 1), date(2026, 1, 9)),  # 2 January is moved
        (date(2024, 11, 1), date(2024, 12, 6)),
    ],
)
def test_the_fifth_working_day_of_the_next_month(month: date, day: date) -> None:
    assert closes_on(calendar_of(), month) == day


def test_any_day_of_the_month_will_do() -> None:
    calendar = calendar_of()
    assert closes_on(calendar, date(2026, 9, 30)) == closes_on(calendar, date(2026, 9, 1))


def test_the_sites_own_days_count(tmp_path: Path) -> None:
    file = tmp_path / "exceptions.csv"
    file.write_text(
        "date,unit,open,close,reason\n2026-10-02,,,,flood\n2026-10-03,,09:00,12:00,market\n2026-10-06,,,,x\n"
    )
    calendar = calendar_of(calendar={"overrides": file})
    assert closes_on(calendar, date(2026, 9, 1)) == date(2026, 10, 8)  # 1, 3, 5, 7, 8
    daily = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    assert closes_on(calendar_of(hours=daily), date(2026, 9, 1)) == date(2026, 10, 5)


def test_a_site_without_hours_follows_the_country() -> None:
    assert closes_on(calendar_of(hours={}), date(2026, 12, 1)) == date(2027, 1, 8)


def test_months_of_a_window() -> None:
    assert list(months(date(2026, 11, 30), date(2027, 1, 1))) == [date(2026, 11, 1), date(2026, 12, 1)]
    assert list(months(date(2026, 11, 30), date(2026, 11, 30))) == []
    assert whole(date(2026, 2, 1), date(2026, 2, 1), date(2026, 3, 1))
    assert not whole(date(2026, 2, 1), date(2026, 2, 2), date(2026, 3, 1))
    assert not whole(date(2026, 2, 1), date(2026, 2, 1), date(2026, 2, 28))


@pytest.mark.parametrize("text", ["2026-13", "2026-9", "september", "2026-09-01", ""])
def test_a_month_is_written_in_one_way(text: str) -> None:
    assert written(month_of("2026-09")) == "2026-09"
    with pytest.raises(UsageError, match="no month; write it like 2026-09"):
        month_of(text)
