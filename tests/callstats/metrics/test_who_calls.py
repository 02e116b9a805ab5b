"""Who calls again, is passed on, calls from inside, whom the department calls: calls in, figures out."""

from pathlib import Path

from tests.callstats.metrics.tables import calls, check, figures, outgoing, visits
from tests.handmade import ALWAYS, settings

# Anna: missed on Monday at 9, calls again at 11 (answered), and on Saturday. Juris: answered on Monday, calls
# again after exactly 7 days. Somebody without a number is missed. The data end three weeks later.
STORY = """
call  at                caller     caller_class  outcome
a1    2026-03-02/09:00  anna       mobile        unanswered
a2    2026-03-02/11:00  anna       mobile        answered
a3    2026-03-07/10:00  anna       mobile        answered    # a Saturday: out of hours, but a return
j1    2026-03-02/09:00  juris      mobile        answered
j2    2026-03-09/09:00  juris      mobile        answered
x1    2026-03-02/09:00  anonymous  anonymous     abandoned
z     2026-03-23/09:00  juris      mobile        answered
"""
VISITS = """
call  at                outcome
a1    2026-03-02/09:00  unanswered
a2    2026-03-02/11:00  answered
a3    2026-03-07/10:00  answered
j1    2026-03-02/09:00  answered
j2    2026-03-09/09:00  answered
x1    2026-03-02/09:00  abandoned
z     2026-03-23/09:00  answered
"""


def test_who_calls_again(tmp_path: Path) -> None:
    """Judged: a1, a2, j1, j2; a3 is out of hours, x1 has no number, z is the end of the data.

    Within 24 h: a1 (two hours): 1/4, and 1 of the 1 missed. Within 7 days: a1, and a2 (on Saturday): 2/4;
    j1 is seven days to the second, which is no longer within them.
    """
    check(
        figures(tmp_path, "repeat_callers", visits=visits(VISITS), calls=calls(STORY)),
        """
        measure           value  k  n  certain  estimated  excluded
        missed_again_24h  1      1  1  1        0          not_callable=1
        again_24h         0.25   1  4  1        3          out_of_hours=1,not_callable=1,too_recent=1
        again_7d          0.5    2  4  2        2          out_of_hours=1,not_callable=1,too_recent=1
        """,
    )


def test_who_calls_again_by_how_the_first_call_ended(tmp_path: Path) -> None:
    found = figures(tmp_path, "repeat_callers", ("outcome",), visits=visits(VISITS), calls=calls(STORY))
    check(
        [row for row in found if row["measure"] == "again_7d"],
        """
        outcome     k  n
        abandoned   0  0
        answered    1  3
        unanswered  1  1
        """,
    )


def test_seven_days_less_a_second_are_within_them(tmp_path: Path) -> None:
    rows = """
    call  at
    a     2026-03-02/09:00
    b     2026-03-09/08:59:59
    z     2026-03-31/09:00
    """
    found = figures(tmp_path, "repeat_callers", visits=visits(rows), calls=calls(rows))
    check(
        found[1:],
        """
        measure    k  n  excluded
        again_24h  0  2  too_recent=1
        again_7d   1  2  too_recent=1
        """,
    )


def test_over_the_long_night_24_hours_end_an_hour_earlier_by_the_clock(tmp_path: Path) -> None:
    """Saturday noon to Sunday 11:59 are 24 h 59 min: no longer within 24 h; 10:59 is. Open day and night."""
    known = """
    call  at                caller
    a     2026-10-24/12:00  anna
    b     2026-10-25/11:59  anna
    c     2026-10-24/12:00  juris
    d     2026-10-25/10:59  juris
    z     2026-11-30/09:00  n1-zz
    """
    seen = """
    call  at
    a     2026-10-24/12:00
    b     2026-10-25/11:59
    c     2026-10-24/12:00
    d     2026-10-25/10:59
    """
    site = settings(tmp_path, hours=ALWAYS)
    found = figures(tmp_path, "repeat_callers", site=site, visits=visits(seen), calls=calls(known))
    check(
        found[1:2],
        """
        measure    k  n  excluded
        again_24h  1  4  -
        """,
    )


def test_one_call_in_two_visits_is_no_return_and_another_department_is_none(tmp_path: Path) -> None:
    """a comes back to the department by transfer; b went to finance: neither is Anna calling social again."""
    seen = visits("""
    call  at     visit  department  entered_by
    a     09:00  1      social      dialled
    a     09:01  2      finance     blind_transfer
    a     09:02  3      social      blind_transfer
    b     10:00  1      finance     dialled
    z     2026-03-31/09:00  1  finance  dialled
    """)
    check(
        figures(tmp_path, "repeat_callers", visits=seen),
        """
        measure           value  k  n
        missed_again_24h  -      0  0
        again_24h         0      0  1
        again_7d          0      0  1
        """,
    )


def test_a_call_of_unknown_ending_may_be_a_missed_one(tmp_path: Path) -> None:
    rows = visits("""
    call  at                outcome
    a     2026-03-02/09:00  -
    z     2026-03-31/09:00  answered
    """)
    known = calls("""
    call  at                outcome
    a     2026-03-02/09:00  -
    z     2026-03-31/09:00  answered
    """)
    check(
        figures(tmp_path, "repeat_callers", visits=rows, calls=known)[:2],
        """
        measure           value  n  unknown
        missed_again_24h  -      0  1
        again_24h         0      1  0
        """,
    )


