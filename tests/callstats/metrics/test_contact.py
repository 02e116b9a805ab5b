"""Contact in time after a message (clause 17), as far as a PBX can tell: messages in, figures out."""

from pathlib import Path
from typing import Any

import pytest

from tests.callstats.metrics.tables import check, figures, messages, outgoing
from tests.handmade import settings

END = "z  2026-05-01/09:00  401  juris  answered"


def contact(tmp_path: Path, left: str, tried: str) -> dict[str, Any]:
    """The contact figure for messages and outgoing calls."""
    found = figures(
        tmp_path,
        "callback_latency",
        departments=["pr"],
        messages=messages(left),
        calls=outgoing(tried),
    )
    return next(row for row in found if row["measure"] == "contact_in_time")


@pytest.mark.parametrize(
    ("left", "tried", "value", "n", "unknown"),
    [
        ("2026-03-02/10:00", "2026-03-03/23:59", 1.0, 1, 0),
        ("2026-03-02/10:00", "2026-03-04/00:00", None, 0, 1),
        ("2026-03-02/10:00", "2026-03-04/23:59", None, 0, 1),
        ("2026-03-02/10:00", "2026-03-05/00:00", 0.0, 1, 0),
        ("2026-03-06/16:00", "2026-03-09/17:30", 1.0, 1, 0),
        ("2026-03-07/12:00", "2026-03-09/09:00", 1.0, 1, 0),
        ("2026-03-07/12:00", "2026-03-10/09:00", None, 0, 1),
        ("2026-03-27/16:00", "2026-03-30/23:59", 1.0, 1, 0),
        ("2026-04-02/10:00", "2026-04-07/23:59", 1.0, 1, 0),
    ],
    ids=[
        "the next day to midnight is in time", "a minute later it depends on the day of forwarding",
        "so it does the whole day", "after it, late whenever it was forwarded", "Friday to Monday",
        "Saturday to Monday", "Saturday to Tuesday: it depends", "over the night that has 23 hours",
        "over Easter, to Tuesday",
    ],
)  # fmt: skip
def test_contact_is_in_time_by_the_end_of_the_next_working_day(
    tmp_path: Path, left: str, tried: str, value: float | None, n: int, unknown: int
) -> None:
    found = contact(
        tmp_path, f"call at\nm {left}", f"call at from to outcome\nc {tried} 801 anna answered\n{END}"
    )
    assert (found["value"], found["n"], found["unknown"]) == (value, n, unknown)


def test_messages_by_what_became_of_them(tmp_path: Path) -> None:
    """a in time, b never called; c was called by finance, who is not responsible; d is anonymous, e empty."""
    left = """
    call  at                caller  callable  empty
    a     2026-03-02/10:00  anna    yes       no
    b     2026-03-02/10:00  n1-bb   yes       no
    c     2026-03-02/10:00  juris   yes       no
    d     2026-03-02/10:00  -       no        no
    e     2026-03-02/10:00  anna    yes       yes
    f     2026-04-30/10:00  n1-ff   yes       no     # the data end the next day: its time is not over
    """
    tried = f"""
    call  at                from  to     outcome
    p     2026-03-03/09:00  801   anna   answered
    q     2026-03-03/09:00  401   juris  answered
    {END}
    """
    found = contact(tmp_path, left, tried)
    check(
        [found],
        """
        value  k  n  certain  estimated  unknown  excluded
        0.5    1  2  1        1          1        not_callable=1,empty=1,not_due=1
        """,
    )


def test_the_same_by_kind(tmp_path: Path) -> None:
    left = "call at caller\na 2026-03-02/10:00 anna\nb 2026-03-02/10:00 juris"
    tried = f"call at from to outcome\np 2026-03-02/11:00 801 anna busy\n{END}"
    rows = figures(
        tmp_path, "callback_latency", ("contact",), ["pr"], messages=messages(left), calls=outgoing(tried)
    )
    check(
        [row for row in rows if row["measure"] in ("contact_in_time", "open_age_s")],
        """
        measure          contact    k  n
        open_age_s       in_time    0  1
        open_age_s       none_seen  1  1
        contact_in_time  in_time    1  1
        contact_in_time  none_seen  0  1
        """,
    )


def test_without_working_days_nothing_is_due(tmp_path: Path) -> None:
    site = settings(tmp_path, hours={})
    rows = figures(
        tmp_path,
        "callback_latency",
        departments=["pr"],
        site=site,
        messages=messages("call at\nm 2026-03-02/10:00"),
        calls=outgoing(f"call at from to outcome\n{END}"),
    )
    (found,) = (row for row in rows if row["measure"] == "contact_in_time")
    assert (found["value"], found["n"], found["unknown"]) == (None, 0, 1)
