"""What the reader keeps of numbers and names, and of which."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from ingest.reader import Context, Reading, identify
from ingest.shape import member
from tests.ingest.reading import SAMPLES, context, dialect, result, sample_result

CDR = (
    '"{account}","{src}","{dst}","from-public","{clid}","{channel}","{dstchannel}","Dial","{data}",'
    '"2026-11-23 04:47:32",,"2026-11-23 04:47:35",2,0,"NO ANSWER","DOCUMENTATION",'
    '"1795402052.17","{userfield}"\n'
)
PLAIN = {
    "account": "", "src": "+37120000001", "dst": "67012201", "clid": "", "channel": "PJSIP/public-00000001",
    "dstchannel": "PJSIP/201-00000002", "data": "PJSIP/201,15,tT", "userfield": "",
}  # fmt: skip


def _row(fields: Mapping[str, str] = PLAIN, known: Context | None = None) -> dict[str, object]:
    rows = result(CDR.format(**{**PLAIN, **fields}).encode(), dialect("cdr_csv"), known=known).rows()
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("PJSIP/401", "401"), ("SIP/201-0000000a", "201"), ("Local/701@agents/n", "701"),
        ("Agent/1001", "1001"), ("202", "202"), ("NONE", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_a_member_is_an_extension_where_the_text_tells_it(text: str | None, kept: str | None) -> None:
    assert member(text, context()) == kept


OTHERS = ["Anna Kalniņa", "PJSIP/anna", "PJSIP/28404019", "28404019", "Local/+37128404019@out/n"]


@pytest.mark.parametrize("text", OTHERS)
def test_a_member_of_another_name_or_number_is_a_pseudonym(text: str) -> None:
    found = member(text, context())
    assert found is not None
    assert found[:3] in ("x1-", "n1-")
    assert found == member(text, context())


def test_one_client_has_one_pseudonym_in_all_sources() -> None:
    callers = {
        row["caller"]
        for sample in ("cdr_csv/clocks_back.csv", "ami/asterisk_11.raw", "cel_csv/asterisk_11.csv")
        for row in sample_result(sample).rows()[:2]
        if row.get("caller_class") == "mobile"
    }
    assert len(callers) == 1


def test_clients_numbers_are_collected_with_the_time_they_were_last_seen() -> None:
    known = context()
    result(SAMPLES / "cdr_csv/clocks_back.csv", dialect("cdr_csv"), known=known)
    pseudonym = known.known("+37120000001").stored
    assert pseudonym is not None
    seen = known.numbers[pseudonym]
    assert seen == ("+37120000001", datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    # a row of an impossible date is no sight
    assert known.numbers[known.known("+37120000003").stored or ""].last_seen.month == 10


def test_own_numbers_extensions_and_withheld_ones_are_not_collected() -> None:
    known = context()
    for fields in (
        {"src": "201", "dst": "202"},
        {"src": "anonymous"},
        {"userfield": "pres=prohib_not_screened"},
        {"clid": '""Anonymous"" <+37120000001>'},
        {"src": "80001234", "dst": "112"},
    ):
        _row(fields, known)
    assert known.numbers == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"src": "anonymous"},
        {"userfield": "pres=prohib_not_screened"},
        {"clid": '""Anonymous"" <+37120000001>'},
    ],
)
def test_a_withheld_number_is_anonymous_wherever_the_line_shows_it(fields: dict[str, str]) -> None:
    row = _row(fields)
    assert (row["caller"], row["caller_class"], row["withheld"]) == ("anonymous", "anonymous", True)


def test_a_line_that_cannot_show_it_says_nothing_of_withholding() -> None:
    assert "withheld" not in _row()


@pytest.mark.parametrize(
    ("field", "column", "text", "kept"),
    [
        ("channel", "channel", "PJSIP/public-00000001", "PJSIP/public-00000001"),
        ("channel", "channel", "Local/701@agents-00000000;2", "Local/701@agents-00000000;2"),
        ("data", "app_data", "PJSIP/201,15,tT", "PJSIP/201,15,tT"),
        ("data", "app_data", "q-finance,tT,,,24", "q-finance,tT,,,24"),
    ],
)
def test_names_of_channels_and_arguments_stay(field: str, column: str, text: str, kept: str) -> None:
    assert _row({field: text})[column] == kept


@pytest.mark.parametrize(
    ("field", "column", "text"),
    [
        ("channel", "channel", "SIP/28404019-0000000a"),
        ("channel", "channel", "Local/+37128404019@out-00000001;1"),
        ("dstchannel", "dest_channel", "PJSIP/28404019@trunk-0000000b"),
        ("data", "app_data", "PJSIP/28404019@trunk,60,tT"),
    ],
)
def test_clients_numbers_in_channels_and_arguments_are_pseudonyms(field: str, column: str, text: str) -> None:
    row = _row({field: text})
    assert "28404019" not in str(row)
    assert str(context().known("28404019").stored) in str(row[column])
    assert str(row[column])[-4:] == text[-4:]


@pytest.mark.parametrize("sample", ["cdr_csv/utc.csv", "cdr_csv/utc_16_columns.csv"])
def test_times_of_cdr_csv_are_utc_where_uniqueids_or_the_site_say_so(sample: str) -> None:
    local = sample_result("cdr_csv/18_columns.csv").rows()
    utc = sample_result(sample).rows()
    assert [r["at"] for r in utc] == [r["at"] for r in local[: len(utc)]]


def test_voicemail_keeps_its_identity_when_it_is_renumbered_or_moved() -> None:
    whole = (SAMPLES / "voicemail/hotline/8000/INBOX/msg0000.txt").read_bytes()
    without = b"\n".join(line for line in whole.split(b"\n") if not line.startswith(b"msg_id"))
    kind = identify(whole)
    for content in (whole, without):
        places = ("spool/hotline/8000/INBOX/msg0000.txt", "spool/hotline/8000/Old/msg0007.txt")
        found = [result(content, kind, path=place) for place in places]
        assert found[0].events["line_key"] == found[1].events["line_key"]
        assert found[0].events["mailbox"].to_pylist() == ["8000@hotline"]
    other = result(whole, kind, path="spool/other/8000/INBOX/msg0000.txt")
    assert other.events["mailbox"].to_pylist() == ["8000@other"]
    assert (
        other.events["line_key"]
        != result(whole, kind, path="a/hotline/8000/INBOX/msg0000.txt").events["line_key"]
    )


def test_a_record_that_vanishes_is_a_bug_that_is_seen() -> None:
    found = sample_result("queue_log/queue_log")
    with pytest.raises(AssertionError, match="a record vanished"):
        Reading(found.events, (), found.read + 1, found.kept, 0)
    with pytest.raises(AssertionError, match="no reason"):
        Reading(found.events, (), found.read + 1, found.kept, 1)
    with pytest.raises(AssertionError, match="an event has no record"):
        Reading(found.events, (), 1, 1, 0)