# Social answers a to e. a goes on blindly and is answered in finance, b after asking, c goes on
# and nobody takes it. d and e stay. f is sent to finance by a phone's own forwarding and answered there.
PASSED = """
call  at     visit  department  entered_by         outcome
a     09:00  1      social      dialled            answered
a     09:05  2      finance     blind_transfer     answered
b     09:10  1      social      dialled            answered
b     09:15  2      finance     attended_transfer  answered
c     09:20  1      social      dialled            answered
c     09:25  2      finance     blind_transfer     unanswered
d     09:30  1      social      dialled            answered
e     09:40  1      social      dialled            answered
f     09:50  1      social      dialled            overflowed
f     09:51  2      finance     forward            answered
g     10:00  1      social      dialled            overflowed
g     10:01  2      finance     overflow           answered
"""


def test_transfers_and_whether_somebody_answered(tmp_path: Path) -> None:
    """Answered a to e: 3/5 went on. Went on a, b, c, f: 3/4 answered. g overflowed: nobody passed it on."""
    check(
        figures(tmp_path, "transfer_share", visits=visits(PASSED)),
        """
        measure         value  k  n  certain
        transferred     0.6    3  5  5
        answered_there  0.75   3  4  4
        """,
    )


def test_transfers_by_kind(tmp_path: Path) -> None:
    check(
        figures(tmp_path, "transfer_share", ("passed_on",), visits=visits(PASSED)),
        """
        measure         passed_on          k  n
        transferred     attended_transfer  1  1
        transferred     blind_transfer     2  2
        transferred     not_transferred    0  2
        answered_there  attended_transfer  1  1
        answered_there  blind_transfer     1  2
        answered_there  forward            1  1
        """,
    )


def test_the_department_that_was_reached_by_transfer_passed_nothing_on(tmp_path: Path) -> None:
    check(
        figures(tmp_path, "transfer_share", departments=["finance"], visits=visits(PASSED)),
        """
        measure         value  k  n
        transferred     0      0  4   # a, b, f, g were answered in finance
        answered_there  -      0  0
        """,
    )


def test_how_sure_a_transfer_is(tmp_path: Path) -> None:
    """A CDR alone shows no transfer as such: estimated. An ending that is unknown is in neither k nor n."""
    rows = visits("""
    call  at     visit  department  entered_by      outcome   ring_source  outcome_certainty
    a     09:00  1      social      dialled         answered  cdr          certain
    a     09:05  2      finance     blind_transfer  answered  cdr          certain
    b     09:00  1      social      dialled         answered  cel          certain
    b     09:05  2      finance     blind_transfer  -         cel          unknown
    """)
    check(
        figures(tmp_path, "transfer_share", visits=rows),
        """
        measure         k  n  certain  estimated  unknown
        transferred     2  2  1        1          0
        answered_there  1  1  0        1          1
        """,
    )


def test_internal_calls_are_a_line_of_their_own(tmp_path: Path) -> None:
    """Three from outside, two colleagues, one of them answered after 4 s: 3/5 external, 1/2, median 4 s."""
    rows = visits("""
    call  at     external  outcome     wait_s  in_hours
    a     09:00  yes       answered    9       yes
    b     09:00  yes       unanswered  30      yes
    c     09:00  yes       answered    9       yes
    d     09:00  no        answered    4       yes
    e     09:00  no        unanswered  30      yes
    f     22:00  no        answered    1       no
    g     09:00  -         answered    1       yes
    """)
    check(
        figures(tmp_path, "internal_calls", visits=rows),
        """
        measure            value  k  n  excluded
        external           0.6    3  5  out_of_hours=1,scope_unknown=1
        internal_answered  0.5    1  2  out_of_hours=1
        internal_wait_s    4      1  1  out_of_hours=1
        """,
    )
    check(
        figures(tmp_path / "x", "answered_share", visits=rows),
        """
        value   k  n  excluded
        0.6667  2  3  scope_unknown=1
        """,
    )


def test_outgoing_calls_and_how_many_connect(tmp_path: Path) -> None:
    """201 and 202 are of social, 401 of finance, 999 of none. Social: four; of three known two connected."""
    made = outgoing("""
    call  at     from  to     outcome     outcome_certainty
    a     09:00  201   anna   answered    certain
    b     22:00  202   juris  answered    estimated
    c     09:00  201   anna   busy        certain
    d     09:00  201   anna   -           unknown
    e     09:00  401   anna   answered    certain
    f     09:00  999   anna   answered    certain
    """)
    incoming = calls("call  at\ni  09:00")
    check(
        figures(tmp_path, "outgoing_calls", calls=made + incoming),
        """
        measure    value   low     high     k  n  certain  estimated  unknown  unit
        outgoing   4       1.0899  10.2416  4  4  4        0          0        calls
        connected  0.6667  0.2077  0.9385   2  3  2        1          1        share
        """,
    )
    check(
        figures(tmp_path / "x", "outgoing_calls", departments=[], calls=made + incoming),
        """
        measure    k  n  excluded
        outgoing   5  5  no_department=1
        connected  3  4  no_department=1
        """,
    )
