"""Working time: the law's days, moved and shortened ones, exceptions, and both DST nights."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.calendar import (
    OPEN_HOURS,
    WORKING_DAYS,
    Calendar,
    bucket_end,
    bucket_start,
    days,
    local_instant,
)
from callstats.errors import SettingsError, UsageError
from callstats.settings import CalendarRules, Department, Settings
from callstats.settings_rules import DEFAULT_HOURS, Hours
from callstats.settings_types import WEEKDAYS, Window


def every_day(*windows: Window) -> Hours:
    """The same hours on all seven days."""
    return Hours(**dict.fromkeys(WEEKDAYS, windows))


RIGA = ZoneInfo("Europe/Riga")
CALENDAR = Calendar.from_settings(Settings())
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
ALWAYS = Calendar(RIGA, hours=every_day(Window(0, 1440)))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=RIGA)


def year(number: int) -> list[date]:
    return list(days(date(number, 1, 1), date(number + 1, 1, 1)))


@pytest.mark.parametrize(("number", "count"), [(2024, 251), (2025, 249), (2026, 250), (2027, 252)])
@pytest.mark.parametrize("follow", [True, False])
def test_working_days_of_a_year_and_moves_keep_the_total(number: int, count: int, follow: bool) -> None:
    calendar = Calendar(RIGA, follow_moved_days=follow)
    assert sum(calendar.is_working_day(day) for day in year(number)) == count


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (2024, "28.03 30.04 03.05 14.12 28.12"),
        (2025, "17.04 30.04 10.05 08.11 23.12 30.12"),
        (2026, "02.04 30.04 27.06 17.11 23.12 30.12"),
        (2027, "25.03 30.04 03.05 22.06 17.11 23.12 30.12"),
    ],
)
def test_shortened_days(number: int, expected: str) -> None:
    found = [day for day in year(number) if CALENDAR.is_shortened(day)]
    assert " ".join(f"{day:%d.%m}" for day in found) == expected
    assert all(CALENDAR.is_working_day(day) for day in found)


@pytest.mark.parametrize(
    ("off", "worked"),
    [
        ("2024-12-23", "2024-12-14"),
        ("2024-12-30", "2024-12-28"),
        ("2025-05-02", "2025-05-10"),
        ("2025-11-17", "2025-11-08"),
        ("2026-01-02", "2026-01-17"),
        ("2026-06-22", "2026-06-27"),
    ],
)
def test_a_moved_day_is_worked_on_the_saturday_with_its_own_hours(off: str, worked: str) -> None:
    day_off, saturday = date.fromisoformat(off), date.fromisoformat(worked)
    assert not CALENDAR.is_working_day(day_off)
    (window,) = CALENDAR.windows(saturday)
    (usual,) = DEFAULT_HOURS.week[day_off.weekday()]
    assert window == Window(usual.opens, usual.closes - (60 if CALENDAR.is_shortened(saturday) else 0))
    own = Calendar(RIGA, follow_moved_days=False)
    assert own.is_working_day(day_off)
    assert not own.is_working_day(saturday)


def test_an_observed_day_off_shortens_nothing() -> None:
    assert not CALENDAR.is_working_day(date(2024, 5, 6))  # 4 May fell on a Saturday
    assert not CALENDAR.is_working_day(date(2025, 5, 5))
    assert CALENDAR.is_shortened(date(2024, 5, 3))  # the day before the holiday itself


def test_the_hour_less_may_be_another_or_none_and_a_lunch_window_does_not_stop_it() -> None:
    split = every_day(Window(480, 720), Window(780, 810))
    eve = date(2026, 4, 30)
    assert Calendar(RIGA, hours=split).windows(eve) == (Window(480, 690),)
    assert Calendar(RIGA, hours=split, preholiday_minus_min=0).windows(eve) == split.mon
    assert Calendar(RIGA, hours=split, preholiday_minus_min=600).windows(eve) == ()


@pytest.mark.parametrize(
    ("message", "due"),
    [
        ("2025-05-09 09:00", "2025-05-10"),
        ("2025-05-01 12:00", "2025-05-06"),
        ("2026-06-19 23:59", "2026-06-25"),
        ("2026-12-23 08:00", "2026-12-28"),
        ("2025-04-17 16:00", "2025-04-22"),
        ("2026-06-26 00:00", "2026-06-27"),
    ],
)
def test_due_is_the_end_of_the_first_working_day_after_the_messages_date(message: str, due: str) -> None:
    end = local_instant(RIGA, date.fromisoformat(due) + timedelta(1))
    assert CALENDAR.due_at(at(message)) == end
    assert CALENDAR.due_at(at(message).astimezone(UTC)) == end


def test_the_date_of_a_message_is_the_local_one() -> None:
    assert CALENDAR.local_date(datetime(2026, 1, 5, 22, 30, tzinfo=UTC)) == date(2026, 1, 6)
    with pytest.raises(UsageError, match="no time zone"):
        CALENDAR.local_date(datetime(2026, 1, 5))


def test_hours_are_half_open() -> None:
    assert not CALENDAR.is_open(at("2026-11-24 07:59:59.999999"))
    assert CALENDAR.is_open(at("2026-11-24 08:00"))
    assert CALENDAR.is_open(at("2026-11-24 16:59:59.999999"))
    assert not CALENDAR.is_open(at("2026-11-24 17:00"))


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 7, 1), 24)])
def test_days_have_23_24_or_25_hours(day: date, hours: int) -> None:
    start, end = ALWAYS.day_bounds(day)
    assert end - start == timedelta(hours=hours)
    assert ALWAYS.working_seconds(start, end) == hours * 3600
    assert ALWAYS.working_seconds(start.astimezone(RIGA), end.astimezone(RIGA)) == hours * 3600


def test_the_doubled_hour_belongs_to_the_window_that_begins_before_it_ends() -> None:
    night = Calendar(RIGA, hours=every_day(Window(180, 240), Window(240, 300)))
    first, second = night.spans(AUTUMN)
    assert first[1] - first[0] == timedelta(hours=2)
    assert second == (first[1], first[1] + timedelta(hours=1))
    assert night.is_open(at("2026-10-25 03:30").replace(fold=1))


def test_a_window_in_the_skipped_hour_is_gone() -> None:
    night = Calendar(RIGA, hours=every_day(Window(190, 230), Window(230, 300)))
    (left,) = night.spans(SPRING)
    assert left == (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 3, 29, 2, tzinfo=UTC))


@given(st.dates(date(2024, 1, 1), date(2027, 12, 31)), st.integers(0, 1439))
def test_the_clock_never_runs_backwards(day: date, minute: int) -> None:
    assert local_instant(RIGA, day, minute) <= local_instant(RIGA, day, minute + 1)
    assert local_instant(RIGA, day, 1440) == local_instant(RIGA, day + timedelta(1))


def test_working_time_leaves_out_nights_weekends_and_holidays() -> None:
    # Friday 14:00 to Monday 09:00, over the spring night: one hour on Friday (to 15:00), one on Monday
    assert CALENDAR.working_seconds(at("2026-03-27 14:00"), at("2026-03-30 09:00")) == 7200
    # 17.11 is shortened to 16:00, 18.11 is a holiday
    assert CALENDAR.working_seconds(at("2026-11-17 15:30"), at("2026-11-19 08:00:00.5")) == 1800.5
    assert CALENDAR.working_us(at("2026-11-19 08:00"), at("2026-11-19 08:00:00.000001")) == 1
    assert CALENDAR.working_seconds(at("2026-11-19 09:00"), at("2026-11-19 08:00")) == 0


moments = st.datetimes(datetime(2026, 3, 20), datetime(2026, 11, 20), timezones=st.just(UTC))


@given(moments, moments, moments)
def test_working_time_adds_up(a: datetime, b: datetime, c: datetime) -> None:
    first, middle, last = sorted((a, b, c))
    whole = CALENDAR.working_us(first, last)
    assert whole == CALENDAR.working_us(first, middle) + CALENDAR.working_us(middle, last)
    assert 0 <= whole <= (last - first) // timedelta(microseconds=1)


def with_departments(**more: object) -> Settings:
    saturday = Hours(sat=(Window(540, 840),))
    return Settings(
        departments=(
            Department(id="office"),
            Department(id="market", hours=saturday, valid_to=date(2026, 6, 1)),
            Department(id="market", valid_from=date(2026, 6, 1)),
            Department(id="closed", hours=Hours()),
        ),
        **more,  # type: ignore[arg-type]
    )


def test_a_department_may_have_hours_of_its_own_for_a_time() -> None:
    calendar = Calendar.from_settings(with_departments())
    assert calendar.windows(date(2026, 5, 16), "market") == (Window(540, 840),)
    assert calendar.windows(date(2026, 5, 18), "market") == ()
    assert calendar.next_working_day(date(2026, 5, 16), "market") == date(2026, 5, 23)
    assert calendar.windows(date(2026, 6, 2), "market") == DEFAULT_HOURS.tue
    assert calendar.windows(date(2026, 5, 18), "office") == DEFAULT_HOURS.mon


def test_a_department_that_never_works_is_told() -> None:
    with pytest.raises(
        UsageError, match="department 'closed' has no working day in the 400 days after 2026-05-16"
    ):
        Calendar.from_settings(with_departments()).next_working_day(date(2026, 5, 16), "closed")


HEADING = "date,unit,open,close,reason\n"


def overridden(folder: Path, rows: str) -> Calendar:
    path = folder / "exceptions.csv"
    path.write_text(HEADING + rows, encoding="utf-8")
    return Calendar.from_settings(with_departments(calendar=CalendarRules(overrides=path)))


def test_exceptions_close_open_and_shorten_for_all_or_one(tmp_path: Path) -> None:
    calendar = overridden(
        tmp_path,
        "# the moves of 2027, decided by the council\n"
        "2027-05-03,,,,pārcelta darba diena\n"
        "2027-05-08,,08:00,12:00,darba sestdiena\n"
        "2027-05-08,,13:00,17:00,darba sestdiena\n\n"
        "2027-05-08,office,09:00,10:00,tikai rīts\n"
        "2027-05-04,office,10:00,11:00,svētku dežūra\n",
    )
    assert calendar.windows(date(2027, 5, 3)) == ()
    assert calendar.windows(date(2027, 5, 8)) == (Window(480, 720), Window(780, 1020))
    assert calendar.windows(date(2027, 5, 8), "market") == (Window(480, 720), Window(780, 1020))
    assert calendar.windows(date(2027, 5, 8), "office") == (Window(540, 600),)
    assert calendar.windows(date(2027, 5, 4), "office") == (Window(600, 660),)
    assert calendar.windows(date(2027, 5, 4)) == ()
    assert calendar.next_working_day(date(2027, 4, 30)) == date(2027, 5, 5)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("3.5.2027,,,,x", "'3.5.2027' is no date; write YYYY-MM-DD"),
        ("2027-02-30,,,,x", "'2027-02-30' is no date of the calendar; write YYYY-MM-DD"),
        ("2027-05-03,x,,,y", "no department 'x'; known: closed, market, office, or empty for all"),
        ("2027-05-03,,08:00,,x", "needs both open and close, or neither for closed"),
        ("2027-05-03,,08:00,8:30,x", '\'8:30\' is not a time of day; write "HH:MM" from "00:00" to "24:00"'),
        ("2027-05-03,,09:00,08:00,x", "closes at 08:00, before it opens at 09:00"),
        ("2027-05-03,,09:00", "has 3 columns; allowed: date,unit,open,close,reason"),
    ],
)
def test_each_fault_of_the_exceptions_is_one_line(tmp_path: Path, row: str, fault: str) -> None:
    with pytest.raises(SettingsError) as caught:
        overridden(tmp_path, f"2027-01-04,,,,ok\n{row}\n")
    assert str(caught.value) == f"exceptions.csv: line 3: {fault}"


def test_exceptions_must_not_contradict_each_other(tmp_path: Path) -> None:
    rows = (
        "2027-01-04,,,,x\n2027-01-04,,08:00,12:00,x\n2027-01-05,,08:00,12:00,x\n2027-01-05,,11:00,13:00,x\n"
    )
    with pytest.raises(SettingsError) as caught:
        overridden(tmp_path, rows)
    assert str(caught.value).split("\n") == [
        "exceptions.csv: line 3: 2027-01-04 is closed in one line and has another line; leave one of them",
        "exceptions.csv: line 5: overlaps another line of 2027-01-05",
    ]


def test_an_exceptions_file_that_is_missing_or_another_is_told(tmp_path: Path) -> None:
    missing = with_departments(calendar=CalendarRules(overrides=tmp_path / "none.csv"))
    with pytest.raises(SettingsError, match=r"calendar.overrides: .*none.csv cannot be read: No such file"):
        Calendar.from_settings(missing)
    (tmp_path / "other.csv").write_text("a,b\n")
    other = with_departments(calendar=CalendarRules(overrides=tmp_path / "other.csv"))
    with pytest.raises(SettingsError, match=r"line 1: must be the heading date,unit,open,close,reason"):
        Calendar.from_settings(other)


def test_open_hours_as_a_table() -> None:
    table = Calendar.from_settings(with_departments()).open_hours(
        date(2026, 5, 15), date(2026, 5, 19), ["office", "market", "closed"]
    )
    assert table.schema == OPEN_HOURS
    found = [(r["department"], r["day"], r["opens_at"], r["closes_at"]) for r in table.to_pylist()]
    assert found == [
        ("office", date(2026, 5, 15), at("2026-05-15 08:00"), at("2026-05-15 15:00")),
        ("office", date(2026, 5, 18), at("2026-05-18 08:00"), at("2026-05-18 18:00")),
        ("market", date(2026, 5, 16), at("2026-05-16 09:00"), at("2026-05-16 14:00")),
    ]


def test_working_days_as_a_table_agree_with_single_questions() -> None:
    calendar = Calendar.from_settings(with_departments())
    table = calendar.working_days(date(2026, 4, 28), date(2026, 5, 8), ["office", "closed"])
    assert table.schema == WORKING_DAYS
    assert table.num_rows == 20
    for row in table.to_pylist():
        assert row["is_working"] == calendar.is_working_day(row["day"], row["department"])
        assert (row["starts_at"], row["ends_at"]) == calendar.day_bounds(row["day"])
        if row["department"] == "closed":
            assert row["next_working_day"] is None
            assert row["next_working_day_ends_at"] is None
        else:
            following = calendar.next_working_day(row["day"], row["department"])
            assert row["next_working_day"] == following
            assert row["next_working_day_ends_at"] == calendar.day_bounds(following)[1]


def test_an_empty_range_gives_empty_tables() -> None:
    day = date(2026, 5, 15)
    assert CALENDAR.open_hours(day, day, ["x"]).num_rows == 0
    assert CALENDAR.working_days(day, day, ["x"]).num_rows == 0


def test_buckets_go_by_the_local_clock() -> None:
    late = datetime(2026, 2, 28, 22, 30, tzinfo=UTC)  # Sunday 1 March, 00:30 in Riga
    assert CALENDAR.bucket(late, "hour") == 0
    assert CALENDAR.bucket(late, "weekday") == 7
    assert CALENDAR.bucket(late, "day") == date(2026, 3, 1)
    assert CALENDAR.bucket(late, "week") == date(2026, 2, 23)
    assert CALENDAR.bucket(late, "month") == date(2026, 3, 1)


def test_buckets_are_half_open_and_follow_each_other() -> None:
    week = CALENDAR.bucket_bounds(AUTUMN, "week")
    assert week == (at("2026-10-19 00:00"), at("2026-10-26 00:00"))
    assert (week[1] - week[0]) == timedelta(days=7, hours=1)
    assert CALENDAR.bucket_bounds(SPRING, "day")[1] == CALENDAR.bucket_bounds(date(2026, 3, 30), "day")[0]
    assert bucket_end(date(2026, 12, 5), "month") == date(2027, 1, 1)
    assert bucket_end(date(2026, 1, 31), "month") == bucket_start(date(2026, 2, 28), "month")
    with pytest.raises(UsageError, match="no bucket 'year' of dates; allowed: day, week, month"):
        bucket_start(AUTUMN, "year")  # type: ignore[arg-type]
