"""Menu, transfers, pickup, forward; voicemail; withheld numbers; calls of the staff."""

from __future__ import annotations

import pytest

from tests.stories.told import client, story

WITH_INVITES = ["ami", "cel+queue_log", "all"]


@pytest.mark.parametrize("sources", WITH_INVITES)
@pytest.mark.parametrize(
    ("name", "department", "employee", "ring_s"),
    [
        ("ivr_then_queue", "social", "201", 7.5),
        ("ivr_then_dial", "legal", "602", 9.4),
        ("ivr_timeout_to_operator", "reception", "100", 6.0),
    ],
)
def test_menu_first(sources: str, name: str, department: str, employee: str, ring_s: float) -> None:
    call = story(name, sources=sources)
    assert (call["dialled"], call["answered_by"]) == ("67012000", employee)
    assert call.ways == [(department, "menu", "answered")]
    # the menu's time belongs to the call, not to the visit
    assert call.only["ring_s"] == pytest.approx(ring_s, abs=0.1)
    assert call["wait_s"] > call.only["wait_s"] + 2


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_abandon_in_the_menu_is_a_visit_with_nothing_offered(sources: str) -> None:
    call = story("ivr_abandon_in_menu", sources=sources)
    assert call["outcome"] == "abandoned"
    assert call["departments"] == ["reception"]
    assert (call.only["outcome"], call.only.tried, call.only["phones_offered"]) == ("abandoned", [], 0)


def test_abandon_while_ringing_after_the_menu() -> None:
    call = story("ivr_abandon_ringing")
    assert call.ways == [("reception", "menu", "abandoned")]
    assert call.only.tried == ["100 abandoned"]


@pytest.mark.parametrize("sources", WITH_INVITES)
@pytest.mark.parametrize(
    ("name", "first", "second"),
    [("blind_transfer_refer", "201", "301"), ("blind_transfer_feature", "202", "302")],
)
def test_blind_transfer(sources: str, name: str, first: str, second: str) -> None:
    call = story(name, sources=sources)
    assert (call["answered_by"], call["transferred"]) == (first, True)
    assert call.ways == [("social", "dialled", "answered"), ("construction", "blind_transfer", "answered")]
    assert [v["answered_by"] for v in call.visits] == [first, second]
    assert call.visits[1].tried == [f"{second} answered"]


def test_blind_transfer_that_nobody_takes() -> None:
    call = story("blind_transfer_no_answer")
    assert call["outcome"] == "answered"
    assert call.ways == [("social", "dialled", "answered"), ("finance", "blind_transfer", "unanswered")]
    assert call.visits[1]["ring_s"] == pytest.approx(30.0, abs=0.1)


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_attended_transfer_is_one_call(sources: str) -> None:
    call = story("attended_transfer_feature", sources=sources)
    assert (call["answered_by"], call["transferred"]) == ("203", True)
    assert call.ways == [
        ("social", "dialled", "answered"),
        ("construction", "attended_transfer", "answered"),
    ]
    assert call.visits[1]["answered_by"] == "303"


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_pickup_is_one_call_answered_elsewhere(sources: str) -> None:
    call = story("pickup", sources=sources)
    assert (call["answered_by"], call.ways) == ("303", [("construction", "dialled", "answered")])
    # who picks a call up has no attempt of their own
    assert call.only.tried == ["301 answered_elsewhere"]
    assert call.only["ring_s"] == pytest.approx(6.5, abs=0.1)
    assert len(call["aliases"]) == 1


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_phone_forwards_with_302_to_another_department(sources: str) -> None:
    call = story("forwarded_by_phone", sources=sources)
    assert (call["answered_by"], call["departments"]) == ("302", ["environment", "construction"])
    first, second = call.visits
    assert (first.tried, second.tried) == (["804 forwarded"], ["302 answered"])
    assert (second["entered_by"], second["outcome"]) == ("forward", "answered")


def test_hotline_message() -> None:
    call = story("hotline_never_called_back")
    assert (call["outcome"], call["departments"]) == ("voicemail", ["pr"])
    (message,) = call.messages
    assert (message["hotline"], message["empty"], message["callable"]) == (True, False, True)
    assert message["caller"] == call["caller"]
    assert message["duration_s"] >= 3


def test_hang_up_at_the_beep_leaves_no_message_and_is_abandoned() -> None:
    call = story("hotline_hangup_before_beep")
    assert call["outcome"] == "abandoned"
    assert all(m["empty"] for m in call.messages)


