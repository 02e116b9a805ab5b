"""What the settings say about a span: said differently it is the same, what is dated elsewhere is absent."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from callstats.in_force import JUDGED, OUTSIDE, changes, fingerprint, in_force
from callstats.settings import Settings
from callstats.settings_rules import EVERY_EXCLUSION

SEPTEMBER = (date(2026, 9, 1), date(2026, 10, 1))
SOCIAL = {"id": "social", "name": {"lv": "Sociālais dienests"}, "extensions": ["201", "202", "203"]}


USUAL = {
    "mon": [["08:00", "18:00"]],
    **{day: [["08:00", "17:00"]] for day in ("tue", "wed", "thu")},
    "fri": [["08:00", "15:00"]],
}


def said(**settings: Any) -> dict[str, object]:
    return in_force(Settings(**settings), *SEPTEMBER)


def difference(before: dict[str, object], after: dict[str, object]) -> list[str]:
    return changes(before, after, *SEPTEMBER)


def test_a_description_is_plain_json_and_has_a_fingerprint() -> None:
    found = said(departments=[SOCIAL])
    assert json.loads(json.dumps(found)) == found
    assert fingerprint(found) == fingerprint(said(departments=[SOCIAL]))
    assert len(fingerprint(found)) == 16


@pytest.mark.parametrize(
    "later",
    [
        {"rules": [{"effective_from": date(2026, 10, 1), "off_s": 3}]},
        {
            "departments": [
                {**SOCIAL, "valid_to": date(2026, 10, 1)},
                {**SOCIAL, "extensions": ["299"], "valid_from": date(2026, 10, 1)},
            ]
        },
        {"departments": [SOCIAL, {"id": "new", "extensions": ["301"], "valid_from": date(2026, 10, 5)}]},
        {"departments": [SOCIAL, {"id": "old", "extensions": ["302"], "valid_to": date(2026, 9, 1)}]},
        {"departments": [{**SOCIAL, "name": {"lv": "Labklājības nodaļa"}}]},
        {"departments": [{**SOCIAL, "extensions": ["203", "202", "201"]}]},
        {
            "departments": [
                {**SOCIAL, "valid_to": date(2026, 9, 10)},
                {**SOCIAL, "valid_from": date(2026, 9, 10)},
            ]
        },
        {"cadence": {"off_s": 9}, "rules": [{"effective_from": date(2020, 1, 1), "off_s": 4}]},
        {
            "rules": [
                {"effective_from": date(2020, 1, 1), "off_s": 7},
                {"effective_from": date(2025, 1, 1), "off_s": 4},
            ]
        },
        {"numbers": {"vault_days": 0}, "pbx_time": {"cdr_csv_utc": True}, "data": Path("elsewhere")},
        {"retention": {"events_days": 30}, "simulated": True},
        {
            "reminders": {"recipients": [{"department": "social", "email": "social@novads.example"}]},
            "departments": [SOCIAL],
        },
        {"rules": [{"effective_from": date(2026, 8, 1), "effective_to": date(2026, 9, 1), "signals": 5}]},
        {"rules": [{"effective_from": date(2026, 10, 1), "hours": {"mon": [["09:00", "12:00"]]}}]},
        {
            "hours": {"mon": [["09:00", "12:00"]]},
            "rules": [{"effective_from": date(2020, 1, 1), "hours": USUAL}],
        },
        {"rules": [{"effective_from": date(2020, 1, 1), "excluded": EVERY_EXCLUSION[::-1]}]},
    ],
    ids=[
        "rule of later",
        "period of later",
        "new later",
        "gone before",
        "renamed",
        "order",
        "cut in two",
        "said by a rule",
        "an older rule",
        "where things lie",
        "how long and what kind",
        "who is reminded",
        "rule that ended",
        "hours of later",
        "hours said by a rule",
        "exclusions said by a rule",
    ],
)
def test_what_cannot_matter_in_the_span_changes_nothing(later: dict[str, Any]) -> None:
    assert said(**({"departments": [SOCIAL]} | later)) == said(departments=[SOCIAL])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cadence": {"off_s": 3}}, ["cadence.off_s: 4.0 → 3.0"]),
        (
            {"departments": [{**SOCIAL, "extensions": ["201", "202", "204"]}]},
            ["departments.social.extensions: −203 +204"],
        ),
        (
            {"rules": [{"effective_from": date(2026, 9, 16), "off_s": 3}]},
            ["cadence.off_s: 4.0 → 4.0 from 2026-09-01, 3.0 from 2026-09-16"],
        ),
        (
            {"rules": [{"effective_from": date(2026, 1, 1), "department": "social", "signals": 4}]},
            ["rules.social.signals: not set → 4"],
        ),
        ({"third_signal": {"boundary": "end_of_tone"}}, ["third_signal.boundary: before_next → end_of_tone"]),
        ({"third_signal": {"short_abandon_s": 5}}, ["third_signal.short_abandon_s: not set → 5.0"]),
        (
            {"hours": {"mon": [["08:00", "12:00"]]}},
            [
                "hours.fri: −08:00-15:00",
                "hours.mon: −08:00-18:00 +08:00-12:00",
                "hours.thu: −08:00-17:00",
                "hours.tue: −08:00-17:00",
                "hours.wed: −08:00-17:00",
            ],
        ),
        (
            {"third_signal": {"excluded": ["neutral"]}},
            ["third_signal.excluded: −attended_transfer −gave_up_early"],
        ),
        (
            {"rules": [{"effective_from": date(2026, 1, 1), "department": "social", "excluded": []}]},
            ["rules.social.excluded: not set → nothing"],
        ),
        (
            {
                "rules": [
                    {"effective_from": date(2026, 9, 10), "effective_to": date(2026, 9, 12), "signals": 4}
                ]
            },
            ["third_signal.signals: 3 → 3 from 2026-09-01, 4 from 2026-09-10, 3 from 2026-09-12"],
        ),
        (
            {"rules": [{"effective_from": date(2026, 1, 1), "hours": {"mon": [["09:00", "12:00"]]}}]},
            [
                "hours.fri: −08:00-15:00",
                "hours.mon: −08:00-18:00 +09:00-12:00",
                "hours.thu: −08:00-17:00",
                "hours.tue: −08:00-17:00",
                "hours.wed: −08:00-17:00",
            ],
        ),
        (
            {"rules": [{"effective_from": date(2026, 1, 1), "department": "social", "hours": {}}]},
            ["rules.social.hours: not set → closed"],
        ),
        ({"departments": [{**SOCIAL, "hours": {}}]}, ["departments.social.hours: not set → closed"]),
        ({"neutral": {"reasons": {" Lunch": "break"}}}, ["neutral.reasons.lunch: not set → break"]),
        ({"trunks": ["provider"]}, ["trunks: +provider"]),
        ({"main_numbers": ["67012000"]}, ["main_numbers: +67012000"]),
        ({"features": {"pickup": []}}, ["features.pickup: −*8"]),
        ({"calendar": {"follow_moved_days": False}}, ["calendar.follow_moved_days: true → false"]),
        (
            {"departments": [SOCIAL], "hotline": {"mailboxes": ["8000@hotline"], "department": "social"}},
            ["hotline.department: not set → social", "hotline.mailboxes: +8000@hotline"],
        ),
        (
            {"departments": []},
            ["departments.social.extensions: −201 −202 −203", "departments.social.valid: true → not set"],
        ),
    ],
)
def test_a_change_is_told_in_words(change: dict[str, Any], told: list[str]) -> None:
    assert difference(said(departments=[SOCIAL]), said(**({"departments": [SOCIAL]} | change))) == told


def test_exceptions_of_the_calendar_matter_in_their_span_only(tmp_path: Path) -> None:
    file = tmp_path / "exceptions.csv"
    settings = {"calendar": {"overrides": file}}
    file.write_text("date,unit,open,close,reason\n2026-10-02,,,,flood\n")
    before = said(**settings)
    assert before == said()
    file.write_text("date,unit,open,close,reason\n2026-10-02,,,,flood\n2026-09-11,,08:00,12:00,short day\n")
    assert difference(before, said(**settings)) == ["calendar.overrides: +2026-09-11 all 08:00-12:00"]


def test_pause_reasons_are_compared_as_they_are_read() -> None:
    one, other = ({"reasons": {text: "break"}} for text in (" Lunch", "LUNCH "))
    assert said(neutral=one) == said(neutral=other)


def test_a_section_that_is_new_in_the_program_was_as_it_is_by_default() -> None:
    before = said(departments=[SOCIAL])
    del before["features"]
    assert difference(before, said(departments=[SOCIAL])) == []
    assert difference(before, said(departments=[SOCIAL], features={"pickup": ["*9"]})) == [
        "features.pickup: −*8 +*9"
    ]


def test_a_section_that_the_program_gave_up_is_no_difference() -> None:
    now = said(departments=[SOCIAL])
    assert difference({**now, "given_up": {"x": 1}}, now) == []


def test_of_every_setting_it_was_decided_whether_figures_depend_on_it() -> None:
    measured = {
        "timezone", "main_numbers", "number_blocks", "outbound_prefixes", "trunks", "hotline", "departments",
        "features",
    }  # fmt: skip
    assert {*Settings.model_fields} == {*OUTSIDE, *JUDGED, *measured}


def test_where_the_pbx_is_and_who_signs_in_touches_no_figure() -> None:
    plain = in_force(Settings(), date(2026, 1, 1), date(2026, 2, 1))
    other = Settings.model_validate(
        {
            "ami": [{"host": "10.0.0.1", "secret": "s3cret"}],
            "journal": {"keep_days": 1},
            "watch": {"paths": ["/var/log/asterisk"]},
            "server": {"names": ["callstats.novads.example"]},
        }
    )
    assert in_force(other, date(2026, 1, 1), date(2026, 2, 1)) == plain
