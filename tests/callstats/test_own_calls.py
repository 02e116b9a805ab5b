"""*Mani zvani*: rung, answered, picked up and called by own phones, on the days on which they are own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from callstats.own_calls import OwnCall, own_calls
from callstats.settings import Numbers, Settings
from tests.handmade import ANNA, DAY, at, attempt, call, callback, missed, settings, store_with, visit

NEXT = DAY + timedelta(1)


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    return settings(tmp_path, numbers=Numbers(key_file=tmp_path / "numbers.key"))


def test_what_own_phones_did(site: Settings) -> None:
    """201 answers, does not take a call that 202 takes, picks up one that rang at 202, and calls Anna."""
    rows = {
        "calls": [
            *(call(f"pbx:{n}", started_at=at(f"0{n}:00")) for n in (1, 2, 3)),
            callback("pbx:4", ANNA, "201", started_at=at("04:00")),
            call("pbx:5", started_at=at("05:00", NEXT), local_date=NEXT),
        ],
        "visits": [
            visit(
                "pbx:1", entered_at=at("01:00"), answered_at=at("01:00:06"), answered_by="201", talk_s=30.0
            ),
            visit("pbx:2", entered_at=at("02:00"), answered_at=at("02:00:16"), answered_by="202"),
            visit("pbx:3", entered_at=at("03:00"), answered_at=at("03:00:06"), answered_by="201", talk_s=9.0),
            missed("pbx:5", entered_at=at("05:00", NEXT), local_date=NEXT),
        ],
        "attempts": [
            attempt("pbx:1", "201", ring_at=at("01:00"), ring_s=6.0),
            attempt("pbx:2", "201", ring_at=at("02:00"), outcome="no_answer", ring_s=10.0),
            attempt("pbx:2", "202", ring_at=at("02:00:10"), position=2),
            attempt("pbx:3", "202", ring_at=at("03:00"), outcome="answered_elsewhere"),
            attempt(
                "pbx:5", "201", ring_at=at("05:00", NEXT), local_date=NEXT, outcome="abandoned", ring_s=4.0
            ),
        ],
    }
    with store_with(site, **rows) as store, store.reading() as facts:
        found = own_calls(facts, [("201", DAY, NEXT)], DAY, NEXT + timedelta(1))
        assert found == [
            OwnCall("called", "pbx:4", at("04:00"), None, "answered", 5.0, 60.0),
            OwnCall("answered", "pbx:3", at("03:00:06"), "social", "answered", None, 9.0),
            OwnCall("rang", "pbx:2", at("02:00"), "social", "no_answer", 10.0, None),
            OwnCall("answered", "pbx:1", at("01:00"), "social", "answered", 6.0, 30.0),
        ], "the call of the next day is not of one's own phone any more"
        still = own_calls(facts, [("201", DAY, None)], DAY, NEXT + timedelta(1))
        assert still[0] == OwnCall("rang", "pbx:5", at("05:00", NEXT), "social", "abandoned", 4.0, None)
        assert own_calls(facts, [("999", DAY, None)], DAY, NEXT) == []
