"""Callback latency and missed calls followed up: what links calls, counted by hand."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callstats.report import metrics_table
from tests.handmade import ANNA, DAY, JURIS, at, call, callback, message, missed, settings, store_with, visit

TUESDAY, SATURDAY = DAY + timedelta(1), DAY + timedelta(5)


def latency(tmp_path: Path, **rows: Any) -> dict[str, dict[str, Any]]:
    """Figures of `pr` by measure."""
    site = settings(tmp_path)
    with store_with(site, **rows) as store:
        found = metrics_table(store, site, ["callback_latency"], by=(), departments=["pr"]).to_pylist()
    return {row["measure"]: {**row, "excluded": dict(row["excluded"])} for row in found}


def test_working_time_stands_still_at_night(tmp_path: Path) -> None:
    """Left at 16:30 on Monday, called back at 8:45 on Tuesday: 30 + 45 minutes of working time."""
    found = latency(
        tmp_path,
        messages=[message("pbx:1", left_at=at("16:30"))],
        calls=[callback("pbx:2", ANNA, "801", started_at=at("08:45", TUESDAY))],
    )
    assert found["attempted_working_s"]["value"] == 75 * 60
    assert found["attempted_elapsed_s"]["value"] == (16 * 60 + 15) * 60
    assert found["reached_working_s"]["value"] == 75 * 60
    assert (found["attempted_working_s"]["certain"], found["reached_working_s"]["estimated"]) == (1, 1)
    assert (found["open_age_s"]["k"], found["open_age_s"]["n"]) == (0, 1)


def test_a_message_is_open_although_no_call_is_known_after_it(tmp_path: Path) -> None:
    """The data end with the message itself, or with a call before it: its age is 0, never below."""
    left = at("15:00")
    alone = latency(tmp_path, messages=[message("pbx:1", left_at=left)])
    later = latency(tmp_path / "x", messages=[message("pbx:1", left_at=left)], calls=[call("pbx:9")])
    for found in (alone, later):
        assert (found["open_age_s"]["k"], found["open_age_s"]["value"]) == (1, 0.0)


def test_a_message_left_and_answered_on_saturday_took_no_working_time(tmp_path: Path) -> None:
    found = latency(
        tmp_path,
        messages=[message("pbx:1", left_at=at("10:00", SATURDAY))],
        calls=[callback("pbx:2", ANNA, "801", started_at=at("11:00", SATURDAY))],
    )
    assert (found["attempted_working_s"]["value"], found["attempted_elapsed_s"]["value"]) == (0.0, 3600.0)


def test_across_the_long_night_elapsed_time_has_its_extra_hour(tmp_path: Path) -> None:
    saturday = DAY.replace(month=10, day=24)
    found = latency(
        tmp_path,
        messages=[message("pbx:1", left_at=at("12:00", saturday))],
        calls=[callback("pbx:2", ANNA, "801", started_at=at("12:00", saturday + timedelta(1)))],
    )
    assert found["attempted_elapsed_s"]["value"] == 25 * 3600


@pytest.mark.parametrize(
    ("outgoing", "attempted", "reached"),
    [
        ({"outcome": "answered", "talk_s": 30.0}, True, True),
        ({"outcome": "answered", "talk_s": 29.9}, True, False),
        ({"outcome": "answered", "talk_s": 1.0}, True, False),
        ({"outcome": "busy", "talk_s": None, "ring_s": None}, True, False),
        ({"outcome": "unanswered", "talk_s": None, "ring_s": 10.0}, True, False),
        ({"outcome": "unanswered", "talk_s": None, "ring_s": 9.9}, False, False),
        ({"started_at": at("09:59")}, False, False),
        ({"dialled": JURIS}, False, False),
        ({"caller": "401"}, False, False),
        ({"caller": "67012000"}, False, False),
    ],
    ids=[
        "30 s of talk", "under 30 s", "hardly a word", "busy", "rang 10 s", "rang less", "before the message",
        "another client", "another department", "nobody knows who called",
    ],
)  # fmt: skip
def test_what_is_an_attempt_and_what_is_a_talk(
    tmp_path: Path, outgoing: dict[str, Any], attempted: bool, reached: bool
) -> None:
    values = {"started_at": at("11:00"), "caller": "801", **outgoing}
    found = latency(
        tmp_path,
        messages=[message("pbx:1", left_at=at("10:00"))],
        calls=[callback("pbx:2", **{"client": ANNA, "extension": "801", **values})],
    )
    assert found["attempted_elapsed_s"]["value"] == (3600.0 if attempted else None)
    assert found["reached_elapsed_s"]["value"] == (3600.0 if reached else None)
    assert found["open_age_s"]["k"] == int(not attempted)


def test_where_the_ringing_is_not_known_a_long_call_is_an_estimated_attempt(tmp_path: Path) -> None:
    outgoing = callback(
        "pbx:2",
        ANNA,
        "801",
        started_at=at("11:00"),
        ended_at=at("11:00:12"),
        outcome="unanswered",
        ring_s=None,
    )
    found = latency(tmp_path, messages=[message("pbx:1")], calls=[outgoing])
    assert (found["attempted_elapsed_s"]["k"], found["attempted_elapsed_s"]["estimated"]) == (1, 1)


def test_first_attempt_and_first_talk_are_kept_apart(tmp_path: Path) -> None:
    found = latency(
        tmp_path,
        messages=[message("pbx:1", left_at=at("10:00"))],
        calls=[
            callback("pbx:4", ANNA, "801", started_at=at("15:00")),
            callback("pbx:3", ANNA, "801", started_at=at("12:00")),
            callback(
                "pbx:2", ANNA, "801", started_at=at("11:00"), outcome="unanswered", talk_s=None, ring_s=20.0
            ),
        ],
    )
    assert found["attempted_elapsed_s"]["value"] == 3600.0
    assert found["reached_elapsed_s"]["value"] == 7200.0


def test_anonymous_empty_and_private_messages_are_no_part_of_it(tmp_path: Path) -> None:
    found = latency(
        tmp_path,
        messages=[
            message("pbx:1", left_at=at("10:00")),
            message("pbx:2", None),
            message("pbx:3", empty=True),
            message("pbx:4", hotline=False, mailbox="201@default"),
        ],
        calls=[call("pbx:9", started_at=at("12:00"))],
    )
    assert found["open_age_s"]["excluded"] == {"not_callable": 1, "empty": 1}
    assert (found["open_age_s"]["value"], found["open_age_s"]["k"], found["open_age_s"]["n"]) == (
        7200.0,
        1,
        1,
    )


def followed(
    tmp_path: Path, *calls: dict[str, Any], visits: tuple[dict[str, Any], ...] = ()
) -> dict[str, Any]:
    """Follow-up of a call of Anna's that `social` missed at 10:00."""
    site = settings(tmp_path)
    first = call("pbx:1", outcome="unanswered", answered_by=None)
    with store_with(site, calls=[first, *calls], visits=[missed("pbx:1"), *visits]) as store:
        rows = metrics_table(
            store, site, ["missed_called_back"], ("follow_up",), departments=["social"]
        ).to_pylist()
    return {row["measure"]: (row["follow_up"], row["k"], row["n"]) for row in rows}


