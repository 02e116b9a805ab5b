"""Neutral states: a visit is one only if everyone who could answer was in one; counted by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callstats import judge
from callstats.cases import neutral
from callstats.cases.database import Database
from callstats.cases.neutral import Entry
from callstats.errors import UsageError
from callstats.report import metrics_table
from callstats.settings import Settings
from callstats.store import Store
from tests.callstats.flow import Flow, ami, rings_until, tables
from tests.callstats.flow import settings as town
from tests.handmade import ALWAYS, DAY, at, fill, missed, queue_step, settings, store_with, visit

REASONS = {"klātiene": "in_person", "pusdienas": "break"}
TOMORROW = DAY + timedelta(1)
Steps = list[dict[str, Any]]


def site_of(tmp_path: Path, **more: Any) -> Settings:
    """A site that works day and night and takes two pause reasons for neutral states."""
    return settings(tmp_path, hours=ALWAYS, neutral={"reasons": REASONS}, **more)


def waited(when: datetime, call_id: str = "pbx:1", **more: Any) -> dict[str, Any]:
    """A visit that q-social offered to nobody: the caller waited 40 s."""
    return missed(
        call_id,
        entered_at=when,
        offered_through="queue",
        queue="q-social",
        phones_offered=0,
        no_phone_available=True,
        wait_s=40.0,
        ring_s=None,
        **more,
    )


def paused(
    member: str, start: datetime, end: datetime | None, reason: str = "klātiene", **more: Any
) -> Steps:
    """A pause in q-social, and its end unless that was lost."""
    steps = [queue_step("paused", member, start, reason=reason, **more)]
    return steps if end is None else [*steps, queue_step("unpaused", member, end, **more)]


def is_neutral(site: Settings, when: datetime, steps: Steps, **more: Any) -> bool:
    with store_with(site, visits=[waited(when, **more)], queue_steps=steps) as store:
        return bool(judge.scan(store, site)["neutral"][0].as_py())


BOTH = [*paused("201", at("10:00"), at("11:00")), *paused("202", at("10:10"), at("10:50"), "pusdienas")]


@pytest.mark.parametrize(
    ("clock", "neutral"),
    [
        pytest.param("10:05", False, id="202 still works"),
        pytest.param("10:10", True, id="the second pause begins"),
        pytest.param("10:49:44", True, id="its 15 s are over before 202 is back"),
        pytest.param("10:49:46", False, id="202 is back after 14 s"),
        pytest.param("10:55", False, id="202 is back"),
    ],
)
def test_everyone_must_be_neutral_as_long_as_an_answer_would_be_in_time(
    tmp_path: Path, clock: str, neutral: bool
) -> None:
    assert is_neutral(site_of(tmp_path), at(clock), BOTH) is neutral


@pytest.mark.parametrize(
    ("steps", "neutral"),
    [
        pytest.param([queue_step("offered", "203", at("09:00"))], False, id="a member who is not paused"),
        pytest.param([queue_step("added", "401", at("09:00"))], False, id="a guest who is not paused"),
        pytest.param(paused("203", at("10:00"), at("11:00"), "kafija"), False, id="a reason that is none"),
        pytest.param(paused("203", at("10:00"), at("11:00"), queue="q-other"), True, id="of another queue"),
        pytest.param(
            [queue_step("offered", "203", at("09:00", DAY - timedelta(8)))], True, id="long no member"
        ),
        pytest.param(
            [queue_step("removed", "203", at("18:00", DAY - timedelta(1)))], True, id="logged out yesterday"
        ),
        pytest.param([queue_step("removed", "203", at("09:00"))], True, id="logged out before"),
        pytest.param([queue_step("removed", "203", at("10:30"))], False, id="logged out after"),
        pytest.param(
            [queue_step("removed", "203", at("09:00")), queue_step("added", "203", at("09:30"))],
            False,
            id="logged out, and in again",
        ),
        pytest.param([queue_step("added", "203", at("10:45"))], True, id="logged in after"),
        pytest.param(paused("203", at("10:00"), at("11:00"), " Klātiene"), True, id="spelt with a capital"),
    ],
)
def test_one_more_member_decides(tmp_path: Path, steps: Steps, neutral: bool) -> None:
    assert is_neutral(site_of(tmp_path), at("10:20"), [*BOTH, *steps]) is neutral


def test_where_nobody_is_a_member_nobody_is_neutral(tmp_path: Path) -> None:
    out = [queue_step("removed", phone, at("09:00")) for phone in ("201", "202")]
    assert not is_neutral(site_of(tmp_path), at("10:20"), out)


def test_a_pause_in_another_queue_is_none_in_this_one(tmp_path: Path) -> None:
    here = [*paused("201", at("10:00"), at("11:00")), queue_step("offered", "202", at("09:00"))]
    there = paused("202", at("10:00"), at("11:00"), queue="q-finance")
    assert not is_neutral(site_of(tmp_path / "a"), at("10:20"), [*here, *there])
    everywhere = paused("202", at("10:00"), at("11:00"), queue=None)
    assert is_neutral(site_of(tmp_path / "b"), at("10:20"), [*here, *everywhere])


def test_a_pause_goes_on_over_midnight(tmp_path: Path) -> None:
    steps = paused("201", at("23:30"), at("00:30", TOMORROW))
    for number, (when, expected) in enumerate(
        [(at("23:59:55"), True), (at("00:10", TOMORROW), True), (at("00:31", TOMORROW), False)]
    ):
        assert is_neutral(site_of(tmp_path / str(number)), when, steps) is expected


@pytest.mark.parametrize(
    ("more", "clock", "day", "neutral"),
    [
        pytest.param([], "17:00", DAY, True, id="until the end of its day"),
        pytest.param([], "08:00", TOMORROW, False, id="and no longer"),
        pytest.param([queue_step("offered", "201", at("12:00"))], "13:00", DAY, False, id="offered a call"),
        pytest.param(paused("201", at("12:00"), None, "kafija"), "13:00", DAY, False, id="paused anew"),
        pytest.param(
            [queue_step("unpaused", "201", at("12:00", DAY + timedelta(2)))], "08:00", TOMORROW, False,
            id="an end two days later is another's",
        ),
    ],
)  # fmt: skip
def test_a_lost_end_of_a_pause(tmp_path: Path, more: Steps, clock: str, day: date, neutral: bool) -> None:
    steps = [*paused("201", at("10:00"), None), *more]
    assert is_neutral(site_of(tmp_path), at(clock, day), steps) is neutral


def test_a_name_in_the_queue_log_is_the_phone_that_connect_shows(tmp_path: Path) -> None:
    steps = [*paused("m1-inese", at("10:00"), at("11:00")), queue_step("offered", "201", at("09:00"))]
    assert not is_neutral(site_of(tmp_path / "a"), at("10:20"), steps)
    steps.append(queue_step("named", "m1-inese", at("09:00"), phone="201"))
    assert is_neutral(site_of(tmp_path / "b"), at("10:20"), steps)


def test_phones_that_are_dialled_are_all_phones_of_the_department_on_that_day(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    two, three = ([step for p in phones for step in paused(p, at("10:00"), at("11:00"))]
                  for phones in (("201", "202"), ("201", "202", "203")))  # fmt: skip
    direct = {"offered_through": "phones", "queue": None, "no_phone_available": False}
    row = {**waited(at("10:20")), **direct}
    for steps, expected in ((two, False), (three, True)):
        with Store.open(site) as store:
            fill(store, visits=[row], queue_steps=steps)
            assert judge.scan(store, site)["neutral"].to_pylist() == [expected]


# ---------------------------------------------------------------- the figure


def test_neutral_visits_are_left_out_counted_and_stay_unanswered(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    visits = [
        visit("a"),
        waited(at("10:20"), "b"),
        visit("picked up all the same", entered_at=at("10:30"), offered_through="queue", queue="q-social"),
        waited(at("12:00"), "paused without a reason"),
    ]
    steps = [*BOTH, *(s for p in ("201", "202") for s in paused(p, at("11:30"), at("12:30"), "kafija"))]
    with store_with(site, visits=visits, queue_steps=steps) as store:
        share, unanswered = (
            metrics_table(store, site, [slug], by=(), departments=["social"]).to_pylist()[0]
            for slug in ("third_signal_share", "unanswered_share")
        )
    # an answer is left out as well: who was neutral is not chosen by how it ended
    assert (share["k"], share["n"], dict(share["excluded"])) == (1, 2, {"neutral": 2})
    assert (unanswered["k"], unanswered["n"]) == (2, 4)


# ---------------------------------------------------------------- entered by people


def entry(start: datetime, end: datetime, **more: Any) -> Entry:
    given = {
        "department": "social",
        "phone": None,
        "state": "training",
        "reason": "mācības",
        "author": "anna",
    }
    return Entry(
        **{**given, "from_at": start, "to_at": end, "entered_at": datetime(2026, 3, 3, tzinfo=UTC), **more}
    )


def test_what_is_entered_counts_at_once_and_is_part_of_the_data_version(
    tmp_path: Path, database_url: str
) -> None:
    site = site_of(tmp_path, database=database_url)
    row = missed("a", entered_at=at("10:20"))
    with store_with(site, visits=[row]) as store:

        def seen() -> tuple[bool, str]:
            return judge.scan(store, site)["neutral"][0].as_py(), store.data_version()

        before = seen()
        with store.database.write() as connection:
            first = neutral.add(connection, entry(at("10:00"), at("11:00")))
        added = seen()
        with store.database.write() as connection:
            second = neutral.add(connection, entry(at("10:30"), at("11:00"), supersedes=first))
        corrected = seen()
        with store.database.write() as connection:
            neutral.add(connection, entry(at("10:00"), at("11:00"), department=None, phone="201"))
            neutral.withdraw(connection, second, reason="kļūda", author="ilze", entered_at=at())
            assert [e.id for e in neutral.listed(connection)] == [3]
            rows = neutral.listed(connection, everything=True)
        assert [(e.id, e.supersedes, e.withdrawn) for e in rows] == [
            (1, None, False),
            (2, 1, False),
            (3, None, False),
            (4, 2, True),
        ]
        one_phone_of_three = seen()
    assert [found for found, _ in (before, added, corrected, one_phone_of_three)] == [
        False,
        True,
        False,
        False,
    ]
    assert len({version for _, version in (before, added, corrected, one_phone_of_three)}) == 4


def test_the_doubled_hour_is_two_hours(tmp_path: Path) -> None:
    """From 03:00 to 04:00 by the clock of 25 October 2026, two hours pass; the entry holds the second."""
    night = date(2026, 10, 25)
    site = site_of(tmp_path)
    visits = [missed(str(fold), entered_at=at("03:30", night, fold=fold)) for fold in (0, 1)]
    with store_with(site, visits=visits) as store:
        with store.database.write() as connection:
            neutral.add(connection, entry(at("03:00", night, fold=1), at("04:00", night)))
        assert judge.scan(store, site)["neutral"].to_pylist() == [False, True]


def test_an_entry_that_is_not_in_force_cannot_be_changed(database_url: str) -> None:
    database = Database.open(database_url)
    with database.write() as connection:
        number = neutral.add(connection, entry(at("10:00"), at("11:00")))
        neutral.withdraw(connection, number, reason="kļūda", author="anna", entered_at=at())
        for wrong in (
            entry(at("10:00"), at("11:00"), supersedes=number),
            entry(at("10:00"), at("11:00"), supersedes=99),
            entry(at("11:00"), at("11:00")),
            entry(at("10:00"), at("11:00"), phone="201"),
        ):
            with pytest.raises(UsageError, match="neutral: "):
                neutral.add(connection, wrong)
    database.close()


# ---------------------------------------------------------------- from what the PBX says


@pytest.mark.parametrize(
    ("flow", "neutral"),
    [
        ("-90 QueueMemberPause queue=q-social member=201 status=1 reason=klātiene", True),
        ("-90 QueueMemberPause queue=q-social member=201 status=1 reason=kafija", False),
        ("-90 QueueMemberPause queue=q-social member=201 status=1", False),
        ("-90 QueueMemberAdded queue=q-social member=201 status=1 reason=klātiene", True),
    ],
)
def test_a_pause_that_the_pbx_told_reaches_the_judgement(tmp_path: Path, flow: str, neutral: bool) -> None:
    site = town(tmp_path, top="", rest='[neutral.reasons]\n"klātiene" = "in_person"')
    made = tables(
        site,
        ami(f"""
        {flow}
        0      Newchannel       ch=public state=4 caller=citizen exten=67012200
        0.003  Newexten         ch=public app=Queue app_data=q-social exten=67012200
        0.005  QueueCallerJoin  ch=public queue=q-social
        40     QueueCallerLeave ch=public queue=q-social
        40     HangupRequest    ch=public cause=16
        40     Hangup           ch=public cause=16"""),
    )
    (found,) = made["visits"]
    assert (found["no_phone_available"], found["neutral"]) == (True, neutral)
    assert [(s["member"], s["step"]) for s in made["queue_steps"]] == [("201", "paused")]


def test_an_offered_call_is_told_as_a_step_of_the_queue(tmp_path: Path) -> None:
    told = Flow("queue_log").read("-60 PAUSE queue=q-social member=m1-inese reason=klātiene")
    made = tables(town(tmp_path), ami(rings_until(3)), told)
    assert [(s["member"], s["step"]) for s in made["queue_steps"]] == [("m1-inese", "paused")]
