"""Silences, the bound that decided, and a call drawn over time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callstats.explain import Teller, short
from callstats.timeline import Step, Timeline, silences, third_signal_reason
from callstats.timeline_chart import call_timeline
from tests.handmade import RIGA

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def stay(**columns: Any) -> dict[str, Any]:
    """A visit that began at noon and was answered after 30 s."""
    return {"entered_at": NOON, "answered_at": after(30), "left_at": after(60)} | columns


def rang(start: float, end: float, **columns: Any) -> dict[str, Any]:
    """A phone that alerted from `start` to `end`."""
    return {
        "tried_at": after(start),
        "ring_at": after(start),
        "ended_at": after(end),
        "ring_s": end - start,
    } | columns


def spans(found: list[tuple[datetime, datetime]]) -> list[tuple[float, float]]:
    """Intervals in seconds after noon."""
    return [((a - NOON).total_seconds(), (b - NOON).total_seconds()) for a, b in found]


@pytest.mark.parametrize(
    ("phones", "expected"),
    [
        pytest.param([rang(0, 30)], [], id="rang all the time"),
        pytest.param([rang(0, 10), rang(12, 30)], [(10, 12)], id="a pause between two rounds"),
        pytest.param([rang(5, 30)], [(0, 5)], id="waited first"),
        pytest.param([rang(0, 10), rang(10.3, 30)], [], id="the PBX's own pause is none"),
        pytest.param([rang(0, 20), rang(5, 10), rang(25, 30)], [(20, 25)], id="phones together"),
        pytest.param([rang(0, 10)], [(10, 30)], id="answered without ringing"),
        pytest.param(
            [rang(0, 10), rang(40, 50)], [(10, 30)], id="what rings after the answer does not count"
        ),
        pytest.param([], [], id="nothing was offered"),
        pytest.param([rang(3, 3, ring_at=None, ring_s=0.0)], [], id="busy phones do not ring"),
        pytest.param([rang(0, 10, ended_at=None)], [], id="no end known"),
    ],
)
def test_silences(phones: list[dict[str, Any]], expected: list[tuple[float, float]]) -> None:
    assert spans(silences(stay(), phones)) == expected


def test_nothing_rings_while_a_message_is_left_and_that_is_no_silence() -> None:
    visit = stay(answered_at=None)
    assert spans(silences(visit, [rang(0, 15)])) == [(15, 60)]
    assert spans(silences(visit, [rang(0, 15)], after(15))) == []


@pytest.mark.parametrize(
    ("certainty", "within", "outcome", "ring_source", "reason"),
    [
        ("certain", True, "answered", "ami", "longest_under"),
        ("certain", False, "answered", "ami", "shortest_over"),
        ("borderline", True, "answered", "cdr", "straddles"),
        ("estimated", False, "answered", "cel", "stand_in"),
        ("estimated", True, "answered", "ami_183", "early_media"),
        ("certain", False, "abandoned", "ami", "not_answered"),
        ("unknown", None, "answered", "cdr", "no_bound"),
        ("unknown", None, None, "none", "no_bound"),
    ],
)
def test_the_bound_that_decided(
    certainty: str, within: bool | None, outcome: str | None, ring_source: str, reason: str
) -> None:
    visit = {
        "third_signal_certainty": certainty,
        "within_third_signal": within,
        "outcome": outcome,
        "ring_source": ring_source,
    }
    assert third_signal_reason(visit) == reason


def _timeline(*steps: Step) -> Timeline:
    return Timeline({"started_at": NOON}, steps, (), (), 0, ())


def _phone(kind: str, employee: str, start: float, end: float, outcome: str) -> Step:
    values = {"employee": employee, "outcome": outcome}
    return Step(kind, after(start), values, until=after(end))


def test_a_call_is_drawn_with_a_bar_for_each_time_a_phone_rang() -> None:
    figure = call_timeline(
        _timeline(
            _phone("rang", "201", 0, 15, "no_answer"),
            _phone("rang", "202", 15, 19, "answered"),
            _phone("not_rung", "203", 15, 15, "busy"),
            Step("answered", after(19), {}, until=after(25)),
        ),
        employee={"201": "A", "202": "B", "203": "C"}.__getitem__,
    )
    drawn = [(bar.y[0], bar.base[0], bar.x[0], bar.text[0]) for bar in figure.data]
    assert drawn == [
        ("phone A", 0.0, 15.0, "no answer"),
        ("phone B", 15.0, 4.0, "answered"),
        ("phone C", 15.0, 0.15, "busy"),
        ("call", 19.0, 6.0, "talk"),
    ]
    assert list(figure.layout.yaxis.categoryarray) == ["phone C", "phone B", "phone A", "call"]


def test_a_call_is_drawn_in_latvian_with_its_marks() -> None:
    figure = call_timeline(
        _timeline(Step("menu", after(1), {}), Step("blind_transfer", after(7), {"target": "301"})), "lv"
    )
    assert [(mark.x[0], mark.y[0], mark.text[0]) for mark in figure.data] == [
        (1.0, "zvans", "izvēlne"),
        (7.0, "zvans", "pāradresēts"),
    ]
    assert figure.layout.xaxis.title.text == "sekundes kopš zvana sākuma"


def test_a_pseudonym_is_shown_short_and_nothing_else_is_cut() -> None:
    assert short("n1-" + "0123456789abcdef" * 2) == "n1-01234567"
    assert short("67012200") == "67012200"
    assert short("anonymous") == "anonymous"


def test_a_message_whose_length_no_source_tells_has_none() -> None:
    values = {"mailbox": "402@staff", "duration_s": None, "empty": None}
    told = Teller("en", RIGA).step(Step("message", NOON, values))
    assert told == "A voice message was begun in 402@staff; how long it is, no source tells."


def test_a_page_may_put_letters_in_the_place_of_extensions() -> None:
    values = {"employee": "201", "outcome": "busy", "certainty": "estimated", "ring_s": 0.0}
    teller = Teller("lv", RIGA, employee=lambda _: "A")
    assert teller.step(Step("not_rung", NOON, values)) == (
        "Uz tālruni A mēģināja zvanīt, tas nezvanīja: aizņemts (aptuveni)."
    )
