"""The bytes of AMI may come in any pieces; connections end where they like."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.ami_stream import Piece, Splitter
from ingest.base import MAX_RECORD_BYTES
from ingest.dialects.ami import pairs
from ingest.reader import Context, read
from tests.ingest.reading import SAMPLES, context, dialect, result

RAW = (SAMPLES / "ami/ami.raw").read_bytes()
# the end of a connection that was cut, and the beginning of the next
MIDDLE = RAW[RAW.index(b"Asterisk", 1) - 700 :][:1500]
BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def _event(second: int, **fields: str) -> bytes:
    said = {"Event": "Newstate", "Timestamp": f"{1795401960 + second}.000000", "Uniqueid": "1795402000.1"}
    return "".join(f"{k}: {v}\r\n" for k, v in (said | fields).items()).encode() + b"\r\n"


def _kinds(content: bytes, known: Context | None = None) -> list[tuple[int, str, str]]:
    found = result(content, dialect("ami"), known=known)
    return [(r["connection"], r["kind"], f"{r['at']:%S}") for r in found.rows()]


def _pieces(content: bytes, places: list[int]) -> list[Piece]:
    found: list[Piece] = []
    splitter, start = Splitter(), 0
    for place in [*sorted(places), len(content)]:
        found += splitter.feed(content[start:place])
        start = place
    return [*found, *splitter.end()]


@given(places=st.lists(st.integers(0, len(MIDDLE)), max_size=20))
def test_splitting_the_stream_anywhere_changes_nothing(places: list[int]) -> None:
    whole = _pieces(MIDDLE, [])
    assert len([piece for piece in whole if piece.banner]) == 2
    assert _pieces(MIDDLE, places) == whole


@pytest.mark.parametrize("size", [11, 1000])
def test_reading_in_small_chunks_gives_the_same_events(size: int) -> None:
    content = RAW[:9000]
    whole, parts = result(content, dialect("ami")), result(content, dialect("ami"), block_bytes=size)
    assert parts.events.equals(whole.events)
    assert parts.rejects == whole.rejects
    assert parts.ignored == whole.ignored


def test_a_connection_stands_between_connected_and_disconnected() -> None:
    first = BANNER + b"Response: Success\r\n\r\n" + _event(1) + _event(3)
    assert _kinds(first + BANNER + _event(8)) == [
        (1, "connected", "01"),
        (1, "Newstate", "01"),
        (1, "Newstate", "03"),
        (1, "disconnected", "03"),
        (2, "connected", "08"),
        (2, "Newstate", "08"),
        (2, "disconnected", "08"),
    ]


def test_an_ignored_event_bounds_the_gap_too() -> None:
    late = _event(9, Event="VarSet", Variable="X", Value="1")
    assert _kinds(BANNER + _event(1) + late)[-1] == (1, "disconnected", "09")


def test_a_block_cut_by_the_end_of_a_connection_is_one_reject() -> None:
    cut = _event(5)[:40]
    for content in (
        BANNER + _event(1) + cut + BANNER + _event(8),
        BANNER + _event(1) + BANNER + _event(8) + cut,
    ):
        found = result(content, dialect("ami"))
        assert [r.reason for r in found.rejects] == ["cut off by the end of the connection"]
        assert found.events["kind"].to_pylist().count("Newstate") == 2


def test_a_connection_that_closed_before_anything_came_says_nothing() -> None:
    assert _kinds(BANNER + _event(1) + BANNER + BANNER + _event(8)) == [
        (1, "connected", "01"),
        (1, "Newstate", "01"),
        (1, "disconnected", "01"),
        (3, "connected", "08"),
        (3, "Newstate", "08"),
        (3, "disconnected", "08"),
    ]
    assert result(BANNER, dialect("ami")).ignored == {"beginning of a connection": 1}


def test_a_stream_that_goes_on_is_not_disconnected() -> None:
    found = result(BANNER + _event(1) + _event(2)[:30], dialect("ami"), complete=False)
    assert found.events["kind"].to_pylist() == ["connected", "Newstate"]
    assert found.rejects == ()


def test_a_name_that_looks_like_a_banner_begins_no_connection() -> None:
    tricky = _event(2, CallerIDName="Asterisk Call Manager/11.0.0", Linkedid="1795402000.1")
    assert _kinds(BANNER + _event(1) + tricky) == [
        (1, "connected", "01"),
        (1, "Newstate", "01"),
        (1, "Newstate", "02"),
        (1, "disconnected", "02"),
    ]


def test_the_first_of_repeated_fields_counts_and_a_blank_after_the_colon_is_optional() -> None:
    assert pairs(b"Event: A\r\nState: 1\r\nState: 2\r\nKey:value\r\nEmpty: \r\nTwo:  x") == [
        ("Event", "A"),
        ("State", "1"),
        ("State", "2"),
        ("Key", "value"),
        ("Empty", ""),
        ("Two", " x"),
    ]
    found = result(BANNER + _event(1)[:-2] + b"Uniqueid: 9999999999.9\r\n\r\n", dialect("ami"))
    assert found.events["uniqueid"].to_pylist()[1] == "1795402000.1"


def test_a_line_separator_in_a_name_does_not_end_the_field() -> None:
    name = "J\u2028Uniqueid: 1.1\x1c\nUniqueid: 2.2"
    content = BANNER + _event(1)[:-2] + f"CallerIDName: {name}\r\nChannelState: 5\r\n\r\n".encode()
    row = result(content, dialect("ami")).rows()[1]
    assert (row["uniqueid"], row["state"]) == ("1795402000.1", 5)


def test_an_event_without_time_is_a_reject_unless_its_arrival_is_known() -> None:
    timeless = b"Event: Newstate\r\nUniqueid: 1795402000.1\r\n\r\n"
    found = result(BANNER + timeless, dialect("ami"))
    assert [(r.line, r.reason) for r in found.rejects] == [(2, "no Timestamp")]
    known = context()
    known.arrival = {len(BANNER): 1795401964_000005}.get
    assert _kinds(BANNER + timeless, known) == [
        (1, "connected", "04"),
        (1, "Newstate", "04"),
        (1, "disconnected", "04"),
    ]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (b"\x00", "holds a NUL byte"),
        (b"\xff", "not UTF-8 text"),
        (b"x" * (3 * MAX_RECORD_BYTES), "too long for an AMI event"),
    ],
)
def test_a_damaged_event_is_one_reject_and_the_rest_loads(spoil: bytes, reason: str) -> None:
    bad = _event(2)[:-2] + b"Context: " + spoil + b"\r\n\r\n"
    for size in (1 << 23, 100_000):
        found = result(
            BANNER + _event(1) + bad + _event(3) + BANNER + _event(4), dialect("ami"), block_bytes=size
        )
        assert [(r.line, r.reason) for r in found.rejects] == [(3, reason)]
        assert found.events["kind"].to_pylist() == [
            "connected", "Newstate", "Newstate", "disconnected", "connected", "Newstate", "disconnected",
        ]  # fmt: skip


def test_a_connection_that_ends_in_a_block_without_end_is_found() -> None:
    content = BANNER + _event(1) + _event(2)[:-2] + b"Context: " + b"x" * (3 * MAX_RECORD_BYTES)
    for size in (1 << 23, 99_991):
        found = result(content + BANNER + _event(4), dialect("ami"), block_bytes=size)
        assert [r.reason for r in found.rejects] == ["too long for an AMI event"]
        assert found.events["connection"].to_pylist()[-3:] == [2, 2, 2]


def test_offsets_tell_how_far_the_stream_is_read() -> None:
    ends = [r.end for r in read(io.BytesIO(RAW), dialect("ami"), context(), block_bytes=1000)]
    assert ends == sorted(ends)
    assert ends[-1] == len(RAW)
