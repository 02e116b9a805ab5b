"""Masking: rejects, logs and errors show neither numbers nor names."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.masking import mask
from tests.shared import RECORDINGS, needs_shared

MASKED = {
    "number": ("28404019", "28••••19"),
    "five digits": ("82001", "82••••01"),
    "four digits stay": ("2001,15,tT", "2001,15,tT"),
    "international": ("+37128404019", "+37••••19"),
    "in groups": ("call +371 28 404 019 back", "call +37••••19 back"),
    "in groups without a plus": ("tel 28 404 019, 28 40 40 19", "tel 28••••19, 28••••19"),
    "in groups of other kinds": ("2840-4019|67.01.22.00|", "28••••19|67••••00|"),
    "six digits in groups stay": ("01-02-03, 16 17", "01-02-03, 16 17"),
    "times with a zone": ("2026-11-23T04:21:17+0200,10:11:12", "2026-11-23T04:21:17+0200,10:11:12"),
    "a phone's channel": ("PJSIP/202-0000000c;1", "PJSIP/202-00••••00c;1"),
    "no date": ("2840-40-19", "28••••19"),
    "a number after a date": ("2026-11-23 28 404 019", "2026-11-23 28••••19"),
    "small letters": ("q1|anna kalniņa|CONNECT", "q1|••••|CONNECT"),
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
    "a firm in a CEL column": (
        '"CHAN_START","O\'Hara; SIA \\\\Rīga","+371"',
        '"CHAN_START","••••","+371"',
    ),
    "quotes in a CEL column": ('"a","Jānis ""Jancis""","b"', '"a","••••","b"'),
    "JSON with quotes that were not escaped": (
        '{"eventtype":"ANSWER","name":"Jānis \\\\"Jancis\\\\"","num":"2001"}',
        '{"eventtype":"ANSWER","name":"••••","num":"2001"}',
    ),
    "AMI name with quotes": (
        'CallerIDname: Jānis \\"Jancis\\"\r\nX: "y"',
        'CallerIDname: ••••\r\nX: "y"',
    ),
    "disposition stays": ('"Dial","NO ANSWER"', '"Dial","NO ANSWER"'),
    "extra stays": ('"{""hangupcause"":16,""x"":""y""}"', '"{""hangupcause"":16,""x"":""y""}"'),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "masked"), MASKED.values(), ids=MASKED.keys())
def test_numbers_and_names_are_hidden(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked


@given(st.text(alphabet='0123456789+-. "<>,|\\:;@ĀāAb\n') | st.text(alphabet="012 -.+•:Tc"))
def test_no_run_of_five_digits_is_left_and_masking_again_changes_nothing(text: str) -> None:
    masked = mask(text)
    assert not re.search(r"\d{5}", masked)
    assert not re.search(r"\d{2}(?:[ -]\d{3}){2}|(?:\d\d ){3}\d\d", masked)
    assert mask(masked) == masked


def test_a_line_cut_inside_the_caller_id_shows_no_name() -> None:
    assert mask('"x","""Jānis"" <+371284') == '"x","""••••"" <+37••••84'


def test_a_huge_line_is_masked_too() -> None:
    # ten million characters that would keep a backtracking pattern busy for hours
    masked = mask('"Anna" <1' * 500_000 + "\\" * 1_000_000 + "A a" * 1_000_000 + "1" * 1_500_000)
    assert "Anna" not in masked
    assert masked.endswith("11••••11")


@needs_shared
@pytest.mark.parametrize(
    "source", ["ami.raw", "queue_log", "cel/Master.csv", "cel/full.json", "cdr_custom/Master.csv"]
)
def test_no_name_of_a_recording_is_left(source: str) -> None:
    folder = RECORDINGS / "a"
    called = {call["caller_name"] for call in json.loads((folder / "truth.json").read_text())["calls"]}
    members = {line.split("|")[3] for line in (folder / "queue_log").read_text().splitlines()}
    words = {word for name in called | members for word in re.findall(r"[^\W\d_]{3,}", name)}
    kept = words - {"PJSIP", "NONE", "SIA"}
    assert len(kept) > 20
    for line in (folder / source).read_bytes().decode("utf-8", "replace").splitlines():
        assert kept.isdisjoint(re.findall(r"[^\W\d_]{3,}", mask(line)))
