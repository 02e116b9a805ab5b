"""Busy hours and hours without an answer, on usual days and on those that the clock changes."""

from datetime import date
from pathlib import Path

import pytest

from tests.callstats.metrics.tables import calls, check, figures, visits
from tests.handmade import ALWAYS, settings

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # 23 and 25 hours
END = "z  2026-03-03/00:00"  # a call at midnight: the data go on to the end of the day before
MONDAY = """
call  at     outcome
a     08:10  answered
b     08:20  unanswered
c     08:30  answered
d     16:59  unanswered
"""


def test_calls_per_hour_of_an_open_day(tmp_path: Path) -> None:
    """Four calls; open 8 to 17, 9 hours: 4/9 = 0.4444 an hour. Garwood for 4: 1.0899 to 10.2416, by 9."""
    check(
        figures(tmp_path, "busy_hours", visits=visits(MONDAY), calls=calls(f"call  at\n{END}")),
        """
        measure           value   low     high    k  n  open_h  unit
        offered_per_hour  0.4444  0.1211  1.138   4  4  9       calls/h
        offered           4       1.0899  10.2416 4  4  -       calls
        """,
    )


def test_calls_per_hour_by_hour_and_weekday(tmp_path: Path) -> None:
    """8 to 9: three calls in one open hour; 16 to 17: one; the others none, and none is no data."""
    found = figures(
        tmp_path,
        "busy_hours",
        ("weekday", "hour"),
        visits=visits(MONDAY),
        calls=calls(f"call  at\n{END}"),
        window=(date(2026, 3, 2), date(2026, 3, 3)),
    )
    check(
        [row for row in found if row["measure"] == "offered_per_hour" and row["hour"] in (8, 9, 16)],
        """
        weekday  hour  value  k  n  open_h
        1        8     3      3  3  1
        1        9     -      0  0  1
        1        16    1      1  1  1
        """,
    )
    assert {row["hour"] for row in found} == set(range(8, 17))


def test_nothing_is_open_after_the_end_of_the_data(tmp_path: Path) -> None:
    """The last call is at 16:59 and nothing is known after it: 8 h 59 min."""
    (rate, _) = figures(tmp_path, "busy_hours", visits=visits(MONDAY))
    assert rate["open_h"] == pytest.approx(8 + 59 / 60)


def test_a_day_without_data_is_not_open_and_half_an_hour_counts_half(tmp_path: Path) -> None:
    """Open from 8:00 to 8:30 on all days; calls on Monday and Wednesday, nothing is known of Tuesday."""
    site = settings(tmp_path, hours={day: [["08:00", "08:30"]] for day in ("mon", "tue", "wed")})
    rows = visits("""
    call  at
    a     2026-03-02/08:10
    b     2026-03-04/08:10
    c     2026-03-04/08:20
    """)
    check(
        figures(tmp_path, "busy_hours", site=site, visits=rows, calls=calls("call  at\nz  2026-03-04/09:00")),
        """
        measure           value  k  n  open_h
        offered_per_hour  3      3  3  1       # 2 days of half an hour
        offered           3      3  3  -
        """,
    )


def test_a_department_is_open_only_while_there_is_one(tmp_path: Path) -> None:
    """Data of Monday and Wednesday, 9 hours each; the department ends with Tuesday: one call in 9 hours."""
    department = {"id": "social", "extensions": ["201"], "valid_to": "2026-03-04"}
    other = {"id": "finance", "extensions": ["401"]}
    rows = visits("call  at\na     2026-03-02/08:10")
    later = calls("call  at\nx  2026-03-04/08:00\nz  2026-03-05/00:00")
    found = figures(
        tmp_path,
        "busy_hours",
        ("department",),
        ["finance", "social"],
        site=settings(tmp_path, departments=[department, other], hotline={}),
        visits=rows,
        calls=later,
    )
    check(
        [row for row in found if row["measure"] == "offered_per_hour"],
        """
        department  value   k  open_h
        finance     -       0  18
        social      0.1111  1  9
        """,
    )


def test_the_doubled_hour_is_two_hours_of_work(tmp_path: Path) -> None:
    """Open day and night. Half past three strikes twice: three calls in the hour 3, which lasts two."""
    site = settings(tmp_path, hours=ALWAYS)
    rows = visits("""
    call  at
    a     2026-10-25/03:30
    b     2026-10-25/03:30b
    c     2026-10-25/03:40b
    d     2026-10-25/04:00
    """)
    window = (AUTUMN, date(2026, 10, 26))
    later = calls("call  at\nz  2026-10-26/00:00")
    found = figures(tmp_path, "busy_hours", ("hour",), site=site, visits=rows, calls=later, window=window)
    check(
        [row for row in found if row["measure"] == "offered_per_hour" and 2 <= row["hour"] <= 4],
        """
        hour  value  k  open_h
        2     -      0  1
        3     1.5    3  2
        4     1      1  1
        """,
    )
    (whole, _) = figures(
        tmp_path / "x",
        "busy_hours",
        site=settings(tmp_path / "x", hours=ALWAYS),
        visits=rows,
        calls=later,
        window=window,
    )
    assert (whole["open_h"], whole["value"]) == (25.0, 4 / 25)


