"""Masking: rejects, logs and errors show neither numbers nor names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.masking import mask

MASKED = {
    "number": ("28404019", "28••••19"),
    "five digits": ("82001", "82••••01"),
    "four digits stay": ("2001,15,tT", "2001,15,tT"),
    "international": ("+37128404019", "+37••••19"),
    "in groups": ("call +371 28 404 019 back", "call +37••••19 back"),
    "SIP address": ("sip:28404019@192.0.2.1:5060;tag=a", "sip:28••••19@192.0.2.1:5060;tag=a"),
    "e-mail": ("28404019@example.org", "28••••19@example.org"),
    "date and time stay": ("2026-11-23 04:21:17", "2026-11-23 04:21:17"),
    "epoch": ("1795402047.149", "17••••47.149"),
    "pseudonym stays": ("n1-272b34a4db251a512125606e4e806ea5", "n1-272b34a4db251a512125606e4e806ea5"),
    "no name": ('"""" <+37128404019>","x"', '"""" <+37••••19>","x"'),
    "name in CSV": (
        '"","67012000","""Bērziņš, Jānis"" <+37128404019>","a"',
        '"","67••••00","""••••"" <+37••••19>","a"',
    ),
    "name with quotes in CSV": (
        '"x","""Bērziņš, Jānis \\\\\\""Jancis\\\\\\"""" <28404019>","a"',
        '"x","""••••\\\\\\"""" <28••••19>","a"',
    ),
    "name in JSON": (
        '{"clid":"\\"Jānis\\" <28404019>","src":"28404019"}',
        '{"clid":"\\"••••\\" <28••••19>","src":"28••••19"}',
    ),
    "name in a header": ('From: "Jānis" <sip:28404019@h>', 'From: "••••" <sip:28••••19@h>'),
    "name without quotes": ("Ēriks <28404019>", "•••• <28••••19>"),
    "AMI field": ("CallerIDName: Ēriks\r\nState: 4", "CallerIDName: ••••\r\nState: 4"),
    "AMI connected line": ("ConnectedLineName: Ēriks", "ConnectedLineName: ••••"),
    "AMI other channel": ("DestCallerIDName: Ēriks", "DestCallerIDName: ••••"),
    "AMI member": ("MemberName: Ilze Ozola", "MemberName: ••••"),
    "JSON field": ('{"cid_name":"Ēriks","x":"y"}', '{"cid_name":"••••","x":"y"}'),
    "CEL column": ('"CHAN_START","Ēriks Čakāns","x"', '"CHAN_START","••••","x"'),
    "queue_log": ("q|Anna Kalniņa|CONNECT|1", "q|••••|CONNECT|1"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "masked"), MASKED.values(), ids=MASKED.keys())
def test_numbers_and_names_are_hidden(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked


@given(st.text(alphabet='0123456789+ "<>,|\\:;@ĀāAb\n'))
def test_no_run_of_five_digits_is_left_and_masking_again_changes_nothing(text: str) -> None:
    masked = mask(text)
    assert not re.search(r"\d{5}", masked)
    assert mask(masked) == masked


def test_a_line_cut_inside_the_caller_id_shows_no_name() -> None:
    assert mask('"x","""Jānis"" <+371284') == '"x","""••••"" <+37••••84'


def test_a_huge_line_is_masked_too() -> None:
    # ten million characters that would keep a backtracking pattern busy for hours
    masked = mask('"Anna" <1' * 500_000 + "\\" * 1_000_000 + "A a" * 1_000_000 + "1" * 1_500_000)
    assert "Anna" not in masked
    assert masked.endswith("11••••11")