def test_the_department_called_back(tmp_path: Path) -> None:
    found = followed(tmp_path, callback("pbx:2", ANNA, "202", started_at=at("12:00")))
    assert found == {"called_back": ("called_back", 1, 1), "answered_again": ("called_back", 0, 1)}


def test_the_client_called_again_and_was_answered(tmp_path: Path) -> None:
    found = followed(
        tmp_path,
        call("pbx:2", started_at=at("11:00")),
        callback("pbx:3", ANNA, "202", started_at=at("12:00")),
        visits=(visit("pbx:2", entered_at=at("11:00")),),
    )
    assert found == {"called_back": ("answered_again", 0, 1), "answered_again": ("answered_again", 1, 1)}


def test_an_answer_in_another_department_or_a_call_of_another_is_no_follow_up(tmp_path: Path) -> None:
    found = followed(
        tmp_path,
        call("pbx:2", started_at=at("11:00")),
        callback("pbx:3", ANNA, "401", started_at=at("12:00")),
        visits=(visit("pbx:2", entered_at=at("11:00"), department="finance"),),
    )
    assert found["called_back"] == ("other_department", 0, 1)


def test_after_thirty_days_nothing_is_looked_for(tmp_path: Path) -> None:
    late = callback("pbx:2", ANNA, "202", started_at=at("10:00") + timedelta(days=30))
    assert followed(tmp_path, late)["called_back"] == ("none_seen", 0, 1)


def test_missed_calls_that_are_none_or_cannot_be_called_back(tmp_path: Path) -> None:
    site = settings(tmp_path)
    calls = [
        call("a", outcome="unanswered"),
        call("answered elsewhere", outcome="answered"),
        call("withheld", outcome="abandoned", caller="anonymous", caller_class="anonymous"),
        call("evening", outcome="abandoned"),
    ]
    visits = [
        missed("a"),
        missed("a", visit=2, outcome="overflowed"),
        missed("answered elsewhere"),
        missed("withheld", outcome="abandoned"),
        missed("evening", in_hours=False),
    ]
    with store_with(site, calls=calls, visits=visits) as store:
        rows = metrics_table(store, site, ["missed_called_back"], by=()).to_pylist()
    assert [(row["k"], row["n"], dict(row["excluded"])) for row in rows] == [
        (0, 1, {"out_of_hours": 1, "not_callable": 1})
    ] * 2


def test_a_call_of_which_it_is_not_known_whether_it_was_missed_is_counted_as_unknown(tmp_path: Path) -> None:
    site = settings(tmp_path)
    calls = [call("a", outcome=None), call("b", outcome="unanswered"), call("c", outcome="unanswered")]
    visits = [missed("a", outcome=None), missed("b", external=None), missed("c")]
    with store_with(site, calls=calls, visits=visits) as store:
        (back, _) = metrics_table(store, site, ["missed_called_back"], by=()).to_pylist()
    assert (back["k"], back["n"], back["unknown"], dict(back["excluded"])) == (0, 1, 1, {"scope_unknown": 1})


def test_that_the_client_was_answered_later_is_as_sure_as_that_answer(tmp_path: Path) -> None:
    site = settings(tmp_path)
    later = {"entered_at": at("12:00"), "outcome_certainty": "estimated"}
    with store_with(
        site,
        calls=[call("pbx:1", outcome="unanswered", answered_by=None), call("pbx:2", started_at=at("12:00"))],
        visits=[missed("pbx:1"), visit("pbx:2", **later)],
    ) as store:
        rows = metrics_table(store, site, ["missed_called_back"], (), departments=["social"]).to_pylist()
    (again,) = (row for row in rows if row["measure"] == "answered_again")
    assert (again["k"], again["n"], again["certain"], again["estimated"]) == (1, 1, 0, 1)