def test_the_skipped_hour_is_none(tmp_path: Path) -> None:
    """From 3 to 4 there is no time: 23 hours, no row for the hour 3."""
    site = settings(tmp_path, hours=ALWAYS)
    rows = visits("""
    call  at
    a     2026-03-29/02:59
    b     2026-03-29/04:00
    """)
    window = (SPRING, date(2026, 3, 30))
    later = calls("call  at\nz  2026-03-30/00:00")
    found = figures(tmp_path, "busy_hours", ("hour",), site=site, visits=rows, calls=later, window=window)
    rates = {row["hour"]: row["open_h"] for row in found if row["measure"] == "offered_per_hour"}
    assert rates == {hour: 1.0 for hour in range(24) if hour != 3}


def test_calls_that_are_left_out_make_no_busy_hour(tmp_path: Path) -> None:
    rows = visits("""
    call  at     in_hours  phones_offered  outcome    external  outcome_certainty
    a     09:00  yes       1               answered   yes       certain
    b     22:00  no        1               answered   yes       certain
    c     09:00  yes       0               abandoned  yes       certain
    d     09:00  yes       0               voicemail  yes       certain
    e     09:00  yes       0               failed     yes       certain
    f     09:00  yes       1               answered   -         certain
    g     09:00  yes       1               answered   no        certain
    h     09:00  yes       1               answered   yes       estimated
    """)
    (_, count) = figures(tmp_path, "busy_hours", visits=rows)
    check(
        [count],
        """
        value  k  n  certain  estimated
        2      2  2  1        1
        """,
    )
    assert count["excluded"] == {
        "out_of_hours": 1, "left_in_menu": 1, "voicemail_only": 1, "nothing_offered": 1, "scope_unknown": 1
    }  # fmt: skip


def test_an_hour_without_an_answer_is_one_of_two(tmp_path: Path) -> None:
    """The hour from 8 had three calls, two answered; that from 16 one, missed: 1 of 2 hours."""
    check(
        figures(tmp_path, "unattended_hours", visits=visits(MONDAY)),
        """
        measure     value  k  n  certain
        unattended  0.5    1  2  2
        """,
    )
    check(
        figures(tmp_path / "x", "unattended_hours", ("calls_in_hour",), visits=visits(MONDAY)),
        """
        calls_in_hour  value  k  n
        1              1      1  1
        3              0      0  1
        """,
    )


def test_how_sure_an_unattended_hour_is(tmp_path: Path) -> None:
    """9: one surely answered. 10: an answer that is estimated. 11: missed, estimated. 12: nobody knows."""
    rows = visits("""
    call  at     outcome     outcome_certainty  in_hours
    a     09:00  answered    certain            yes
    b     09:30  -           unknown            yes
    c     10:00  answered    estimated          yes
    d     11:00  unanswered  estimated          yes
    e     11:10  abandoned   certain            yes
    f     12:00  -           unknown            yes
    g     12:10  unanswered  certain            yes
    h     22:00  unanswered  certain            no
    """)
    check(
        figures(tmp_path, "unattended_hours", visits=rows),
        """
        value   k  n  certain  estimated  unknown
        0.3333  1  3  1        2          1
        """,
    )


def test_both_halves_of_the_doubled_hour_are_hours(tmp_path: Path) -> None:
    """Half past three, missed; an hour later, half past three again, answered: 1 of 2."""
    rows = visits("""
    call  at                 outcome
    a     2026-10-25/03:30   unanswered
    b     2026-10-25/03:30b  answered
    """)
    check(
        figures(tmp_path, "unattended_hours", ("hour",), site=settings(tmp_path, hours=ALWAYS), visits=rows),
        """
        hour  value  k  n
        3     0.5    1  2
        """,
    )


def test_around_the_skipped_hour_two_hours_follow_each_other(tmp_path: Path) -> None:
    rows = visits("""
    call  at                 outcome
    a     2026-03-29/02:59   unanswered
    b     2026-03-29/04:00   unanswered
    """)
    check(
        figures(tmp_path, "unattended_hours", ("hour",), site=settings(tmp_path, hours=ALWAYS), visits=rows),
        """
        hour  value  k  n
        2     1      1  1
        4     1      1  1
        """,
    )
