"""Waiting, talking, nobody there, and the third signal by other formulas: calls in, figures out."""

from pathlib import Path

from tests.callstats.metrics.tables import check, figures, visits

# Six calls of a morning: three answered (8, 10 and 90 s of waiting), one gave up after 3 s, one after 40 s in
# a queue that had no phone, one rang for 30 s in vain.
MORNING = """
call  at     outcome     ring_s  wait_s  talk_s  no_phone_available  phones_offered
a     09:00  answered    6       8       60      no                  1
b     09:05  answered    10      10      120     no                  1
c     09:10  answered    20      90      600     no                  2
d     09:15  abandoned   3       3       -       no                  1
e     09:20  abandoned   -       40      -       yes                 0
f     09:25  unanswered  30      30      -       no                  1
"""


def test_a_queue_that_had_nobody_is_one_of_six(tmp_path: Path) -> None:
    """Six external calls in hours, e had no phone: 1/6 = 0.1667."""
    check(
        figures(tmp_path, "no_phone_available_share", visits=visits(MORNING)),
        """
        measure             value   k  n  certain  unknown  excluded
        no_phone_available  0.1667  1  6  6        0        -
        """,
    )


def test_no_phone_by_outcome_and_what_cannot_be_told(tmp_path: Path) -> None:
    """g's source does not say whether phones were offered: unknown. h's ending is estimated, i at night."""
    more = """
    g     09:30  unanswered  -       10      -       -                   -
    """
    rest = """
    call  at     outcome     no_phone_available  phones_offered  outcome_certainty  in_hours
    h     09:35  abandoned   yes                 0               estimated          yes
    i     22:00  abandoned   yes                 0               certain            no
    """
    rows = visits(MORNING + more) + visits(rest)
    check(
        figures(tmp_path, "no_phone_available_share", ("outcome",), visits=rows),
        """
        outcome     value   k  n  certain  estimated  unknown  excluded
        abandoned   0.6667  2  3  2        1          0        out_of_hours=1  # d, e, h
        answered    0       0  3  3        0          0        -
        unanswered  0       0  1  1        0          1        -               # f; g unknown
        """,
    )


def test_waiting_until_the_answer_and_until_giving_up(tmp_path: Path) -> None:
    """Answered: 8, 10, 90: median 10, mean 108/3 = 36, p90 10 + 0.8 * 80 = 74. Gave up: 3 and 40."""
    check(
        figures(tmp_path, "wait_time", visits=visits(MORNING)),
        """
        measure           value  mean  p90   max  k  n  low  high
        answered_wait_s   10     36    74    90   3  3  -    -
        abandoned_wait_s  21.5   21.5  36.3  40   2  2  -    -     # 3 + 0.9 * 37
        """,
    )


def test_waiting_is_never_ringing(tmp_path: Path) -> None:
    """The same calls: 6, 10, 20 s of ringing."""
    check(
        figures(tmp_path, "ring_time", visits=visits(MORNING)),
        """
        measure  value  mean  p90  max  k  n
        ring_s   10     12    18   20   3  3
        """,
    )


def test_waiting_in_bands_with_half_open_ends(tmp_path: Path) -> None:
    rows = visits("""
    call  at     wait_s
    a     09:00  0
    b     09:00  4.99
    c     09:00  5
    d     09:00  14.99
    e     09:00  15
    f     09:00  180
    """)
    check(
        figures(tmp_path, "wait_time", ("waited",), visits=rows),
        """
        measure          waited  n
        answered_wait_s  0-5     2
        answered_wait_s  10-15   1
        answered_wait_s  15-30   1
        answered_wait_s  180+    1
        answered_wait_s  5-10    1
        """,
    )


def test_how_sure_a_waiting_time_is(tmp_path: Path) -> None:
    """Whole seconds of a CDR are estimated, no time at all is unknown; a colleague's rings are left out."""
    rows = visits("""
    call  at     wait_s  ring_source  outcome_certainty  entered_by
    a     09:00  8       ami          certain            dialled
    b     09:00  9       cdr          certain            dialled
    c     09:00  -       cdr          certain            dialled
    d     09:00  9       cel          estimated          dialled
    e     09:00  99      ami          certain            attended_transfer
    """)
    check(
        figures(tmp_path, "wait_time", visits=rows)[:1],
        """
        value  k  n  certain  estimated  unknown  excluded
        9      3  3  1        2          1        attended_transfer=1
        """,
    )


def test_one_wait_is_its_own_median_mean_and_maximum(tmp_path: Path) -> None:
    rows = visits("""
    call  at     wait_s
    a     09:00  12.345678
    """)
    (found, none) = figures(tmp_path, "wait_time", visits=rows)
    assert (found["value"], found["mean"], found["p90"], found["max"]) == (12.345678,) * 4
    assert (found["k"], found["n"], found["low"]) == (1, 1, None)
    assert (none["value"], none["mean"], none["max"], none["k"], none["n"]) == (None, None, None, 0, 0)


def test_talk_time(tmp_path: Path) -> None:
    """60, 120 and 600 s: median 120, mean 260, p90 120 + 0.8 * 480 = 504."""
    check(
        figures(tmp_path, "talk_time", visits=visits(MORNING)),
        """
        measure  value  mean  p90  max  k  n
        talk_s   120    260   504  600  3  3
        """,
    )
    check(
        figures(tmp_path / "x", "talk_time", ("talked",), visits=visits(MORNING)),
        """
        talked  n  value
        60-180  2  90
        600+    1  600
        """,
    )


def test_a_talk_whose_end_nobody_saw_is_unknown(tmp_path: Path) -> None:
    rows = visits("""
    call  at     talk_s
    a     09:00  -
    b     09:00  61
    """)
    check(
        figures(tmp_path, "talk_time", visits=rows),
        """
        value  k  n  unknown
        61     1  1  1
        """,
    )


def test_the_third_signal_by_every_named_formula(tmp_path: Path) -> None:
    """In time: a (6 s) and b (10 s). Offered: 6. d gave up after 3 s, e after 40 s.

    SL_A 2/6; SL_B with 5 s leaves out d: 2/5; SL_C of the answered a, b, c: 2/3. The headline leaves out who
    gave up before 15 s of waiting: d too, 2/5.
    """
    check(
        figures(tmp_path, "third_signal_variants", visits=visits(MORNING)),
        """
        measure         value   k  n  excluded
        of_all_offered  0.3333  2  6  -
        of_offered_5s   0.4     2  5  gave_up_early=1
        of_answered     0.6667  2  3  -
        """,
    )
    check(
        figures(tmp_path / "x", "third_signal_share", visits=visits(MORNING)),
        """
        measure              value  k  n  excluded
        within_third_signal  0.4    2  5  gave_up_early=1
        """,
    )


def test_who_gives_up_between_5_and_15_seconds_parts_the_formulas(tmp_path: Path) -> None:
    rows = visits("""
    call  at     outcome    ring_s  wait_s
    a     09:00  answered   6       6
    b     09:00  abandoned  4.99    4.99
    c     09:00  abandoned  5       5
    d     09:00  abandoned  14.99   14.99
    e     09:00  abandoned  15      15
    """)
    check(
        figures(tmp_path, "third_signal_variants", visits=rows),
        """
        measure         value  k  n  excluded
        of_all_offered  0.2    1  5  -                # all
        of_offered_5s   0.25   1  4  gave_up_early=1  # without b
        of_answered     1      1  1  -
        """,
    )
    check(
        figures(tmp_path / "x", "third_signal_share", visits=rows),
        """
        value  k  n  excluded
        0.5    1  2  gave_up_early=3
        """,
    )
