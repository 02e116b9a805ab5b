"""Whatever is wrong with one line costs that line and no other, and is told."""

import io
from collections.abc import Callable

import pytest

from ingest.reader import BLOCK_BYTES, MAX_RECORD_BYTES, identify, read
from tests.ingest.reading import SAMPLES, context, dialect, lines_of, result

LINE_SAMPLES = {
    "cdr_csv": "cdr_csv/18_columns.csv",
    "cdr_custom": "cdr_custom/Master.csv",
    "cdr_json": "cdr_json/full.json",
    "cel_csv": "cel_csv/20_columns.csv",
    "cel_json": "cel_json/full.json",
    "queue_log": "queue_log/queue_log",
}
CSV = ("cdr_csv", "cdr_custom", "cel_csv")
LONG = b"x" * (10 << 20)


def _first(kind: str) -> list[bytes]:
    return list(lines_of(LINE_SAMPLES[kind]))[:8]


@pytest.mark.parametrize("kind", LINE_SAMPLES)
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(lambda line: b"\xc4" + line, "not UTF-8 text", id="undecodable"),
        pytest.param(lambda line: line[:9] + b"\x00" + line[9:], "holds a NUL byte", id="NUL"),
        pytest.param(lambda line: LONG + b"\n", "longer than 1,048,576 bytes", id="10 MB"),
        pytest.param(lambda line: b"\x00" * 300 + b"\n", "holds a NUL byte", id="run of NUL"),
    ],
)
def test_a_damaged_line_is_one_reject_and_the_rest_loads(
    kind: str, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    lines = _first(kind)
    good = result(b"".join(lines[:3] + lines[4:]), dialect(kind))
    found = result(b"".join([*lines[:3], spoil(lines[3]), *lines[4:]]), dialect(kind))
    assert [(r.path, r.line, r.reason) for r in found.rejects] == [("file", 4, reason)]
    assert found.events["line_key"].equals(good.events["line_key"])
    assert found.events.drop_columns(["line"]).equals(good.events.drop_columns(["line"]))
    assert len(found.rejects[0].text) <= 2000


@pytest.mark.parametrize("kind", CSV)
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(lambda line: b'"' + line, "quotes do not match", id="opened twice"),
        pytest.param(lambda line: line[:-1] + b'"\n', "quotes do not match", id="never closed"),
        pytest.param(
            lambda line: line.replace(b'","', b'"x,"', 1), "quotes do not match", id="after a quote"
        ),
        pytest.param(
            lambda line: line[:-1] + b',"more"\n',
            "columns that fit no layout; this file has ",
            id="a column more",
        ),
        pytest.param(lambda line: line[: len(line) // 2] + b"\n", "", id="torn in the middle"),
    ],
)
def test_a_line_that_is_no_record_is_one_reject(
    kind: str, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    lines = _first(kind)
    found = result(b"".join([*lines[:3], spoil(lines[3]), *lines[4:]]), dialect(kind))
    assert [r.line for r in found.rejects] == [4]
    assert reason in found.rejects[0].reason
    assert found.kept + sum(found.ignored.values()) == 7


@pytest.mark.parametrize("kind", LINE_SAMPLES)
def test_a_cut_last_line_is_a_reject_unless_the_file_still_grows(kind: str) -> None:
    lines = _first(kind)
    cut = b"".join(lines) + lines[0][:-9]
    whole = result(cut, dialect(kind))
    growing = result(cut, dialect(kind), complete=False)
    assert [(r.line, r.reason) for r in whole.rejects] == [(9, "cut off: the line does not end")]
    assert growing.rejects == ()
    assert growing.events.equals(whole.events)
    assert (whole.read, growing.read) == (9, 8)


def test_an_ami_event_of_the_year_1_is_one_reject() -> None:
    block = b"Event: Hangup\r\nTimestamp: %s\r\nUniqueid: 1795402047.1\r\n\r\n"
    content = block % b"0001-01-01T00:00:00+0200" + block % b"1795402047.5"
    found = result(content, dialect("ami"))
    assert [r.reason for r in found.rejects] == ["impossible date in Timestamp"]
    assert found.kept == 1


@pytest.mark.parametrize("kind", LINE_SAMPLES)
def test_the_same_lines_copied_by_windows_have_the_same_keys(kind: str) -> None:
    lines = _first(kind)
    lines += lines[:2]  # repeats have keys of their own, whoever copied them
    plain = result(b"".join(lines), dialect(kind))
    copied = b"\xef\xbb\xbf" + b"".join(lines).replace(b"\n", b"\r\n")
    for block_bytes in (977, 8 << 20):
        assert result(copied, dialect(kind), block_bytes=block_bytes).events.equals(plain.events)
    assert identify(copied, path="copy").name == kind


@pytest.mark.parametrize("kind", LINE_SAMPLES)
def test_blank_lines_are_ignored_and_windows_line_ends_do_no_harm(kind: str) -> None:
    lines = _first(kind)
    plain = result(b"".join(lines), dialect(kind))
    windows = result(b"\r\n".join(line[:-1] for line in lines) + b"\r\n\n  \n", dialect(kind))
    assert windows.ignored.get("blank line") == 2
    assert windows.rejects == ()
    assert windows.events.equals(plain.events)


@pytest.mark.parametrize(
    ("kind", "old", "new", "reason"),
    [
        ("cdr_csv", b'"2026-11-23 04:47:32",,', b'"2026-02-30 04:47:32",,', "impossible date in start"),
        ("cdr_csv", b'"2026-11-23 04:47:32",,', b'"0026-11-23 04:47:32",,', "impossible date in start"),
        ("cdr_csv", b'"2026-11-23 04:47:32",,', b'"0001-01-01 00:00:00",,', "impossible date in start"),
        ("cdr_csv", b'"2026-11-23 04:47:32",,', b'"9999-12-31T23:59:59-0500",,', "impossible date in start"),
        ("cdr_csv", b'"2026-11-23 04:47:32",,', b'"",,', "no start time"),
        ("cdr_csv", b'"2026-11-23 04:47:32",,', b'"2026-11-23 04:47:32",soon,', "impossible date in answer"),
        ("cdr_csv", b'",0,0,"', b'",-1,0,"', "impossible number in duration"),
        ("cdr_csv", b'",0,0,"', b'",0,0x1F,"', "impossible number in billsec"),
        ("cdr_custom", b'"",16,"', b'"",sixteen,"', "impossible number in sequence"),
        ("cdr_json", b'"start":1795402052', b'"start":99999999999', "impossible date in start"),
        ("cdr_json", b'"start":', b'"start":"0001-01-01T00:00:00+0200","-":', "impossible date in start"),
        ("cdr_json", b'{"', rb'{ "-": "\ud800", "', "not UTF-8 text"),
        ("cdr_json", b'{"', rb'{ "-": "2\u0000", "', "holds a NUL byte"),
        ("cel_csv", b'"1795402047.150393"', b'"yesterday"', "impossible date in eventtime"),
        ("cel_csv", b'""dialstatus"":""', rb'""dialstatus"":""\ud800', "not UTF-8 text"),
        ("cel_json", b'"1795402047.150393"', b'"2026-13-01 00:00:00"', "impossible date in eventtime"),
        ("queue_log", b"1795402040|", b"17954020400000000|", "impossible date in time"),
        ("queue_log", b"|CONNECT|4|", b"|CONNECT|long|", "impossible number in hold time"),
    ],
)
def test_an_impossible_value_is_a_reject_of_its_line(kind: str, old: bytes, new: bytes, reason: str) -> None:
    whole = (SAMPLES / LINE_SAMPLES[kind]).read_bytes()
    assert old in whole
    before, after = result(whole, dialect(kind)), result(whole.replace(old, new, 1), dialect(kind))
    assert [r.reason for r in after.rejects] == [reason]
    assert after.kept == before.kept - 1
    assert sorted(after.ignored.items()) == sorted(before.ignored.items())


@pytest.mark.parametrize("kind", LINE_SAMPLES)
def test_blocks_may_be_of_any_size(kind: str) -> None:
    content = (SAMPLES / LINE_SAMPLES[kind]).read_bytes() + LONG[:2_000_000] + b"\n" + b"no record\n" + b"cut"
    whole = result(content, dialect(kind))
    for block_bytes in (977, 100_000, MAX_RECORD_BYTES):
        parts = result(content, dialect(kind), block_bytes=block_bytes)
        assert parts.events.equals(whole.events)
        assert parts.rejects == whole.rejects
    assert len(whole.rejects) == 3


def test_memory_stays_bounded_when_a_line_never_ends() -> None:
    class Endless(io.RawIOBase):
        """Gives `x`, 64 MiB of it."""

        left = 64 << 20

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
            size = min(len(buffer), self.left)
            buffer[:size] = b"x" * size
            self.left -= size
            return size

    readings = list(read(io.BufferedReader(Endless()), dialect("queue_log"), context()))
    assert [r.reason for reading in readings for r in reading.rejects] == ["longer than 1,048,576 bytes"]
    assert sum(r.read for r in readings) == 1
    assert BLOCK_BYTES <= 32 << 20


def test_rejects_hide_numbers_and_names() -> None:
    lines = _first("cel_csv")
    spoiled = lines[0][:-1] + b',"J\xc4\x81nis B\xc4\x93rzi\xc5\x86\xc5\xa1 <28404019>"\n'
    found = result(b"".join([*lines, spoiled]), dialect("cel_csv"))
    assert len(found.rejects) == 1
    for secret in ("65257993", "28404019", "Bērziņš"):
        assert secret not in found.rejects[0].text
    assert "CHAN_START" in found.rejects[0].text


def test_a_voicemail_file_that_is_damaged_is_one_reject() -> None:
    whole = (SAMPLES / "voicemail/hotline/8000/INBOX/msg0000.txt").read_bytes()
    kind = dialect("voicemail")
    for spoiled, reason in [
        (whole.replace(b"origtime=1795402051", b"origtime=never"), "impossible date in origtime"),
        (whole.replace(b"duration=5", b"duration=long"), "impossible number in duration"),
        (whole.replace(b"duration=5", b""), "no duration"),
        (whole + b"\x00", "holds a NUL byte"),
        (whole + b"\xff", "not UTF-8 text"),
        (whole + LONG, "longer than 1,048,576 bytes"),
    ]:
        assert spoiled != whole
        found = result(spoiled, kind)
        assert [(r.line, r.reason) for r in found.rejects] == [(1, reason)]
        assert found.events.num_rows == 0
