"""What a step may say, when a case takes it, and which case a list of steps makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callstats.errors import UsageError
from callstats.register.steps import (
    BY_PROGRAM,
    FIELDS,
    PROGRAM,
    WHEN_CLOSED,
    Case,
    Step,
    allowed,
    checked,
    fold,
)

LEFT = datetime(2026, 3, 2, 8, tzinfo=UTC)
PSEUDONYM = "n1-" + "a" * 32
# Of each step the least that it says.
SAID: dict[str, dict[str, Any]] = {
    "left": {"left_at": LEFT, "client": "n1-aaaa", "callable": True},
    "seen": {"left_at": LEFT, "client": "n1-aaaa", "callable": True, "msg_id": "m-1"},
    "promised": {"promised_at": LEFT, "by": LEFT + timedelta(hours=4), "department": "social"},
    "described": {"about": "Nedeg lampa"},
    "forwarded": {"department": "social"},
    "contacted": {"how": "mobile"},
    "confirmed_reached": {"call_id": "pbx:40"},
    "confirmed_attempt": {"call_id": "pbx:40"},
    "dismissed": {"call_id": "pbx:40"},
    "heard": {"callback": PSEUDONYM},
    "noted": {"text": "Zvanīt pēc pieciem"},
    "closed": {"reason": "settled"},
    "undone": {"place": 2},
    "merged": {"into": 7},
}


def steps(*told: tuple[str, float, dict[str, Any]], author: str = "Ilze") -> list[Step]:
    """Steps in order: kind, minutes after the message was left, what it says beside the least."""
    made = []
    for place, (step, minutes, said) in enumerate((("left", 0.0, {}), *told), 1):
        when = LEFT + timedelta(minutes=minutes)
        fields = checked(step, SAID.get(step, {}) | said)
        made.append(Step(place, step, when, when, PROGRAM if step in BY_PROGRAM else author, fields))
    return made


def case(*told: tuple[str, float, dict[str, Any]]) -> Case:
    return fold(1, "message", steps(*told))


def minutes(when: datetime | None) -> float | None:
    return None if when is None else (when - LEFT).total_seconds() / 60


@pytest.mark.parametrize("step", FIELDS)
def test_every_step_is_read_back_from_what_is_stored_of_it(step: str) -> None:
    said = checked(step, SAID.get(step, {}))
    assert checked(step, said.model_dump(mode="json")) == said
    assert fold(1, "message", [*steps(), Step(2, step, LEFT, LEFT, "Ilze", said)]).number == 1


@pytest.mark.parametrize(
    ("step", "said", "told"),
    [
        ("called", {}, "no step 'called'; known: left, promised"),
        ("forwarded", {}, "either a department or an institution"),
        ("forwarded", {"department": "social", "institution": "Policija"}, "either a department or an"),
        ("forwarded", {"department": " "}, "department: .*at least 1"),
        ("forwarded", {"department": "d" * 121}, "department: .*at most 120"),
        ("described", {"category": "praise"}, "category: .*'question', 'suggestion'"),
        ("described", {}, "says nothing"),
        ("contacted", {"how": "pigeon"}, "how: "),
        ("closed", {}, "reason: Field required"),
        ("closed", {"reason": "bored"}, "reason: "),
        ("heard", {"callback": "+37126001234"}, "callback: "),
        ("noted", {"text": "x" * 2001}, "text: .*at most 2000"),
        ("checked", {"by": "Ilze"}, "by: Extra inputs"),
    ],
)
def test_what_a_step_cannot_say_is_told_with_its_field(step: str, said: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        checked(step, said)


def test_a_refusal_never_repeats_what_was_entered() -> None:
    with pytest.raises(UsageError) as refused:
        checked("heard", {"callback": "+37126001234"})
    assert "26001234" not in str(refused.value)


def test_steps_make_the_case_in_order() -> None:
    found = case(
        ("checked", 10, {}),
        ("described", 11, {"category": "fault", "urgent": True}),
        ("forwarded", 20, {"employee": "Andris"}),
        ("taken", 30, {}),
        ("attempted", 40, {}),
        ("reached", 50, {}),
        ("noted", 51, {}),
        ("closed", 60, {"text": "salabots"}),
    )
    begun = (found.checked_at, found.forwarded_at, found.attempted_at)
    assert [minutes(one) for one in begun] == [10, 20, 40]
    assert [minutes(one) for one in (found.reached_at, found.closed_at, found.contacted_at)] == [50, 60, 40]
    assert (found.department, found.taken_by, found.category, found.urgent) == (
        "social",
        "Ilze",
        "fault",
        True,
    )
    assert found.closing is not None
    assert (found.closing.reason, found.closing.text) == ("settled", "salabots")
    assert (len(found.notes), found.by_hand, found.client) == (1, False, "n1-aaaa")


def test_what_is_forwarded_on_keeps_its_first_time_and_nobody_has_taken_it() -> None:
    found = case(("forwarded", 20, {}), ("taken", 25, {}), ("forwarded", 40, {"department": "finance"}))
    assert (found.department, found.taken_by) == ("finance", None)
    assert (minutes(found.first_forwarded_at), minutes(found.forwarded_at)) == (20, 40)
    assert minutes(found.checked_at) == 20  # who forwards a message has listened to it


def test_an_institution_outside_is_no_department() -> None:
    found = case(("forwarded", 20, {"department": None, "institution": "Valsts policija"}))
    assert found.forwarded is not None
    assert (found.department, found.forwarded.institution) == (None, "Valsts policija")


def test_a_description_leaves_what_it_does_not_name_and_takes_back_what_it_empties() -> None:
    found = case(("described", 1, {"reg_no": "3-12/7"}), ("described", 2, {"about": "", "urgent": True}))
    assert (found.about, found.reg_no, found.urgent) == (None, "3-12/7", True)


def test_an_earlier_time_that_is_entered_later_counts() -> None:
    found = case(("attempted", 50, {}), ("attempted", 40, {}), ("contacted", 30, {"how": "email"}))
    assert (minutes(found.attempted_at), minutes(found.contacted_at)) == (40, 30)


def test_a_step_that_was_taken_back_says_nothing_and_is_still_seen() -> None:
    found = case(("forwarded", 20, {}), ("closed", 30, {}), ("undone", 31, {"place": 3}))
    assert (found.closed_at, found.closing, found.department) == (None, None, "social")
    assert [(one.step, one.undone) for one in found.steps] == [
        ("left", False),
        ("forwarded", False),
        ("closed", True),
        ("undone", False),
    ]


def test_a_reopening_that_was_taken_back_leaves_the_case_closed() -> None:
    found = case(("closed", 30, {}), ("reopened", 40, {}), ("undone", 41, {"place": 3}))
    assert minutes(found.closed_at) == 30


def test_the_lines_may_tell_of_a_message_after_people_worked_on_it() -> None:
    found = case(("heard", 5, {}), ("forwarded", 20, {}), ("seen", 30, {"client": None, "callable": False}))
    assert found.message is not None
    assert (found.message.msg_id, found.client, found.department) == ("m-1", None, "social")
    assert (found.callback, found.callable) == (PSEUDONYM, True)  # the number that was heard stays


@pytest.mark.parametrize("step", sorted(FIELDS.keys() - BY_PROGRAM - WHEN_CLOSED))
def test_a_closed_case_refuses_every_step_but_those_for_closed_ones(step: str) -> None:
    with pytest.raises(UsageError, match="case 1 is closed; reopen it first"):
        allowed(case(("closed", 30, {})), step, checked(step, SAID.get(step, {})), "Ilze", LEFT)


@pytest.mark.parametrize("step", sorted(FIELDS.keys() - {"merged"}))
def test_a_case_that_was_merged_refuses_every_step_and_says_where_to_go_on(step: str) -> None:
    with pytest.raises(UsageError, match="same message as case 7; go on there"):
        allowed(case(("merged", 30, {})), step, checked(step, SAID.get(step, {})), "Ilze", LEFT)


@pytest.mark.parametrize(
    ("later", "refused"), [(timedelta(minutes=30), False), (timedelta(minutes=30, microseconds=1), True)]
)
def test_half_an_hour_is_counted_from_when_the_step_was_written_down(later: timedelta, refused: bool) -> None:
    entered = LEFT + timedelta(days=1)
    told = Step(2, "contacted", LEFT, entered, "Ilze", checked("contacted", {"how": "email"}))
    given = fold(1, "message", [*steps(), told])
    undoing = checked("undone", {"place": 2})
    if refused:
        with pytest.raises(UsageError, match="more than 30 minutes ago"):
            allowed(given, "undone", undoing, "Ilze", entered + later)
    else:
        allowed(given, "undone", undoing, "Ilze", entered + later)


@pytest.mark.parametrize("place", [1, 2, 4, 5, 99])
def test_neither_the_lines_nor_an_undoing_nor_an_earlier_step_is_taken_back(place: int) -> None:
    # 1 left, 2 checked, 3 forwarded, 4 closed and 5 taken back, 6 told by the lines: only 3 may go
    given = case(
        ("checked", 1, {}),
        ("forwarded", 2, {}),
        ("closed", 3, {}),
        ("undone", 4, {"place": 4}),
        ("seen", 5, {}),
    )
    with pytest.raises(UsageError, match="only its last step"):
        allowed(given, "undone", checked("undone", {"place": place}), "Ilze", LEFT)
    allowed(given, "undone", checked("undone", {"place": 3}), "Ilze", LEFT)


def test_a_promise_names_its_department_until_it_is_forwarded() -> None:
    first = Step(1, "promised", LEFT, LEFT, "Andris", checked("promised", SAID["promised"]))
    sent = Step(2, "forwarded", LEFT, LEFT, "Andris", checked("forwarded", {"department": "finance"}))
    before, after = fold(1, "promise", [first]), fold(1, "promise", [first, sent])
    assert (before.department, after.department) == ("social", "finance")
    assert (before.since, before.callable, before.by_hand, before.empty) == (LEFT, True, True, False)
