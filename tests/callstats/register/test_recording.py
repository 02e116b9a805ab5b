"""A real PBX's messages in the register: one case each in whatever order its voices are loaded.

The recording holds a callback at the first and at the second try, a busy client, one who called again, one
call for two messages, a call of another department, click-to-call, a withheld number, nobody calling back.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from callstats.register.desk import desk
from callstats.settings import CONFIG_NAME, Settings
from callstats.store import Store
from ingest.load import load
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"
# In the order of the messages; the talks of this recording are shorter than 30 s.
EXPECTED = [
    ("hotline_callback_first_try", "attempted", ["attempt"]),
    ("hotline_citizen_calls_again_first", "reached", ["called_again", "attempt"]),
    ("hotline_callback_second_try", "attempted", ["attempt", "attempt"]),
    ("hotline_callback_busy", "attempted", ["attempt"]),
    ("afterhours_to_hotline", "attempted", ["attempt"]),
    ("hotline_hangup_before_beep", "new", []),
    ("hotline_never_called_back", "new", []),
    ("hotline_withheld_number", "new", []),
    ("hotline_callback_click_to_call", "attempted", ["attempt"]),
    ("hotline_two_messages_one_callback", "attempted", ["attempt"]),
    ("hotline_two_messages_one_callback", "attempted", ["attempt"]),
    ("hotline_called_back_by_other_unit", "new", ["attempt"]),  # possible: of another department
]


@pytest.mark.parametrize(
    "order",
    [
        ("voicemail", "cdr_custom", "cel", "queue_log", "ami.raw"),
        ("cdr_custom", "ami.raw", "voicemail", "queue_log", "cel"),
        ("cel", "voicemail", "cdr_csv", "cdr_custom"),
    ],
)
def test_one_case_for_each_message_and_what_followed_it(tmp_path: Path, order: tuple[str, ...]) -> None:
    site = Settings.load(SAMPLE / CONFIG_NAME, tmp_path / "data")
    with Store.open(site) as store:
        for name in (*order, order[0]):  # the first once more: nothing is doubled
            load([SAMPLE / name], site, store)
        entries = sorted(desk(store, site), key=lambda one: (one.case.since, one.case.message.call_id or ""))  # type: ignore[union-attr]
    assert len(entries) == len(EXPECTED)
    found = [(one.status, [call.what for call in one.follow_up.calls]) for one in entries]
    assert found == [(status, calls) for _, status, calls in EXPECTED]
    other = entries[-1].follow_up
    assert [call.possible for call in other.calls] == [True]
    assert len(other.asks) == 1
    assert [one.case.empty for one in entries].count(True) == 1
    assert [one.case.callable for one in entries].count(False) == 1
    both = [one.follow_up.attempted_at for one in entries[9:11]]
    assert both[0] == both[1]