def test_after_hours_number_ends_in_the_hotlines_mailbox() -> None:
    call = story("afterhours_to_hotline")
    assert (call["outcome"], call["departments"]) == ("voicemail", ["social"])
    assert [m["hotline"] for m in call.messages] == [True]


def test_personal_voicemail_is_no_answer() -> None:
    call = story("no_answer_then_voicemail")
    assert (call["outcome"], call["answered_by"]) == ("voicemail", None)
    assert call.only.tried == ["402 no_answer"]
    assert [(m["mailbox"], m["hotline"]) for m in call.messages] == [("402@staff", False)]


def test_two_messages_are_two_calls() -> None:
    first, second = story("hotline_two_messages_one_callback"), story("hotline_two_messages_one_callback", 1)
    assert first["caller"] == second["caller"]
    assert [len(first.messages), len(second.messages)] == [1, 1]
    assert first["call_id"] != second["call_id"]


@pytest.mark.parametrize("sources", [*WITH_INVITES, "cdr"])
def test_withheld_number_is_anonymous_everywhere(sources: str) -> None:
    call = story("withheld_number", sources=sources)
    assert (call["caller"], call["caller_class"]) == ("anonymous", "anonymous")


def test_message_of_a_withheld_number_cannot_be_called_back() -> None:
    (message,) = story("hotline_withheld_number").messages
    assert (message["caller"], message["callable"]) == ("anonymous", False)


def test_withheld_with_asserted_identity_shows_the_number_because_no_source_tells() -> None:
    # the limit that the README states: AMI, CEL and CDR all carry the real number as if it were shown
    assert story("withheld_with_pai")["caller"] == client("+37122435371")


@pytest.mark.parametrize("name", ["name_utf8", "name_comma_quotes", "name_semicolon_backslash"])
@pytest.mark.parametrize("sources", [*WITH_INVITES, "cdr"])
def test_odd_names_change_nothing(sources: str, name: str) -> None:
    call = story(name, sources=sources)
    assert (call["outcome"], call.only["within_third_signal"]) == ("answered", True)


@pytest.mark.parametrize("sources", WITH_INVITES)
def test_internal_call_is_a_visit_from_inside(sources: str) -> None:
    call = story("internal_call", sources=sources)
    assert (call["direction"], call["caller"], call["answered_by"]) == ("internal", "204", "301")
    assert (call.only["external"], call.only["department"]) == (False, "construction")


def test_internal_call_given_up() -> None:
    call = story("internal_abandon")
    assert (call["direction"], call["outcome"]) == ("internal", "abandoned")


def test_staff_listening_to_messages_visits_nobody() -> None:
    call = story("hotline_staff_listens")
    assert (call["direction"], call["dialled"], call["outcome"]) == ("internal", "*97", "voicemail")
    assert (call.visits, call.messages) == ((), ())


@pytest.mark.parametrize("sources", [*WITH_INVITES, "cdr"])
def test_outgoing_call(sources: str) -> None:
    call = story("outgoing_not_a_callback", sources=sources)
    number = client("+37167448180")
    assert (call["direction"], call["caller"], call["dialled"]) == ("outbound", "301", number)
    assert (call["outcome"], call["answered_by"], call.visits) == ("answered", number, ())


def test_outgoing_call_with_prefix_shows_the_main_number_but_is_the_employees() -> None:
    call = story("hotline_called_back_by_other_unit", 1)
    assert (call["direction"], call["caller"], call["dialled"]) == ("outbound", "501", client("+37126539508"))


@pytest.mark.parametrize(
    ("name", "place", "outcome"),
    [("hotline_callback_busy", 1, "busy"), ("hotline_callback_second_try", 1, "abandoned")],
)
def test_outgoing_call_that_fails(name: str, place: int, outcome: str) -> None:
    call = story(name, place)
    assert (call["direction"], call["outcome"], call["answered_by"]) == ("outbound", outcome, None)


@pytest.mark.parametrize("sources", ["ami", "all"])
def test_click_to_call_is_answered_when_the_citizen_answers(sources: str) -> None:
    call = story("hotline_callback_click_to_call", 1, sources)
    number = client("+37122914298")
    assert (call["direction"], call["caller"], call["dialled"]) == ("outbound", "804", number)
    assert (call["outcome"], call["answered_by"], call.visits) == ("answered", number, ())
    # the employee's phone took 2 s, the citizen's 5 s more
    assert (call["answered_at"] - call["started_at"]).total_seconds() == pytest.approx(7.5, abs=0.2)
